"""The console's list: filters from the address, tabs with counts, pages, points for the map."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import desk_queries, queries, todo
from cases.filters import SORTS, Filters, page, parse_ring
from cases.models import Case, CaseHold
from geo.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(city):
    return factories.make_user("值班长", role="shift_lead", area="9901")


def found(user, **params) -> list[str]:
    filters = Filters.read(params)
    rows = filters.tab(filters.narrow(Case.objects.for_user(user)), user)
    return [case.number for case in rows]


def test_filters_of_the_address(lead):
    now = timezone.now()
    unit = factories.make_unit("水司")
    below = factories.make_unit("水司一所", parent=unit)
    a = factories.make_case(
        factories.at(0.2, 0.2), state="reported", due_at=now - timedelta(hours=1), urgent=True
    )
    b = factories.make_case(
        factories.at(1.5, 0.5), state="handling", holder_unit=below, due_at=now + timedelta(days=3)
    )
    c = factories.make_case(factories.at(2.5, 1.5), state="closed", closed_at=now)
    old = factories.make_case(factories.at(0.2, 0.2), state="closed", reported_at=now - timedelta(days=60))
    assert set(found(lead, view="all")) == {a.number, b.number, c.number, old.number}
    assert found(lead, view="accept") == [a.number]
    assert set(found(lead, state="open")) == {a.number, b.number}
    assert found(lead, state="open", area="990101002") == [b.number]
    assert found(lead, view="all", area="990101001001001") != []
    assert found(lead, view="all", holder=str(unit.pk)) == [b.number]
    assert found(lead, due="late") == [a.number]
    assert found(lead, closed="month") == [c.number]
    assert old.number not in found(lead, view="all", reported="7d")
    assert found(lead, view="all", mark="urgent") == [a.number]
    assert found(lead, view="all", q=b.number[:-1]) != [] and found(lead, view="all", q=b.number) == [
        b.number
    ]
    assert set(found(lead, view="all", bbox="83.9,39.5,83.91,39.51")) == {a.number, old.number}
    ring = "83.92,39.5;83.93,39.5;83.93,39.52;83.92,39.52"
    assert found(lead, view="all", within=ring) == [c.number]
    assert found(lead, view="all", sort="due", state="open") == [a.number, b.number]


def test_counts_are_what_counting_gives(lead, monkeypatch):
    now = timezone.now()
    unit, other = factories.make_unit("水司"), factories.make_unit("电司")
    states = [*Case.State.values, "reported", "handling", "handling", *["closed"] * 4]
    for number, state in enumerate(states):
        due = now + timedelta(hours=(-30, -1, 30)[number % 3])
        place = factories.at(0.2 + number % 3, 0.2)
        case = factories.make_case(place, state=state, due_at=due, handle_due_at=due, holder_unit=other)
        if number % 2:
            CaseHold.objects.create(case=case, unit=unit)
    worker = factories.make_user("department", role="department", unit=unit)
    clocks = {"open": queries.open_cases(), "overdue": queries.overdue(), "late": queries.late()}
    clocks["due_today"] = queries.due_today()
    for rows in (
        Case.objects.for_user(lead),
        Case.objects.for_user(lead).filter(area_code__startswith="990101001"),
        Case.objects.for_user(lead).filter(state="closed"),
        Case.objects.for_user(worker),
        Case.objects.filter(pk__in=[]),
        Case.objects.none(),
    ):
        counts = queries.counts(rows)
        assert counts["states"] == {state: rows.filter(state=state).count() for state in Case.State.values}
        assert counts["all"] == rows.count()
        assert {name: counts[name] for name in clocks} == {
            name: rows.filter(when).count() for name, when in clocks.items()
        }
    assert Case.objects.for_user(worker).count() == len(states) // 2
    monkeypatch.setattr(queries, "COUNT_TO", 2)
    counts = queries.counts(Case.objects.for_user(lead))
    assert (counts["states"]["closed"], counts["states"]["reported"], counts["open"]) == (3, 2, 3)


@pytest.mark.parametrize(
    "params",
    [
        {"view": "elsewhere"},
        {"state": "dreaming"},
        {"due": "never"},
        {"reported": "yesterdayish"},
        {"holder": "1 or 1=1"},
        {"type": "x:y:z"},
        {"mark": "blue"},
        {"bbox": "1,2,3"},
        {"within": "83.9,39.5;84,39.6;83.9,39.6;84,39.5"},
        {"area": "99 01"},
    ],
)
def test_what_cannot_be_read_is_refused_and_named(client, lead, params):
    client.force_login(lead)
    answer = client.get("/", params, headers={"Accept": "application/json"})
    assert answer.status_code == 400, params
    assert answer.json()["errors"][0]["field"] == next(iter(params))


def test_pages_follow_on_without_doubling(lead):
    now = timezone.now()
    # Ties and missing deadlines are where keyset pages go wrong.
    for number in range(9):
        due = None if number % 3 == 0 else now + timedelta(hours=number // 3)
        factories.make_case(factories.at(0.2, 0.2), state="reported", due_at=due, reported_at=now)
    for sort in SORTS:
        filters = Filters.read({"view": "all", "sort": sort})
        rows = filters.tab(Case.objects.for_user(lead), lead)
        every, after, seen = [case.pk for case in rows], "", []
        while True:
            part, after = page(rows, sort, after, 2)
            seen += [case.pk for case in part]
            if not after:
                break
        assert seen == every and len(set(seen)) == 9, sort


def test_to_do_follows_from_the_flow(city):
    unit = factories.make_unit("水司")
    acceptor = factories.make_user("受理", role="acceptor", area="990101")
    dispatcher = factories.make_user("派遣", role="dispatcher", area="9901")
    water = factories.make_user("水司员", role="department", unit=unit)
    inspector = factories.make_user("监督", role="supervisor", area="9901")
    new = factories.make_case(factories.at(0.2, 0.2), state="reported")
    elsewhere = factories.make_case(factories.at(2.5, 0.5), state="reported")
    filed = factories.make_case(factories.at(0.2, 0.2), state="filed")
    held = factories.make_case(factories.at(0.2, 0.2), state="dispatched", holder_unit=unit)
    check = factories.make_case(
        factories.at(0.2, 0.2), state="verifying_after", holder_unit=unit, verifier=inspector
    )

    def mine(user):
        return set(Case.objects.for_user(user).filter(todo.mine(user)).values_list("number", flat=True))

    assert mine(acceptor) == {new.number}
    assert elsewhere.number not in mine(acceptor)
    assert mine(dispatcher) == {filed.number}
    assert mine(water) == {held.number}
    assert mine(inspector) == {check.number}


def test_points_become_counts_when_they_are_many(lead, monkeypatch):
    for number in range(5):
        factories.make_case(factories.at(0.2 + number * 0.001, 0.2), state="reported")
    factories.make_case(factories.at(2.5, 1.5), state="reported")
    rows = Case.objects.for_user(lead)
    single = desk_queries.points(rows, 0.005)
    assert not single["binned"] and len(single["features"]) == 6
    monkeypatch.setattr(desk_queries, "MOST_POINTS", 3)
    binned = desk_queries.points(rows, 0.005)
    assert binned["binned"]
    assert sum(feature["properties"]["n"] for feature in binned["features"]) == 6
    assert (single["newest"], binned["newest"]) == (None, None)
    monkeypatch.setattr(desk_queries, "MOST_COUNTED", 5)
    newest = desk_queries.points(rows, 0.005)
    assert newest["newest"] == 5
    assert desk_queries.points(rows.none(), 0.005) == {
        "type": "FeatureCollection",
        "features": [],
        "binned": False,
        "newest": None,
    }


def test_a_list_asks_few_questions(client, lead, django_assert_max_num_queries):
    for _row in range(30):
        factories.make_case(factories.at(0.2, 0.2), state="reported", due_at=timezone.now())
    client.force_login(lead)
    with django_assert_max_num_queries(22):
        assert client.get("/?view=accept").status_code == 200
    with django_assert_max_num_queries(14):
        assert client.get("/?view=accept", headers={"HX-Target": "list-pane"}).status_code == 200


def test_news_are_counted_from_the_list_s_moment(client, lead):
    client.force_login(lead)
    stamp = timezone.now() - timedelta(minutes=1)
    factories.make_case(factories.at(0.2, 0.2), state="reported")
    answer = client.get(reverse("console-news"), {"view": "accept", "since": stamp.isoformat()}).json()
    assert answer["fresh"] == 1 and answer["tabs"]["desk"] == "1"
    assert client.get(reverse("console-news"), {"since": "soon"}).status_code == 400


def test_no_row_leaks_by_a_deep_link(client, city):
    case = factories.make_case(factories.at(2.5, 0.5), state="reported")
    west = factories.make_user("西", role="shift_lead", area="990101")
    client.force_login(west)
    page_ = reverse("case-page", args=[case.number])
    assert client.get(page_).status_code == 404
    assert client.get(page_, headers={"HX-Target": "drawer"}).status_code == 404
    act = reverse("case-act", args=[case.number, "accept"])
    assert client.post(act).status_code == 404
    case.refresh_from_db()
    assert case.state == "reported"


def test_a_ring_must_be_a_ring():
    assert parse_ring("83.9,39.5;84,39.5;84,39.6").valid
    with pytest.raises(Problem):
        parse_ring("83.9,39.5")


def test_the_tab_in_hand_tells_what_a_state_leaves(client, lead):
    for state in ("reported", "accepted", "closed"):
        factories.make_case(factories.at(0.2, 0.2), state=state)
    client.force_login(lead)
    for address, count in (("/?view=all", "3"), ("/?view=all&state=open", "2"), ("/?state=closed", "1")):
        tabs = {tab["id"]: tab["count"] for tab in client.get(address).context["tabs"] if tab["current"]}
        assert list(tabs.values()) == [count], address
