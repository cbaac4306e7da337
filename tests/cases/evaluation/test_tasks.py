"""Tasks: peers, states, data filled in, inspections, computed figures, ranks, scopes."""

import uuid
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from django.contrib.gis.geos import Point
from django.utils import timezone

from cases.evaluation import collecting, exports, results, sampling, sources, tasks, telling
from cases.models import (
    EvaluationTask,
    Inspection,
    ReportedValue,
    SamplePoint,
    TaskScore,
    TaskSubject,
)
from geo.models import Attachment, AuditEntry, Notice
from geo.problems import Problem
from tests.cases.evaluation.made import (
    FROM,
    TO,
    computed,
    field,
    item,
    leaf,
    make_evaluator,
    make_model,
    make_task,
    reported,
    subject,
)
from tests.factories import at, make_area, make_case, make_component, make_type, make_unit, make_user
from tests.factories import box as box_of

pytestmark = pytest.mark.django_db
OCTOBER = timezone.make_aware(datetime(2026, 10, 10, 12))


@pytest.fixture
def user(city):
    return make_evaluator(organisation=make_unit("考评办", kind="centre"))


@pytest.fixture
def assessor(city):
    return make_user("assessor", role="assessor", area="9901")


def october_case(place, community: str, *, closed_days=None, on_time=True, reworked=False, **values):
    """A case filed and dispatched on 10 October, due after a day."""
    values.setdefault("holder_unit", make_unit())
    handled = OCTOBER + timedelta(hours=12 if on_time else 48)
    closed = None if closed_days is None else OCTOBER + timedelta(days=closed_days)
    return make_case(
        place,
        state="closed" if closed else "handling",
        phase="ended" if closed else "unit",
        reported_at=OCTOBER,
        filed_at=OCTOBER,
        filed_community_code=community,
        dispatched_at=OCTOBER,
        handle_due_at=OCTOBER + timedelta(days=1),
        close_due_at=OCTOBER + timedelta(days=2),
        handled_at=handled if closed else None,
        closed_at=closed,
        rework_count=int(reworked),
        **values,
    )


def photo(owner) -> Attachment:
    return Attachment.objects.create(owner=owner, media_type="image/jpeg", sha256="0" * 64, size=1)


def seen(user, task, name, code="", **values):
    """An inspection; the position is the middle of the first grid."""
    if code:
        values["subject"] = subject(task, code).pk
        values["item"] = item(task, name).pk
    values.setdefault("position", at(0.25, 0.25))
    return collecting.inspect(user, task.pk, client_key=uuid.uuid4(), **values)[0]


# --- Peers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("9901", "city"),
        ("990101", "district"),
        ("990121", "county"),
        ("990181", "county"),
        ("990101001", "subdistrict"),
        ("990101100", "town"),
        ("990101200", "town"),
        ("990101001001", "community"),
        ("990101001201", "village"),
    ],
)
def test_peer_groups(code, group):
    assert tasks.peer_group(code) == group


def test_counties_and_towns_are_never_mixed(user, city):
    make_area("990121", "丙县", box_of(84.1, 39.5, 0.01), city)
    model = make_model(user, [leaf(reported(user), "100")])
    for mixed in (["990101", "990101001"], ["990101", "990121"]):
        with pytest.raises(Problem) as refused:
            make_task(user, model, mixed)
        assert refused.value.kind == "peers" and "甲区" in refused.value.detail
    with pytest.raises(Problem):
        make_task(user, model, ["990103"])
    with pytest.raises(Problem):
        make_task(user, model, ["990102"], area_code="990101")
    assert make_task(user, model, ["990101", "990102"]).subjects.count() == 2


# --- Figures -------------------------------------------------------------------------------------------


