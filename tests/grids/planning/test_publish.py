"""Plans come into force and go out of it: lineage, rows, people, and everything back when undone."""

from datetime import timedelta

import pytest
import shapely
from django.utils import timezone

from assets.models import Building, House, Household
from cases.models import DispatchRule, Transition
from geo.models import Area, AuditEntry, Notice
from geo.problems import Problem
from grids import assignment, publication, undoing
from grids.descent import fates
from grids.models import Grid, GridDuty, GridVersion, PlanStep, Publication
from grids.planning import publish, review
from grids.planning.borders import borders
from tests.factories import (
    START,
    at,
    make_case,
    make_component,
    make_rule,
    make_unit,
    make_user,
    make_worker,
)
from tests.grids.planning.by_hand import HOME, make_squares, quarters

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner(city):
    return make_user("planner", role="planner", area="9901")


@pytest.fixture
def reviewer(city):
    return make_user("reviewer", role="plan_reviewer", area="9901")


def merged_and_split(column, row):
    """002 goes to 001; the east of 003 becomes 005; 004 keeps its border."""
    code = quarters(column, row)
    if code == "002":
        return "001"
    if code == "003" and column >= 2:
        return "005"
    return code


def without_five(column, row):
    code = merged_and_split(column, row)
    return "001" if code == "005" else code


def in_force():
    grids = Grid.objects.filter(community_code=HOME, retired_on=None).order_by("code")
    return {grid.code[-3:]: bytes(grid.geom.wkb) for grid in grids}


def right():
    return not any(assignment.disagreements(model) for model in assignment.located_models())


def approved(planner, reviewer, owner=merged_and_split, **values):
    plan = make_squares(planner, owner, **values)
    review.submit(planner, plan.pk)
    return review.approve(reviewer, plan.pk)


def test_borders_of_a_plan_are_those_in_force_where_it_leaves_them(planner):
    """Blocks leave nodes on borders and outline; a border nobody moved is the same, vertex by vertex."""
    plan = make_squares(planner)
    (new,) = borders(plan)
    for code, border in new.grids.items():
        now = publication.to_shapely(Grid.objects.get(code=code).geom)
        assert shapely.equals_exact(now.normalize(), border.geometry.normalize(), 0)
    # Where two grids meet the outline, and nowhere else.
    assert len(new.nodes) == 4


def test_publishing_writes_lineage_names_and_rows(planner, reviewer):
    make_component(at(0.7, 0.2))
    make_component(at(0.4, 0.7))
    stays = make_component(at(0.9, 0.9))
    plan = approved(planner, reviewer)
    plan.grids.filter(code=f"{HOME}004").update(name="东北", colour="#abcdef")
    before = {grid.code: grid.generation for grid in Grid.objects.filter(community_code=HOME)}
    publish.publish(reviewer, plan.pk)
    plan.refresh_from_db()
    assert (plan.state, plan.publication.kind) == ("published", "plan")
    assert plan.publication.basis == before
    lineage = {
        version.grid.code[-3:]: (version.lineage, sorted(g.code[-3:] for g in version.predecessors.all()))
        for version in GridVersion.objects.filter(publication=plan.publication)
    }
    assert lineage == {
        "001": ("moved", ["002"]),
        "003": ("moved", []),
        "004": ("kept", []),
        "005": ("split", ["003"]),
    }
    assert Grid.objects.get(code=f"{HOME}002").retired_on == timezone.localdate()
    named = Grid.objects.get(code=f"{HOME}004")
    assert (named.name, named.colour) == ("东北", "#abcdef")
    stays.refresh_from_db()
    assert stays.grid.code[-3:] == "004"
    assert right()
    assert AuditEntry.objects.filter(action="plan.publish", object_id=str(plan.pk)).exists()


def test_what_is_carved_out_of_several_is_split_off_as_long_as_they_live():
    def row(*edges):
        return {code: shapely.box(left, 0, right, 1) for code, left, right in edges}

    old = row(("1", 0, 4), ("2", 4, 8))
    carved = fates(old, row(("1", 0, 3), ("801", 3, 5), ("2", 5, 8)), set(old))
    assert carved.lineage["801"] == "split" and carved.descent["801"] == ["1", "2"]
    assert fates(old, row(("1", 0, 3), ("3", 3, 8)), set(old)).lineage["3"] == "merged"


