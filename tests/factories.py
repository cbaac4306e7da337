"""A tiny invented city with known answers, and the people in it.

Six square communities of 0.01 x 0.01 degrees in two rows of three, each cut into 2 x 2 grids and 4 x 4 unit
grids. The south-west corner is at 83.90 E, 39.50 N; community (column, row) begins 0.01 degrees further per
step. Grid 001 is the south-west quarter, 002 south-east, 003 north-west, 004 north-east.
"""

import itertools
import uuid
from datetime import date, timedelta

from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.utils import timezone

from assets.models import Component, ItemType
from cases import flow
from cases.models import Case, DispatchRule
from geo.models import Area, Grant, Organisation, Role, User
from grids.models import Grid, GridDuty, GridVersion, Publication, Shift, UnitGrid, UnitGridVersion, Worker

LON, LAT, SIDE = 83.90, 39.50, 0.01
START = date(2025, 1, 1)
_serial = itertools.count(1)


def box(west: float, south: float, width: float, height: float | None = None) -> Polygon:
    """A rectangle on the 1e-8 degree lattice."""
    east, north = round(west + width, 8), round(south + (height or width), 8)
    west, south = round(west, 8), round(south, 8)
    return Polygon(((west, south), (east, south), (east, north), (west, north), (west, south)), srid=4326)


def at(x: float, y: float) -> Point:
    """A point by community columns and rows: ``at(0.25, 0.25)`` is the middle of the first grid."""
    return Point(round(LON + x * SIDE, 8), round(LAT + y * SIDE, 8), srid=4326)


def make_area(code: str, name: str, geom: Polygon, parent: Area | None = None) -> Area:
    return Area.objects.create(
        code=code,
        level=Area.CODE_LENGTHS[len(code)],
        name=name,
        parent=parent,
        geom=MultiPolygon(geom, srid=4326),
        valid_from=START,
    )


def make_city() -> Area:
    """City 9901; district 990101 with two streets (west: 001, middle: 002), district 990102 (east: 001)."""
    city = make_area("9901", "试验市", box(LON, LAT, 3 * SIDE, 2 * SIDE))
    west = make_area("990101", "甲区", box(LON, LAT, 2 * SIDE), city)
    east = make_area("990102", "乙区", box(LON + 2 * SIDE, LAT, SIDE, 2 * SIDE), city)
    publication = Publication.objects.create(kind="import", effective_on=START)
    corners = {}
    for column, (district, street_code) in enumerate(
        [(west, "990101001"), (west, "990101002"), (east, "990102001")]
    ):
        west_edge = LON + column * SIDE
        street = make_area(street_code, f"第{column + 1}街道", box(west_edge, LAT, SIDE, 2 * SIDE), district)
        for row in range(2):
            south_edge = LAT + row * SIDE
            community = make_area(
                f"{street_code}{row + 1:03d}",
                f"{column + 1}{row + 1}社区",
                box(west_edge, south_edge, SIDE),
                street,
            )
            corners[community.code] = west_edge, south_edge
    cut(corners, 2, Grid, publication)
    cut(corners, 4, UnitGrid, publication)
    return city


def cut(corners: dict, parts: int, model, publication):
    side = SIDE / parts
    grids = model.objects.bulk_create(
        model(
            code=f"{community}{number:03d}",
            name=f"网格{number:03d}",
            community_code=community,
            geom=box(west + column * side, south + row * side, side),
            valid_from=START,
        )
        for community, (west, south) in corners.items()
        for number, (row, column) in enumerate(itertools.product(range(parts), range(parts)), start=1)
    )
    own = {"generation": 1, "valid_from": START, "publication": publication}
    if model is Grid:
        GridVersion.objects.bulk_create(
            GridVersion(grid=one, name=one.name, kind=one.kind, geom=one.geom, **own) for one in grids
        )
    else:
        UnitGridVersion.objects.bulk_create(
            UnitGridVersion(unit_grid=one, geom=one.geom, **own) for one in grids
        )


def make_unit(
    name: str = "", *, kind: str = "department", area_code: str = "9901", parent=None
) -> Organisation:
    number = next(_serial)
    return Organisation.objects.create(
        code=f"U{number:06d}", name=name or f"单位{number}", kind=kind, area_code=area_code, parent=parent
    )


def make_user(username: str = "", *, role: str = "", area: str = "", unit=None, organisation=None) -> User:
    """A user with one grant: over ``area``, over ``unit``, or (neither) over own rows and duties."""
    username = username or f"user{next(_serial)}"
    user = User(username=username, name=username, organisation=organisation or unit)
    user.set_unusable_password()
    user.save()
    if role:
        Grant.objects.create(user=user, role=Role.objects.get(code=role), area_code=area, unit=unit)
    return user


def make_worker(user=None, *, grid: str = "", role: str = "member", area_code: str = "9901") -> Worker:
    worker = Worker.objects.create(
        name=user.name if user else f"工作人员{next(_serial)}",
        user=user,
        staff_kind="full_time",
        area_code=area_code,
    )
    if grid:
        GridDuty.objects.create(worker=worker, grid=Grid.objects.get(code=grid), role=role, valid_from=START)
    return worker


def make_shift(worker: Worker) -> Shift:
    """A shift that began an hour ago and goes on."""
    now = timezone.now()
    return Shift.objects.create(
        worker=worker,
        area_code=worker.area_code,
        planned_start=now - timedelta(hours=1),
        planned_end=now + timedelta(hours=7),
        punched_in_at=now - timedelta(hours=1),
    )


def make_type(
    kind: str = "component", class_code: str = "01", type_code: str = "", name: str = ""
) -> ItemType:
    number = next(_serial)
    return ItemType.objects.get_or_create(
        standard="gbt30428_2_2013",
        kind=kind,
        class_code=class_code,
        type_code=type_code or f"{number % 100:02d}",
        defaults={"class_name": "公用设施", "name": name or f"类型{number}"},
    )[0]


def make_component(place: Point, **values) -> Component:
    kind = values.pop("type", None) or make_type(type_code="01", name="上水井盖")
    number = next(_serial)
    return Component.objects.create(
        code=values.pop("code", f"990101{kind.class_code}{kind.type_code}{number:06d}"),
        type=kind,
        name=values.pop("name", kind.name),
        geom=place,
        **values,
    )


def make_rule(unit: Organisation, **values) -> DispatchRule:
    values.setdefault("valid_from", START)
    return DispatchRule.objects.create(name=values.pop("name", f"规则{next(_serial)}"), unit=unit, **values)


def make_case(place: Point, **values) -> Case:
    """A case as it stands in the table, without the flow that leads there."""
    number = next(_serial)
    values.setdefault("source", Case.Source.WORKER)
    values.setdefault("reported_at", timezone.now())
    values.setdefault("type", make_type(type_code="01", name="上水井盖"))
    table = flow.current(values.setdefault("flow", flow.CITY))
    values.setdefault("flow_version", table.version)
    values.setdefault("phase", table.phase(values.setdefault("state", Case.State.REPORTED)))
    case = Case.objects.create(
        number=f"{table.prefix}99010120260101{number:05d}", geom=place, client_key=uuid.uuid4(), **values
    )
    if case.holder_unit_id:
        case.holds.create(unit=case.holder_unit)
    case.refresh_from_db()
    return case
