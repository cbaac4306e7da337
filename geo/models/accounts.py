"""Users, organisations, roles, and what they are granted."""

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from geo.scopes import Scope, ScopedQuerySet, ScopeSpec, scope_of
from geo.words import in_language


class Organisation(models.Model):
    """A unit (单位): command centre, department, street office, community, company.

    ``code`` is the unified social credit code (18) where there is one. ``path`` lists the ids from the root
    to this row ("/1/5/9/") and is kept by ``save``, so that "this unit and all below it" is a prefix.
    """

    class Kind(models.TextChoices):
        CENTRE = "centre", _("Command centre")
        DEPARTMENT = "department", _("Department")
        STREET = "street", _("Street office")
        COMMUNITY = "community", _("Community")
        COMPANY = "company", _("Company")

    code = models.CharField(_("code"), max_length=18, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    path = models.CharField(max_length=200, editable=False, db_index=True, default="")
    area_code = models.CharField(_("area"), max_length=12, blank=True, db_index=True)
    phone = models.CharField(_("duty phone"), max_length=30, blank=True)
    active = models.BooleanField(_("active"), default=True)

    scope = ScopeSpec(permission="geo.view", area="area_code", units=("id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["path"]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        path = f"{self.parent.path if self.parent_id else '/'}{self.pk}/"
        if path != self.path:
            old, self.path = self.path, path
            type(self).objects.filter(pk=self.pk).update(path=path)
            if old:
                for child in type(self).objects.filter(parent=self):
                    child.save()


class Role(models.Model):
    """A named set of permissions, written "app.verb" (``cases.dispatch``).

    ``administrator`` marks the three administrators, whose rights never meet in one user.
    """

    class Administrator(models.TextChoices):
        NONE = "", _("No")
        SYSTEM = "system", _("System administrator")
        SECURITY = "security", _("Security administrator")
        AUDIT = "audit", _("Audit administrator")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    permissions = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    administrator = models.CharField(
        _("administrator"), max_length=10, choices=Administrator.choices, default="", blank=True
    )

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["code"]

    def __str__(self):
        return in_language(self.name, self.name_en)


class User(AbstractUser):
    """An account. Its rights are its grants; ``is_superuser`` opens no row of the city's data."""

    name = models.CharField(_("name"), max_length=60, blank=True)
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="users",
        verbose_name=_("organisation"),
    )
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    must_change_password = models.BooleanField(_("must change password"), default=False)
    failed_logins = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self):
        return self.name or self.username

    def set_password(self, raw_password):
        former = self.password
        super().set_password(raw_password)
        if self.pk is not None and is_password_usable(former):
            self._former = former

    def save(self, *args, **kwargs):
        # A stronger hash of the same password is written without notice, and is no new password.
        former = self.__dict__.pop("_former", "") if self._password is not None else ""
        super().save(*args, **kwargs)
        if former:
            FormerPassword.keep(self, former)

    @cached_property
    def scope(self) -> Scope:
        """What this user may do, and where. Read once per request."""
        return scope_of(self)

    def can(self, permission: str) -> bool:
        """Whether any grant gives this permission, anywhere."""
        return self.is_active and permission in self.scope.permissions


class FormerPassword(models.Model):
    """The hash of a password that an account had; see ``geo.passwords.NotUsedBefore``."""

    user = models.ForeignKey(User, models.CASCADE, related_name="former_passwords")
    password = models.CharField(max_length=128)

    class Meta:
        verbose_name = _("former password")
        verbose_name_plural = _("former passwords")

    def __str__(self):
        return f"{self._meta.verbose_name} {self.pk}"

    @classmethod
    def keep(cls, user: User, password: str) -> None:
        """Keep one more, and no more than are looked at."""
        cls.objects.create(user=user, password=password)
        kept = cls.objects.filter(user=user).order_by("-id")[: settings.PASSWORD_HISTORY]
        cls.objects.filter(user=user).exclude(pk__in=kept.values("pk")).delete()


class Grant(models.Model):
    """A role given to a user: over an area, over a unit, or (neither) over own rows and grids on duty."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants", verbose_name=_("user"))
    role = models.ForeignKey(Role, models.PROTECT, related_name="grants", verbose_name=_("role"))
    area_code = models.CharField(_("area"), max_length=12, blank=True)
    unit = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, verbose_name=_("unit"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "area_code", "unit"], nulls_distinct=False, name="geo_grant_once"
            ),
            models.CheckConstraint(
                condition=models.Q(area_code="") | models.Q(unit=None), name="geo_grant_area_or_unit"
            ),
        ]

    def __str__(self):
        return f"{self.user}: {self.role} {self.area_code or self.unit or ''}".strip()