def test_computed_figures_in_one_statement(user, city, django_assert_num_queries):
    unit = make_unit("排水")
    for _number in range(3):
        october_case(at(0.2, 0.2), "990101001001", closed_days=1, holder_unit=unit)
    october_case(at(0.2, 0.2), "990101001001", closed_days=3, on_time=False, reworked=True)
    october_case(at(0.2, 0.2), "990101001001")
    october_case(at(2.2, 0.2), "990102001001", closed_days=1)
    period = sources.Period(FROM, TO)
    codes = ["close_rate", "on_time_rate", "rework_rate", "filed"]
    with django_assert_num_queries(1):
        found = sources.figures(codes, period, "area", ["990101", "990102", "990101002"])
    assert found["close_rate", "990101"] == sources.Figure(Fraction(80), 4, 5)
    assert found["on_time_rate", "990101"] == sources.Figure(Fraction(60), 3, 5)
    assert found["rework_rate", "990101"] == sources.Figure(Fraction(25), 1, 4)
    assert found["filed", "990101"].value == 5 and found["filed", "990102"].value == 1
    assert found["close_rate", "990101002"].value is None
    assert sources.value("close_rate", period, sources.Subject("unit", unit.pk)) == 100
    assert sources.value("nothing", period, sources.Subject("unit", unit.pk)) is None


def test_a_units_figures_include_those_below(city):
    above = make_unit("局")
    below = make_unit("所", parent=above)
    october_case(at(0.2, 0.2), "990101001001", closed_days=1, holder_unit=below)
    found = sources.figures(["filed"], sources.Period(FROM, TO), "unit", [above.pk, below.pk])
    assert [found["filed", key].value for key in (above.pk, below.pk)] == [1, 1]


def test_a_posts_figures_are_those_of_the_persons_steps(city):
    person, other = make_user(role="dispatcher", area="9901"), make_user(role="dispatcher", area="9901")
    case = october_case(at(0.2, 0.2), "990101001001", closed_days=1)
    for action in ("accept", "dispatch"):
        case.transitions.create(action=action, to_state="x", actor=person, at=OCTOBER)
    found = sources.figures(["filed"], sources.Period(FROM, TO), "post", [person.pk, other.pk])
    assert [found["filed", one.pk].value for one in (person, other)] == [1, 0]


# --- A whole task --------------------------------------------------------------------------------------


def test_from_draft_to_published(user, assessor, city):
    for place, community, days in (
        (at(0.2, 0.2), "990101001001", 1),
        (at(0.2, 0.2), "990101001001", None),
        (at(2.2, 0.2), "990102001001", 1),
    ):
        october_case(place, community, closed_days=days)
    group = {"name": "办理", "weight": "50", "children": [leaf(computed(user), "100")]}
    model = make_model(user, [group, leaf(reported(user), "20"), leaf(field(user), "30")])
    task = make_task(user, model, ["990101", "990102"])
    with pytest.raises(Problem):
        tasks.move(user, task.pk, "start")  # nobody to look
    tasks.set_assessors(user, task.pk, [{"user": assessor.pk}])
    tasks.move(user, task.pk, "start")
    assert Notice.objects.filter(user=assessor).count() == 1
    with pytest.raises(Problem) as refused:
        tasks.move(user, task.pk, "start")
    assert refused.value.status == 404 or refused.value.status == 409

    for code, value in (("990101", "3"), ("990102", "0")):
        row = collecting.enter_value(
            assessor, task.pk, item=item(task, "重大舆情").pk, subject=subject(task, code).pk, value=value
        )
        if code == "990101":
            collecting.review_value(user, task.pk, row.pk, passed=True, value="4", note="核减一起")
    seen(assessor, task, "街面秩序", "990101", found={"p1": 3, "p2": 1}, photos=[photo(assessor)])
    tasks.move(user, task.pk, "close_collecting")

    first = subject(task, "990101")
    scores = {row.item.name: row for row in TaskScore.objects.filter(subject=first).select_related("item")}
    assert Fraction(scores["办理"].score) == 0  # 1 of 2 closed: 50 %, below the zero value
    assert Fraction(scores["重大舆情"].score) == 60 and scores["重大舆情"].how["reported"] == "3.0000"
    assert Fraction(scores["街面秩序"].score) == 55  # 100 − min(5, 7.5) − 40
    assert Fraction(first.score) == Fraction(20 * 60 + 30 * 55, 100) and first.rank == 1
    second = subject(task, "990102")
    assert second.score == "" and second.rank is None
    why = {(gap.subject, gap.item, gap.why) for gap in results.gaps(task)}
    assert why == {
        ("乙区", "重大舆情", results.NOT_REVIEWED),
        ("乙区", "街面秩序", results.NOT_VISITED),
    }
    with pytest.raises(Problem) as refused:
        tasks.move(user, task.pk, "publish")
    assert refused.value.kind == "gaps" and "乙区" in refused.value.detail
    with pytest.raises(Problem):
        tasks.move(user, task.pk, "reopen")  # without a reason
    tasks.move(user, task.pk, "reopen", "补充乙区")
    seen(assessor, task, "街面秩序", "990102")
    row = ReportedValue.objects.get(subject=second)
    collecting.review_value(user, task.pk, row.pk, passed=True)
    tasks.move(user, task.pk, "close_collecting")
    tasks.move(user, task.pk, "publish")
    assert [row.subject.name for row in telling.table(task, list(task.subjects.all()))[1]] == ["乙区", "甲区"]
    assert list(task.log.values_list("action", flat=True)) == [
        "start",
        "close_collecting",
        "reopen",
        "close_collecting",
        "publish",
    ]
    assert AuditEntry.objects.filter(action="evaluation_task.publish").exists()
    tasks.move(user, task.pk, "archive")
    with pytest.raises(Problem):
        tasks.move(user, task.pk, "withdraw", "x")


