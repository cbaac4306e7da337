"""Reads for the residents' pages. Of cases nothing that ``cases.public_view`` does not show to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.gis.geos import Point, Polygon
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils import timezone

from assets.models import Component, ItemType
from cases import public_view, repeats
from cases.models import (
    Case,
    PublicQuestion,
    PublicReport,
    PublicText,
    PublicTopic,
    Questionnaire,
    QuestionnaireAnswer,
    QuestionnaireItem,
    Rating,
    Suggestion,
)
from cases.public import codes, words
from geo.models import Area, Attachment

NEAR_METRES = 60
# A box is widened to cells of this many degrees, so that readers of one place share an answer.
CELL = 0.02
MOST_ON_MAP = 500
MAP_SECONDS = 60
PLACES = 30
FEW = 5  # smaller totals are not told


# --- Reporting --------------------------------------------------------------------------------------


def topics() -> list[PublicTopic]:
    """The kinds of problems to choose from."""
    return list(PublicTopic.objects.filter(active=True).select_related("type"))


def types_like(text: str, limit: int = 8) -> list[ItemType]:
    """Types whose name, class or pinyin initials match a resident's words."""
    from cases.queries import matching_types

    return matching_types(text, settings.CASE_STANDARD, limit)


def plate(code: str) -> Component | None:
    """The component of a QR plate. Its name and place are not for telling: only what kind of thing it is."""
    found = Component.objects.filter(code=code).exclude(state=Component.State.REMOVED)
    return found.select_related("type").first()


def near_reports(
    point: Point, type: ItemType | None, component: Component | None, limit: int = 4
) -> list[dict]:
    """Open problems near by that may be the same: of the same class, or at the same component."""
    rows = public_view.with_status(public_view.public_rows(), is_open=True).filter(duplicate_of=None)
    if component is not None:
        rows = rows.filter(component=component)
    else:
        rows = public_view.near(rows, point, NEAR_METRES)
        if type is not None:
            rows = rows.filter(
                type__standard=type.standard, type__kind=type.kind, type__class_code=type.class_code
            )
    shown = public_view.show(rows.order_by("-reported_at", "-id")[:limit])
    return [told(one) for one in shown]


def told(one: public_view.Shown) -> dict:
    """A case as lists and the map show it."""
    tone, shape = words.badge(one.stage)
    return {
        "number": one.number,
        "label": str(one.type),
        "stage": one.stage.value,
        "stage_label": one.stage_label,
        "tone": tone,
        "shape": shape,
        "address": one.address,
        "description": one.description,
        "reply": one.reply,
        "day": timezone.localtime(one.reported_at).strftime("%Y-%m-%d"),
        "photos": [f"/api/attachments/{photo.uuid}/public" for photo in one.photos],
        "open": one.status == public_view.OPEN,
        "exact": one.exact,
        "lon": round(one.place.x, 6) if one.place else None,
        "lat": round(one.place.y, 6) if one.place else None,
    }


# --- One's own --------------------------------------------------------------------------------------


def own_reports(request) -> list[PublicReport]:
    """The reports that this browser remembers, newest first."""
    pks = [int(one[1:]) for one in codes.remembered(request) if one[0] == "r"]
    rows = PublicReport.objects.filter(pk__in=pks).select_related("case__type", "case__duplicate_of")
    found = sorted(rows, key=lambda row: row.pk, reverse=True)
    for row in found:
        row.stage = words.stage(row.case)
        row.tone, row.shape = words.badge(row.stage)
    return found


def own_suggestions(request) -> list[Suggestion]:
    pks = [int(one[1:]) for one in codes.remembered(request) if one[0] == "s"]
    return list(Suggestion.objects.filter(pk__in=pks).order_by("-id")) if pks else []


def own_report(request, number: str) -> PublicReport | None:
    """This browser's report with that number, if it remembers one."""
    pks = [int(one[1:]) for one in codes.remembered(request) if one[0] == "r"]
    if not pks:
        return None
    rows = PublicReport.objects.filter(pk__in=pks, case__number=number)
    return rows.select_related("case__type", "case__holder_unit", "case__duplicate_of__type").first()


def find_report(number: str, secret: str) -> PublicReport | None:
    """The report that a number and a code open together."""
    found = PublicReport.objects.filter(
        case__number=number, secret_hash=codes.secret_hash(number, codes.typed(secret))
    )
    return found.first()


def find_suggestion(number: str, secret: str) -> Suggestion | None:
    return Suggestion.objects.filter(
        number=number, secret_hash=codes.secret_hash(number, codes.typed(secret))
    ).first()