def test_duties_rules_cases_and_notices_follow(planner, reviewer):
    leader = make_user("leader", role="grid_worker")
    two = make_worker(leader, grid=f"{HOME}002", role="leader")
    member = make_worker(make_user("one", role="grid_worker"), grid=f"{HOME}001", role="leader")
    rule = make_rule(make_unit("单位"), grid=Grid.objects.get(code=f"{HOME}002"), area_code=HOME)
    case = make_case(at(0.7, 0.2), state="accepted")
    closed = make_case(at(0.7, 0.2), state="closed")
    building = Building.objects.create(code="b", name="楼", geom=at(0.8, 0.3))
    house = House.objects.create(building=building, floor=1, door="101")
    Household.objects.create(house=house, people=2)
    plan = approved(planner, reviewer)
    publish.publish(reviewer, plan.pk)
    assert {(d.grid.code[-3:], d.role) for d in GridDuty.objects.filter(worker=two, valid_to=None)} == {
        ("001", "member")
    }
    assert GridDuty.objects.get(worker=two, grid__code=f"{HOME}002").valid_to == timezone.localdate()
    rule.refresh_from_db()
    assert rule.valid_to == timezone.localdate()
    assert DispatchRule.objects.get(valid_to=None).grid.code[-3:] == "001"
    line = Transition.objects.get(case=case)
    assert (line.action, line.detail["from"][-3:], line.detail["to"][-3:]) == ("regrid", "002", "001")
    assert not Transition.objects.filter(case=closed).exists()
    case.refresh_from_db()
    assert (case.grid.code[-3:], case.state) == ("001", "accepted")
    told = Notice.objects.get(user=member.user)
    assert "002" in told.detail and "1" in told.detail
    assert f"/grids/{HOME}001/" in told.url


def test_undo_restores_exactly(planner, reviewer):
    """Borders bit by bit, names, outlines, duties, rules, rows; codes that were born stay retired."""
    two = make_worker(make_user("two", role="grid_worker"), grid=f"{HOME}002", role="leader")
    make_rule(make_unit("单位"), grid=Grid.objects.get(code=f"{HOME}002"), area_code=HOME)
    for x, y in [(0.7, 0.2), (0.4, 0.7), (0.1, 0.1), (0.9, 0.9)]:
        make_component(at(x, y))
    # The tiny city's outlines get the nodes they lack.
    for community in (HOME, "990101001002"):
        publish.publish(reviewer, approved(planner, reviewer, quarters, communities=[community]).pk)
    was = in_force()
    outlines = {area.code: bytes(area.geom.wkb) for area in Area.objects.all()}
    plan = approved(planner, reviewer)
    plan.grids.filter(code=f"{HOME}004").update(name="东北")
    publish.publish(reviewer, plan.pk)
    assert in_force() != was
    assert {area.code: bytes(area.geom.wkb) for area in Area.objects.all()} != outlines
    publish.undo(reviewer, plan.pk, "错了")
    assert in_force() == was
    assert {area.code: bytes(area.geom.wkb) for area in Area.objects.all()} == outlines
    assert Grid.objects.get(code=f"{HOME}004").name == "网格004"
    born = Grid.objects.get(code=f"{HOME}005")
    assert born.retired_on == timezone.localdate()
    back = Grid.objects.get(code=f"{HOME}002")
    assert (back.retired_on, back.generation) == (None, 2)
    assert back.versions.get(valid_to=None).lineage == "restored"
    assert {(d.grid.code[-3:], d.role) for d in GridDuty.objects.filter(worker=two, valid_to=None)} == {
        ("002", "leader")
    }
    assert [r.grid.code[-3:] for r in DispatchRule.objects.filter(valid_to=None)] == ["002"]
    assert right()
    plan.refresh_from_db()
    assert (plan.state, plan.undoing.undoes_id) == ("undone", plan.publication_id)
    with pytest.raises(Problem) as problem:
        undoing.undo(plan.publication, reviewer)
    assert problem.value.status == 409


