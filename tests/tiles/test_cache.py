"""The tile cache keeps what is right and drops exactly what changed, whoever comes in between."""

import asyncio
import contextlib
import gzip
import os
import threading

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, transaction

from assets.models import Component
from geo import stream
from geo.registry import layers
from tests import factories
from tiles import cache, drop, links
from tiles.api import mvt
from tiles.api.mvt import tile_bytes
from tiles.matrix import SETS
from tiles.models import DirtyTile
from tiles.queries import render, rows_key, session, tiles

from .test_vector_tiles import features, tile_at

LAYER = "components"


def files() -> set[str]:
    home = cache.home()
    return {str(file.relative_to(home)) for file in home.rglob("*.mvt.gz")}


def drafts() -> list:
    return [file for file in cache.home().rglob(".*") if file.is_file()]


def kept_tiles(user, places, levels=range(19)) -> dict:
    """Ask for the tiles over some places at every level of both sets."""
    asked = {}
    for matrix_set in SETS.values():
        for z in levels:
            for lon, lat in places:
                spot = tile_at(matrix_set.id, z, lon, lat)
                asked[matrix_set.id, *spot] = tile_bytes(layers[LAYER], matrix_set, *spot, user, None)
    return asked


@pytest.fixture
def committed(transactional_db, roles):
    factories.make_city()
    user = factories.make_user(role="leader", area="9901")
    here = factories.make_component(factories.at(0.25, 0.25))
    there = factories.make_component(factories.at(2.75, 1.75))
    cache.drop_waiting()
    return user, here, there


def test_an_edit_drops_exactly_its_tiles(committed):
    user, here, there = committed
    # Edges and corners too: just inside and outside of the buffer of tiles at level 15.
    quad = SETS["WebMercatorQuad"]
    z, x, y = tile_at(quad.id, 15, *there.geom)
    west, south, east, north = quad.lonlat_bounds(z, x, y)
    width, height = east - west, north - south
    around = [
        (west + width * dx, south + height * dy)
        for dx in (-1.5, -0.5, 0.5, 1.5)
        for dy in (-1.5, -0.5, 0.5, 1.5)
    ]
    before = kept_tiles(user, [here.geom.coords, there.geom.coords, *around])
    kept = files()
    assert len(kept) == len(before)
    # In the buffer of the next tile.
    there.geom = Point(west + width * (1 - 1 / 128), south + height / 3, srid=4326)
    there.save()
    cache.drop_waiting()
    dropped = kept - files()
    changed = set()
    for key, data in before.items():
        matrix_set, *spot = key
        if gzip.compress(render(layers[LAYER], SETS[matrix_set], *spot, user), 1, mtime=0) != data:
            changed.add("{}/{}/{}/{}/{}/{}.mvt.gz".format(LAYER, rows_key(layers[LAYER], user), *key))
    assert changed and changed <= dropped
    # What was dropped without a change lies within the reach of the old or the new place.
    for name in dropped - changed:
        _layer, _scope, matrix_set, z, x, y = name.removesuffix(".mvt.gz").split("/")
        area = cache.area_of_tile(layers[LAYER], SETS[matrix_set], int(z), int(x), int(y))
        old_and_new = [there.geom.coords, factories.at(2.75, 1.75).coords]
        assert any(area[0] <= lon <= area[2] and area[1] <= lat <= area[3] for lon, lat in old_and_new)
    assert kept_tiles(user, [there.geom.coords], [17])


def test_the_next_asker_sees_the_change_at_once(committed):
    user, here, _there = committed
    quad = SETS["WebMercatorQuad"]
    spot = tile_at(quad.id, 16, *here.geom)
    assert len(features(gzip.decompress(tile_bytes(layers[LAYER], quad, *spot, user, None)), LAYER)) == 1
    Component.objects.filter(pk=here.pk).update(state=Component.State.REMOVED)
    assert features(gzip.decompress(tile_bytes(layers[LAYER], quad, *spot, user, None)), LAYER) == []


def test_a_tile_that_is_not_kept_is_drawn_whatever_waits(committed):
    user, here, _there = committed
    quad = SETS["WebMercatorQuad"]
    spot = tile_at(quad.id, 16, *here.geom)
    for state in ("damaged", "lost"):
        Component.objects.filter(pk=here.pk).update(state=state)
        assert DirtyTile.objects.exists()
        for _again in range(2):  # the second one finds a file while the change still waits
            data = gzip.decompress(tile_bytes(layers[LAYER], quad, *spot, user, None))
            assert features(data, LAYER)[0]["properties"]["state"] == state
        assert len(files()) == 1 and not DirtyTile.objects.exists()


