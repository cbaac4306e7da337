"""Cases from a workbook: every row judged, then imported once however often it is tried."""

import io
import uuid
import zipfile

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases import actions
from cases.importing import check, columns, read, run, write
from cases.importing.columns import COLUMNS
from cases.models import Case, CaseImport, ReporterContact
from geo.models import Notice, User
from tests.cases.offices import make_kinds
from tests.cases.people import HERE
from tests.factories import at, make_case, make_component, make_type, make_user

pytestmark = pytest.mark.django_db

GOOD = {"description": "井盖缺失", "lon": HERE.x, "lat": HERE.y}


@pytest.fixture
def desk(city):
    make_kinds()
    return make_user("desk", role="acceptor", area="9901")


def book(*rows: dict, keys=None) -> bytes:
    """A workbook with the template's headings."""
    made = openpyxl.Workbook()
    keys = list(keys or COLUMNS)
    made.active.append([str(COLUMNS[key][0]) if key in COLUMNS else key for key in keys])
    for row in rows:
        made.active.append([row.get(key) for key in keys])
        for cell in made.active[made.active.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def upload(data: bytes, name="案件.xlsx"):
    return SimpleUploadedFile(name, data)


def take(user, *rows: dict) -> CaseImport:
    return run.take(user, upload(book(*rows)))


def carry_out(user, imported: CaseImport) -> CaseImport:
    run.start(user, imported.pk)
    run.run(imported.pk)
    imported.refresh_from_db()
    return imported


def problems(imported: CaseImport) -> list[dict[str, str]]:
    return [{one["column"]: one["detail"] for one in fate["problems"]} for fate in imported.fates]


def test_good_rows_become_cases(desk, client):
    kind = make_type(type_code="01", name="上水井盖")
    component = make_component(HERE, type=kind)
    shifted = at(1.5, 1)
    imported = take(
        desk,
        {**GOOD, "reference": "甲-1", "type": "上水井盖", "urgent": "是", "address": "一号路"},
        {"component": component.code, "flow": "city_management", "source": "hotline"},
        {**GOOD, "flow": "群众诉求", "kind": "help", "name": "张三", "phone": "+8613800000000"},
        {},
        {**GOOD, "flow": "letter", "crs": "gcj02", "lon": shifted.x, "lat": shifted.y},
    )
    assert (imported.good, imported.refused, imported.state) == (4, 0, "checked"), problems(imported)
    assert not Case.objects.exists()
    imported = carry_out(desk, imported)
    assert (imported.state, imported.created, imported.done) == ("done", 4, 4)
    first, second, third, fourth = Case.objects.order_by("pk")
    assert (first.number[0], first.type, first.urgent, first.address, first.source) == (
        "A",
        kind,
        True,
        "一号路",
        "import",
    )
    assert (second.component, second.source, second.geom.coords) == (component, "hotline", HERE.coords)
    assert (third.number[0], third.complaint_kind) == ("H", "help")
    assert ReporterContact.objects.get().case == third
    # A place that came shifted is kept as it came, and shifted back.
    assert (fourth.number[0], fourth.raw_crs, fourth.raw_lon) == ("W", "gcj02", shifted.x)
    assert 0.001 < abs(fourth.geom.x - shifted.x) < 0.01
    # The number of the line in the sheet, with the empty one counted.
    assert [fate["row"] for fate in imported.fates] == [2, 3, 4, 6]
    assert [fate["number"] for fate in imported.fates] == [one.number for one in Case.objects.order_by("pk")]
    # Nothing of the contact is kept beside the case.
    assert imported.rows == [] and "13800000000" not in str(imported.fates)
    assert Notice.objects.get(user=desk).url == reverse("case-import", args=[imported.uuid])


def test_what_is_wrong_is_told_by_column(desk):
    make_type(type_code="01", name="上水井盖")
    make_type(kind="event", type_code="01", name="暴露垃圾")
    far = at(100, 0.2)
    imported = take(
        desk,
        {**GOOD, "type": "井"},
        {**GOOD, "type": "0101"},
        {"description": "x"},
        {**GOOD, "lon": "东"},
        {**GOOD, "lon": far.x},
        {**GOOD, "crs": "mars"},
        {**GOOD, "flow": "投诉单"},
        {**GOOD, "flow": "complaint"},
        {**GOOD, "kind": "help"},
        {**GOOD, "component": "9901010101000001"},
        {**GOOD, "description": "长" * 1001},
        {"lon": HERE.x, "lat": HERE.y},
        {**GOOD, "urgent": "也许"},
        {**GOOD, "source": "supervisor"},
        {**GOOD, "reference": "1"},
        {**GOOD, "reference": 1},
        {**GOOD, "lat": 139.5},
    )
    found = problems(imported)
    assert "上水井盖 部件0101" in found[0]["type"]
    assert "部件0101" in found[1]["type"] and "事件0101" in found[1]["type"]
    assert "lon" in found[2] and "lon" in found[3]
    assert "km" in found[4]["lon"] or "公里" in found[4]["lon"]
    assert "gcj02" in found[5]["crs"]
    assert "群众诉求" in found[6]["flow"]
    assert "help" in found[7]["kind"]
    assert [list(one) for one in found[8:14]] == [
        ["kind"],
        ["component"],
        ["description"],
        ["description"],
        ["urgent"],
        ["source"],
    ]
    assert not found[14] and "reference" in found[15] and "lon" in found[16]
    assert (imported.good, imported.refused) == (1, 16)


def test_a_type_by_code_and_kind(desk):
    make_type(type_code="01", name="上水井盖")
    event = make_type(kind="event", type_code="01", name="暴露垃圾")
    for text in ("事件0101", "暴露垃圾", "暴露垃圾 事件0101"):
        (one,) = check.check(desk, "x", [{"row": 2, **{k: str(v) for k, v in GOOD.items()}, "type": text}])
        assert one.type == event, one.problems


def test_the_same_file_twice_makes_no_case_twice(desk):
    rows = ({**GOOD, "reference": "1"}, {**GOOD, "description": "第二件"})
    data = book(*rows)
    carry_out(desk, run.take(desk, upload(data)))
    again = run.take(desk, upload(data, "换名.xlsx"))
    assert (again.good, again.there) == (0, 2)
    assert {fate["number"] for fate in again.fates} == {one.number for one in Case.objects.all()}
    # A colleague with the same file finds them there too.
    other = make_user("colleague", role="acceptor", area="990102")
    theirs = run.take(other, upload(data))
    assert theirs.there == 2 and {fate["number"] for fate in theirs.fates} == {""}
    # Another file with the same reference number of mine means the same case.
    more = carry_out(desk, take(desk, {**GOOD, "reference": "1"}, {**GOOD, "reference": "2"}))
    assert (more.created, more.there) == (1, 1)
    assert Case.objects.count() == 3


def test_killed_halfway_and_run_again(desk, monkeypatch):
    imported = take(desk, *({**GOOD, "reference": str(n)} for n in range(25)))
    run.start(desk, imported.pk)
    report, made = actions.report, []

    class Killed(BaseException):
        pass

    def dying(*args, **values):
        if len(made) == 13:
            raise Killed
        made.append(1)
        return report(*args, **values)

    monkeypatch.setattr(actions, "report", dying)
    with pytest.raises(Killed):
        run.run(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.done, Case.objects.count()) == ("running", 10, 13)
    monkeypatch.setattr(actions, "report", report)
    assert run.run(imported.pk) == "done"
    imported.refresh_from_db()
    # All of them are this import's, also those made before it died.
    assert (imported.created, imported.there, Case.objects.count()) == (25, 0, 25)
    assert run.run(imported.pk) == "nothing to do"
    assert Notice.objects.filter(user=desk).count() == 1


def test_a_failure_is_told_and_can_be_started_again(desk, monkeypatch):
    imported = take(desk, GOOD)
    run.start(desk, imported.pk)

    def broken(*args, **values):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(actions, "report", broken)
        with pytest.raises(RuntimeError):
            run.run(imported.pk)
    imported.refresh_from_db()
    assert imported.state == "failed" and imported.message
    assert carry_out(desk, imported).created == 1


def test_cancelled_while_it_runs(desk, monkeypatch):
    imported = take(desk, *({**GOOD, "name": "张三"} for _n in range(25)), {"description": "哪里"})
    run.start(desk, imported.pk)
    report, made = actions.report, []

    def slow(*args, **values):
        made.append(1)
        if len(made) == 5:
            run.cancel(desk, imported.pk)
        return report(*args, **values)

    monkeypatch.setattr(actions, "report", slow)
    assert run.run(imported.pk) == "cancelled"
    imported.refresh_from_db()
    assert (imported.state, imported.created, Case.objects.count()) == ("cancelled", 10, 10)
    # Only what may be mended is kept.
    assert [row["row"] for row in imported.rows] == [27]


def test_one_at_a_time(desk):
    first, second = take(desk, GOOD), take(desk, {**GOOD, "description": "另一件"})
    run.start(desk, first.pk)
    for imported in (first, second):
        with pytest.raises(run.Problem) as caught:
            run.start(desk, imported.pk)
        assert caught.value.status == 409
    with pytest.raises(run.Problem):
        run.forget(desk, first.pk)
    run.cancel(desk, first.pk)
    run.forget(desk, first.pk)
    assert CaseImport.objects.get() == second


def test_rights_are_those_of_the_moment(desk):
    imported = take(desk, GOOD)
    run.start(desk, imported.pk)
    desk.grants.all().delete()
    run.run(imported.pk)
    imported.refresh_from_db()
    assert (imported.created, imported.refused) == (0, 1)


def test_refused_rows_can_be_mended_and_sent(desk, client):
    imported = take(desk, {"description": "=1+1", "phone": "+86139", "reference": "7"}, GOOD)
    client.force_login(desk)
    answer = client.get(reverse("case-import-refused", args=[imported.uuid]))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    (heads, row) = sheet.iter_rows(values_only=True)
    told = dict(zip(heads, row, strict=True))
    at_description = list(COLUMNS).index("description")
    # What somebody wrote is no formula, neither here nor when it comes back.
    assert sheet.cell(2, at_description + 1).data_type == "s"
    assert row[at_description] == "'=1+1"
    assert "component" in str(row[-1]).lower() or "部件" in str(row[-1])
    assert len(told) == len(COLUMNS) + 1
    sheet.cell(2, list(COLUMNS).index("lon") + 1, HERE.x)
    sheet.cell(2, list(COLUMNS).index("lat") + 1, HERE.y)
    out = io.BytesIO()
    sheet.parent.save(out)
    carry_out(desk, run.take(desk, upload(out.getvalue())))
    case = Case.objects.get()
    assert case.description == "=1+1" and case.reporter_contact.phone == "+86139"


def test_the_template_can_be_filled_in(desk, client):
    make_type(type_code="01", name="上水井盖")
    client.force_login(desk)
    answer = client.get(reverse("case-import-template"))
    filled = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet, choices = filled.worksheets
    assert [cell.value for cell in sheet[1]] == [columns.label(key) for key in COLUMNS] or len(sheet[1]) == 14
    offered = [row[1] for row in choices.iter_rows(min_row=2, values_only=True)]
    assert "上水井盖 部件0101" in offered
    assert len(sheet.data_validations.dataValidation) == 6
    sheet.append([None, None, "上水井盖 部件0101", HERE.x, HERE.y])
    out = io.BytesIO()
    filled.save(out)
    answer = client.post(reverse("case-imports"), {"file": upload(out.getvalue())}, follow=True)
    assert answer.status_code == 200
    imported = CaseImport.objects.get()
    assert imported.good == 1, problems(imported)
    page = answer.redirect_chain[0][0]
    assert client.post(page, {"import": "1"}).status_code == 302
    assert b"hx-get" in client.get(page + "state/").content
    run.run(imported.pk)
    assert client.get(page + "state/")["HX-Refresh"] == "true"
    assert Case.objects.get().number in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"no workbook", 422),
        (b"x" * (read.UPLOAD_BYTES + 1), 413),
        (book(), 422),
        (book({"description": "x"}, keys=["description"]), 422),
        (book(GOOD, keys=["lon", "lon", "lat"]), 422),
    ],
)
def test_files_that_cannot_be_taken(desk, client, data, status):
    client.force_login(desk)
    answer = client.post(reverse("case-imports"), {"file": upload(data)})
    assert answer.status_code == status
    assert not CaseImport.objects.exists()