def test_undo_some_days_later(planner, reviewer):
    """The days between stay what they were; what was changed since is left alone."""
    two = make_worker(make_user("two", role="grid_worker"), grid=f"{HOME}002", role="leader")
    new = make_worker(make_user("new", role="grid_worker"))
    plan = approved(planner, reviewer)
    then = timezone.localdate() - timedelta(days=10)
    done = publish.put_in_force(plan, reviewer, then)
    GridDuty.objects.create(
        worker=new, grid=Grid.objects.get(code=f"{HOME}005"), role="leader", valid_from=then
    )
    undoing.undo(done.publication, reviewer)
    today = timezone.localdate()
    duties = {
        (d.worker_id, d.grid.code[-3:], d.valid_from, d.valid_to) for d in GridDuty.objects.order_by("id")
    }
    assert (two.pk, "002", START, then) in duties
    assert (two.pk, "001", then, today) in duties
    assert (two.pk, "002", today, None) in duties
    # Given by hand since: goes on where the ground went.
    assert (new.pk, "005", then, today) in duties and (new.pk, "003", today, None) in duties
    assert not Grid.objects.filter(retired_on=None, community_code=HOME, code__endswith="005").exists()


def test_a_later_publication_stands_in_the_way_of_undo(planner, reviewer):
    first = approved(planner, reviewer, name="甲")
    publish.publish(reviewer, first.pk)
    again = approved(
        planner,
        reviewer,
        name="乙",
        owner=without_five,
    )
    publish.publish(reviewer, again.pk)
    was = in_force()
    with pytest.raises(Problem) as problem:
        publish.undo(reviewer, first.pk)
    assert problem.value.status == 409 and "乙" in problem.value.detail
    assert in_force() == was
    publish.undo(reviewer, again.pk)
    publish.undo(reviewer, first.pk)
    assert set(in_force()) == {"001", "002", "003", "004"}
    assert right()


def test_a_check_goes_to_those_on_duty_and_returns(planner, reviewer):
    here = make_worker(make_user("here", role="grid_worker"), grid=f"{HOME}003", role="leader")
    make_worker(make_user("there", role="grid_worker"), grid=f"{HOME}004", role="leader")
    case = make_case(at(0.4, 0.7), state="verifying_after", verifier=here.user, holder_unit=make_unit())

    def east(column, row):
        return "004" if merged_and_split(column, row) == "005" else quarters(column, row)

    plan = approved(planner, reviewer, owner=east)
    publish.publish(reviewer, plan.pk)
    case.refresh_from_db()
    assert (case.grid.code[-3:], case.verifier) == ("004", None)
    publish.undo(reviewer, plan.pk)
    case.refresh_from_db()
    assert (case.grid.code[-3:], case.verifier) == ("003", here.user)
    assert [line.action for line in case.transitions.all()] == ["regrid", "regrid"]


def test_consequences_foretell_what_publishing_does(planner, reviewer):
    make_component(at(0.7, 0.2))
    make_component(at(0.4, 0.7))
    make_worker(make_user("two", role="grid_worker"), grid=f"{HOME}002", role="leader")
    plan = approved(planner, reviewer)
    told = publish.consequences(plan)
    assert told["problem"] is None
    assert [row["code"][-3:] for row in told["retired"]] == ["002"]
    assert {grid["code"][-3:]: grid["lineage"] for grid in told["grids"]} == {
        "001": "moved",
        "003": "moved",
        "004": "kept",
        "005": "split",
    }
    assert {(row["from"][-3:], row["to"][-3:], row["counts"]["components"]) for row in told["flows"]} == {
        ("002", "001", 1),
        ("003", "005", 1),
    }
    assert told["duties"][0]["to"] == [f"{HOME}001"]
    assert Grid.objects.filter(community_code=HOME, retired_on=None).count() == 4
    publish.publish(reviewer, plan.pk)
    made = {
        v.grid.code: v.lineage for v in GridVersion.objects.filter(publication__kind=Publication.Kind.PLAN)
    }
    assert made == {g["code"]: g["lineage"] for g in told["grids"] if g["lineage"] != "kept"}
    # Afterwards the page tells what was done; the plan's own borders are not a change of its ground.
    plan.refresh_from_db()
    done = publish.consequences(plan)
    assert done["settled"] and done["problem"] is None and not done["ground"]["changed"]
    assert {g["code"]: g["lineage"] for g in done["grids"]} == made
    assert [(row["code"][-3:], [code[-3:] for code in row["to"]]) for row in done["retired"]] == [
        ("002", ["001"])
    ]
    publish.undo(reviewer, plan.pk)
    plan.refresh_from_db()
    undone = publish.consequences(plan)
    assert undone["settled"] != done["settled"] and undone["problem"] is None


