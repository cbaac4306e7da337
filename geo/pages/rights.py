"""The security administrator's pages: who holds which role where, what roles hold, who is locked out."""

from datetime import timedelta

from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from geo import accounts
from geo.models import Area, Grant, Role, User
from geo.net import client_address
from geo.pages.common import attempt, cell, crumbs, office, page_of
from geo.pages.people import UserSearch, both, unit_field
from geo.permission_words import words


class GrantForm(forms.Form):
    role = forms.ModelChoiceField(Role.objects.order_by("administrator", "code"), label=gettext_lazy("Role"))
    area_code = forms.CharField(
        label=gettext_lazy("Over an area"),
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("4, 6, 9 or 12 digits")}),
    )
    unit = unit_field(gettext_lazy("Over a unit and those below it"))
    valid_to = forms.DateField(
        label=gettext_lazy("Until (not included)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


class RoleForm(forms.ModelForm):
    permissions = forms.MultipleChoiceField(
        label=gettext_lazy("Permissions"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Role
        fields = ["code", "name", "name_en", "permissions"]
        labels = {
            "code": gettext_lazy("Code"),
            "name": gettext_lazy("Name"),
            "name_en": gettext_lazy("English name"),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        every = sorted({*accounts.known_permissions(), *self.instance.permissions})
        self.fields["permissions"].choices = [(one, f"{words(one)} ({one})") for one in every]
        if self.instance.pk:
            # Code and settings refer to a role by its code.
            self.fields["code"].disabled = True


@office(accounts.GRANT_ROLES)
def grants(request):
    """Users with their number of roles, and who is locked out."""
    form = UserSearch(request.GET)
    rows = User.objects.select_related("organisation").annotate(count=Count("grants")).order_by("username")
    if not form.is_valid():
        rows = rows.none()  # Everybody would be no answer to a question that cannot be read.
    else:
        if text := form.cleaned_data["q"]:
            rows = rows.filter(Q(username__icontains=text) | Q(name__icontains=text))
        if unit := form.cleaned_data["organisation"]:
            rows = rows.filter(organisation__path__startswith=unit.path)
    found, pager = page_of(request, rows)
    locked = _locked([user.username for user in found])
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Roles of users"),
            "lead": _("A role is held over an area, over a unit, or over own rows and grids on duty."),
            "crumbs": crumbs((_("System"), ""), (_("Roles of users"), "")),
            "query": form,
            "columns": [_("User name"), _("Name"), _("Organisation"), _("Roles"), _("Locked out")],
            "rows": [
                [
                    cell(user.username, reverse("manage-grants", args=[user.pk])),
                    cell(user.name),
                    cell(user.organisation),
                    cell(user.count),
                    cell(_("Unlock"), post=reverse("manage-unlock", args=[user.pk]))
                    if user.username in locked
                    else cell(""),
                ]
                for user in found
            ],
            "pager": pager,
        },
    )


def _locked(usernames) -> set[str]:
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = AccessAttempt.objects.filter(
        username__in=usernames,
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gt=since,
    )
    return set(attempts.values_list("username", flat=True))


@both
@office(accounts.GRANT_ROLES)
def user_grants(request, pk: int):
    """One user's roles; give one more."""
    user = get_object_or_404(User, pk=pk)
    form = GrantForm(request.POST or None)
    if request.method == "POST":

        def give():
            said = dict(form.cleaned_data)
            accounts.grant(request.user, user, said.pop("role"), ip=client_address(request), **said)

        if attempt(form, give):
            messages.success(request, _("Granted. It counts from the user's next request."))
            return redirect("manage-grants", pk)
    rows = user.grants.select_related("role", "unit").order_by("role__code")
    names = dict(
        Area.objects.filter(valid_to=None, code__in=[row.area_code for row in rows]).values_list(
            "code", "name"
        )
    )
    title = user.name or user.username
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": title,
            "crumbs": crumbs((_("System"), ""), (_("Roles of users"), "manage-all-grants"), (title, "")),
            "columns": [_("Role"), _("Over"), _("Until"), ""],
            "rows": [
                [
                    cell(row.role),
                    cell(_over(row, names)),
                    cell(row.valid_to),
                    cell(
                        _("Revoke"),
                        post=reverse("manage-revoke", args=[row.pk]),
                        kind="danger",
                        name="",
                        value="",
                    ),
                ]
                for row in rows
            ],
            "empty": _("No role yet: this user can do nothing."),
            "parts": [{"title": _("Grant a role"), "form": form, "verb": _("Grant")}],
        },
    )


def _over(row: Grant, names: dict[str, str]) -> str:
    if row.role.administrator:
        return _("The whole system")
    if row.area_code:
        return f"{names.get(row.area_code, '')} {row.area_code}".strip()
    return str(row.unit) if row.unit_id else _("Own rows and grids on duty")


@require_POST
@office(accounts.GRANT_ROLES)
def revoke(request, pk: int):
    given = get_object_or_404(Grant.objects.select_related("role", "user"), pk=pk)
    user_id = given.user_id
    accounts.revoke(request.user, given, reason=request.POST.get("reason", ""), ip=client_address(request))
    messages.success(request, _("Revoked. It counts from the user's next request."))
    return redirect("manage-grants", user_id)


@require_POST
@office(accounts.UNLOCK)
def unlock(request, pk: int):
    user = get_object_or_404(User, pk=pk)
    accounts.unlock(request.user, user, ip=client_address(request))
    messages.success(request, _("%(user)s may try again.") % {"user": user})
    return redirect("manage-all-grants")


@office(accounts.GRANT_ROLES)
def roles(request):
    """All roles and what they hold."""
    rows = Role.objects.annotate(count=Count("grants__user", distinct=True)).order_by("administrator", "code")
    new = {"url": reverse("manage-role-new"), "label": _("New role"), "icon": "plus", "kind": "main"}
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Roles"),
            "crumbs": crumbs((_("System"), ""), (_("Roles"), "")),
            "buttons": [new],
            "columns": [_("Role"), _("Code"), _("Administrator"), _("Users"), _("Permissions")],
            "rows": [
                [
                    cell(
                        str(row),
                        "" if row.administrator else reverse("manage-role", args=[row.pk]),
                    ),
                    cell(row.code),
                    cell(row.get_administrator_display() if row.administrator else ""),
                    cell(row.count),
                    cell(_(", ").join(words(one) for one in row.permissions)),
                ]
                for row in rows
            ],
        },
    )


@both
@office(accounts.GRANT_ROLES)
def role(request, pk: int | None = None):
    """A new role, or one there is. The three offices are not made of parts, and are not changed here."""
    row = get_object_or_404(Role, pk=pk, administrator="") if pk else Role()
    form = RoleForm(request.POST or None, instance=row)
    if request.method == "POST" and attempt(
        form, lambda: accounts.save_role(request.user, form.instance, ip=client_address(request))
    ):
        messages.success(request, _("Saved."))
        return redirect("manage-roles")
    title = str(row) if row.pk else _("New role")
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": title,
            "crumbs": crumbs((_("System"), ""), (_("Roles"), "manage-roles"), (title, "")),
            "form": form,
            "verb": _("Save"),
            "back": reverse("manage-roles"),
        },
    )
