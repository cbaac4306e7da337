"""The ground's tables, by subject."""

from geo.models.accounts import FormerPassword, Grant, Organisation, Role, User
from geo.models.areas import Area, Labelled, Mapped
from geo.models.files import Attachment
from geo.models.notifications import (
    Channel,
    Message,
    NotificationPreference,
    NotificationTemplate,
    UnitSubscription,
)
from geo.models.outputs import Notice, Output
from geo.models.records import (
    AuditEntry,
    Dictionary,
    DictionaryItem,
    Event,
    IdempotencyKey,
    NumberSequence,
)
from geo.models.tallies import Tally, TallyDelta
from geo.models.time import CalendarDay, OfficeHours
from geo.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "Area",
    "Attachment",
    "AuditEntry",
    "CalendarDay",
    "Channel",
    "Dictionary",
    "DictionaryItem",
    "Event",
    "FormerPassword",
    "Grant",
    "IdempotencyKey",
    "Labelled",
    "Mapped",
    "Message",
    "Notice",
    "NotificationPreference",
    "NotificationTemplate",
    "NumberSequence",
    "OfficeHours",
    "Organisation",
    "Output",
    "Role",
    "Tally",
    "TallyDelta",
    "UnitSubscription",
    "User",
    "Webhook",
    "WebhookDelivery",
]
