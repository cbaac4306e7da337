"""Reads for the phone app."""

import json
from collections import Counter

from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from assets.models import Component, ItemType
from cases import repeats
from cases.flow import CITY
from cases.models import Case, Transition
from geo.models import Area
from geo.scopes import duty_grids, in_grids
from grids.models import Grid, GridDuty

# About 300 m at the city's latitude: components across the street are reported too.
NEAR_DEGREES = 0.003
MOST_COMPONENTS = 4000
MOST_MESSAGES = 60

# Steps that somebody who reported, checks or handles a case wants to hear of; see cases.flow.
TO_REPORTER = (
    "accept",
    "reject",
    "void",
    "merge",
    "dispatch",
    "auto_dispatch",
    "report_handled",
    "close",
    "confirm_self_handled",
    # Of letters and complaints.
    *("escalate", "self_handle", "self_close", "whistle", "redispatch", "feed_back", "archive_unrated"),
    *("assign", "reply", "call_back", "explain_close"),
)
TO_VERIFIER = (
    *("ask_verify_before", "ask_verify_after"),
    *("self_handle", "handle", "self_close", "feed_back"),
)
# And what the others in the grid hear, when one of them was faster.
CHECKED = ("verify_true", "verify_false", "verify_pass", "verify_fail", "pass", "fail")
TO_UNIT = (
    *("dispatch", "auto_dispatch", "verify_fail"),
    *("whistle", "redispatch", "insist", "decide", "fail", "send_back", "assign", "redo"),
)


def _today(prefix: str = "") -> Q:
    today = timezone.localdate()
    return (Q(**{f"{prefix}valid_to": None}) | Q(**{f"{prefix}valid_to__gt": today})) & Q(
        **{f"{prefix}valid_from__lte": today}
    )


def base(user) -> dict:
    """Grids on duty with their borders (GeoJSON, EPSG:4326), leaders, components in and near them, and types.

    Components are short rows: code, name, type id, longitude, latitude.
    """
    ids = {pk for source in duty_grids for pk in source(user)}
    grids = list(
        Grid.objects.filter(pk__in=ids, retired_on=None).annotate(border=AsGeoJSON("geom", precision=7))
    )
    duties = GridDuty.objects.filter(_today(), grid__in=grids).select_related("worker")
    leaders = {duty.grid_id: duty.worker for duty in duties if duty.role == GridDuty.Role.LEADER}
    mine = {duty.grid_id: duty for duty in duties if duty.worker.user_id == user.pk}
    communities = {
        area.code: area
        for area in Area.objects.filter(code__in={grid.community_code for grid in grids}, valid_to=None)
    }
    components = _components(user, grids)
    return {
        "as_of": timezone.now().isoformat(),
        "grids": [
            {
                "code": grid.code,
                "name": grid.name,
                "kind": grid.kind,
                "community": {"code": grid.community_code, "name": _name(communities, grid)},
                "role": mine[grid.pk].role if grid.pk in mine else "",
                "leader": _person(leaders.get(grid.pk), user),
                "geometry": json.loads(grid.border),
            }
            for grid in grids
        ],
        "components": components,
        "types": _types(Counter(kind for _code, _component, kind, _lon, _lat in components)),
    }


def _types(used: Counter) -> list[dict]:
    """Active types of the standard by which most of the components here are coded, and local ones."""
    types = list(ItemType.objects.filter(active=True))
    counts = Counter()
    for kind in types:
        counts[kind.standard] += used[kind.pk]
    national = [standard for standard in ItemType.Standard.values if standard != ItemType.Standard.LOCAL]
    standard = max(national, key=lambda one: counts[one])
    english = (get_language() or "").startswith("en")
    return [
        {
            "id": kind.pk,
            "kind": kind.kind,
            "name": str(kind),
            "class_name": kind.class_name_en if english and kind.class_name_en else kind.class_name,
            "initials": kind.initials,
            "no_photo": kind.no_photo,
        }
        for kind in types
        if kind.standard in (standard, ItemType.Standard.LOCAL)
    ]


def _name(communities, grid) -> str:
    area = communities.get(grid.community_code)
    return area.name if area else grid.community_code


def _person(worker, user) -> dict | None:
    if worker is None:
        return None
    return {"name": worker.name, "phone": worker.phone, "is_me": worker.user_id == user.pk}


def _components(user, grids) -> list[list]:
    near = Q(pk__in=[])
    for grid in grids:
        near |= Q(geom__intersects=grid.geom.envelope.buffer(NEAR_DEGREES).envelope)
    rows = (
        Component.objects.for_user(user)
        .filter(near)
        .exclude(state=Component.State.REMOVED)
        .order_by("code")
        .values_list("code", "name", "type_id", "anchor")[:MOST_COMPONENTS]
    )
    return [[code, name, kind, round(at.x, 7), round(at.y, 7)] for code, name, kind, at in rows]


def _first_words(case: Case) -> str:
    """What a case without a type is called: the beginning of its description, of letters and complaints."""
    return case.description[:30] if case.flow != CITY else ""


def messages(user) -> list[dict]:
    """Steps others took on cases this user reported or saw again, is to check, or whose unit handles them."""
    concerns = Q(case__reporter=user, action__in=TO_REPORTER) | Q(case__verifier=user, action__in=TO_VERIFIER)
    # Who saw the same problem again hears of it like the first who did.
    repeated = {pk for (pk,) in repeats.seen_again_by(user)}
    if repeated:
        concerns |= Q(case__in=repeated, action__in=TO_REPORTER)
    if grids := user.scope.grids("cases.verify"):
        concerns |= Q(in_grids(grids, "case__grid_id", "case__geom"), action__in=(*TO_VERIFIER, *CHECKED))
    if user.organisation_id and user.can("cases.handle"):
        concerns |= Q(to_unit=user.organisation_id, action__in=TO_UNIT) | Q(
            case__holder_unit=user.organisation_id, action__in=TO_UNIT
        )
    rows = (
        Transition.objects.filter(concerns, case__in=Case.objects.for_user(user))
        .exclude(actor=user)
        .select_related("case__type", "to_unit")
        .order_by("-id")[:MOST_MESSAGES]
    )
    # Lives that were loaded as a whole have numbers out of the order of their times.
    rows = sorted(rows, key=lambda row: (row.at, row.pk), reverse=True)
    return [
        {
            "id": row.pk,
            "action": row.action,
            "at": row.at.isoformat(),
            "reason": row.reason,
            "to_unit": row.to_unit.name if row.to_unit else "",
            "number": row.case.number,
            "type": str(row.case.type) if row.case.type else _first_words(row.case),
            "state": row.case.state,
            "state_label": row.case.get_state_display(),
            "mine": row.case.reporter_id == user.pk or row.case_id in repeated,
        }
        for row in rows
    ]
