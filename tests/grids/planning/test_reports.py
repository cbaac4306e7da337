"""Figures, comparisons and files over the API; the planner's notebooks."""

import importlib.util
import json
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
from django.urls import reverse

from geo.models import Output
from grids import jobs
from grids.models import PlanGrid
from tests.factories import at, make_case, make_component, make_user, make_worker
from tests.grids.planning.squares import WEST, give, make_squares, new_grid
from tests.grids.planning.test_figures import home

NOTEBOOKS = Path(__file__).resolve().parents[3] / "docs/notebooks"

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner(city):
    return make_user("planner", role="planner", area="9901")


@pytest.fixture
def plan(planner):
    """A plan that moves homes, retires a grid and makes a new one."""
    for number in range(3):
        home(at(0.6, 0.1 + number / 100))
    home(at(0.1, 0.1))
    make_component(at(0.6, 0.1))
    make_case(at(0.6, 0.1), state="filed")
    make_worker(grid=f"{WEST}004", role="leader")
    plan = make_squares(name="东片调整", user=planner)
    give(plan, 1, at(0.6, 0.1))
    give(plan, 3, at(0.6, 0.6), at(0.6, 0.9), at(0.9, 0.6), at(0.9, 0.9))
    PlanGrid.objects.filter(plan=plan, number=4).update(active=False)
    new_grid(plan, 5, name="新网格")
    give(plan, 5, at(0.1, 0.9))
    return plan


@pytest.fixture
def asked(client, planner):
    client.force_login(planner)
    return client


def files(asked, plan, format: str, **more) -> Output:
    answer = asked.post(
        reverse("plan-exports", args=[plan.pk]),
        {"format": format, **more},
        content_type="application/json",
    )
    assert answer.status_code == 202, answer.content
    pk = answer.json()["id"]
    assert answer.json()["url"] == reverse("outputs")
    base = int(more["with"]) if more.get("with", "today") != "today" else None
    jobs.export_plan(output_id=pk, plan_id=plan.pk, format=format, base_id=base)
    output = Output.objects.get(pk=pk)
    assert output.state == Output.State.READY, output.problem
    return output


# --- The API ----------------------------------------------------------------------------------------


def test_figures(asked, plan):
    answer = asked.get(reverse("plan-figures", args=[plan.pk]))
    told = answer.json()
    assert told["grids"]["1"]["households"] == 8
    assert told["today"][f"{WEST}002"]["households"] == 6
    assert {flow["from"][-3:] for flow in told["flows"]} == {"002", "003", "004"}
    assert [fault["kind"] for fault in told["faults"]].count("no_leader") == 3
    assert told["measures"][0]["id"] == "households"


def test_compare_with_today_and_with_another(asked, plan):
    address = reverse("plan-compare", args=[plan.pk])
    today = asked.get(address).json()
    other = asked.get(address, {"with": make_squares(parts=6).pk}).json()
    assert {move["from"][-3:]: move["households"] for move in today["moves"]} == {
        "002": 6,
        "003": 0,
        "004": 0,
    }
    assert [move["sentence"] for move in other["moves"]] == [move["sentence"] for move in today["moves"]]
    assert today["a"]["id"] is None


@pytest.mark.parametrize("text", ["x", "-1", "²", "1" * 30])
def test_what_it_is_compared_with_must_be_a_plan(asked, plan, text):
    answer = asked.get(reverse("plan-compare", args=[plan.pk]), {"with": text})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "with"


def test_plans_of_others_do_not_exist(client, plan):
    mine = make_squares("990102001001")
    client.force_login(make_user(role="planner", area="990102"))
    for name in ("plan-figures", "plan-compare"):
        assert client.get(reverse(name, args=[plan.pk])).status_code == 404
    answer = client.get(reverse("plan-compare", args=[mine.pk]), {"with": plan.pk})
    assert answer.status_code == 404
    body = {"format": "pdf"}
    address = reverse("plan-exports", args=[plan.pk])
    assert client.post(address, body, content_type="application/json").status_code == 404
    body["with"] = str(plan.pk)
    address = reverse("plan-exports", args=[mine.pk])
    assert client.post(address, body, content_type="application/json").status_code == 404
    client.logout()
    assert client.get(reverse("plan-figures", args=[plan.pk])).status_code in (401, 403)


def test_a_plan_in_preparation_cannot_be_compared(asked, plan):
    plan.state = "preparing"
    plan.save()
    answer = asked.get(reverse("plan-compare", args=[plan.pk]))
    assert answer.status_code == 409
    assert "东片调整" in answer.json()["detail"]


def test_the_figures_ask_little(asked, plan, django_assert_max_num_queries):
    address = reverse("plan-figures", args=[plan.pk])
    asked.get(address)
    with django_assert_max_num_queries(12):
        asked.get(address)


# --- Files ------------------------------------------------------------------------------------------


