"""A number of rows of everything, each with owners, types and children of its own.

An address that asks once per row, or once per row's unit, photo or neighbour, asks more when there are more.
"""

import uuid
from datetime import date, timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from assets.models import (
    Building,
    Enterprise,
    Estate,
    Exchange,
    House,
    Household,
    PublicFacility,
    ReferenceLine,
    ResidentUnit,
    RiskPoint,
    ServiceCenter,
    Shop,
)
from cases import dispatch
from cases.models import CaseAttachment, FilingStandard, ReporterContact, SavedView, Transition
from geo.models import (
    Attachment,
    AuditEntry,
    CalendarDay,
    Dictionary,
    DictionaryItem,
    Grant,
    Notice,
    OfficeHours,
    Output,
    Role,
)
from grids.models import (
    CheckIn,
    Grid,
    GridDuty,
    GridVersion,
    PlanProposal,
    Publication,
    Shift,
    UnitGrid,
    UnitGridVersion,
)
from tests.factories import (
    LAT,
    LON,
    SIDE,
    START,
    _cut,
    at,
    box,
    make_area,
    make_case,
    make_component,
    make_rule,
    make_type,
    make_unit,
    make_user,
    make_worker,
)
from tests.grids.planning.plans import make_plan
from tiles.models import BaseMap

STATES = ("reported", "accepted", "filed", "dispatched", "handled", "closed")