@pytest.mark.parametrize("levels", [(16,), range(19)])
def test_a_tile_drawn_before_a_change_is_not_kept(committed, levels):
    user, here, _there = committed
    scope = rows_key(layers[LAYER], user)
    with contextlib.ExitStack() as stack:
        drawn = []
        for quad in SETS.values():
            for z in levels:
                spot = tile_at(quad.id, z, *here.geom)
                draft = stack.enter_context(cache.draft(layers[LAYER], scope, quad, *spot))
                drawn.append((draft, render(layers[LAYER], quad, *spot, user)))
        Component.objects.filter(pk=here.pk).update(state=Component.State.DAMAGED)
        cache.drop_waiting()  # finds no file yet
        assert not any(draft.keep(data) for draft, data in drawn)
    assert files() == set() and drafts() == []


def test_a_layer_forgotten_takes_its_drafts(committed):
    user, here, _there = committed
    quad = SETS["WebMercatorQuad"]
    spot = tile_at(quad.id, 16, *here.geom)
    with cache.draft(layers[LAYER], rows_key(layers[LAYER], user), quad, *spot) as draft:
        drop.forget(cache.home() / LAYER)
        assert not draft.keep(b"old")
    assert files() == set() and drafts() == []


def test_a_drawing_that_fails_leaves_nothing(committed, monkeypatch):
    user, here, _there = committed
    monkeypatch.setattr(mvt, "render", lambda *_given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kept_tiles(user, [here.geom.coords], [16])
    assert files() == set() and drafts() == []


def test_inside_a_transaction_nothing_is_kept(committed):
    """What is seen there may never come to be."""
    user, here, _there = committed
    with transaction.atomic():
        Component.objects.filter(pk=here.pk).update(state=Component.State.DAMAGED)
        assert kept_tiles(user, [here.geom.coords], [16])
        transaction.set_rollback(True)
    assert files() == set()


def test_drawing_and_changing_at_once_leaves_nothing_old(committed):
    """Some draw the same tile again and again while it changes; what is kept in the end is the last state."""
    user, here, _there = committed
    quad, layer = SETS["WebMercatorQuad"], layers[LAYER]
    spot = tile_at(quad.id, 16, *here.geom)
    ended = threading.Event()
    failed = []

    def draw():
        try:
            while not ended.is_set():
                cache.path(layer, rows_key(layer, user), quad, *spot).unlink(missing_ok=True)
                tile_bytes(layer, quad, *spot, user, None)
        except Exception as error:
            failed.append(error)
        finally:
            session.close()
            connection.close()

    drawing = [threading.Thread(target=draw) for _ in range(3)]
    for thread in drawing:
        thread.start()
    try:
        for number in range(60):
            state = ("damaged", "lost")[number % 2]
            Component.objects.filter(pk=here.pk).update(state=state)
            cache.drop_waiting()
            # From here on no file tells the state before, whoever had begun to draw it.
            file = cache.path(layer, rows_key(layer, user), quad, *spot)
            for _look in range(20):
                if (kept := cache.read(file)) is not None:
                    assert features(gzip.decompress(kept), LAYER)[0]["properties"]["state"] == state
    finally:
        ended.set()
        for thread in drawing:
            thread.join()
    assert not failed and drafts() == []


def test_a_change_that_commits_later_drops_the_tile(committed):
    user, here, _there = committed
    quad = SETS["WebMercatorQuad"]
    spot = tile_at(quad.id, 16, *here.geom)
    written, may_commit = threading.Event(), threading.Event()

    def writer():
        try:
            with transaction.atomic():
                Component.objects.filter(pk=here.pk).update(state=Component.State.DAMAGED)
                written.set()
                assert may_commit.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=writer)
    thread.start()
    assert written.wait(10)
    # Its number is lower than that of a change which commits before it: their order proves nothing.
    factories.make_component(factories.at(1.5, 1.5))
    tile_bytes(layers[LAYER], quad, *spot, user, None)
    assert len(files()) == 1
    may_commit.set()
    thread.join()
    data = tile_bytes(layers[LAYER], quad, *spot, user, None)
    assert features(gzip.decompress(data), LAYER)[0]["properties"]["state"] == "damaged"