def test_what_was_not_drawn_on_the_ground_in_force_is_never_published(planner, reviewer):
    one = approved(planner, reviewer, name="甲")
    other = approved(planner, reviewer, name="乙", owner=quarters)
    publish.publish(reviewer, one.pk)
    with pytest.raises(Problem) as problem:
        publish.publish(reviewer, other.pk)
    assert problem.value.kind == "stale" and "甲" in problem.value.detail
    assert publish.consequences(other)["ground"]["changed"]
    review.rebase(planner, other.pk)
    other.refresh_from_db()
    assert other.state == "draft"
    assert "草稿" in Notice.objects.filter(user=reviewer).latest("pk").title
    # 002 is retired by now: what the plan calls 002 gets a code that was never used.
    codes = set(other.grids.values_list("code", flat=True))
    assert f"{HOME}002" not in codes and f"{HOME}006" in codes
    review.submit(planner, other.pk)
    review.approve(reviewer, other.pk)
    publish.publish(reviewer, other.pk)
    assert right()


def test_an_outline_that_changed_is_told(planner, reviewer):
    plan = approved(planner, reviewer)
    area = Area.objects.get(code=HOME)
    wider = publication.to_shapely(area.geom).buffer(0.0005, join_style="mitre")
    Area.objects.filter(pk=area.pk).update(geom=publication.to_django(shapely.MultiPolygon([wider])))
    with pytest.raises(Problem) as problem:
        publish.publish(reviewer, plan.pk)
    assert problem.value.status == 409 and HOME in problem.value.detail


def test_nodes_of_a_neighbour_do_not_stand_in_the_way(planner, reviewer):
    """A neighbour's publication puts nodes on the common border: the plan takes them over."""
    north = "990101001002"
    plan = approved(planner, reviewer)
    other = approved(
        planner, reviewer, communities=[north], owner=lambda c, r: "001" if c < 3 else quarters(c, r)
    )
    publish.publish(reviewer, other.pk)
    publish.publish(reviewer, plan.pk)
    assert right()
    outline = publication.to_shapely(Area.objects.get(code=HOME).geom)
    shapes = [
        publication.to_shapely(g.geom) for g in Grid.objects.filter(community_code=HOME, retired_on=None)
    ]
    assert shapely.equals(shapely.coverage_union_all(shapes), outline)


def test_published_on_its_day_once(planner, reviewer, monkeypatch):
    plan = approved(planner, reviewer)
    day = timezone.localdate() + timedelta(days=3)
    publish.publish(reviewer, plan.pk, effective_on=day)
    assert publish.publish_due() == {"published": 0, "failed": 0, "waiting": 0}
    monkeypatch.setattr(timezone, "localdate", lambda *args: day)
    assert publish.publish_due()["published"] == 1
    assert publish.publish_due()["published"] == 0
    plan.refresh_from_db()
    assert (plan.state, plan.publication.effective_on, plan.publication.published_by) == (
        "published",
        day,
        reviewer,
    )


def test_a_plan_that_fails_on_its_day_says_so(planner, reviewer):
    plan = approved(planner, reviewer)
    publish.publish(reviewer, plan.pk, effective_on=timezone.localdate() + timedelta(days=1))
    publish.publish(reviewer, approved(planner, reviewer, name="甲").pk)
    type(plan).objects.filter(pk=plan.pk).update(effective_on=timezone.localdate())
    assert publish.publish_due()["failed"] == 1
    plan.refresh_from_db()
    assert (plan.state, plan.effective_on) == ("approved", None) and "甲" in plan.problem
    assert Notice.objects.filter(user=reviewer, detail__contains="甲").exists()
    assert publish.publish_due()["failed"] == 0
    assert PlanStep.objects.filter(plan=plan, action="fail").count() == 1
