"""The dispatch rules: what they say, what they leave out, where they contradict each other."""

from __future__ import annotations

import json
from datetime import date
from functools import cached_property

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Q, When
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assets.models import ItemType
from cases import faults, meetings, rules
from cases.models import DispatchRule
from geo import accounts
from geo.models import Area, Organisation
from geo.problems import Problem
from geo.texts import all_fitting, fitting

MOST = 300


def _check(request) -> None:
    if not request.user.can("cases.view_rules"):
        raise PermissionDenied(_("Your roles do not show the dispatch rules."))


@login_required
@never_cache
@require_GET
def rules_page(request):
    """Rules in force (or all), and faults. ``tab`` is rules | gaps | ties | alarms; ``rule`` is marked."""
    _check(request)
    tab = request.GET.get("tab", "rules")
    found = faults.rule_faults(request.user, settings.CASE_STANDARD)
    contradictions = sum(1 for tie in found.ties if tie.contradicts)
    alarms = faults.alarms(request.user)
    context = {
        "tab": tab,
        "marked": request.GET.get("rule", ""),
        "may_edit": request.user.can(rules.PERMISSION),
        "tabs": [
            ("rules", _("Rules"), DispatchRule.objects.for_user(request.user).filter(_in_force()).count()),
            ("gaps", _("Gaps"), len(found.gaps)),
            ("ties", _("Ties"), contradictions),
            ("alarms", _("Alarms"), len(alarms)),
        ],
        "auto": faults.auto_rate(request.user),
        "auto_days": faults.RATE_DAYS,
        "types": _types(),
    }
    if tab == "gaps":
        context["gaps"] = _gap_rows(found.gaps)
    elif tab == "ties":
        words = _Words()
        context["ties"] = [(tie, _row(tie.first, words), _row(tie.second, words)) for tie in found.ties]
    elif tab == "alarms":
        words = _Words()
        context["alarms"] = [(alarm, _row(alarm.rule, words) if alarm.rule else None) for alarm in alarms]
    else:
        context |= _rules(request)
    return render(request, "cases/rules.html", context)


def _in_force() -> Q:
    today = timezone.localdate()
    return Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gt=today))


def _rules(request) -> dict:
    rows = DispatchRule.objects.for_user(request.user).select_related(
        "unit", "type", "grid", "person", "source_item"
    )
    every = request.GET.get("all") == "1"
    if not every:
        rows = rows.filter(_in_force())
    if text := request.GET.get("q", "").strip()[:100]:
        rows = rows.filter(
            Q(name__icontains=text)
            | Q(unit__name__icontains=text)
            | Q(type__name__icontains=text)
            | Q(basis__icontains=text)
            | Q(post__icontains=text)
        )
    parties = rules.parties()
    party = request.GET.get("party", "")
    if party in dict(parties):
        rows = rows.filter(party=party)
    words = _Words(parties)
    return {
        # The rule that somebody was sent to comes first.
        "rows": [
            _row(rule, words) for rule in rows.order_by(*_marked_first(request), "unit__name", "name")[:MOST]
        ],
        "parties": parties,
        "party": party,
        "sees_meetings": request.user.can(meetings.VIEW),
        "every": every,
        "text": text,
        "most": MOST,
    }


def _marked_first(request) -> list:
    marked = request.GET.get("rule", "")
    return [Case(When(pk=int(marked), then=0), default=1)] if marked.isdecimal() else []


def _area_names() -> dict[str, str]:
    return dict(Area.objects.filter(valid_to=None).values_list("code", "name"))


class _Words:
    """The names that rows of rules use, asked for once for all of them."""

    def __init__(self, parties=()):
        self.areas = _area_names()
        self.parties = dict(parties)

    @cached_property
    def classes(self) -> dict[tuple, str]:
        """Class names by standard, kind and code."""
        key = ("standard", "kind", "class_code")
        rows = ItemType.objects.order_by(*key, "type_code").distinct(*key)
        return {tuple(codes): name for *codes, name in rows.values_list(*key, "class_name")}


def _row(rule: DispatchRule, words: _Words) -> dict:
    """A rule in words: for what, where, whose, since when."""
    if rule.type_id:
        what = str(rule.type)
    elif rule.class_code:
        key = (rule.standard, rule.kind, rule.class_code)
        what = _("All of %s") % words.classes.get(key, rule.class_code)
    elif rule.kind:
        what = ItemType.Kind(rule.kind).label
    else:
        what = _("Everything")
    where = words.areas.get(rule.area_code, rule.area_code) or _("Everywhere")
    if rule.polygon:
        where = _("Drawn area in %s") % where
    elif rule.grid_id:
        where = str(rule.grid)
    return {
        "rule": rule,
        "what": what,
        "where": where,
        "party": words.parties.get(rule.party, rule.party),
        "polygon": rule.polygon.json if rule.polygon else "",
        "ended": rule.valid_to is not None and rule.valid_to <= timezone.localdate(),
    }