def follow(report: PublicReport) -> dict:
    """All that whoever holds the secret is told; of a joined report what becomes of the earlier one too."""
    case = report.case
    live = case.duplicate_of if case.duplicate_of_id else case
    lines = case.transitions.select_related("to_unit").order_by("id")
    photos, waiting = _photos(case)
    told_lines = words.story(case, lines, photos, report.line_id)
    stage = words.stage(live)
    earlier = []
    if live is not case:
        more, _waiting = _photos(live)
        earlier = words.story(live, live.transitions.select_related("to_unit").order_by("id"), more, None)
    tone, shape = words.badge(stage)
    rating = Rating.objects.filter(case=live, kind=Rating.Kind.OUTER).first()
    questions = list(PublicQuestion.objects.filter(report=report).order_by("id"))
    reply = getattr(live, "public_words", None)
    return {
        "stage": stage,
        "tone": tone,
        "shape": shape,
        "steps": words.steps(stage),
        "next": words.NEXT[stage],
        "by_when": words.by_when(live, stage),
        "story": told_lines,
        "earlier": earlier,
        "live": live,
        "waiting_photos": waiting,
        "question": next((one for one in questions if one.answered_at is None), None),
        "answered": [one for one in questions if one.answered_at],
        "rating": rating,
        "reply": reply.reply if reply else "",
    }


def _photos(case: Case) -> tuple[dict[int | None, list], int]:
    """Passed photos by the line they came with, and how many wait to be looked at."""
    found: dict[int | None, list] = {}
    waiting = 0
    for link in repeats.photos_of(case):
        attachment = link.attachment
        if attachment.review == Attachment.Review.PASSED and attachment.public:
            found.setdefault(link.transition_id, []).append(attachment)
        elif (
            link.case_id == case.pk and attachment.review == Attachment.Review.PENDING and attachment.is_image
        ):
            waiting += 1
    return found, waiting


# --- The map ----------------------------------------------------------------------------------------


def on_the_map(west: float, south: float, east: float, north: float) -> dict:
    """Open and lately closed cases in a box as GeoJSON, kept for a minute per cell of 0.02 degrees.

    At most 500, open ones and the latest first; ``more`` says that there are others.
    """
    cells = [
        int(west // CELL), int(south // CELL), int(-(-east // CELL)), int(-(-north // CELL))
    ]  # fmt: skip
    key = "public.map.{}.{}.{}.{}".format(*cells) + f".{_language()}"
    found = cache.get(key)
    if found is None:
        found = _features(Polygon.from_bbox([cell * CELL for cell in cells]))
        cache.set(key, found, MAP_SECONDS)
    return found


def _language() -> str:
    from django.utils.translation import get_language

    return get_language() or ""


def _features(box: Polygon) -> dict:
    box.srid = 4326
    rows = public_view.inside(lately(), box)
    opened = list(
        public_view.with_status(rows, is_open=True).order_by("-reported_at", "-id")[: MOST_ON_MAP + 1]
    )
    closed = []
    if len(opened) <= MOST_ON_MAP:
        rest = public_view.with_status(rows, is_open=False).order_by("-reported_at", "-id")
        closed = list(rest[: MOST_ON_MAP + 1 - len(opened)])
    found = [*opened, *closed]
    return {
        "type": "FeatureCollection",
        "more": len(found) > MOST_ON_MAP,
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [one["lon"], one["lat"]]},
                "properties": one,
            }
            for one in (told(row) for row in public_view.show(found[:MOST_ON_MAP]))
            if one["lon"] is not None
        ],
    }


def lately() -> QuerySet[Case]:
    """Public cases that are open, or were solved within the days that the map shows."""
    since = timezone.now() - timedelta(days=settings.PUBLIC_MAP_DAYS)
    return public_view.public_rows().filter(
        ~Q(state__in=Case.ENDED) | Q(state__in=(Case.State.CLOSED, Case.State.ARCHIVED), closed_at__gte=since)
    )


def latest(limit: int = 20) -> list[dict]:
    """The latest public cases, for reading without a map; kept for a minute."""
    key = f"public.latest.{limit}.{_language()}"
    found = cache.get(key)
    if found is None:
        rows = lately().order_by("-reported_at", "-id")[:limit]
        found = [told(one) for one in public_view.show(rows)]
        cache.set(key, found, MAP_SECONDS)
    return found


# --- What is near -----------------------------------------------------------------------------------


@dataclass
class Near:
    """A place of use to everybody."""

    kind: str
    name: str
    hours: str
    phone: str
    address: str
    services: str
    lon: float
    lat: float
    metres: float

    @property
    def km(self) -> str:
        return f"{self.metres / 1000:.1f}"


