"""Pages, lists behind figures, files, the API and Word reports of statistics."""

import io
import re

import pytest
from docx import Document
from openpyxl import load_workbook

from cases import jobs
from cases.models import Case, Rating, Report, ReportTemplate
from cases.statistics import bulletin, exports, sql, tables
from cases.statistics.counts import COMPLAINT, LETTER
from cases.statistics.periods import read
from geo.models import Output
from tests.cases.people import client as api_of
from tests.cases.statistics.lives import Life, at_noon, random_life
from tests.factories import at, make_type, make_unit, make_user, make_worker

pytestmark = pytest.mark.django_db
MARCH = "period=2026-03"


@pytest.fixture
def leader(city):
    return make_user("leader", role="shift_lead", area="9901")


@pytest.fixture
def town(leader):
    import random

    rng = random.Random(3)
    units, types, clocks = (
        [make_unit(), make_unit()],
        [make_type(type_code="01"), make_type("event", "02", "01")],
        {},
    )
    for _number in range(40):
        place = at(rng.uniform(0.05, 2.95), rng.uniform(0.05, 1.95))
        random_life(rng, place, at_noon(2026, 3, 1), clocks, units, types)
    return units


def test_the_page_adds_up_and_every_figure_opens_its_cases(client, leader, town):
    client.force_login(leader)
    for by in ("area", "unit", "source", "class", "person", "company", "source_kind", "kind", "type"):
        asked = tables.read({"period": "2026-03", "by": by, "table": "handling"}, leader)
        answer = tables.answer(asked)
        for at_, cell in enumerate(answer.total.cells):
            if cell.indicator.is_rate:
                continue
            assert cell.value == sum(row.cells[at_].value for row in answer.rows), (by, cell.indicator.code)
        for row in answer.rows:
            for cell in row.cells:
                if not cell.stat or cell.indicator.code == "returned":
                    continue
                page = client.get("/", {"view": "all", "stat": cell.stat}, headers={"HX-Target": "list-pane"})
                found = re.findall(r"A\d{12,}", page.content.decode())
                assert len(set(found)) == min(40, row.figures[cell.indicator.top]), cell.stat


def test_pages_answer(client, leader, town):
    client.force_login(leader)
    for address in (
        f"/statistics/?{MARCH}",
        f"/statistics/?{MARCH}&table=workload&by=person&compare=1",
        f"/statistics/?{MARCH}&area=990101001001&show=closed_on_time_rate",
        f"/statistics/?{MARCH}&area=990101001001001&by=class",
        f"/statistics/?{MARCH}&borders=2025-06-01&edition=new&by=type",
        "/statistics/?table=letters&period=2026-W10",
        "/statistics/?table=complaints&period=2026",
        f"/statistics/series/?{MARCH}&show=closed",
        f"/statistics/frequent/?{MARCH}",
        "/statistics/reports/",
    ):
        assert client.get(address).status_code == 200, address
    for address in ("?table=no", "?by=no", "?period=2026-13", "?show=no", "?unit=x", "?borders=2999-01-01"):
        assert client.get("/statistics/" + address).status_code == 400, address
    assert client.get("/?stat=no;2026-03").status_code == 400
    client.force_login(make_user("worker", role="grid_worker"))
    assert client.get("/statistics/").status_code == 403
    assert client.get("/statistics/reports/").status_code == 403


def test_a_word_in_an_address_shows_nobody_more_than_he_may_count(client, leader, town):
    worker = make_user("w", role="grid_worker")
    make_worker(worker, grid="990101001001001")
    client.force_login(worker)
    page = client.get("/", {"view": "all", "stat": "reported;2026-03"}, headers={"HX-Target": "list-pane"})
    assert not re.findall(r"A\d{12,}", page.content.decode())
    # A department counts what it held at the end of the period, and its list is exactly that.
    own = make_user("d", role="department", unit=town[0])
    asked = tables.read({"period": "2026-03", "by": "source", "table": "handling"}, own)
    assert asked.of["unit"] == str(town[0].pk)
    answer = tables.answer(asked)
    client.force_login(own)
    for cell in answer.total.cells:
        if cell.stat and cell.indicator.code not in ("returned",):
            page = client.get("/", {"view": "all", "stat": cell.stat}, headers={"HX-Target": "list-pane"})
            found = set(re.findall(r"A\d{12,}", page.content.decode()))
            assert len(found) == min(40, answer.total.figures[cell.indicator.top]), cell.stat


def test_the_api_tells_exact_fractions(leader, town):
    api = api_of(leader)
    told = api.get("/api/statistics/").json()
    assert {"closed_rate", "satisfaction", "response_rate"} <= {one["code"] for one in told["indicators"]}
    table = api.get(f"/api/statistics/table/?{MARCH}&by=unit").json()
    assert table["since"].startswith("2026-02-28T16:00") or table["since"].startswith("2026-03-01T00:00")
    rate = table["total"]["figures"]["closed_rate"]
    assert rate["denominator"] == table["total"]["figures"]["due_close"]["numerator"]
    assert rate["value"] == pytest.approx(rate["numerator"] / rate["denominator"])
    assert api.get("/api/statistics/table/?by=no").status_code == 400
    assert api_of(make_user()).get("/api/statistics/table/").status_code == 403