def test_huge_writes_drop_the_layer(committed):
    user, here, _there = committed
    kept_tiles(user, [here.geom.coords], [14, 15])
    kind = factories.make_type(type_code="01")
    Component.objects.bulk_create(
        Component(code=f"{9901020101000000 + n}", type=kind, name="井盖", geom=factories.at(2.5, 0.5))
        for n in range(300)
    )
    assert DirtyTile.objects.filter(box=None).count() == 1
    cache.drop_waiting()
    assert files() == set()


def test_the_stream_process_drops_by_itself(committed):
    user, here, _there = committed
    kept_tiles(user, [here.geom.coords], [16])

    async def scenario():
        watching = asyncio.create_task(drop.watch(stream.connect))
        try:
            for change in ("damaged", "lost"):
                await asyncio.to_thread(edit, change)
                for _attempt in range(200):
                    if not files():
                        break
                    await asyncio.sleep(0.02)
                assert not files()
        finally:
            watching.cancel()

    def edit(state):
        try:
            kept_tiles(user, [here.geom.coords], [16])
            assert len(files()) == 2
            Component.objects.filter(pk=here.pk).update(state=state)
        finally:
            connection.close()

    asyncio.run(scenario())


def test_names_shown_from_another_table(committed):
    user, here, _there = committed
    quad = SETS["WebMercatorQuad"]
    spot = tile_at(quad.id, 16, *here.geom)
    tile_bytes(layers[LAYER], quad, *spot, user, None)
    here.type.name = "检查井"
    here.type.save()
    data = tile_bytes(layers[LAYER], quad, *spot, user, None)
    assert features(gzip.decompress(data), LAYER)[0]["properties"]["type"] == "检查井"


def test_scopes_do_not_share_files(committed):
    user, here, _there = committed
    other = factories.make_user(role="leader", area="990102")
    same = factories.make_user(role="leader", area="9901")
    layer = layers[LAYER]
    assert rows_key(layer, user) == rows_key(layer, same) != rows_key(layer, other)
    quad = SETS["WebMercatorQuad"]
    spot = tile_at(quad.id, 16, *here.geom)
    assert features(gzip.decompress(tile_bytes(layer, quad, *spot, user, None)), LAYER)
    assert not features(gzip.decompress(tile_bytes(layer, quad, *spot, other, None)), LAYER)


def test_signed_addresses(committed, client):
    user, here, _there = committed
    layer, quad = layers[LAYER], SETS["WebMercatorQuad"]
    z, x, y = tile_at(quad.id, 16, *here.geom)
    url = links.template(layer, quad, user).format(z=z, x=x, y=y)
    assert url.startswith("/tiles/s/")
    assert client.get(url).status_code == 401  # the address alone opens nothing here
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200 and answer["Cache-Control"] == "private, no-cache"
    client.force_login(factories.make_user(role="leader", area="990102"))
    answer = client.get(url)
    assert answer["Cache-Control"] == "no-store" and features(answer.content, LAYER) == []
    assert 300 < links.expiry(1000.0) - 1000 <= 600


def test_tidy_keeps_what_is_needed(committed, settings):
    user, here, _there = committed
    kept_tiles(user, [here.geom.coords], [14])
    kept = files()
    assert cache.tidy() == 0 and files() == kept
    old, new = (settings.BASEMAP_CACHE / name / "1.png" for name in ("old", "new"))
    for file in (old, new):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"png")
    os.utime(old, (0, 0))
    assert cache.tidy(max_age_s=-1) == len(kept) + 1
    assert new.exists() and not old.exists()


def test_a_cell_that_a_dense_tile_counts(committed, monkeypatch):
    """Where single rows begin a dense tile is counted, in cells that reach beyond its edge."""
    user, here, there = committed
    monkeypatch.setattr(tiles, "MOST", 0)
    quad, layer = SETS["WebMercatorQuad"], layers[LAYER]
    z, x, y = tile_at(quad.id, quad.level(layer.max_scale), *here.geom)
    west, _south, east, _north = quad.lonlat_bounds(z, x, y)

    def tile():
        return tile_bytes(layer, quad, z, x, y, user, None)

    assert [one["properties"]["n"] for one in features(gzip.decompress(tile()), LAYER)] == [1]
    for ninths in (-2, -1, 1, 2):  # of the tile's width from its eastern edge, all within the city
        lon = east + (east - west) / 9 * ninths
        there.geom = Point(lon, here.geom.y, srid=4326)
        there.save()
        kept = gzip.decompress(tile())
        assert kept == render(layer, quad, z, x, y, user)
        cache.drop_waiting()
        assert gzip.decompress(tile()) == kept
