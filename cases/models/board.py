"""What residents read and say besides reports: news, help, suggestions, questionnaires."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from geo.words import in_language


class PublicText(models.Model):
    """A notice (公告), a piece of news (动态) or an answer of the help (帮助), shown from day to day."""

    class Kind(models.TextChoices):
        NOTICE = "notice", _("Notice")
        NEWS = "news", pgettext_lazy("kind of text", "News")
        HELP = "help", _("Help")

    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=100)
    title_en = models.CharField(_("English title"), max_length=150, blank=True)
    body = models.TextField(_("text"), max_length=5000)
    body_en = models.TextField(_("English text"), max_length=8000, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    shown_from = models.DateField(_("shown from"), default=timezone.localdate)
    shown_to = models.DateField(_("shown until (not included)"), null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("text for residents")
        verbose_name_plural = _("texts for residents")
        ordering = ["kind", "position", "-shown_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(shown_to=None) | Q(shown_to__gt=F("shown_from")), name="cases_publictext_days"
            )
        ]
        indexes = [models.Index(fields=["kind", "-shown_from"], name="cases_publictext_kind")]

    def __str__(self):
        return in_language(self.title, self.title_en)

    @property
    def words(self) -> str:
        return in_language(self.body, self.body_en)

    @staticmethod
    def shown(day=None) -> Q:
        """The condition that a text is shown on a day; today when none is named."""
        day = day or timezone.localdate()
        return Q(shown_from__lte=day) & (Q(shown_to=None) | Q(shown_to__gt=day))


class Suggestion(models.Model):
    """A suggestion (意见建议) and its reply. Others read it once somebody let it be public."""

    class State(models.TextChoices):
        NEW = "new", _("To be answered")
        ANSWERED = "answered", _("Answered")
        SPAM = "spam", _("Not for us")

    number = models.CharField(_("number"), max_length=24, unique=True)
    client_key = models.UUIDField(unique=True)
    secret_hash = models.CharField(max_length=64)
    title = models.CharField(_("subject"), max_length=100)
    text = models.TextField(_("suggestion"), max_length=2000)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    public = models.BooleanField(_("public"), default=False)
    at = models.DateTimeField(auto_now_add=True)
    reply = models.TextField(_("reply"), max_length=2000, blank=True)
    replied_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    replied_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("suggestion")
        verbose_name_plural = _("suggestions")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "-id"], name="cases_suggestion_state"),
            models.Index(fields=["-id"], name="cases_suggestion_public", condition=Q(public=True)),
        ]

    def __str__(self):
        return self.title


class Questionnaire(models.Model):
    """A questionnaire (问卷), anonymous: nothing is kept that says who filled it in."""

    title = models.CharField(_("title"), max_length=100)
    title_en = models.CharField(_("English title"), max_length=150, blank=True)
    intro = models.TextField(_("introduction"), max_length=1000, blank=True)
    intro_en = models.TextField(_("English introduction"), max_length=1500, blank=True)
    opens_on = models.DateField(_("opens on"), default=timezone.localdate)
    closes_on = models.DateField(_("closes on (not included)"))
    published = models.BooleanField(_("published"), default=False)
    shows_results = models.BooleanField(_("totals are public after it closed"), default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("questionnaire")
        verbose_name_plural = _("questionnaires")
        ordering = ["-opens_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(closes_on__gt=F("opens_on")), name="cases_questionnaire_days")
        ]

    def __str__(self):
        return in_language(self.title, self.title_en)

    @property
    def words(self) -> str:
        return in_language(self.intro, self.intro_en)

    @property
    def is_open(self) -> bool:
        return self.published and self.opens_on <= timezone.localdate() < self.closes_on

    @property
    def is_over(self) -> bool:
        return timezone.localdate() >= self.closes_on


class QuestionnaireItem(models.Model):
    """One question of a questionnaire; ``options`` for single and multiple choice."""

    class Kind(models.TextChoices):
        SINGLE = "single", _("One choice")
        MULTIPLE = "multiple", _("Several choices")
        TEXT = "text", _("Own words")

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    text = models.CharField(_("question"), max_length=200)
    text_en = models.CharField(_("question in English"), max_length=300, blank=True)
    options = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    options_en = ArrayField(models.CharField(max_length=150), default=list, blank=True)
    needed = models.BooleanField(_("must be answered"), default=True)

    class Meta:
        verbose_name = _("question of a questionnaire")
        verbose_name_plural = _("questions of questionnaires")
        ordering = ["position", "id"]

    def __str__(self):
        return in_language(self.text, self.text_en)

    @property
    def choices(self) -> list[str]:
        """The options in the reader's language."""
        english = self.options_en if len(self.options_en) == len(self.options) else self.options
        return [in_language(one, other) for one, other in zip(self.options, english, strict=True)]


class QuestionnaireSheet(models.Model):
    """One filled-in questionnaire; only the day is kept, and the client's key against doubles."""

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="sheets")
    client_key = models.UUIDField(unique=True)
    day = models.DateField(default=timezone.localdate)

    class Meta:
        verbose_name = _("filled-in questionnaire")
        verbose_name_plural = _("filled-in questionnaires")

    def __str__(self):
        return str(self.pk)


class QuestionnaireAnswer(models.Model):
    """An option that was chosen (its place in ``options``), or words."""

    sheet = models.ForeignKey(QuestionnaireSheet, models.CASCADE, related_name="answers")
    item = models.ForeignKey(QuestionnaireItem, models.CASCADE, related_name="answers", db_index=False)
    option = models.PositiveSmallIntegerField(null=True)
    words = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("answer to a questionnaire")
        verbose_name_plural = _("answers to questionnaires")
        indexes = [models.Index(fields=["item", "option"], name="cases_answer_option")]

    def __str__(self):
        return f"{self.sheet_id} {self.item_id}"
