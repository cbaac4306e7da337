"""A number of rows of everything, each with owners, types and children of its own.

An address that asks once per row, or once per row's unit, photo or neighbour, asks more when there are more.
"""

import uuid
from datetime import date, timedelta

from django.contrib.gis.geos import MultiPolygon
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
from cases import dispatch, flow_data
from cases.evaluation import authoring, tasks
from cases.models import (
    CaseAttachment,
    CaseImport,
    FilingStandard,
    FlowVersion,
    JointMeeting,
    MeetingItem,
    Open311Key,
    Open311Post,
    PublicBlock,
    PublicQuestion,
    PublicReport,
    PublicText,
    PublicTopic,
    PublicWords,
    Questionnaire,
    QuestionnaireAnswer,
    QuestionnaireItem,
    QuestionnaireSheet,
    Report,
    ReporterContact,
    ReportTemplate,
    SavedView,
    Suggestion,
    Supervision,
    Transition,
)
from geo.models import (
    Attachment,
    AuditEntry,
    CalendarDay,
    Dictionary,
    DictionaryItem,
    Grant,
    Message,
    Notice,
    NotificationTemplate,
    OfficeHours,
    Output,
    Role,
    UnitSubscription,
    Webhook,
    WebhookDelivery,
)
from grids.models import (
    CheckIn,
    Grid,
    GridDuty,
    PlanProposal,
    Publication,
    Shift,
    UnitGrid,
)
from tests.cases.evaluation.made import computed, field, leaf, make_evaluator, make_model, make_task, reported
from tests.factories import (
    LAT,
    LON,
    SIDE,
    START,
    at,
    box,
    cut,
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
        flow_data.load()
        self.planner = make_user(role="planner", area="9901")
        self.evaluator = make_evaluator()
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
        cut({community.code: (west, LAT + 2 * SIDE)}, 2, Grid, self.publication)
        cut({community.code: (west, LAT + 2 * SIDE)}, 2, UnitGrid, self.publication)
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
        FlowVersion.objects.create(
            name="city_management",
            version=10 + number,
            label="草稿",
            definition=flow_data.shipped()["city_management", 2],
            created_by=person,
        )
        made |= self._assets(number, place, unit)
        made |= self._work(number, place, unit, person, made)
        made |= self._case(number, place, unit, person, made)
        made |= self._duties(number, unit, person, made)
        made |= self._evaluation(number, person, made)
        made |= self._residents(number, person, made)
        return made | self._ground(number, person) | self._outside(number, unit, person)

    def _outside(self, number, unit, person) -> dict:
        """What is told outside: to people, to a unit, to a program; the first of each gets more and more."""
        told = {"channel": "sms", "language": "en", "template": "case.dispatched", "body": "x"}
        message = Message.objects.create(**told, user=person, unit=unit, state="failed", address="1")
        Message.objects.create(**told, user=person, unit=unit, state="sent", gateway="outbox")
        webhook = Webhook.objects.create(name=f"接口{number}", url="https://example.cn/", owner=person)
        first = self.rows[0]["webhook"] if self.rows else webhook
        deliveries = [
            WebhookDelivery.objects.create(
                webhook=hook,
                event=uuid.uuid4(),
                type="cn.wangge.case.closed",
                state="failed",
                body="{}",
                tries=[{"at": "2026-01-01T00:00:00+00:00", "status": 500, "problem": "x", "ms": 1}] * number,
                since=timezone.now(),
            )
            for hook in {webhook, first}
        ]
        return {
            "message": message,
            "template": NotificationTemplate.objects.create(
                code=f"walk.{number}", channel="sms", language="en", body="x"
            ),
            "subscription": UnitSubscription.objects.create(
                unit=unit, kind="case.dispatched", channel="sms", address="1"
            ),
            "webhook": webhook,
            "delivery": deliveries[0],
        }

    def _duties(self, number, unit, person, made) -> dict:
        """Meetings with cases on their agenda, rows they added, orders; the first meeting's agenda grows."""
        case = made["case"]
        type(case).objects.filter(pk=case.pk).update(difficult=True)
        meeting = JointMeeting.objects.create(
            area_code="9901", held_on=timezone.localdate(), title=f"会{number}", created_by=person
        )
        for one in {meeting, self.rows[0]["meeting"] if self.rows else meeting}:
            item = MeetingItem.objects.create(
                meeting=one,
                case=case,
                decision="定" if one != meeting else "",
                unit=unit,
                decided_by=person if one != meeting else None,
                decided_at=timezone.now() if one != meeting else None,
            )
            if one != meeting:
                values = {"party": "community", "person": person, "manual": "步骤", "source_item": item}
                make_rule(unit, area_code="990101", type=made["type"], **values)
        made["rule"].person = person
        made["rule"].save()
        gone = make_unit(f"撤{number}")
        make_rule(gone, area_code="990102")
        type(gone).objects.filter(pk=gone.pk).update(active=False)
        order = Supervision.objects.create(
            case=case,
            level=number % 4,
            number=f"D9901012026010100{number:03d}",
            unit=unit,
            ordered_by=person,
            at=timezone.now(),
            reply_due_at=timezone.now(),
            area_code="990101001001",
        )
        waiting = MeetingItem.objects.get(meeting=meeting, case=case)
        return {"meeting": meeting, "meeting_item": waiting, "supervision": order}

    def _evaluation(self, number, person, made) -> dict:
        """A model with a task of its own; the first of both, published, grow with every row."""
        user, code = self.evaluator, made["community"].code
        rate = computed(user, "filed", full_value="9", zero_value="0", name=f"立案{number}")
        tree = [leaf(rate, "40"), leaf(reported(user), "30"), leaf(field(user), "30")]
        model = make_model(user, tree)
        authoring.copy_model(user, model.pk)
        task = make_task(user, model, [code], name=f"评价{number}")
        assessor = make_user(role="assessor", area="9901", organisation=made["unit"])
        tasks.set_assessors(user, task.pk, [{"user": assessor.pk}, {"user": user.pk}])
        for action in ("start", "close_collecting"):
            task = tasks.move(user, task.pk, action)
        if number == 1:
            tasks.move(user, task.pk, "publish", "缺")
        elif number == 2:
            task = tasks.move(user, task.pk, "reopen", "缺")
        first = self.rows[0]["evaluation_task"] if self.rows else task
        self._evaluated(number, first, assessor, code, made)
        return {
            "evaluation_task": task,
            "evaluation_model": model,
            "indicator": rate,
            "evaluation_subject": task.subjects.get(),
        }

    def _evaluated(self, number, task, assessor, code, made) -> None:
        """One more subject of a task with grid, point, value, inspection with its photo, and scores."""
        items = {item.definition["kind"]: item for item in task.model.items.all()}
        who = task.subjects.get_or_create(
            code=code, defaults={"area_code": code, "name": f"对象{number}", "peers": "community"}
        )[0]
        for item in items.values():
            task.scores.get_or_create(subject=who, item=item, defaults={"how": {"missing": "no_value"}})
        task.values.create(item=items["reported"], subject=who, value=number, entered_by=assessor)
        task.assessors.get_or_create(user=assessor, subject=who, item=items["field"])
        grid = task.grids.create(
            subject=who, code=f"{code}001", place=1, geom=MultiPolygon(made["unit_grid"].geom, srid=4326)
        )
        point = task.points.create(
            subject=who,
            grid=grid,
            item=items["field"],
            rule=0,
            place=1,
            of="component",
            code=f"c{number}",
            geom=at(0.2, 0.2),
        )
        seen = task.inspections.create(
            item=items["field"],
            subject=who,
            point=point,
            assessor=assessor,
            client_key=uuid.uuid4(),
            position=at(0.2, 0.2),
            found=[{"code": "p1", "count": 1}],
        )
        photo = Attachment.objects.create(
            owner=assessor, media_type="image/png", sha256="0" * 64, size=9, width=1, height=1
        )
        photo.thumbnail.save("one.png", ContentFile(b"one"))
        seen.photos.create(attachment=photo)

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
        return {"case": case, "attachment": photo} | self._public(case, person, number)

    def _public(self, case, person, number) -> dict:
        """What the public sees of a case, and the system that sent it."""
        PublicWords.objects.create(case=case, reply="好", released_by=person, released_at=timezone.now())
        seen = Attachment.objects.create(media_type="image/png", sha256="0" * 64, size=9, review="passed")
        seen.public.save("one.png", ContentFile(b"one"))
        CaseAttachment.objects.create(case=case, attachment=seen, transition=case.transitions.first())
        key = Open311Key.objects.create(prefix=f"key{number}", sha256=f"{number:064d}", label=f"系统{number}")
        post = Open311Post.objects.create(
            key=key, kind="request", case=case, token=case.client_key, at=timezone.now()
        )
        return {"open311_key": key, "open311_post": post}

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

    def _residents(self, number, person, made) -> dict:
        """What the residents' pages show and what staff keep for them."""
        today = timezone.localdate()
        texts = [
            PublicText.objects.create(kind=kind, title=f"{kind}{number}", body="文", created_by=person)
            for kind in ("news", "notice", "help")
        ]
        suggestion = Suggestion.objects.create(
            number=f"S9901{number:08d}",
            client_key=uuid.uuid4(),
            title=f"建议{number}",
            text="文",
            public=True,
            state="answered",
            reply="复",
            replied_by=person,
            replied_at=timezone.now(),
        )
        # The first one's questions grow; it is over, so that its totals are counted.
        asked = Questionnaire.objects.create(
            title=f"问卷{number}",
            opens_on=today - timedelta(days=9),
            closes_on=today - timedelta(days=1),
            published=True,
            created_by=person,
        )
        for owner in {asked, self.rows[0]["questionnaire"] if self.rows else asked}:
            item = QuestionnaireItem.objects.create(
                questionnaire=owner, kind="single", text="题", options=["好", "差"]
            )
            sheet = QuestionnaireSheet.objects.create(questionnaire=owner, client_key=uuid.uuid4())
            QuestionnaireAnswer.objects.create(sheet=sheet, item=item, option=0)
            QuestionnaireAnswer.objects.create(sheet=sheet, item=item, words="话")
        case = self.rows[0]["case"] if self.rows else made["case"]
        key = uuid.uuid4()
        report = PublicReport.objects.create(case=case, client_key=key, secret_hash=key.hex)
        PublicQuestion.objects.create(
            case=case, report=report, text="问", asked_by=person, asked_at=timezone.now()
        )
        block = PublicBlock.objects.create(
            contact_hash=key.hex,
            case=case,
            reason="spam",
            note="广告",
            expires_at=timezone.now() + timedelta(days=7),
            created_by=person,
        )
        topic = PublicTopic.objects.create(name=f"类{number}", type=made["type"])
        return {
            "text": texts[0],
            "suggestion": suggestion,
            "questionnaire": asked,
            "block": block,
            "topic": topic,
        }

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
        case_import = CaseImport.objects.create(
            owner=self.asker,
            file_name=f"案件{number}.xlsx",
            sha256="0" * 64,
            state="done",
            total=1,
            refused=1,
            rows=[{"row": 2}],
            fates=[
                {
                    "row": 2,
                    "reference": "",
                    "fate": "bad",
                    "number": "",
                    "problems": [{"column": "lon", "detail": "x"}],
                }
            ],
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
        report = Report.objects.create(
            kind="bulletin",
            title=f"简报{number}",
            area_code="9901",
            start=date(2026, 1, 1),
            end=date(2026, 1, 31),
            content={"figures": [], "parts": []},
            output=output,
            made_by=self.asker,
        )
        template = ReportTemplate.objects.create(
            kind="concern", name=f"模板{number}", file="x.docx", active=False, uploaded_by=person
        )
        return {
            "report": report,
            "template": template,
            "word": word,
            "day": day,
            "output": output,
            "exchange": exchange,
            "case_import": case_import,
            "import": draft,
            "base_map": base_map,
            "plan": plan,
            "proposal": proposal,
        }
