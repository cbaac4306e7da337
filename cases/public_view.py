"""What anybody may know of a case. The one place for this rule (domain reference, section 10).

``public_rows()`` are the cases that may be shown at all, ``show(rows)`` (one: ``shown(case)``) what may be
told of them. Whoever answers the public (Open311, the residents' page) asks here and shows nothing else::

    rows = public_view.public_rows().order_by("-reported_at", "-id")[:50]   # two queries: cases, their types
    for one in public_view.show(rows):   # two more for all: photos, names of areas
        one.number, one.status, one.stage, one.stage_label, one.place, one.address, one.photos ...

The rule:

* Only cases of the flow ``city_management`` that have a type, are no part of another case, and are not of a
  type without photos, which is about a person who needs help. Letters and complaints are nobody else's.
* A type that names a home or a shop (``ItemType.names_a_home``) and whatever was rejected or declared void is
  shown at the label point of its area, with the area's name; everything else at its own point. Filters by
  place (``inside``, ``near``) go by this public place: a box drawn ever smaller must not find the home.
* Words of reporters are not shown: the address is the names of the areas around, until staff release words
  (``cases.public_words``). Rejected and void cases keep the city's reply and nothing else.
* Photos: those a named member of staff passed (``Attachment.review``), in their public copy.
* Of the state only the stage (``Stage``). Never who reported, who handles, the office's deadlines or its log.

All columns stand in ``cases_case`` or one join away; windows of time use ``cases_case_latest`` and
``cases_case_by_change``, places the GiST indexes on ``geom`` and ``geom::geography`` and the one on
``area_code``, numbers and types their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.gis.db import models
from django.contrib.gis.geos import Point, Polygon
from django.db.models import Case as Choice
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from assets.models import ItemType
from cases.models import Case, CaseAttachment, PublicWords, Transition
from geo.models import Area, Attachment
from geo.nearness import is_within

FLOW = "city_management"
S = Case.State


class Stage(models.TextChoices):
    """How far a case is, in words for everybody."""

    RECEIVED = "received", _("Received")
    ACCEPTED = "accepted", _("Accepted")
    IN_HAND = "in_hand", _("Being handled")
    PAUSED = "paused", _("Put off")
    CHECKING = "checking", _("Handled, being checked")
    SOLVED = "solved", _("Solved")
    DECLINED = "declined", _("Not taken up")
    MERGED = "merged", _("Reported before")


# Which states of the flow are which stage; "merged" is void with an original.
STATES: dict[Stage, tuple[str, ...]] = {
    Stage.RECEIVED: (S.REPORTED,),
    Stage.ACCEPTED: (S.ACCEPTED, S.VERIFYING_BEFORE, S.FILED),
    Stage.IN_HAND: (S.DISPATCHED, S.HANDLING, S.REWORK),
    Stage.PAUSED: (S.SUSPENDED,),
    Stage.CHECKING: (S.HANDLED, S.VERIFYING_AFTER, S.VERIFIED),
    Stage.SOLVED: (S.CLOSED, S.ARCHIVED),
    Stage.DECLINED: (S.REJECTED, S.VOID),
}
_STAGES = {state: stage for stage, states in STATES.items() for state in states}
OPEN, CLOSED = "open", "closed"
# Of these no more is told than that they were there.
_MINIMAL = (S.REJECTED, S.VOID)
# Asked as lists of types, never through a join: so few rows lead the planner to begin with them.
_HOMES = ItemType.objects.filter(names_a_home=True).order_by().values("pk")
_PERSONS = ItemType.objects.filter(no_photo=True).order_by().values("pk")
_PRECISE = ~Q(type__in=_HOMES) & ~Q(state__in=_MINIMAL)


@dataclass(frozen=True)
class Photo:
    """A photo that staff passed, by its uuid (``attachment-file`` with kind ``public`` hands it out)."""

    uuid: object
    phase: str
    transition_id: int | None


@dataclass(frozen=True)
class Shown:
    """What may be told of a case. ``place`` is EPSG:4326; ``exact`` says whether it is the point itself."""

    number: str
    status: str
    stage: Stage
    type: ItemType
    reported_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    place: Point | None
    exact: bool
    area_code: str
    address: str
    description: str
    reply: str
    duplicate_of: str
    photos: tuple[Photo, ...]

    @property
    def stage_label(self) -> str:
        return str(self.stage.label)


def public_rows() -> QuerySet[Case]:
    """The cases that anybody may know of, each with ``public_place`` (EPSG:4326), in no order."""
    around = Area.objects.filter(valid_to=None, code=OuterRef("area_code")).values("label_point")[:1]
    return (
        Case.objects.filter(flow=FLOW, type__isnull=False, parent=None)
        .exclude(type__in=_PERSONS)
        .select_related("public_words")
        .prefetch_related("type")
        .defer("geom_3857", "anchor", "decision", "description", "address")
        .annotate(
            original_number=Choice(
                When(
                    duplicate_of__flow=FLOW,
                    duplicate_of__type__no_photo=False,
                    duplicate_of__parent=None,
                    then=F("duplicate_of__number"),
                ),
                default=Value(""),
            ),
            public_place=Choice(
                When(_PRECISE, then=F("geom")),
                default=Subquery(around),
                output_field=models.PointField(srid=4326),
            ),
        )
        .order_by()
    )


def with_status(rows: QuerySet[Case], *, is_open: bool) -> QuerySet[Case]:
    """Those that are open, or those that have ended."""
    return rows.exclude(state__in=Case.ENDED) if is_open else rows.filter(state__in=Case.ENDED)


def inside(rows: QuerySet[Case], box: Polygon) -> QuerySet[Case]:
    """Those whose public place lies in a box (EPSG:4326)."""
    areas = Area.objects.filter(valid_to=None, label_point__bboverlaps=box)
    return _placed(rows, Q(geom__bboverlaps=box), list(areas.values_list("code", flat=True)))


def near(rows: QuerySet[Case], point: Point, metres: float) -> QuerySet[Case]:
    """Those whose public place is within so many metres (geodesic) of a point (EPSG:4326)."""
    areas = Area.objects.filter(is_within(point, metres, "label_point"), valid_to=None)
    return _placed(rows, Q(is_within(point, metres)), list(areas.values_list("code", flat=True)))


def _placed(rows: QuerySet[Case], close: Q, codes: list[str]) -> QuerySet[Case]:
    in_area = Q(area_code__in=codes)
    # The first condition says nothing new; it is the one that indexes of one table can answer.
    return rows.filter(close | in_area, (_PRECISE & close) | (~_PRECISE & in_area))


def public_lines() -> QuerySet[Transition]:
    """The lines of public cases' logs at which the stage changed: all that anybody may know of a log."""
    turns = Q(pk__in=[])
    for states in STATES.values():
        turns |= Q(to_state__in=states) & ~Q(from_state__in=states)
    return Transition.objects.filter(turns, case__in=public_rows().values("pk"))


