"""The system administrator's pages: users and organisations."""

from django import forms
from django.contrib import messages
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from geo import accounts
from geo.models import Organisation, User
from geo.net import client_address
from geo.pages.common import attempt, cell, crumbs, office, page_of, yes

both = require_http_methods(["GET", "POST"])


class UnitChoice(forms.ModelChoiceField):
    """Organisations as an indented tree."""

    def label_from_instance(self, organisation):
        depth = max(0, organisation.path.count("/") - 2)
        return "\u3000" * depth + organisation.name


def unit_field(label, **options) -> UnitChoice:
    return UnitChoice(Organisation.objects.order_by("path"), label=label, required=False, **options)


class UserForm(forms.ModelForm):
    organisation = unit_field(gettext_lazy("Organisation"))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("As in the browser")), ("zh-hans", "简体中文"), ("en", "English")],
    )

    class Meta:
        model = User
        fields = ["username", "name", "organisation", "phone", "email", "language", "is_active"]
        labels = {
            "username": gettext_lazy("User name"),
            "name": gettext_lazy("Name"),
            "phone": gettext_lazy("Phone"),
            "email": gettext_lazy("Mail address"),
            "is_active": gettext_lazy("May log in"),
        }
        help_texts = {"username": "", "is_active": ""}

    def clean_username(self):
        name = self.cleaned_data["username"]
        UnicodeUsernameValidator()(name)
        if User.objects.filter(username__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This name is taken."))
        return name


class OrganisationForm(forms.ModelForm):
    parent = unit_field(gettext_lazy("Above it"))

    class Meta:
        model = Organisation
        fields = ["name", "code", "kind", "parent", "area_code", "phone", "active"]
        labels = {
            "name": gettext_lazy("Name"),
            "code": gettext_lazy("Code"),
            "kind": gettext_lazy("Kind"),
            "area_code": gettext_lazy("Area code"),
            "phone": gettext_lazy("Duty phone"),
            "active": gettext_lazy("In use"),
        }
        help_texts = {"code": gettext_lazy("Unified social credit code (18), or an own one.")}


class Search(forms.Form):
    q = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=100)


class UserSearch(Search):
    organisation = unit_field(gettext_lazy("Organisation"))


def _when(moment) -> str:
    return date_format(timezone.localtime(moment), "Y-m-d H:i") if moment else _("never")


@office(accounts.MANAGE_ACCOUNTS)
def users(request):
    """All accounts, by name and unit."""
    form = UserSearch(request.GET)
    rows = User.objects.select_related("organisation").order_by("username")
    if not form.is_valid():
        rows = rows.none()  # Everybody would be no answer to a question that cannot be read.
    else:
        if text := form.cleaned_data["q"]:
            rows = rows.filter(Q(username__icontains=text) | Q(name__icontains=text))
        if unit := form.cleaned_data["organisation"]:
            rows = rows.filter(organisation__path__startswith=unit.path)
    found, pager = page_of(request, rows)
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Users"),
            "lead": _("Accounts alone. What a user may do is granted by the security administrator."),
            "crumbs": crumbs((_("System"), ""), (_("Users"), "")),
            "buttons": [
                {"url": reverse("manage-user-new"), "label": _("New user"), "icon": "plus", "kind": "main"}
            ],
            "query": form,
            "columns": [_("User name"), _("Name"), _("Organisation"), _("May log in"), _("Last log-in")],
            "rows": [
                [
                    cell(user.username, reverse("manage-user", args=[user.pk])),
                    cell(user.name),
                    cell(user.organisation),
                    cell(yes(user.is_active)),
                    cell(_when(user.last_login)),
                ]
                for user in found
            ],
            "pager": pager,
        },
    )


@both
@office(accounts.MANAGE_ACCOUNTS)
def user(request, pk: int | None = None):
    """A new account, or one there is."""
    row = get_object_or_404(User, pk=pk) if pk else User()
    form = UserForm(request.POST or None, instance=row)
    password = []
    if request.method == "POST" and attempt(
        form,
        lambda: password.append(accounts.save_user(request.user, form.instance, ip=client_address(request))),
    ):
        if not password[0]:
            messages.success(request, _("Saved."))
            return redirect("manage-users")
        return _user_page(request, form.instance, UserForm(instance=form.instance), password[0])
    return _user_page(request, row, form)


@require_POST
@office(accounts.MANAGE_ACCOUNTS)
def user_password(request, pk: int):
    """A temporary password, shown once."""
    row = get_object_or_404(User, pk=pk)
    password = accounts.reset_password(request.user, row, ip=client_address(request))
    return _user_page(request, row, UserForm(instance=row), password)


def _user_page(request, row: User, form, password: str = ""):
    title = f"{row.name} ({row.username})" if row.name else row.username or _("New user")
    secret = {"text": _("The temporary password of %(user)s:") % {"user": row.username}, "value": password}
    reset = {
        "url": reverse("manage-user-password", args=[row.pk]) if row.pk else "",
        "label": _("Reset the password"),
        "icon": "lock",
        "kind": "danger",
    }
    response = render(
        request,
        "geo/manage/form.html",
        {
            "title": title,
            "crumbs": crumbs((_("System"), ""), (_("Users"), "manage-users"), (title, "")),
            "form": form,
            "verb": _("Save"),
            "back": reverse("manage-users"),
            "secret": secret if password else None,
            "posts": [reset] if row.pk else [],
        },
    )
    if password:
        response["Cache-Control"] = "no-store"
    return response


@office(accounts.MANAGE_ACCOUNTS)
def organisations(request):
    """The tree of units."""
    form = Search(request.GET)
    rows = Organisation.objects.order_by("path")
    if not form.is_valid():
        rows = rows.none()
    elif text := form.cleaned_data["q"]:
        rows = rows.filter(name__icontains=text)
    found, pager = page_of(request, rows)
    new = {"url": reverse("manage-organisation-new"), "label": _("New unit"), "icon": "plus", "kind": "main"}
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Organisations"),
            "crumbs": crumbs((_("System"), ""), (_("Organisations"), "")),
            "buttons": [new],
            "query": form,
            "columns": [_("Name"), _("Code"), _("Kind"), _("Area"), _("Duty phone"), _("In use")],
            "rows": [
                [
                    cell(
                        "\u3000" * max(0, row.path.count("/") - 2) + row.name,
                        reverse("manage-organisation", args=[row.pk]),
                    ),
                    cell(row.code),
                    cell(row.get_kind_display()),
                    cell(row.area_code),
                    cell(row.phone),
                    cell(yes(row.active)),
                ]
                for row in found
            ],
            "pager": pager,
        },
    )


@both
@office(accounts.MANAGE_ACCOUNTS)
def organisation(request, pk: int | None = None):
    """A new unit, or one there is."""
    row = get_object_or_404(Organisation, pk=pk) if pk else Organisation()
    title = row.name or _("New unit")
    form = OrganisationForm(request.POST or None, instance=row)
    if request.method == "POST" and attempt(
        form, lambda: accounts.save_organisation(request.user, form.instance, ip=client_address(request))
    ):
        messages.success(request, _("Saved."))
        return redirect("manage-organisations")
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": title,
            "crumbs": crumbs((_("System"), ""), (_("Organisations"), "manage-organisations"), (title, "")),
            "form": form,
            "verb": _("Save"),
            "back": reverse("manage-organisations"),
        },
    )
