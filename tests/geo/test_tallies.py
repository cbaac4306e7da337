"""Figures equal a plain count at every moment, folded or not."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from assets.models import Building, House, Household
from cases.models import Case
from geo import measures, tallies
from geo.registry import Measure
from geo.registry import measures as registry
from tests.factories import at, make_case, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    """A measure whose area is two joins away, as a new one would appear by itself."""
    measure = Measure(
        id="test_people",
        label="people",
        definition="",
        model="assets.Household",
        area="house__building__area_code",
        grid="house__building__grid",
        sum_of="people",
        classes="house__building__use",
    )
    registry.register(measure)
    tallies.install()
    yield measure
    del registry["test_people"]
    tallies.install()


def leader():
    user = make_user(role="leader", area="9901")
    return user


def agree(measure, user, area):
    """The figure from the tallies and the one by counting, total, classes and children."""
    (kept,) = measures.figures(user, area, [measure.id])
    counted = measures.Figure(measure)
    measures._by_counting(counted, area, None, None)
    for name in ("classes", "children"):
        assert {k: v for k, v in getattr(kept, name).items() if v} == getattr(counted, name), (area, name)
    assert kept.total == counted.total
    assert kept.total == sum(kept.children.values()) + kept.elsewhere
    return kept.total


def test_cases_random_walk(city):
    user, unit, dice = leader(), make_unit(), random.Random(1)
    measure = registry["cases_reported"]
    alive = []
    for step in range(60):
        choice = dice.random()
        if choice < 0.5 or not alive:
            alive.append(make_case(at(dice.uniform(0, 3), dice.uniform(0, 2))))
        elif choice < 0.7:
            Case.objects.filter(pk=dice.choice(alive).pk).update(state="dispatched", holder_unit=unit)
        elif choice < 0.85:
            case = dice.choice(alive)
            case.geom = at(dice.uniform(0, 3), dice.uniform(0, 2))
            case.save()
        else:
            alive.pop(dice.randrange(len(alive))).delete()
        if step % 17 == 0:
            tallies.fold()
        if step % 5 == 0:
            for area in ("9901", "990101", "990102", "990101001", "990101001001"):
                agree(measure, user, area)
    assert agree(measure, user, "9901") == len(alive)


def test_a_measure_two_joins_away(people):
    user = make_user(role="community_desk", area="9901")
    building = Building.objects.create(code="b1", name="1", geom=at(0.25, 0.25))
    other = Building.objects.create(code="b2", name="2", geom=at(2.25, 0.25), use="mixed")
    houses = House.objects.bulk_create(
        House(building=b, floor=1, door=str(n)) for b in (building, other) for n in range(3)
    )
    Household.objects.bulk_create(Household(house=house, people=2) for house in houses)
    assert agree(people, user, "9901") == 12
    tallies.fold()
    Household.objects.filter(house=houses[0]).update(people=5)
    building.geom = at(1.25, 1.25)
    building.save()
    assert agree(people, user, "9901") == 15
    assert agree(people, user, "990101002") == 9
    assert agree(people, user, "990101001") == 0
    House.objects.filter(pk=houses[0].pk).update(building=other, door="9")
    assert agree(people, user, "990102") == 11


def test_what_was_there_before_is_counted(people):
    building = Building.objects.create(code="b1", name="1", geom=at(0.25, 0.25))
    house = House.objects.create(building=building, floor=1, door="1")
    Household.objects.create(house=house, people=4)
    tallies.rebuild(people)
    assert agree(people, make_user(role="community_desk", area="9901"), "9901") == 4


def test_install_does_nothing_twice(city):
    assert tallies.install() == []


def test_figures_follow_the_scope(city):
    make_case(at(0.25, 0.25))
    user = make_user(role="leader", area="990102")
    assert measures.figures(user, "9901") == []
    assert [f.total for f in measures.figures(user, "990102", ["cases_reported"])] == [0]
    assert measures.series(user, "9901", "cases_reported") == []


def test_query_count(city, django_assert_num_queries):
    user = leader()
    assert user.scope.permissions
    ids = [m.id for m in registry.values() if m.tallied]
    with django_assert_num_queries(1):
        measures.figures(user, "9901", ids)


def test_series_has_every_day(city):
    make_case(at(0.25, 0.25), reported_at=timezone.now() - timedelta(days=2))
    days = measures.series(leader(), "9901", "cases_reported", days=7)
    assert [number for _, number in days] == [0, 0, 0, 0, 1, 0, 0]
    assert days[-1][0] == timezone.localdate()
