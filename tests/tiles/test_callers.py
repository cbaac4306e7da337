"""Who asks for a tile is looked up at once, and anew each time: what ends or changes counts at the next."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from geo import sessions
from geo.models import Grant, Organisation, Role, User
from tests import factories
from tiles import middleware

from .test_vector_tiles import features, tile_at

LAYER = "components"


@pytest.fixture
def here(city):
    return factories.make_component(factories.at(0.25, 0.25))


@pytest.fixture
def user(here):
    return factories.make_user("wang", role="leader", area="9901")


@pytest.fixture
def ask(client, user, here):
    """Asks for the tile over a component, with a session that is known already: ``ask()``."""
    z, x, y = tile_at("WebMercatorQuad", 16, *here.geom)

    def ask(**headers):
        return client.get(f"/tiles/{LAYER}/WebMercatorQuad/{z}/{x}/{y}.mvt", **headers)

    client.force_login(user)
    assert len(features(ask().content, LAYER)) == 1
    assert client.cookies["sessionid"].value in middleware._holders
    return ask


def change_session(client, **values):
    store = import_module(settings.SESSION_ENGINE).SessionStore(client.cookies["sessionid"].value)
    store.update(values)
    store.save()


def test_no_question_but_those_together(ask):
    with CaptureQueriesContext(connection) as asked:
        assert len(features(ask().content, LAYER)) == 1
    assert [one["sql"] for one in asked if "geo_" in one["sql"] or "session" in one["sql"]] == []


def test_a_grant_counts_as_long_as_it_is_in_force(ask, user):
    grant = Grant.objects.get(user=user)
    grant.valid_to = timezone.localdate() + timedelta(days=1)
    grant.save()
    assert ask().status_code == 200
    grant.valid_to = timezone.localdate()
    grant.save()
    assert ask().status_code == 403
    grant.valid_to = None
    grant.save()
    assert ask().status_code == 200
    grant.delete()
    assert ask().status_code == 403


def test_a_role_and_an_area_that_change(ask, user):
    Grant.objects.filter(user=user).update(area_code="990102")
    assert features(ask().content, LAYER) == []
    Grant.objects.filter(user=user).update(area_code="9901")
    assert len(features(ask().content, LAYER)) == 1
    Role.objects.filter(grants__user=user).update(permissions=[])
    assert ask().status_code == 403


def test_a_unit_is_resolved_like_anywhere(ask, user):
    unit = Organisation.objects.create(code="u1", name="unit", kind="department")
    Grant.objects.filter(user=user).update(area_code="", unit=unit)
    there = User.objects.get(pk=user.pk).scope
    assert [part.units for part in there.parts] == [frozenset({unit.pk})]
    answer = ask()
    assert answer.wsgi_request.user.scope == there and answer.wsgi_request.user.granted


def test_the_chosen_grant_alone_counts(ask, client, user):
    other = Grant.objects.create(user=user, role=Role.objects.get(code="leader"), area_code="990102")
    assert len(features(ask().content, LAYER)) == 1
    change_session(client, grant=other.pk)
    assert features(ask().content, LAYER) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [({"is_active": False}, 401), ({"password": "another"}, 401), ({"must_change_password": True}, 403)],
)
def test_an_account_that_changes(ask, user, change, status):
    User.objects.filter(pk=user.pk).update(**change)
    assert ask().status_code == status


@pytest.mark.parametrize("deleted", [False, True])
def test_a_session_that_runs_out_or_is_deleted(ask, deleted):
    if deleted:
        Session.objects.all().delete()
    else:
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    answer = ask()
    assert answer.status_code == 401 and not answer.wsgi_request.user.is_authenticated


def test_a_session_that_nobody_uses(ask, client, user, monkeypatch):
    change_session(client, used_at=1_800_000_000)
    monkeypatch.setattr(sessions.time, "time", lambda: 1_800_000_000 + settings.SESSION_IDLE + 1)
    answer = ask()
    assert answer.status_code == 401 and answer.json()["type"].endswith("/idle")
    assert not Session.objects.exists()


def test_a_session_that_is_somebody_elses_now(ask, client, user):
    other = factories.make_user("li", role="leader", area="990102")
    change_session(client, _auth_user_id=str(other.pk), _auth_user_hash=other.get_session_auth_hash())
    for _again in range(2):
        answer = ask()
        assert answer.wsgi_request.user == other and features(answer.content, LAYER) == []


def test_a_session_that_was_tampered_with(ask, client):
    Session.objects.update(session_data="nonsense")
    assert ask().status_code == 401


def test_what_is_remembered_stays_small(ask, client, user, monkeypatch):
    monkeypatch.setattr(middleware, "MOST", 2)
    for _number in range(4):
        client.force_login(factories.make_user(role="leader", area="9901"))
        assert ask().status_code == 200
    assert len(middleware._holders) <= 2
