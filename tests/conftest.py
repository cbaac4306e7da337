"""Fixtures for every test."""

import os
from pathlib import Path

import pytest
from django.db import connection

from tests import factories

# These take minutes. With them at the end, one process would be left alone with them.
LONGEST = (
    "tests/test_query_counts.py",
    "tests/test_walk_writes.py",
    "tests/ops/test_server.py",
    "tests/ops/test_backup.py",
    "tests/test_walk.py",
    "tests/ops",
    "tests/fixtures",
    "tests/browser",
    "tests/cases/test_letters_complaints.py",
    "tests/clients",
)

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def pytest_collection_modifyitems(items):
    def rank(item):
        places = (place for place, start in enumerate(LONGEST) if item.nodeid.startswith(start))
        return next(places, len(LONGEST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Copy the database that ``script/test`` migrated once: that takes most of a minute."""
    if template := os.environ.get("WANGGE_TEST_TEMPLATE"):
        connection.settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hashing slowly is for the product."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def fresh_calendars():
    """Calendars are kept for a minute; a test's rows are gone before that."""
    from geo import calendar

    calendar.forget()
    yield
    calendar.forget()


@pytest.fixture(autouse=True)
def own_tile_cache(settings, tmp_path):
    """Tiles of one test's rows are not for another's."""
    settings.TILE_CACHE = tmp_path / "tiles"
    settings.BASEMAP_CACHE = tmp_path / "basemaps"


@pytest.fixture(autouse=True)
def no_jobs_of_other_tests(request):
    """The queue's tables are not Django's: nothing empties them after tests that commit."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & {*request.fixturenames}:
        request.getfixturevalue("db")
        with connection.cursor() as cursor:
            cursor.execute("delete from procrastinate_jobs")


@pytest.fixture(autouse=True, scope="session")
def no_tile_connection_left(django_db_setup):
    """Tiles keep a connection of their own, which would keep the test database from being dropped."""
    yield
    from tiles.queries import session

    session.close()


@pytest.fixture
def roles(db):
    from geo import roles

    roles.load()


@pytest.fixture
def city(roles):
    """The tiny city of ``tests.factories``; returns its area."""
    return factories.make_city()


@pytest.fixture
def shared_data():
    """The folder of real data beside the checkout; the test is skipped where it is missing."""
    data = SHARED / "data"
    if not data.exists():
        pytest.skip(f"real data is not there: {data}")
    return data