def stage_of(state: str, duplicate_of_id: int | None = None) -> Stage:
    """The stage that a state of the flow means to the public."""
    stage = _STAGES.get(state, Stage.IN_HAND)
    return Stage.MERGED if stage == Stage.DECLINED and duplicate_of_id else stage


def shown(case: Case) -> Shown:
    """What may be told of one case; it must come from ``public_rows``."""
    return show([case])[0]


def show(rows: Iterable[Case]) -> list[Shown]:
    """What may be told of cases that come from ``public_rows``; two queries, however many they are."""
    rows = list(rows)
    photos = _photos([case.pk for case in rows if case.state not in _MINIMAL])
    names = _names({case.area_code for case in rows})
    return [_shown(case, photos.get(case.pk, ()), names) for case in rows]


def _shown(case: Case, photos: tuple[Photo, ...], names: dict[str, str]) -> Shown:
    minimal = case.state in _MINIMAL
    exact = not minimal and not case.type.names_a_home
    words = getattr(case, "public_words", None) or PublicWords()
    around = "".join(names.get(case.area_code[:length], "") for length in (6, 9, 12))
    return Shown(
        number=case.number,
        status=CLOSED if case.state in Case.ENDED else OPEN,
        stage=stage_of(case.state, case.duplicate_of_id),
        type=case.type,
        reported_at=case.reported_at,
        updated_at=case.updated_at,
        closed_at=case.closed_at,
        place=case.public_place,
        exact=exact,
        area_code=case.area_code,
        address=words.address if words.address and exact else around,
        description="" if minimal else words.description,
        reply=words.reply,
        duplicate_of=case.original_number,
        photos=() if minimal else photos,
    )


def _photos(pks: list[int]) -> dict[int, tuple[Photo, ...]]:
    found: dict[int, tuple[Photo, ...]] = {}
    links = (
        CaseAttachment.objects.filter(case__in=pks, attachment__review=Attachment.Review.PASSED)
        .exclude(attachment__public="")
        .order_by("case_id", "id")
        .values_list("case_id", "attachment__uuid", "phase", "transition_id")
    )
    for case_id, uuid, phase, transition_id in links:
        found[case_id] = (*found.get(case_id, ()), Photo(uuid, phase, transition_id))
    return found


def _names(codes: set[str]) -> dict[str, str]:
    """Names of the areas with these codes and of those above them, the city left out."""
    wanted = {code[:length] for code in codes for length in (6, 9, 12) if len(code) >= length}
    return dict(Area.objects.filter(valid_to=None, code__in=wanted).values_list("code", "name"))