def test_a_computation_is_told_in_figures(user, city):
    october_case(at(0.2, 0.2), "990101001001", closed_days=1)
    october_case(at(0.2, 0.2), "990101001001")
    model = make_model(user, [leaf(computed(user, zero_value="20", full_value="80"), "100")])
    task = make_task(user, model, ["990101"])
    tasks.move(user, task.pk, "start")
    tasks.move(user, task.pk, "close_collecting")
    first = subject(task, "990101")
    line = telling.lines_of(task, [first])[first.pk][0]
    assert line.score == "50.00" and line.value == "50.00 %"
    assert "1 ÷ 2 = 50.00 %" in line.steps and "(50 − 20) ÷ (80 − 20) × 100 = 50.00" in line.steps


# --- Data that come in ---------------------------------------------------------------------------------


@pytest.fixture
def collecting_task(user, assessor):
    model = make_model(user, [leaf(reported(user), "50"), leaf(field(user), "50")])
    task = make_task(user, model, ["990101", "990102"])
    one = subject(task, "990101")
    tasks.set_assessors(user, task.pk, [{"user": assessor.pk, "subject": one.pk}])
    return tasks.move(user, task.pk, "start")


def test_both_values_are_kept_and_a_returned_one_stays(user, assessor, collecting_task):
    task = collecting_task
    where = {"item": item(task, "重大舆情").pk, "subject": subject(task, "990101").pk}
    row = collecting.enter_value(assessor, task.pk, value="7", **where)
    assert collecting.enter_value(assessor, task.pk, value="6.5", **where).pk == row.pk
    with pytest.raises(Problem):
        collecting.review_value(user, task.pk, row.pk, passed=False)
    collecting.review_value(user, task.pk, row.pk, passed=False, note="缺少材料")
    again = collecting.enter_value(assessor, task.pk, value="5", **where)
    assert again.pk != row.pk
    with pytest.raises(Problem):  # a correction needs a word
        collecting.review_value(user, task.pk, again.pk, passed=True, value="4")
    collecting.review_value(user, task.pk, again.pk, passed=True, value="4", note="重复一起")
    row.refresh_from_db()
    again.refresh_from_db()
    assert (row.state, row.value) == ("returned", Fraction(13, 2))
    assert (again.state, again.value, again.reviewed_value) == ("accepted", 5, 4)
    with pytest.raises(Problem) as refused:
        collecting.enter_value(assessor, task.pk, value="1", **where)
    assert refused.value.status == 409
    with pytest.raises(Problem):
        collecting.review_value(user, task.pk, again.pk, passed=True)


def test_nobody_reviews_oneself(user, collecting_task):
    task = collecting_task
    tasks.set_assessors(user, task.pk, [{"user": user.pk}])
    where = {"item": item(task, "重大舆情").pk, "subject": subject(task, "990101").pk}
    row = collecting.enter_value(user, task.pk, value="7", **where)
    with pytest.raises(Problem) as refused:
        collecting.review_value(user, task.pk, row.pk, passed=True)
    assert refused.value.kind == "own"


def test_only_ones_own_part(user, assessor, collecting_task):
    task = collecting_task
    value = item(task, "重大舆情").pk
    with pytest.raises(Problem) as refused:
        collecting.enter_value(assessor, task.pk, item=value, subject=subject(task, "990102").pk, value="1")
    assert refused.value.status == 403
    stranger = make_user(role="assessor", area="9901")
    with pytest.raises(Problem) as refused:
        collecting.enter_value(stranger, task.pk, item=value, subject=subject(task, "990101").pk, value="1")
    assert refused.value.status == 404
    with pytest.raises(Problem):
        collecting.enter_value(assessor, task.pk, item=value, subject=subject(task, "990101").pk, value="NaN")


