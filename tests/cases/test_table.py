"""The table of cases: the list's rows, columns of one's own choice, and files of exactly both."""

import csv
import io
from datetime import timedelta

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from lxml import html

from cases import columns, exports, flow
from cases.filters import KEYS, SORTS, Filters, page
from cases.models import Case, ColumnChoice, Rating, SavedView
from cases.pages import table
from geo.models import AuditEntry, Dictionary, DictionaryItem, Output
from tests import factories

pytestmark = pytest.mark.django_db

TABLE = "/cases/table/"
EVERY = ",".join(columns.COLUMNS)


@pytest.fixture
def lead(city):
    return factories.make_user("值班长", role="shift_lead", area="9901")


@pytest.fixture
def cases(city):
    """One of each kind, with all that a column could say."""
    now = timezone.now()
    unit, other = factories.make_unit("水司"), factories.make_unit("路灯所")
    DictionaryItem.objects.create(
        dictionary=Dictionary.objects.get_or_create(code="complaint_kind", defaults={"name": "类别"})[0],
        code="walk",
        name="求助",
    )
    late = factories.make_case(
        factories.at(0.2, 0.2),
        state="handling",
        holder_unit=unit,
        lead_unit=other,
        component=factories.make_component(factories.at(0.2, 0.2)),
        description="=水管破裂",
        address="人民路1号",
        due_at=now - timedelta(hours=30),
        handle_due_at=now - timedelta(hours=30),
        dispatched_at=now - timedelta(days=4),
        supervised=True,
        supervision_level=2,
        urgent=True,
        difficult=True,
        mark="hard",
        extended_count=1,
        return_count=2,
        rework_count=1,
        filed_grid_code="990101001001002",
        verifier=factories.make_user("核查员"),
        reporter=factories.make_user("报告人"),
    )
    rated = factories.make_case(
        factories.at(1.2, 0.2),
        state="closed",
        source="public",
        closed_at=now,
        handled_at=now - timedelta(hours=1),
        handle_due_at=now,
        reported_at=now - timedelta(days=9),
    )
    Rating.objects.create(case=rated, kind="outer", stars=4, at=now)
    Rating.objects.create(case=rated, kind="call_back", contacted=True, solved=True, satisfied=False, at=now)
    complaint = factories.make_case(
        factories.at(2.5, 0.5),
        flow=flow.COMPLAINT,
        state="received",
        complaint_kind="walk",
        desk_code="990102001",
        due_at=now + timedelta(hours=2),
    )
    letter = factories.make_case(
        factories.at(0.7, 1.2), flow=flow.LETTER, state="at_community", complexity="complex", type=None
    )
    return [late, rated, complaint, letter]


