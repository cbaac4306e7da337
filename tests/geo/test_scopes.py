"""for_user is the only door to rows."""

import pytest
from django.contrib.auth.models import AnonymousUser

from cases.models import Case
from geo.models import Area, Grant, Role
from tests.factories import at, make_case, make_unit, make_user, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(city):
    return [make_case(at(0.25, 0.25)), make_case(at(1.25, 0.25)), make_case(at(2.25, 0.25))]


def seen(user):
    return list(Case.objects.for_user(user).order_by("pk"))


def test_area_scope_is_a_prefix(cases):
    assert seen(make_user(role="dispatcher", area="990101")) == cases[:2]
    assert seen(make_user(role="dispatcher", area="9901")) == cases


def test_nobody_sees_nothing(cases):
    assert seen(AnonymousUser()) == []
    assert seen(make_user()) == []
    assert Area.objects.for_user(AnonymousUser()).count() == Area.objects.count()


def test_a_unit_sees_what_it_holds_and_held(cases):
    parent = make_unit()
    child = make_unit(parent=parent)
    cases[0].holds.create(unit=child)
    cases[0].holds.create(unit=parent)
    assert seen(make_user(role="department", unit=parent)) == cases[:1]
    assert seen(make_user(role="department", unit=make_unit())) == []


def test_a_worker_sees_the_grids_on_duty_and_own_reports(cases):
    user = make_user(role="grid_worker")
    make_worker(user, grid="990101001001001")
    own = make_case(at(2.75, 1.75), reporter=user)
    assert seen(user) == [cases[0], own]


def test_a_permission_counts_only_for_its_own_role(cases):
    user = make_user(role="leader", area="9901")
    Grant.objects.create(user=user, role=Role.objects.get(code="dispatcher"), area_code="990102")
    assert list(Case.objects.for_user(user, "cases.dispatch")) == [cases[2]]
    assert user.scope.areas("cases.view") == ("9901",)


def test_an_inactive_user_sees_nothing(cases):
    user = make_user(role="dispatcher", area="9901")
    user.is_active = False
    user.__dict__.pop("scope", None)
    assert seen(user) == []


def test_apart_is_the_same_without_a_row_twice(cases):
    """Areas with desks that reach beyond, units, grids and own rows: each case is in one part."""
    unit, user = make_unit(), make_user("everything", role="dispatcher", area="990101")
    Grant.objects.create(user=user, role=Role.objects.get(code="department"), unit=unit)
    Grant.objects.create(user=user, role=Role.objects.get(code="dispatcher"), area_code="990101001")
    Grant.objects.create(user=user, role=Role.objects.get(code="grid_worker"))
    make_worker(user, grid="990101001001001")
    cases[0].holds.create(unit=unit)
    cases[2].holds.create(unit=unit)
    cases.append(make_case(at(2.75, 1.75), reporter=user))
    cases.append(make_case(at(0.75, 0.25), reporter=user, verifier=user, desk_code="990101001"))
    cases.append(make_case(at(2.25, 0.25), desk_code="990101001"))
    cases.append(make_case(at(2.25, 0.25)))
    parts = Case.objects.apart_for_user(user)
    assert sorted(case.pk for part in parts for case in part) == [case.pk for case in seen(user)]
    assert seen(user) == cases[:-1]
    assert Case.objects.apart_for_user(AnonymousUser()) == []
    assert [part.count() for part in Area.objects.apart_for_user(AnonymousUser())] == [Area.objects.count()]
