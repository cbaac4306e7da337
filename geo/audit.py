"""The audit log: written here and nowhere else."""

from django.utils.translation import gettext_lazy as _

from geo.models import AuditEntry

# Words for actions; apps above add theirs. An action without words is shown by its code.
ACTIONS = {
    "login": _("Logged in"),
    "logout": _("Logged out"),
    "session.idle": _("Was logged out, doing nothing"),
    "login.failed": _("Failed to log in"),
    "password.change": _("Changed the password"),
    "user.create": _("Created a user"),
    "user.change": _("Changed a user"),
    "user.reset_password": _("Reset a password"),
    "user.unlock": _("Unlocked a user"),
    "organisation.create": _("Created a unit"),
    "organisation.change": _("Changed a unit"),
    "grant.give": _("Granted a role"),
    "grant.revoke": _("Revoked a role"),
    "role.create": _("Created a role"),
    "role.change": _("Changed a role"),
    "audit.export": _("Exported the audit log"),
    "area.import": _("Imported areas"),
    "attachment.original": _("Opened an original photo"),
    "attachment.pass": _("Let a photo be public"),
    "attachment.refuse": _("Kept a photo from the public"),
    "dictionary.add": _("Added a word"),
    "dictionary.change": _("Changed a word"),
    "calendar.add": _("Added a calendar day"),
    "calendar.delete_day": _("Deleted a calendar day"),
    "calendar.delete_hours": _("Deleted office hours"),
    "office_hours.add": _("Added office hours"),
}


def log(
    actor, action: str, obj=None, *, reason: str = "", area_code: str = "", ip: str | None = None, **detail
):
    """Write that ``actor`` did ``action`` ("resident.reveal") to ``obj``. Inside the caller's transaction."""
    return AuditEntry.objects.create(
        actor=actor if actor is not None and actor.is_authenticated else None,
        action=action,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        area_code=area_code,
        reason=reason,
        detail=detail,
        ip=ip,
    )