def test_bounds(desk, monkeypatch):
    monkeypatch.setattr(read, "MOST_ROWS", 2)
    with pytest.raises(read.Problem):
        take(desk, GOOD, GOOD, GOOD)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (read.UNFOLDED_BYTES + 1))
    with pytest.raises(read.Problem) as caught:
        run.take(desk, upload(bomb.getvalue()))
    assert caught.value.status == 413


def test_a_file_is_judged_in_a_few_statements(desk, django_assert_max_num_queries):
    from django.db import connection

    def statements(count: int) -> int:
        rows = [{"row": n, **{k: str(v) for k, v in GOOD.items()}, "reference": str(n)} for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            check.check(User.objects.get(pk=desk.pk), str(uuid.uuid4()), rows)
        return len(captured)

    assert statements(3) == statements(300) < 15


@pytest.mark.parametrize("role", ["grid_worker", "department", "system_admin", ""])
def test_only_the_desk(desk, client, role):
    imported = take(desk, GOOD)
    client.force_login(make_user("other", role=role, area="9901" if role not in ("", "grid_worker") else ""))
    for name in ("case-imports", "case-import-template"):
        assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse("case-imports"), {"file": upload(book(GOOD))}).status_code == 403
    assert client.get(reverse("case-import", args=[imported.uuid])).status_code == 403


def test_an_import_is_its_owners(desk, client):
    imported = take(desk, GOOD, {"description": "哪里"})
    client.force_login(make_user("second", role="shift_lead", area="9901"))
    for name in ("case-import", "case-import-state", "case-import-refused"):
        assert client.get(reverse(name, args=[imported.uuid])).status_code == 404
    assert client.post(reverse("case-import", args=[imported.uuid]), {"import": "1"}).status_code == 404
    imported.refresh_from_db()
    assert imported.state == "checked"


def test_old_imports_go(desk):
    make_case(HERE)
    imported = take(desk, GOOD)
    assert run.forget_old() == 0
    CaseImport.objects.filter(pk=imported.pk).update(created_at="2020-01-01T00:00:00+08:00")
    assert run.forget_old() == 1


def test_refused_workbook_of_a_checked_import(desk):
    imported = take(desk, {"description": "哪里"})
    assert write.refused(imported)[:2] == b"PK"