class Everything:
    """Rows of everything in the tiny city; ``grow`` adds to what is there.

    ``asker`` is who looks: messages, exports and saved views are his; ``importer``'s are the imports.
    """

    def __init__(self, city, asker, importer=None):
        self.asker, self.importer, self.count, self.rows = asker, importer or asker, 0, []
        self.planner = make_user(role="planner", area="9901")
        self.district = make_area("990103", "丙区", box(LON, LAT + 2 * SIDE, 20 * SIDE, SIDE), city)
        self.street = make_area(
            "990103001", "丙街道", box(LON, LAT + 2 * SIDE, 20 * SIDE, SIDE), self.district
        )
        self.publication = Publication.objects.create(kind="import", effective_on=START)
        self.dictionary = Dictionary.objects.create(code="walk", name="词典")
        self.grid = Grid.objects.get(code="990101001001001")

    def grow(self, count: int) -> dict:
        """Add rows until there are ``count`` of everything; returns the first of each kind."""
        while self.count < count:
            self.count += 1
            self.rows.append(self._one(self.count))
        return self.rows[0]

    def _one(self, number: int) -> dict:
        place = at(0.2 + number / 100, 0.2)
        west = LON + (number - 1) * SIDE
        community = make_area(
            f"990103001{number:03d}", f"丙{number}社区", box(west, LAT + 2 * SIDE, SIDE), self.street
        )
        _cut(community.code, west, LAT + 2 * SIDE, 2, Grid, GridVersion, self.publication)
        _cut(community.code, west, LAT + 2 * SIDE, 2, UnitGrid, UnitGridVersion, self.publication)
        unit = make_unit(f"单位之{number}", parent=self.rows[0]["unit"] if self.rows else None)
        person = make_user(f"person{number}", organisation=unit)
        Grant.objects.create(user=person, role=Role.objects.order_by("code")[number % 3], area_code="9901")
        made = {
            "unit": unit,
            "person": person,
            "community": community,
            "grid": Grid.objects.get(code=f"{community.code}001"),
            "unit_grid": UnitGrid.objects.get(code=f"{community.code}001"),
            "role": Role.objects.order_by("code").first(),
            "dictionary": self.dictionary,
        }
        made |= self._assets(number, place, unit)
        made |= self._work(number, place, unit, person, made)
        made |= self._case(number, place, unit, person, made)
        return made | self._ground(number, person)

    def _assets(self, number, place, unit) -> dict:
        estate = Estate.objects.create(code=f"e-{number}", name=f"小区{number}", geom=place)
        building = Building.objects.create(code=f"b-{number}", name=f"楼{number}", geom=place, estate=estate)
        first = self.rows[0]["building"] if self.rows else building
        for owner in {building, first}:
            house = House.objects.create(building=owner, floor=number, door=f"{number}01")
            Household.objects.create(house=house, people=number)
        for model in (Shop, Enterprise):
            code = f"{model.__name__}-{number}"
            model.objects.create(code=code, name=code, building=first, house=house)
        kind = make_type(type_code=f"{number:02d}", class_code="01", name=f"部件{number}")
        FilingStandard.objects.create(type=kind, condition="有", limit=1, limit_unit="work_day")
        component = make_component(
            place, code=f"9901010101{number:06d}", type=kind, owner_unit=unit, maintenance_unit=unit
        )
        near = {"geom": place}
        return {
            "estate": estate,
            "building": building,
            "house": house,
            "shop": Shop.objects.get(code=f"Shop-{number}"),
            "enterprise": Enterprise.objects.get(code=f"Enterprise-{number}"),
            "resident_unit": ResidentUnit.objects.create(code=f"r-{number}", name=f"学校{number}", **near),
            "type": kind,
            "component": component,
            "facility": PublicFacility.objects.create(
                code=f"f-{number}", name=f"公厕{number}", kind="toilet", component=component, **near
            ),
            "center": ServiceCenter.objects.create(
                code=f"s-{number}",
                name=f"中心{number}",
                level="street",
                parent=self.rows[0]["center"] if self.rows else None,
                **near,
            ),
            "risk": RiskPoint.objects.create(
                code=f"R{number}",
                name=f"风险{number}",
                category="x",
                likelihood=1,
                exposure=1,
                consequence=1,
                supervising_unit=unit,
                component=component,
                **near,
            ),
            "line": ReferenceLine.objects.create(
                code=f"l-{number}",
                name=f"路{number}",
                kind="road",
                geom=f"SRID=4326;LINESTRING(83.901 39.5, 83.91 39.50{number:02d})",
            ),
        }

    def _work(self, number, place, unit, person, made) -> dict:
        now = timezone.now()
        worker = make_worker(person)
        worker.organisation = unit
        worker.save()
        GridDuty.objects.create(worker=worker, grid=self.grid, role="member", valid_from=START)
        shift = Shift.objects.create(
            worker=worker,
            area_code="9901",
            planned_start=now - timedelta(hours=1),
            planned_end=now + timedelta(hours=7),
            punched_in_at=now - timedelta(hours=1),
        )
        check_in = CheckIn.objects.create(
            worker=worker, shift=shift, geom=place, result="inside", client_key=uuid.uuid4(), device_at=now
        )
        rule = make_rule(unit, name=f"派遣{number}", type=made["type"], grid=self.grid)
        make_rule(unit, area_code="990101", type=self.rows[0]["type"] if self.rows else made["type"])
        return {"worker": worker, "shift": shift, "check_in": check_in, "rule": rule}

    def _case(self, number, place, unit, person, made) -> dict:
        case, today = None, timezone.localdate()
        decision = dispatch.decide(place, type=made["type"], area_code="990101001001", day=today).as_json()
        for state in STATES:
            case = make_case(
                place,
                state=state,
                type=made["type"],
                component=made["component"],
                holder_unit=unit,
                reporter=person,
                verifier=person,
                duplicate_of=case,
                due_at=timezone.now(),
                filing_standard=made["type"].filing_standards.first(),
                decision=decision,
            )
            ReporterContact.objects.create(case=case, name="某", phone="1")
            self._steps(case, unit, person, number)
        values = {"reporter": person, "due_at": timezone.now(), "handle_due_at": timezone.now()}
        make_case(place, flow="letter", state="found", **values)
        make_case(place, flow="letter", state="checking", self_handled=True, verifier=person, **values)
        make_case(place, flow="letter", state="reporting_in", holder_unit=unit, **values)
        make_case(place, flow="complaint", state="received", **values)
        make_case(place, flow="complaint", state="in_hand", holder_unit=unit, complaint_kind="help", **values)
        if self.rows:
            first = self.rows[0]["case"]
            first.holds.create(unit=unit)
            self._steps(first, unit, person, number)
        photo = CaseAttachment.objects.filter(case=case).first().attachment
        return {"case": case, "attachment": photo}

    def _steps(self, case, unit, person, number) -> None:
        step = Transition.objects.create(
            case=case,
            action="dispatch",
            to_state=case.state,
            actor=person,
            unit=unit,
            to_unit=unit,
            at=timezone.now(),
        )
        photo = Attachment.objects.create(
            owner=person, media_type="image/png", sha256="0" * 64, size=9, width=1, height=1
        )
        photo.original.save("one.png", ContentFile(b"one"))
        CaseAttachment.objects.create(case=case, attachment=photo, transition=step)

    def _ground(self, number, person) -> dict:
        word = DictionaryItem.objects.create(
            dictionary=self.dictionary, code=f"w{number}", name=f"词{number}"
        )
        AuditEntry.objects.create(actor=person, action="walk", object_type="case", object_id=str(number))
        day = CalendarDay.objects.create(date=date(2026, 1, number), is_working=False, area_code="990101")
        OfficeHours.objects.create(area_code="990102", opens="08:00", closes="12:00", valid_from=START)
        SavedView.objects.create(user=self.asker, name=f"视图{number}", query="state=filed")
        Notice.objects.create(user=self.asker, title=f"消息{number}")
        output = Output.objects.create(user=self.asker, title=f"导出{number}")
        exchange = Exchange.objects.create(
            kind="export",
            state="done",
            owner=self.importer,
            options={"layer": "components", "format": "csv", "crs": "EPSG:4326", "area": "9901"},
        )
        draft = Exchange.objects.create(
            kind="import",
            state="failed",
            owner=self.importer,
            options={"target": "assets.Component", "mapping": {}},
        )
        plan = make_plan(self.planner, [f"990103001{number:03d}"], streets=0, name=f"方案{number}")
        # Of the first plan: its list of proposals grows.
        self.plan = getattr(self, "plan", plan)
        proposal = PlanProposal.objects.create(
            plan=self.plan,
            community_code="990103001001",
            revision=0,
            grids=3,
            state="ready",
            created_by=make_user(),
        )
        base_map = BaseMap.objects.create(
            name=f"map-{number}",
            title=f"底图{number}",
            service="wms_130",
            projection="EPSG:4326",
            url="http://x",
        )
        return {
            "word": word,
            "day": day,
            "output": output,
            "exchange": exchange,
            "import": draft,
            "base_map": base_map,
            "plan": plan,
            "proposal": proposal,
        }