def _gap_rows(gaps: list[faults.Gap]) -> list[dict]:
    names = _area_names()
    return [
        {
            "gap": gap,
            "areas": [names.get(code, code) for code in gap.areas[:6]],
            "more": max(0, len(gap.areas) - 6),
            "first": gap.areas[0] if gap.areas else "",
        }
        for gap in gaps
    ]


def _types():
    return ItemType.objects.filter(active=True, standard=settings.CASE_STANDARD).order_by(
        "-kind", "class_code", "type_code"
    )


# --- Changing -----------------------------------------------------------------------------------------


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new_rule(request):
    """The form of a new rule, and making it."""
    _check(request)
    problem, errors = None, {}
    if request.method == "POST":
        try:
            rules.create_rule(request.user, **_given(request.POST))
        except Problem as refused:
            problem = refused
            errors = {error.get("pointer", "").strip("/"): error["detail"] for error in refused.errors}
        else:
            response = HttpResponse(status=204)
            response["HX-Redirect"] = reverse("rules")
            return response
    data = request.POST or request.GET
    units = Organisation.objects.for_user(request.user).filter(active=True)
    context = {
        "data": data,
        "parties": rules.parties(),
        "people": accounts.holders("cases.handle")
        .filter(organisation__in=units)
        .select_related("organisation")
        .order_by("organisation__path", "username")[:MOST],
        "problem": problem,
        "errors": errors,
        "units": units.order_by("kind", "path"),
        "types": _types(),
        "classes": _classes(),
        "areas": Area.objects.filter(valid_to=None, level__in=["city", "district", "street", "community"]),
        "today": timezone.localdate(),
    }
    return render(request, "cases/rule_form.html", context, status=422 if problem else 200)


def _classes() -> list[tuple[str, str]]:
    """(standard:kind:class, words) of the edition in force."""
    seen = {}
    for kind in _types():
        seen.setdefault(
            f"{kind.standard}:{kind.kind}:{kind.class_code}", f"{kind.get_kind_display()} · {kind.class_name}"
        )
    return list(seen.items())


def _given(data) -> dict:
    """What the form says, as ``rules.create_rule`` takes it; what cannot be read is told by field."""

    def wrong(field: str, detail: str) -> Problem:
        return Problem(detail, errors=[{"pointer": f"/{field}", "detail": detail}])

    given = {
        **all_fitting(data, name=100, basis=200, post=60, manual=2000),
        "area_code": data.get("area_code", "").strip().split(" ")[0],
        "party": data.get("party", ""),
    }
    if not given["name"]:
        raise wrong("name", _("Give the rule a name."))
    unit = data.get("unit", "")
    given["unit"] = Organisation.objects.filter(pk=int(unit)).first() if unit.isdecimal() else None
    if given["unit"] is None:
        raise wrong("unit", _("Choose the unit that shall be responsible."))
    if username := data.get("person", "").strip():
        given["person"] = rules.person_of(given["unit"], username)
    what = data.get("what", "")
    if what.isdecimal():
        given["type"] = ItemType.objects.filter(pk=int(what)).first()
    elif what.count(":") == 2:
        given["standard"], given["kind"], given["class_code"] = what.split(":")
    if data.get("polygon"):
        try:
            given["polygon"] = json.loads(data["polygon"])
        except ValueError:
            raise wrong("polygon", _("The drawn area could not be read; draw it again.")) from None
    for name in ("valid_from", "valid_to"):
        if text := data.get(name):
            try:
                given[name] = date.fromisoformat(text)
            except ValueError:
                raise wrong(name, _("This is no day.")) from None
    return given


@login_required
@require_POST
def end_rule(request, pk: int):
    """End a rule today, with the reason given."""
    _check(request)
    reason = fitting(request.POST.get("reason", ""), 500, "reason")
    if not reason:
        raise Problem(_("Say why."), errors=[{"pointer": "/reason", "detail": _("Say why.")}])
    rules.end_rule(request.user, pk, reason=reason)
    response = HttpResponse(status=204)
    response["HX-Refresh"] = "true"
    return response