def shown(client, user, **params) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table, in words."""
    client.force_login(user)
    answer = client.get(TABLE, params)
    assert answer.status_code == 200, answer.content[:300]
    tree = html.fromstring(answer.content.decode())
    heads = [" ".join(cell.text_content().split()) for cell in tree.xpath("//table//thead//th")]
    rows = [
        ["" if "data-empty" in cell.attrib else " ".join(cell.text_content().split()) for cell in row]
        for row in tree.xpath("//table[contains(@class, 'dense')]/tbody/tr")
    ]
    return heads, rows


def listed(client, params) -> list[str]:
    tree = html.fromstring(client.get("/", params, headers={"HX-Target": "list-pane"}).content.decode())
    return tree.xpath("//ol[@id='rows']//a/@data-number")


def wanted(client, user, kind, **params) -> Output:
    client.force_login(user)
    answer = client.post(reverse("console-export"), {**params, "format": kind})
    assert answer.status_code == 202, answer.content
    output = Output.objects.get(pk=answer.json()["id"])
    filters = Filters.read(params, user)
    exports.write_cases(output.pk, filters.params | {"view": filters.view}, kind)
    output.refresh_from_db()
    return output


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"view": "all"},
        {"view": "all", "sort": "old"},
        {"view": "all", "sort": "number"},
        {"view": "unit"},
        {"due": "overdue"},
        {"mark": "supervised,difficult"},
        {"area": "990102", "view": "all"},
        {"q": "人民路"},
        {"flow": "complaint", "state": "open"},
    ],
)
def test_the_rows_of_the_list(client, lead, cases, params):
    _heads, rows = shown(client, lead, **params)
    assert [row[0] for row in rows] == listed(client, params)


def test_only_what_one_may_see(client, city, cases):
    _heads, rows = shown(client, factories.make_user("乙", role="shift_lead", area="990102"), view="all")
    assert [row[0] for row in rows] == [cases[2].number]
    client.force_login(factories.make_user("外人", role="system_admin"))
    assert client.get(TABLE).status_code == 403
    # Whoever reported is no column, and stands in none.
    unit = cases[0].holder_unit
    _heads, rows = shown(client, factories.make_user("水", role="department", unit=unit), columns=EVERY)
    assert rows and not any("报告人" in cell for row in rows for cell in row)


def test_columns_are_chosen_and_kept(client, lead, cases):
    client.force_login(lead)
    answer = client.post(
        f"{TABLE}columns/", {"column": ["holder", "due", "number"], "view": "all", "sort": "old"}
    )
    assert answer.status_code == 302 and "columns=holder,due,number" in answer.url
    for params in ({"view": "all"}, dict(p.split("=") for p in answer.url.split("?")[1].split("&"))):
        heads, rows = shown(client, lead, **params)
        assert heads == ["责任单位", "剩余时间", "案件号"]
        assert len(rows[0]) == 3
    # Another user's table is his own, an address goes before the choice, and a number leads to its case.
    other = factories.make_user("另一个", role="shift_lead", area="9901")
    assert len(shown(client, other, view="all")[0]) == len(columns.USUAL)
    heads, rows = shown(client, lead, view="all", columns="state,type")
    assert len(heads) == 3 and rows[0][0] in {case.number for case in cases}
    assert client.get(TABLE, {"columns": "reporter"}).status_code == 400
    client.post(f"{TABLE}columns/", {"reset": "1", "column": ["due"]})
    assert not ColumnChoice.objects.filter(user=lead).exists()
    # A column that is no more does not shut the table.
    ColumnChoice.objects.create(user=lead, columns="gone,state")
    assert len(shown(client, lead, view="all")[0]) == 1


def test_a_saved_view_keeps_its_columns(client, lead, cases):
    client.force_login(lead)
    given = {"name": "超期", "view": "all", "due": "overdue", "columns": "number,overdue_by"}
    page = client.post(reverse("console-views"), given).content.decode()
    view = SavedView.objects.get(user=lead)
    assert view.url.startswith(TABLE) and view.url.replace("&", "&amp;") in page
    columns.remember(lead, columns.parse("state"))
    tree = html.fromstring(client.get(view.url).content.decode())
    assert len(tree.xpath("//table//thead//th")) == 2
    assert tree.xpath("//tbody/tr/td[2]")[0].text_content().strip() == "30.0"
    assert client.post(reverse("console-views"), {"name": "单" * 41}).status_code == 422
    client.post(reverse("console-views"), {"name": "清单", "view": "all"})
    assert SavedView.objects.get(name="清单").url == "/?view=all"


def as_words(value) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_file_has_exactly_these_rows_and_columns(client, lead, cases, settings, tmp_path, kind):
    settings.MEDIA_ROOT = tmp_path
    for params in (
        {"view": "all", "columns": EVERY, "sort": "number"},
        {"area": "990101", "view": "all", "columns": "number,stars,overdue_by,due,state"},
    ):
        heads, rows = shown(client, lead, **params)
        content = wanted(client, lead, kind, **params).file.open("rb").read()
        if kind == "xlsx":
            sheet = openpyxl.load_workbook(io.BytesIO(content)).active
            lines = [[as_words(value) for value in line] for line in sheet.iter_rows(values_only=True)]
        else:
            assert content.startswith(b"\xef\xbb\xbf")
            lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        # A spreadsheet must not take what a resident wrote for a formula; figures are figures.
        words = [[_figure(cell.removeprefix("'")) for cell in line] for line in lines]
        assert words[0] == heads
        assert words[1:] == [[_figure(cell) for cell in row] for row in rows]
        assert len(words) == 1 + len(rows) >= 3
    if kind == "xlsx":
        assert "'=水管破裂" in {cell for line in _sheet(client, lead) for cell in line}
    entry = AuditEntry.objects.filter(action="cases.export").latest("pk")
    assert entry.detail["format"] == kind and entry.detail["query"]["view"] == "all"


def _sheet(client, lead):
    output = wanted(client, lead, "xlsx", view="all", columns="number,description")
    book = openpyxl.load_workbook(io.BytesIO(output.file.open("rb").read()))
    return list(book.active.iter_rows(values_only=True))


def _figure(text: str):
    try:
        return float(text)
    except ValueError:
        return text


def test_a_file_is_asked_for_in_a_known_format(client, lead):
    client.force_login(lead)
    assert client.post(reverse("console-export"), {"view": "all", "format": "pdf"}).status_code == 400


def test_a_page_follows_the_last(client, lead, monkeypatch):
    monkeypatch.setattr(table, "PAGE", 2)
    for number in range(5):
        factories.make_case(factories.at(0.2, 0.2), due_at=timezone.now() if number % 2 else None)
    client.force_login(lead)
    for sort in SORTS:
        seen, address = [], f"{TABLE}?view=all&sort={sort}"
        while address:
            tree = html.fromstring(client.get(address).content.decode())
            seen += tree.xpath("//tbody/tr/td[1]/a/text()")
            links = tree.xpath("//a[contains(@href, 'after=')]/@href")
            address = TABLE + links[-1] if links else ""
        rows = Filters.read({"view": "all", "sort": sort}).tab(Case.objects.all(), lead)
        assert seen == [case.number for case in rows], sort


@pytest.mark.parametrize("sort", SORTS)
def test_a_far_page_is_entered_by_index(lead, sort):
    for _row in range(4):
        factories.make_case(factories.at(0.2, 0.2), due_at=timezone.now())
    rows = Filters.read({"view": "all", "sort": sort}).tab(Case.objects.all(), lead)
    _found, after = page(rows, sort, "", 2)
    with CaptureQueriesContext(connection) as asked:
        page(rows, sort, after, 2)
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_sort = off")
        cursor.execute(f"explain {asked.captured_queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"Index Cond: ({KEYS[sort][0]}" in plan.replace("((", "("), plan


def test_as_many_questions_for_many_rows(client, lead, cases, django_assert_num_queries):
    client.force_login(lead)
    address = f"{TABLE}?view=all&columns={EVERY}"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _more in range(20):
        case = factories.make_case(
            factories.at(1.2, 1.2), state="handling", holder_unit=factories.make_unit(), lead_unit=None
        )
        Rating.objects.create(case=case, kind="outer", stars=3, at=timezone.now())
    with django_assert_num_queries(len(few)):
        client.get(address)
