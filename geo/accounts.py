"""Verbs on accounts. Three administrators share them, and none can do another's part.

The system administrator keeps users, organisations and settings; the security administrator grants roles
and unlocks; the audit administrator reads the log. Nobody holds two of these offices, nobody grants to
himself, and nobody sets another administrator's password here: that is done at the server
(``manage.py changepassword``).
"""

from axes.utils import reset as unlock_attempts
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from geo import audit, passwords
from geo.models import Area, Grant, Organisation, Role, User
from geo.problems import Problem

MANAGE_ACCOUNTS, MANAGE_SETTINGS = "geo.manage_accounts", "geo.manage_settings"
GRANT_ROLES, UNLOCK, READ_AUDIT = "geo.grant_roles", "geo.unlock_accounts", "geo.read_audit"
# What belongs to each office, and to no other role.
OFFICES = {
    Role.Administrator.SYSTEM: {MANAGE_ACCOUNTS, MANAGE_SETTINGS},
    Role.Administrator.SECURITY: {GRANT_ROLES, UNLOCK},
    Role.Administrator.AUDIT: {READ_AUDIT},
}
_USER_FIELDS = ("username", "name", "organisation", "phone", "email", "language", "is_active")


def need(actor, permission: str) -> None:
    """Refuse whoever lacks a permission."""
    if not actor.is_authenticated or not actor.can(permission):
        raise Problem(_("You may not do this."), status=403, kind="forbidden")


def holders(permission: str):
    """The active users who have a permission today, anywhere."""
    today = timezone.localdate()
    grants = Grant.objects.filter(Q(valid_to=None) | Q(valid_to__gt=today))
    grants = grants.filter(role__permissions__contains=[permission])
    return User.objects.filter(is_active=True, pk__in=grants.order_by().values("user"))


def offices(user) -> set[str]:
    """The administrator's offices a user holds or was granted for later."""
    return set(
        Grant.objects.filter(user=user)
        .exclude(role__administrator="")
        .values_list("role__administrator", flat=True)
    )


def _changes(before: dict, after: dict) -> dict:
    return {key: [before[key], after[key]] for key in after if before.get(key) != after[key]}


def _values(user: User) -> dict:
    return {
        field: str(getattr(user, field)) if getattr(user, field) is not None else "" for field in _USER_FIELDS
    }


@transaction.atomic
def save_user(actor, user: User, *, ip: str | None = None) -> str:
    """Create or change an account; returns the temporary password of a new one, else "".

    Rights are not given here: a new account can do nothing until the security administrator grants a role.
    """
    need(actor, MANAGE_ACCOUNTS)
    if user.pk is None:
        password = passwords.temporary()
        user.is_superuser = user.is_staff = False
        user.must_change_password = True
        user.set_password(password)
        user.save()
        audit.log(actor, "user.create", user, ip=ip, **_values(user))
        return password
    before = User.objects.select_for_update().get(pk=user.pk)
    if user.pk == actor.pk and not user.is_active:
        raise Problem(_("You cannot switch off your own account."))
    changes = _changes(_values(before), _values(user))
    user.save(update_fields=[*_USER_FIELDS])
    if changes:
        audit.log(actor, "user.change", user, ip=ip, changes=changes)
    return ""


@transaction.atomic
def reset_password(actor, user: User, *, ip: str | None = None) -> str:
    """Give an account a temporary password, which ends its sessions; returns it, to be told once."""
    need(actor, MANAGE_ACCOUNTS)
    if offices(user) and user.pk != actor.pk:
        raise Problem(
            _("An administrator's password is set at the server, so that nobody takes over another office."),
            status=403,
            kind="forbidden",
        )
    password = passwords.temporary()
    validate_password(password, user)
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    audit.log(actor, "user.reset_password", user, ip=ip)
    return password


@transaction.atomic
def unlock(actor, user: User, *, ip: str | None = None) -> None:
    """Let a locked account try again at once."""
    need(actor, UNLOCK)
    unlock_attempts(username=user.username)
    audit.log(actor, "user.unlock", user, ip=ip)