def test_the_report_is_a_pdf_in_chinese(asked, plan):
    output = files(asked, plan, "pdf")
    content = output.file.read()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") >= 3 or content.count(b"/Page ") >= 3
    assert output.file.name.endswith(".pdf")


def test_the_workbook(asked, plan):
    book = openpyxl.load_workbook(files(asked, plan, "xlsx").file)
    assert len(book.sheetnames) == 5
    facts = {row[0].value: row[1].value for row in book.worksheets[0].rows}
    assert "东片调整" in facts.values()
    grids = list(book.worksheets[1].values)
    before, after = grids[0].index("居民户 · 调整前"), grids[0].index("居民户 · 调整后")
    rows = {row[0]: (row[before], row[after]) for row in grids[1:]}
    assert rows[f"{WEST}001"] == (2, 8)
    assert rows[f"{WEST}004"] == (0, None)
    assert any("划入 001" in row[2] for row in book.worksheets[2].values)


def test_names_are_no_formulas(asked, plan):
    plan.name = "=1+1"
    plan.save()
    book = openpyxl.load_workbook(files(asked, plan, "xlsx").file)
    assert book.worksheets[0]["B1"].data_type == "s"


def test_the_geopackage(asked, plan, tmp_path):
    path = tmp_path / "plan.gpkg"
    path.write_bytes(files(asked, plan, "gpkg").file.read())
    layers = {name for name, _kind in pyogrio.list_layers(path)}
    assert layers == {"grids", "before", "changed", "blocks", "faults", "measures", "plan"}
    grids = gpd.read_file(path, layer="grids").set_index("code")
    assert grids.loc[f"{WEST}001", "households"] == 8
    assert len(grids) == 4
    assert len(gpd.read_file(path, layer="blocks")) == 16
    assert set(gpd.read_file(path, layer="changed")["to_code"]) == {
        f"{WEST}{n}" for n in ("001", "003", "005")
    }


def test_a_file_against_another_plan(asked, plan):
    other = make_squares(parts=2, name="另一方案")
    book = openpyxl.load_workbook(files(asked, plan, "xlsx", **{"with": str(other.pk)}).file)
    assert "另一方案" in [row[1] for row in book.worksheets[0].values]


def test_an_unchanged_plan_makes_files_too(asked, planner):
    same = make_squares()
    for format in ("pdf", "xlsx", "gpkg"):
        files(asked, same, format)


def test_whoever_lost_the_right_gets_no_file(asked, plan, planner):
    from grids.planning import report

    answer = asked.post(
        reverse("plan-exports", args=[plan.pk]), {"format": "xlsx"}, content_type="application/json"
    )
    planner.grants.all().delete()
    pk = answer.json()["id"]
    with pytest.raises(report.Problem):
        report.make(pk, plan.pk, "xlsx")
    assert Output.objects.get(pk=pk).state == Output.State.FAILED


# --- Notebooks --------------------------------------------------------------------------------------


def run(name: str, monkeypatch, **environment) -> dict:
    """The cells of a notebook as a script; maps only where leafmap is installed."""
    for key, value in environment.items():
        monkeypatch.setenv(key, str(value))
    book = json.loads((NOTEBOOKS / name).read_text())
    space: dict = {}
    for cell in book["cells"]:
        drawn = "leafmap" in cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code" and not (drawn and importlib.util.find_spec("leafmap") is None):
            exec(compile("".join(cell["source"]), f"{name}:{cell['id']}", "exec"), space)
    return space


def test_notebooks_hold_no_outputs():
    books = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert books
    for path in books:
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs") and not cell.get("execution_count"), path.name


def test_the_notebook_opens_an_exported_plan(asked, plan, tmp_path, monkeypatch):
    path = tmp_path / "plan.gpkg"
    path.write_bytes(files(asked, plan, "gpkg").file.read())
    space = run("open_a_plan.ipynb", monkeypatch, WANGGE_PLAN_FILE=path)
    assert space["table"].loc[f"{WEST}001", "households_after"] == 8
    assert space["what_if"]["households"].sum() == 8


@pytest.mark.django_db(transaction=True)
def test_the_notebook_compares_over_the_api(live_server, roles, monkeypatch):
    from tests import factories

    factories.make_city()
    planner = make_user("planner", role="planner", area="9901")
    planner.set_password("a long password for planning")
    planner.save()
    home(at(0.6, 0.1))
    first, second = make_squares(user=planner), make_squares(parts=6, user=planner)
    give(first, 1, at(0.6, 0.1))
    space = run(
        "compare_plans.ipynb",
        monkeypatch,
        WANGGE_URL=live_server.url,
        WANGGE_USER="planner",
        WANGGE_PASSWORD="a long password for planning",
        WANGGE_PLAN=first.pk,
        WANGGE_OTHER_PLAN=second.pk,
    )
    space["server"].close()
    assert list(space["disturbed"]) == [2, 2]
    assert space["layers"]["other"]["sentence"].str.contains("from 002 to 001").all()
