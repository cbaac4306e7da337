"""Telling people by channel: in Wangge, by SMS, by mail; templates, preferences, outbox and log.

``send`` goes to one address or person on one channel, ``notify`` to a person on the channels that the person
wants. Both only write rows in the caller's transaction; a job delivers after the commit, so that no web
worker waits on a gateway and nothing is sent for what was rolled back. Delivery is at least once, under
one id.
"""

from geo.notifications.addresses import masked
from geo.notifications.kinds import Kind, Placeholder, kinds, register
from geo.notifications.sending import Wanted, deliver, notify, notify_all, retry, send, send_all, wishes

__all__ = [
    "Kind",
    "Placeholder",
    "Wanted",
    "deliver",
    "kinds",
    "masked",
    "notify",
    "notify_all",
    "register",
    "retry",
    "send",
    "send_all",
    "wishes",
]
