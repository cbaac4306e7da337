"""What the residents' pages keep: who may come back to a report, what was asked, limits against abuse.

Nobody has an account here. A report is reached by its number and a short secret, of which only a keyed hash
is kept; a phone number or address is kept only where somebody asked to be told, and until it has served.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.words import in_language


class PublicTopic(models.Model):
    """A problem in residents' words (问题分类), and the type that it is filed as."""

    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    hint = models.CharField(_("for example"), max_length=120, blank=True)
    hint_en = models.CharField(_("for example, in English"), max_length=160, blank=True)
    icon = models.CharField(_("picture"), max_length=20, default="bang")
    # None: whoever accepts the report chooses.
    type = models.ForeignKey(
        "assets.ItemType", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("type")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("kind of problem")
        verbose_name_plural = _("kinds of problems")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["name"], name="cases_publictopic_once")]

    def __str__(self):
        return in_language(self.name, self.name_en)

    @property
    def example(self) -> str:
        return in_language(self.hint, self.hint_en)


class PublicReport(models.Model):
    """One resident's way back to a case: the first report, or one who saw the same ("me too").

    ``secret_hash`` is keyed with the server's secret and bound to the number. ``contact_hash`` is of the
    phone number that was given, keyed likewise: it serves blocks, and nobody is searched by it.
    """

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="public_reports")
    # The line of the log that this resident added; none for who reported first.
    line = models.OneToOneField("cases.Transition", models.PROTECT, null=True, related_name="public_report")
    client_key = models.UUIDField(unique=True)
    secret_hash = models.CharField(max_length=64)
    contact_hash = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("report of a resident")
        verbose_name_plural = _("reports of residents")
        constraints = [
            models.UniqueConstraint(fields=["case", "secret_hash"], name="cases_publicreport_secret")
        ]
        indexes = [
            models.Index(
                fields=["contact_hash"], name="cases_publicreport_contact", condition=~Q(contact_hash="")
            )
        ]

    def __str__(self):
        return str(self.case_id)

    @property
    def since(self):
        """When this resident reported it."""
        return self.at if self.line_id else self.case.reported_at


class PublicContact(models.Model):
    """Where a resident asked to be told of a report. Deleted once the case has ended and that was told.

    A table of its own that no list, export, tile or event reads; ``confirmed_at`` is when the code that was
    sent there came back, and nothing else is sent before.
    """

    class Channel(models.TextChoices):
        SMS = "sms", _("Text message")
        MAIL = "mail", _("E-mail")

    report = models.OneToOneField(PublicReport, models.CASCADE, related_name="contact")
    channel = models.CharField(max_length=4, choices=Channel.choices)
    address = models.CharField(max_length=120)
    language = models.CharField(max_length=10, default="zh-hans")
    confirmed_at = models.DateTimeField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("wish to be told")
        verbose_name_plural = _("wishes to be told")

    def __str__(self):
        return str(self.report_id)


class PublicCode(models.Model):
    """A code that was sent to a phone or a mailbox, to prove that it is the sender's. Lives ten minutes."""

    address_hash = models.CharField(max_length=64, unique=True)
    code_hash = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("code sent")
        verbose_name_plural = _("codes sent")

    def __str__(self):
        return str(self.pk)


class PublicCount(models.Model):
    """How often something was done from one address or for one number since ``since``; see public.limits."""

    what = models.CharField(max_length=24)
    key = models.CharField(max_length=64)
    since = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("count of uses")
        verbose_name_plural = _("counts of uses")
        constraints = [
            models.UniqueConstraint(fields=["what", "key", "since"], name="cases_publiccount_once")
        ]
        indexes = [models.Index(fields=["since"], name="cases_publiccount_since")]

    def __str__(self):
        return f"{self.what} {self.count}"


class PublicBlock(models.Model):
    """A contact that may not report for a while, because the form was abused (domain reference, section 10).

    By the hash of a phone number alone, with a reason, an end, and the words of who appeals.
    """

    class Reason(models.TextChoices):
        SPAM = "spam", _("Advertising or mass sending")
        FALSE = "false", _("Invented reports, again and again")
        ABUSE = "abuse", _("Insults or threats in the text")

    contact_hash = models.CharField(max_length=64, db_index=True)
    # Where it was seen; never shown beside a name.
    case = models.ForeignKey("cases.Case", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=8, choices=Reason.choices)
    note = models.CharField(_("what happened"), max_length=300)
    expires_at = models.DateTimeField(_("until"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    appeal = models.CharField(_("appeal"), max_length=1000, blank=True)
    appealed_at = models.DateTimeField(null=True)
    answer = models.CharField(_("answer to the appeal"), max_length=500, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("blocked contact")
        verbose_name_plural = _("blocked contacts")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="cases_publicblock_ends_later"
            )
        ]

    def __str__(self):
        return f"{self.pk} {self.reason}"


class PublicQuestion(models.Model):
    """The desk asks whoever reported, who answers on the tracking page. One open question at a time."""

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="public_questions")
    report = models.ForeignKey(PublicReport, models.PROTECT, related_name="questions")
    text = models.CharField(_("question"), max_length=300)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("question to a resident")
        verbose_name_plural = _("questions to residents")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["report"], condition=Q(answered_at=None), name="cases_publicquestion_one_open"
            )
        ]
        indexes = [models.Index(fields=["case", "id"], name="cases_publicquestion_case")]

    def __str__(self):
        return f"{self.case_id} {self.pk}"
