"""Writers of rows with a place and a change of borders, in both orders, on real connections."""

import threading
import time

import pytest
import shapely
from django.db import connection, transaction

from assets.models import Component
from geo import registry, roles
from geo.models import Area
from geo.problems import Problem
from geo.registry import Place
from grids import assignment
from grids.models import Grid
from grids.publication import Border, NewBorders, publish, to_shapely
from tests.factories import LAT, LON, SIDE, at, make_city, make_component, make_type

pytestmark = pytest.mark.django_db(transaction=True)

HOME = "990101001001"
SPOT = at(0.55, 0.2)  # in grid 002 until grid 001 grows over it
WAIT = 20


@pytest.fixture
def city():
    roles.load()
    make_city()
    return make_type(type_code="01", name="上水井盖")


def new_borders():
    edges = {"001": (0, 0, 0.6, 1), "002": (0.6, 0, 1, 1)}
    corner = (LON, LAT, LON, LAT)
    shapes = {
        f"{HOME}{sequence}": Border(
            shapely.box(*(round(base + part * SIDE, 8) for base, part in zip(corner, edge, strict=True)))
        )
        for sequence, edge in edges.items()
    }
    return [NewBorders(HOME, shapes, to_shapely(Area.objects.get(code=HOME).geom))]


def by_orm(kind):
    make_component(SPOT, type=kind, code="9901010101000077")


def by_copy(kind):
    columns = "code, type_id, name, state, data_source, note, area_code, geom"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy assets_component ({columns}) from stdin") as copy,
    ):
        copy.write_row(("9901010101000077", kind.pk, "c", "intact", "", "", "", SPOT.hexewkb.decode()))


def by_move(kind):
    component = Component.objects.get(code="9901010101000001")
    component.geom = SPOT
    component.save()


def by_move_of_a_row_that_moves(kind):
    component = Component.objects.get(code="9901010101000003")
    component.geom = SPOT
    component.save()


WRITERS = [by_orm, by_copy, by_move, by_move_of_a_row_that_moves]


def rows_there(kind):
    """One row in ground that stays with its grid, one in ground that changes hands."""
    make_component(at(0.1, 0.1), type=kind, code="9901010101000001")
    make_component(at(0.1, 0.9), type=kind, code="9901010101000003")


class Thread(threading.Thread):
    """A thread with a connection of its own, whose error is the test's."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.error = work, None
        self.start()

    def run(self):
        try:
            self.work()
        except BaseException as error:
            self.error = error
        finally:
            connection.close()

    def finish(self):
        self.join(WAIT)
        assert not self.is_alive(), "still waiting"
        if self.error:
            raise self.error


def wait_for_a_waiter():
    """Until somebody waits for somebody else's lock."""
    for _round in range(WAIT * 50):
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_locks where not granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def settle(kind, writers):
    """Every written row is where its geometry says, in the grid that is in force now."""
    rows = Component.objects.filter(geom=SPOT)
    assert rows.count() == writers
    assert {row.grid.code for row in rows} == {f"{HOME}001"}
    assert not any(assignment.disagreements(model) for model in assignment.located_models())


@pytest.mark.parametrize("write", WRITERS)
def test_the_writer_first(city, write):
    rows_there(city)
    written, release = threading.Event(), threading.Event()

    def writer():
        with transaction.atomic():
            write(city)
            written.set()
            assert release.wait(WAIT)

    first = Thread(writer)
    assert written.wait(WAIT)
    borders = new_borders()
    second = Thread(lambda: publish(borders))
    wait_for_a_waiter()
    assert Grid.objects.filter(community_code=HOME, retired_on=None).count() == 4
    release.set()
    first.finish()
    second.finish()
    settle(city, 1)


@pytest.mark.parametrize("write", WRITERS)
def test_the_borders_first(city, write):
    rows_there(city)
    # A row that moves, so that the pause below sits inside the publishing transaction.
    make_component(SPOT, type=city, code="9901010101000002")
    published, release = threading.Event(), threading.Event()

    def pause(publication, moved):
        published.set()
        assert release.wait(WAIT)

    registry.places.register(Place("pause", "assets.Component", "x", after_regrid=pause))
    try:
        borders = new_borders()
        first = Thread(lambda: publish(borders))
        assert published.wait(WAIT)
        second = Thread(lambda: write(city))
        wait_for_a_waiter()
        release.set()
        first.finish()
        second.finish()
    finally:
        del registry.places["pause"]
    settle(city, 2)


def test_who_is_in_the_way_is_said(city, settings):
    settings.LOCK_TIMEOUT = 0.2
    written, release = threading.Event(), threading.Event()

    def writer():
        with transaction.atomic():
            by_orm(city)
            written.set()
            assert release.wait(WAIT)

    first = Thread(writer)
    assert written.wait(WAIT)
    with pytest.raises(Problem) as problem:
        publish(new_borders())
    release.set()
    first.finish()
    assert problem.value.status == 409
    assert HOME in problem.value.detail and "wangge" in problem.value.detail
    assert Grid.objects.filter(community_code=HOME, retired_on=None).count() == 4
    publish(new_borders())
    settle(city, 1)


def test_two_publications_of_neighbours_do_not_deadlock(city):
    """Locks are taken in code order, whatever the order of the request."""
    other = "990101001002"
    start = threading.Barrier(2)

    def grids_of(community):
        outline = to_shapely(Area.objects.get(code=community).geom)
        shape = outline.geoms[0]
        return NewBorders(community, {f"{community}001": Border(shape)}, outline)

    pair = [grids_of(HOME), grids_of(other)]

    def work(borders):
        def run():
            start.wait(WAIT)
            publish(borders)

        return run

    threads = [Thread(work(pair)), Thread(work(pair[::-1]))]
    [thread.finish() for thread in threads]
    assert Grid.objects.filter(community_code__in=(HOME, other), retired_on=None).count() == 2