def test_denominators_are_a_setting(leader, town, settings):
    asked = tables.read({"period": "2026-03", "table": "reporting", "by": "source"}, leader)
    before = tables.answer(asked).total
    settings.STATISTICS_DENOMINATORS = {"filing_rate": "valid"}
    after = tables.answer(asked).total
    at_ = asked.table.columns.index("filing_rate")
    assert before.cells[at_].value * before.figures["reported"] == before.figures["filed"]
    assert after.cells[at_].value * after.figures["valid"] == after.figures["filed"]


@pytest.mark.parametrize("kind", ("xlsx", "pdf"))
def test_files(leader, town, kind, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    output = Output.objects.create(user=leader, title="t")
    exports.write(output.pk, {"period": "2026-03", "table": "closing", "by": "area"}, kind)
    output.refresh_from_db()
    assert output.state == "ready", output.problem
    content = output.file.read()
    if kind == "pdf":
        assert content.startswith(b"%PDF")
        return
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert rows[-1][1] == sum(row[1] for row in rows[:-1])


def test_reports_are_counted_once_and_become_word_files(
    client, leader, town, tmp_path, settings, monkeypatch
):
    settings.MEDIA_ROOT = tmp_path
    client.force_login(leader)
    made = []
    monkeypatch.setattr(jobs.make_report, "defer", lambda **values: made.append(values))
    for kind, area in (("bulletin", "9901"), ("concern", "990101001001001"), ("concern", "990101001001")):
        said = {"kind": kind, "area": area, "first": "2026-03-01", "last": "2026-03-31"}
        answer = client.post("/statistics/reports/make/", said)
        assert answer.status_code == 302, answer.content[:300]
        bulletin.write(**made[-1])
        report = Report.objects.get(pk=made[-1]["report_id"])
        report.output.refresh_from_db()
        assert report.output.state == "ready", report.output.problem
        words = "\n".join(
            cell.text
            for table in Document(report.output.file).tables
            for row in table.rows
            for cell in row.cells
        )
        assert report.content["figures"][0]["label"] in words
        for part in report.content["parts"]:
            for row in part["rows"][:3]:
                assert row[0] in words
        assert client.get(answer["Location"]).status_code == 200
    assert client.get("/statistics/reports/").content.count(b"/statistics/reports/") > 3
    wrong = {"kind": "concern", "area": "9901", "first": "2026-03-01", "last": "2026-03-31"}
    assert client.post("/statistics/reports/make/", wrong).status_code == 422
    client.force_login(make_user("other", role="leader", area="990102"))
    assert client.post("/statistics/reports/make/", {**wrong, "area": "990101"}).status_code == 404
    assert client.get(f"/statistics/reports/{report.pk}/").status_code == 404


def test_an_operators_template(client, leader, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    client.force_login(leader)
    good = io.BytesIO()
    document = Document()
    document.add_paragraph("{{ heading }} {{ area }}")
    document.save(good)
    bad = io.BytesIO()
    document = Document()
    document.add_paragraph("{{ ().__class__.__bases__[0].__subclasses__() }}")
    document.save(bad)
    for content, name, status in (
        (good, "own.docx", 302),
        (bad, "bad.docx", 422),
        (io.BytesIO(b"x"), "x", 422),
    ):
        content.seek(0)
        content.name = name
        answer = client.post("/statistics/templates/upload/", {"kind": "bulletin", "file": content})
        assert answer.status_code == status, name
    row = ReportTemplate.objects.get()
    assert bulletin.template_of("bulletin") != bulletin.FOLDER / "bulletin.docx"
    client.post(f"/statistics/templates/{row.pk}/")
    assert bulletin.template_of("bulletin") == bulletin.FOLDER / "bulletin.docx"
    assert client.get("/statistics/templates/bulletin/").status_code == 200
    client.force_login(make_user(role="dispatcher", area="9901"))
    assert client.post("/statistics/templates/upload/", {"kind": "bulletin"}).status_code == 403


def test_letters(leader, city):
    """Three letters: the grid's own, one whistled and taken in time, one sent back and late."""
    unit, clocks = make_unit(), {}

    def letter(**values):
        life = Life(at(0.2, 0.2), at_noon(2026, 3, 2), clocks, source="worker", flow="letter", **values)
        return life

    def run(life, action, to, **changes):
        case = life.case
        before = case.state
        for name, value in changes.items():
            setattr(case, name, value)
        case.state = to
        case.save()
        case.transitions.create(action=action, from_state=before, to_state=to, at=life.at)

    own = letter()
    run(own.wait(hours=1), "self_handle", "checking", handled_at=own.at, self_handled=True)
    run(own.wait(hours=1), "pass", "rating", verified_at=own.at)
    run(own.wait(days=7), "archive_unrated", "archived", closed_at=own.at)
    good = letter()
    run(good.wait(hours=1), "escalate", "at_community")
    run(good.wait(hours=1), "escalate", "at_street")
    run(good.wait(hours=1), "accept", "accepted")
    due, take = at_noon(2026, 3, 9), at_noon(2026, 3, 3)
    run(good.wait(hours=1), "whistle", "whistled", holder_unit=unit, handle_due_at=due, due_at=take)
    run(good.wait(hours=1), "take", "reporting_in", due_at=due)
    run(good.wait(days=2), "feed_back", "checking", handled_at=good.at)
    run(good.wait(hours=1), "pass", "rating", verified_at=good.at)
    Rating.objects.create(case=good.case, kind="outer", stars=4, at=good.at)
    Rating.objects.create(case=good.case, kind="inner", stars=5, at=good.at)
    run(good.wait(hours=1), "rate", "archived", closed_at=good.at)
    late = letter()
    run(late.wait(hours=1), "escalate", "at_street")
    run(late.wait(hours=1), "accept", "accepted")
    run(late.wait(hours=1), "whistle", "whistled", holder_unit=unit, handle_due_at=due, due_at=take)
    run(late.wait(hours=1), "return_order", "returned")

    asked = tables.read({"period": "2026-03", "table": "letters", "by": "area"}, leader)
    total = tables.answer(asked).total
    shown = {cell.indicator.code: cell.text for cell in total.cells}
    assert (
        shown
        | {
            "reported": "3",
            "letters_by_grid": "1",
            "self_solved_rate": "33.33 %",
            "letters_due": "3",
            "letters_done": "2",
            "letters_rate": "66.67 %",
            "letters_on_time": "2",
            "whistled": "2",
            "whistle_rate": "66.67 %",
            "report_in_rate": "50.00 %",
            "send_back_rate": "50.00 %",
            "letter_extended_rate": "0.00 %",
            "satisfaction": "4.00",
            "rated": "1",
            "inner_rating": "5.00",
            "unrated": "1",
        }
        == shown
    )
    assert sql.figures(asked.question.asked(flow=LETTER, periods=(read("2026-02"),)), ("reported",)) == [{}]


def test_complaints(leader, city):
    """Three rates over those called back about, and those nobody answered."""
    unit, due = make_unit(), at_noon(2026, 3, 9)

    def complaint(replied_after, **said):
        life = Life(at(0.2, 0.2), at_noon(2026, 3, 2), {}, source="hotline", flow="complaint")
        case = life.case
        case.state, case.holder_unit, case.handle_due_at = "in_hand", unit, due
        case.save()
        case.transitions.create(action="handle", from_state="received", to_state="in_hand", at=life.at)
        if replied_after is None:
            return
        life.wait(days=replied_after)
        case.state, case.handled_at = "replied", life.at
        case.save()
        case.transitions.create(action="reply", from_state="in_hand", to_state="replied", at=life.at)
        life.wait(hours=2)
        Rating.objects.create(case=case, kind="call_back", at=life.at, **said)
        case.state, case.closed_at = "closed", life.at
        case.save()
        case.transitions.create(action="call_back", from_state="replied", to_state="closed", at=life.at)

    complaint(2, contacted=True, solved=True, satisfied=True)
    complaint(2, contacted=True, solved=True, satisfied=False)
    complaint(2, contacted=False)
    complaint(9, contacted=True, solved=False, satisfied=False)
    complaint(None)
    asked = tables.read({"period": "2026-03", "table": "complaints", "by": "unit"}, leader)
    shown = {cell.indicator.code: cell.text for cell in tables.answer(asked).total.cells}
    assert (
        shown
        | {
            "complaints": "5",
            "called": "4",
            "unanswered": "1",
            "response_rate": "40.00 %",
            "reached": "3",
            "solved_rate": "66.67 %",
            "satisfied_rate": "33.33 %",
            "dissatisfied": "2",
        }
        == shown
    )
    assert Case.objects.filter(flow=COMPLAINT).count() == 5


def test_of_a_running_period_the_present_stands_for_its_end(client, leader, city):
    """What is due later this year is not overdue; its list, opened later, is still the figure's."""
    from datetime import timedelta

    from django.utils import timezone

    now, unit = timezone.now(), make_unit()
    life = Life(at(0.2, 0.2), now - timedelta(minutes=5), {}, source="worker", type=make_type(type_code="01"))
    life.wait(minutes=1).write("auto_accept", "auto_file", "auto_dispatch", unit=unit, days=0.02)
    asked = tables.read({"period": str(timezone.localdate().year), "table": "handling", "by": "unit"}, leader)
    row = tables.answer(asked).rows[0]
    cells = {cell.indicator.code: cell for cell in row.cells}
    assert (cells["pending_on_time"].value, cells["pending_overdue"].value) == (1, 0)
    client.force_login(leader)
    page = client.get(
        "/", {"view": "all", "stat": cells["pending_on_time"].stat}, headers={"HX-Target": "list-pane"}
    )
    assert life.case.number in page.content.decode()
