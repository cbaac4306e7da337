"""Hot, hard, blocked and legacy spots: by place and type, within scope, never by person or home."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases import spots
from cases.models import Case
from geo.models import User
from tests.cases.people import case_in, make_people
from tests.factories import at, make_case, make_type

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


def fresh(person) -> User:
    return User.objects.get(pk=person.pk)


def pile(kind, x, y, count, *, days_ago=3, **values):
    """``count`` reports some ten metres apart."""
    when = timezone.now() - timedelta(days=days_ago)
    return [make_case(at(x + n * 0.01, y), type=kind, reported_at=when, **values) for n in range(count)]


def test_reports_of_one_type_close_together(people):
    lamp, cover = make_type(type_code="37", name="路灯"), make_type(type_code="01", name="上水井盖")
    pile(lamp, 0.2, 0.2, 6)
    pile(cover, 0.2, 0.25, 4)  # too few of this type, whatever else is near
    pile(lamp, 1.5, 0.2, 5, days_ago=60)
    pile(lamp, 0.8, 0.8, 5, state="void")
    (spot,) = spots.hot(fresh(people.lead))
    assert (spot.type, spot.count, spot.area_code) == (lamp, 6, "990101001001")
    assert len(spot.numbers) == 6 and spot.open == 6 and 10 < spot.radius_m < 60
    far_back = spots.hot(fresh(people.lead), days=90)
    assert [found.count for found in far_back] == [6, 5]
    assert spots.hot(fresh(people.lead), metres=5) == []


def test_homes_and_people_in_need_are_left_out(people):
    home = make_type(type_code="60", name="家事")
    home.names_a_home = True
    home.save()
    need = make_type(kind="event", class_code="04", type_code="03", name="流浪乞讨")
    need.no_photo = True
    need.save()
    pile(home, 0.2, 0.2, 8)
    pile(need, 0.2, 0.3, 8)
    assert spots.hot(fresh(people.lead)) == []


def test_only_in_ones_own_area(people):
    pile(make_type(type_code="37", name="路灯"), 0.2, 0.2, 6)
    assert spots.hot(fresh(people.other_dispatcher)) == []


def test_repeats_of_one_report_are_one(people):
    lamp = make_type(type_code="37", name="路灯")
    first = make_case(at(0.2, 0.2), type=lamp)
    pile(lamp, 0.2, 0.2, 6, duplicate_of=first)
    assert spots.hot(fresh(people.lead)) == []


def test_hard_blocked_and_legacy(people):
    hard = case_in("filed", people, return_count=2)
    old = timezone.now() - timedelta(days=5)
    blocked = case_in("filed", people, decision={"reason": "tie"}, filed_at=old)
    legacy = case_in("handling", people, mark="legacy")
    case_in("filed", people, decision={"reason": "tie"}, filed_at=timezone.now())
    user = fresh(people.lead)
    assert list(spots.hard(user)) == [hard]
    assert list(spots.blocked(user)) == [blocked]
    assert list(spots.legacy(user)) == [legacy]


def test_the_page(people):
    pile(make_type(type_code="37", name="路灯"), 0.2, 0.2, 6)
    browser = Client()
    browser.force_login(people.lead)
    for tab in ("hot", "hard", "blocked", "legacy"):
        assert browser.get(f"/spots/?tab={tab}").status_code == 200
    assert "路灯" in browser.get("/spots/?days=30&metres=100").content.decode()
    assert browser.get("/spots/?days=31").status_code == 400
    browser.force_login(people.worker)
    assert browser.get("/spots/").status_code == 403
    assert Case.objects.count() == 6