@transaction.atomic
def save_organisation(actor, organisation: Organisation, *, ip: str | None = None) -> None:
    """Create or change a unit; its place in the tree may not be below itself."""
    need(actor, MANAGE_ACCOUNTS)
    is_new = organisation.pk is None
    parent = organisation.parent
    if not is_new and parent is not None and f"/{organisation.pk}/" in parent.path:
        raise Problem(
            _("A unit cannot lie below itself."), errors=[{"field": "parent", "detail": str(parent)}]
        )
    _known_area(organisation.area_code)
    organisation.save()
    audit.log(
        actor,
        "organisation.create" if is_new else "organisation.change",
        organisation,
        area_code=organisation.area_code,
        ip=ip,
        name=organisation.name,
        parent=organisation.parent_id,
        active=organisation.active,
    )


@transaction.atomic
def grant(
    actor, user: User, role: Role, *, area_code="", unit=None, valid_to=None, reason="", ip=None
) -> Grant:
    """Give a user a role over an area, over a unit, or (neither) over own rows and grids on duty."""
    need(actor, GRANT_ROLES)
    if user.pk == actor.pk:
        raise Problem(_("Nobody grants a role to himself; ask another security administrator."), status=403)
    if area_code and unit is not None:
        raise Problem(_("A role is granted over an area or over a unit, not both."))
    _known_area(area_code)
    # The lock keeps two grants at once from bringing two offices together.
    User.objects.select_for_update().get(pk=user.pk)
    held = offices(user)
    if role.administrator and held - {role.administrator}:
        raise Problem(_("%(user)s holds another administrator's office already.") % {"user": user})
    if role.administrator and (area_code or unit is not None):
        raise Problem(_("An administrator's office is granted without area or unit."))
    made, is_new = Grant.objects.get_or_create(
        user=user, role=role, area_code=area_code, unit=unit, defaults={"valid_to": valid_to}
    )
    if not is_new and made.valid_to == valid_to:
        raise Problem(_("%(user)s has this role already.") % {"user": user})
    made.valid_to = valid_to
    made.save(update_fields=["valid_to"])
    audit.log(
        actor,
        "grant.give",
        user,
        reason=reason,
        area_code=area_code,
        ip=ip,
        role=role.code,
        unit=unit.pk if unit else None,
        valid_to=valid_to.isoformat() if valid_to else None,
    )
    return made


@transaction.atomic
def revoke(actor, given: Grant, *, reason="", ip: str | None = None) -> None:
    """Take a role away. The last security administrator stays, or nobody could ever grant again."""
    need(actor, GRANT_ROLES)
    if given.user_id == actor.pk:
        raise Problem(_("Nobody takes a role from himself; ask another security administrator."), status=403)
    audit.log(
        actor,
        "grant.revoke",
        given.user,
        reason=reason,
        area_code=given.area_code,
        ip=ip,
        role=given.role.code,
        unit=given.unit_id,
    )
    given.delete()


@transaction.atomic
def save_role(actor, role: Role, *, ip: str | None = None) -> None:
    """Create or change a role. What belongs to an administrator's office stays in it."""
    need(actor, GRANT_ROLES)
    own = OFFICES.get(role.administrator, set())
    mixed = set().union(*OFFICES.values()) - own
    if wrong := sorted(mixed & set(role.permissions)):
        raise Problem(
            _("These permissions belong to an administrator's office: %(wrong)s.")
            % {"wrong": ", ".join(wrong)}
        )
    if role.administrator and not set(role.permissions) <= own:
        raise Problem(_("An administrator's office holds nothing but its own permissions."))
    is_new = role.pk is None
    before = [] if is_new else Role.objects.select_for_update().get(pk=role.pk).permissions
    role.permissions = sorted(set(role.permissions))
    role.save()
    audit.log(
        actor,
        "role.create" if is_new else "role.change",
        role,
        ip=ip,
        added=sorted(set(role.permissions) - set(before)),
        removed=sorted(set(before) - set(role.permissions)),
    )


def known_permissions() -> list[str]:
    """Every permission that a role has, except those of the offices: what a role may be made of."""
    every = {permission for row in Role.objects.values_list("permissions", flat=True) for permission in row}
    return sorted(every - set().union(*OFFICES.values()))


def _known_area(code: str) -> None:
    if code and not Area.objects.filter(code=code, valid_to=None).exists():
        raise Problem(
            _("There is no area with the code %(code)s.") % {"code": code},
            errors=[{"field": "area_code", "detail": code}],
        )