def test_inspections_want_evidence_and_do_not_double(assessor, collecting_task):
    task = collecting_task
    for values in (
        {"position": None},
        {"found": {"p1": 1}},
        {"found": {"p9": 1}},
        {"found": {"p1": -1}},
        {"unreachable": True},
        {"photos": [photo(make_user())]},
    ):
        with pytest.raises(Problem):
            seen(assessor, task, "街面秩序", "990101", **values)
    key = uuid.uuid4()
    given = {
        "item": item(task, "街面秩序").pk,
        "subject": subject(task, "990101").pk,
        "position": at(0.2, 0.2),
        "found": {"p1": 2},
        "photos": [photo(assessor)],
        "client_key": key,
    }
    first, new = collecting.inspect(assessor, task.pk, **given)
    again, twice = collecting.inspect(assessor, task.pk, **given)
    assert (new, twice) == (True, False) and first.pk == again.pk and Inspection.objects.count() == 1
    assert first.photos.count() == 1
    collecting.forget_inspection(assessor, task.pk, first.pk, "录错了")
    assert Inspection.objects.count() == 0


# --- The draw ------------------------------------------------------------------------------------------


@pytest.fixture
def drawn(user, assessor):
    """A task whose sample is drawn: 2 unit grids a district, in each 2 covers and a closed case."""
    cover, lamp = make_type(type_code="01", name="上水井盖"), make_type(type_code="37", name="路灯")
    for column in (0, 2):
        for number in range(64):
            place = at(column + number % 8 / 8 + 0.06, number // 8 / 8 + 0.06)
            make_component(place, type=cover)
            make_component(place, type=lamp)
    october_case(at(0.06, 0.06), "990101001001", closed_days=1)
    model = make_model(user, [leaf(field(user), "100")])
    task = make_task(user, model, ["990101", "990102"])
    where = item(task, "街面秩序").pk
    rules = [
        {"item": where, "of": "component", "type": "component:0101", "number": "2"},
        {"item": where, "of": "case", "number": 1},
        {"item": where, "of": "component", "type": "component:01", "number": 1},
    ]
    sampling.set_rules(user, task.pk, {"cells": "unit", "per_subject": "2", "points": rules})
    tasks.set_assessors(user, task.pk, [{"user": assessor.pk}])
    return sampling.draw(user, task.pk, seed="abc123")


def rows(task):
    cells = list(task.grids.order_by("subject__code", "place").values_list("subject__code", "code"))
    return cells, list(task.points.order_by("grid__code", "rule", "place").values_list("grid__code", "code"))


def test_the_same_seed_draws_the_same(user, drawn):
    before = rows(drawn)
    assert len(before[0]) == 4 and drawn.points.filter(rule=0).count() >= 4
    assert sampling.repeat(drawn)["same"] and not sampling.repeat(drawn)["population_changed"]
    sampling.draw(user, drawn.pk, seed="other")
    assert rows(drawn) != before
    assert rows(sampling.draw(user, drawn.pk, seed="abc123")) == before
    points = list(drawn.points.values_list("subject", "item", "of", "code"))
    assert len(points) == len(set(points)), "without replacement"
    assert set(drawn.points.filter(rule=0).values_list("type_name", flat=True)) == {"上水井盖"}


def test_a_changed_population_is_told(drawn):
    cell = drawn.grids.first()
    for _number in range(9):
        make_component(cell.geom.point_on_surface, type=make_type(type_code="01"))
    again = sampling.repeat(drawn)
    assert again["population_changed"]


def test_a_point_is_visited_once_and_unvisited_ones_are_missing(user, assessor, drawn):
    tasks.move(user, drawn.pk, "start")
    with pytest.raises(Problem):  # not anywhere: at the points
        seen(assessor, drawn, "街面秩序", "990101")
    mine = list(drawn.points.filter(subject__code="990101"))
    for number, point in enumerate(mine[:-1]):
        row = seen(
            assessor,
            drawn,
            "",
            point=point.pk,
            position=point.geom,
            unreachable=number == 0,
            note="围挡" if number == 0 else "",
        )
        assert row.distance_m < 1
    with pytest.raises(Problem) as refused:
        seen(assessor, drawn, "", point=mine[0].pk)
    assert refused.value.kind == "inspected"
    tasks.move(user, drawn.pk, "close_collecting")
    assert {gap.subject for gap in results.gaps(drawn)} == {"甲区", "乙区"}
    tasks.move(user, drawn.pk, "reopen", "还差一个点")
    far = Point(mine[-1].geom.x + 0.01, mine[-1].geom.y, srid=4326)
    assert 800 < seen(assessor, drawn, "", point=mine[-1].pk, position=far).distance_m < 900
    tasks.move(user, drawn.pk, "close_collecting")
    assert {gap.subject for gap in results.gaps(drawn)} == {"乙区"}
    assert subject(drawn, "990101").score == "100"


def test_rules_are_checked(user, drawn):
    good = {"item": item(drawn, "街面秩序").pk, "of": "component", "number": 1}
    for wrong in (
        {"item": 0},
        {"of": "tree"},
        {"number": 0},
        {"type": "0101"},
        {"type": "event:01"},
        {"state": "x"},
    ):
        with pytest.raises(Problem):
            sampling.set_rules(user, drawn.pk, {"cells": "unit", "per_subject": 1, "points": [good | wrong]})
    with pytest.raises(Problem):
        sampling.set_rules(user, drawn.pk, {"cells": "x", "per_subject": 99, "points": [good]})
    sampling.set_rules(user, drawn.pk, {})
    assert not SamplePoint.objects.filter(task=drawn).exists()


# --- Who sees what -------------------------------------------------------------------------------------


@pytest.fixture
def published(user, city):
    model = make_model(user, [leaf(computed(user, "filed", full_value="10", zero_value="0"), "100")])
    task = make_task(user, model, ["990101", "990102"])
    for action in ("start", "close_collecting", "publish"):
        task = tasks.move(user, task.pk, action)
    return task


def visible(user, task):
    seen_tasks = EvaluationTask.objects.for_user(user).filter(pk=task.pk)
    return seen_tasks.exists(), sorted(one.name for one in exports.subjects_for(user, task))


def test_leaders_see_their_own_subjects_when_published(user, published):
    assert visible(user, published) == (True, ["乙区", "甲区"])
    assert visible(make_user(role="leader", area="9901"), published) == (True, ["乙区", "甲区"])
    assert visible(make_user(role="leader", area="990101"), published) == (True, ["甲区"])
    assert visible(make_user(role="leader", area="990101001"), published) == (False, [])
    assert visible(make_user(role="acceptor", area="9901"), published) == (False, [])
    tasks.move(user, published.pk, "withdraw", "数据有误")
    published.refresh_from_db()
    assert visible(make_user(role="leader", area="9901"), published) == (False, [])


def test_posts_are_for_their_own_chain_and_never_ranked(user, city):
    here = make_unit("甲区中心", area_code="990101")
    people = [
        make_user(f"d{number}", role="dispatcher", area="990101", organisation=here) for number in range(2)
    ]
    model = make_model(
        user, [leaf(computed(user, "filed", full_value="10", zero_value="0"), "100")], subject="post"
    )
    with pytest.raises(Problem):  # no post
        make_task(user, model, [make_user(role="leader", area="990101", organisation=here).pk])
    task = make_task(user, model, [one.pk for one in people])
    for action in ("start", "close_collecting", "publish"):
        task = tasks.move(user, task.pk, action)
    assert set(TaskSubject.objects.filter(task=task).values_list("score", "rank")) == {("0", None)}
    assert visible(people[0], task) == (True, ["d0"])  # oneself, and nobody else
    assert visible(make_user(role="leader", unit=here), task) == (True, ["d0", "d1"])
    assert visible(make_user(role="leader", area="990102"), task) == (False, [])
    assert visible(make_user(role="leader", unit=make_unit()), task) == (False, [])
    assert Notice.objects.filter(user=people[0]).exists()


def test_moves_are_for_managers(published, assessor):
    for stranger in (make_user(role="leader", area="9901"), assessor, make_evaluator("990101")):
        with pytest.raises(Problem) as refused:
            tasks.move(stranger, published.pk, "archive")
        assert refused.value.status == 404