KINDS = ("toilet", "park", "parking", "market", "sports", "center")
# Each part is answered by its own index on geom::geography; the toilets that are only coded components (0301)
# count too, unless a facility is the same one.
_NEAREST = """
with here as (select ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography as at)
select kind, name, hours, phone, address, services, ST_X(anchor), ST_Y(anchor), metres from (
  (select f.kind, f.name, f.opening_hours as hours, '' as phone, '' as address, '' as services, f.anchor,
     ST_Distance(f.geom::geography, here.at) as metres
   from assets_publicfacility f, here where f.kind = any(%(kinds)s)
   order by f.geom::geography <-> here.at limit %(limit)s)
  union all
  (select 'center', c.name, c.opening_hours, c.phone, c.address, c.services, c.anchor,
     ST_Distance(c.geom::geography, here.at)
   from assets_servicecenter c, here where 'center' = any(%(kinds)s)
   order by c.geom::geography <-> here.at limit %(limit)s)
  union all
  (select 'toilet', p.name, '', '', '', '', p.anchor, ST_Distance(p.geom::geography, here.at)
   from assets_component p, here
   where 'toilet' = any(%(kinds)s) and p.type_id = any(%(toilets)s)
     and p.state not in ('removed', 'abandoned')
     and not exists (select 1 from assets_publicfacility f where f.component_id = p.id)
   order by p.geom::geography <-> here.at limit %(limit)s)
) near order by metres, name limit %(limit)s
"""


def nearest_places(point: Point, kinds: tuple[str, ...] = KINDS, limit: int = PLACES) -> list[Near]:
    """Places of these kinds, nearest first. One statement; the position is in it and nowhere else."""
    toilets = ItemType.objects.filter(
        kind=ItemType.Kind.COMPONENT, class_code="03", type_code__in=("01", "001")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAREST,
            {
                "lon": point.x,
                "lat": point.y,
                "kinds": list(kinds),
                "limit": limit,
                "toilets": list(toilets.values_list("pk", flat=True)),
            },
        )
        return [Near(*row) for row in cursor.fetchall()]


def areas() -> list[Area]:
    """Districts and streets, to look around in without telling where one is."""
    return list(
        Area.objects.filter(valid_to=None, level__in=("district", "street"))
        .order_by("code")
        .only("code", "name", "level", "label_point")
    )


# --- Reading and saying -----------------------------------------------------------------------------


def texts(*kinds: str) -> QuerySet[PublicText]:
    """What is shown today, notices and news the newest first."""
    return PublicText.objects.filter(PublicText.shown(), kind__in=kinds)


def questionnaires() -> list[Questionnaire]:
    """Those that are open, and closed ones whose totals are public."""
    today = timezone.localdate()
    rows = Questionnaire.objects.filter(published=True, opens_on__lte=today)
    return list(rows.filter(Q(closes_on__gt=today) | Q(shows_results=True))[:50])


def with_items(pk: int) -> Questionnaire | None:
    items = Prefetch("items", QuestionnaireItem.objects.order_by("position", "id"))
    return Questionnaire.objects.filter(pk=pk).prefetch_related(items).first()


def totals(questionnaire: Questionnaire) -> dict:
    """Sheets in all and, per question, how often each option was chosen. Two statements.

    Smaller totals than five are told as "<5", and shares with them are left out, so that a single answer is
    not to be recognised; what people wrote themselves is for staff.
    """
    sheets = questionnaire.sheets.count()
    chosen = QuestionnaireAnswer.objects.filter(item__questionnaire=questionnaire, option__isnull=False)
    counted = {
        (row["item"], row["option"]): row["n"]
        for row in chosen.values("item", "option").annotate(n=Count("id")).order_by()
    }
    rows = []
    for item in questionnaire.items.all():
        if item.kind == QuestionnaireItem.Kind.TEXT:
            continue
        numbers = [counted.get((item.pk, number), 0) for number in range(len(item.options))]
        hidden = {number for number, n in enumerate(numbers) if n < FEW}
        if len(hidden) == 1 and len(numbers) > 1 and item.kind == QuestionnaireItem.Kind.SINGLE:
            # A single one left out would be the difference from the total: the next smallest goes too.
            hidden.add(min((n, at) for at, n in enumerate(numbers) if at not in hidden)[1])
        options = [
            {
                "label": label,
                "n": "" if at in hidden and n >= FEW else f"<{FEW}" if at in hidden else str(n),
                "share": 0 if at in hidden or not sheets else round(100 * n / sheets),
                "hidden": at in hidden,
            }
            for at, (label, n) in enumerate(zip(item.choices, numbers, strict=True))
        ]
        rows.append({"item": item, "options": options})
    return {"sheets": f"<{FEW}" if sheets < FEW else str(sheets), "rows": rows}
