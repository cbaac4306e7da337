"""What staff do for the residents' pages, below ``/public-desk/``."""

from django.utils.translation import gettext_lazy as _

from geo import audit

EDIT, BLOCK = "cases.edit_public", "cases.block_public"

audit.ACTIONS |= {
    "public.text": _("Changed a text for residents"),
    "public.topic": _("Changed a kind of problem"),
    "public.suggestion": _("Answered a suggestion"),
    "public.questionnaire": _("Changed a questionnaire"),
    "public.question": _("Asked a resident"),
    "public.block": _("Blocked a contact"),
    "public.unblock": _("Ended a block"),
    "public.appeal": _("Answered an appeal"),
    "public.plates": _("Printed QR plates"),
}
