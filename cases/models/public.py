"""What staff released for the public about a case."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PublicWords(models.Model):
    """Words about a case that a named member of staff has read and released; all may be empty.

    What a reporter typed may name people, so that none of it is public by itself: ``description`` and
    ``address`` are what staff made of it, ``reply`` is what the city says about the matter.
    """

    case = models.OneToOneField("cases.Case", models.CASCADE, primary_key=True, related_name="public_words")
    description = models.TextField(_("description"), max_length=1000, blank=True)
    address = models.CharField(_("place in words"), max_length=200, blank=True)
    reply = models.TextField(_("reply"), max_length=500, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    released_at = models.DateTimeField(_("released at"))

    class Meta:
        verbose_name = _("released words")
        verbose_name_plural = _("released words")

    def __str__(self):
        return str(self.case_id)
