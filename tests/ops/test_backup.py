"""script/backup and script/restore: into a second cluster, row by row and file by file the same."""

import hashlib
import os
import subprocess
import sys
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import sql

from tests.ops.installation import ROOT, Installation

pytestmark = pytest.mark.slow

FILL = """
import django
django.setup()
from geo import roles
from tests import factories
roles.load()
factories.make_city()
"""


def fill(installation) -> None:
    """The tiny city of the tests, in a running installation."""
    environment = installation.environment | {
        "DATABASE_URL": installation.database_url.replace("postgresql:", "postgis:"),
        "DJANGO_SETTINGS_MODULE": "geo.settings",
    }
    subprocess.run([sys.executable, "-c", FILL], cwd=ROOT, env=environment, check=True)
    folder = installation.data / "media" / "2026" / "11"
    folder.mkdir(parents=True)
    for number in range(20):
        (folder / f"photo-{number}.jpg").write_bytes(os.urandom(2000 + number))


def rows(installation) -> dict[str, tuple[int, str]]:
    """Of every table: how many rows, and a checksum over all of them.

    Left out is what the worker moves at any moment: its queue, deltas it folds into sums, dirty tiles.
    """
    with psycopg.connect(installation.database_url) as connection:
        names = connection.execute(
            """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'public' and c.relkind = 'r' and c.relname !~ '^procrastinate'
                 and c.relname <> all (array['spatial_ref_sys', 'wangge_installed'])
                 and c.relname not in ('geo_tally', 'geo_tallydelta', 'tiles_dirtytile')"""
        ).fetchall()
        return {
            name: connection.execute(
                sql.SQL(
                    "select count(*), md5(string_agg(md5(t::text), '' order by t::text)) from {} t"
                ).format(sql.Identifier(name))
            ).fetchone()
            for (name,) in names
        }


def schema(installation) -> list[tuple]:
    """Triggers, functions, constraints, indexes, comments: by name, and by text where it is kept as given."""
    with psycopg.connect(installation.database_url) as connection:
        return connection.execute(
            """select 'trigger', tgrelid::regclass::text || '.' || tgname, tgenabled::text
                 from pg_trigger where not tgisinternal
               union all select 'function', oid::regprocedure::text, md5(prosrc) from pg_proc
                 where pronamespace = 'public'::regnamespace
                   and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
               union all select 'constraint', conrelid::regclass::text || '.' || conname, contype::text
                 from pg_constraint where connamespace = 'public'::regnamespace
               union all select 'index', indexname, split_part(indexdef, ' WHERE ', 1)
                 from pg_indexes where schemaname = 'public'
               union all select 'comment', objoid::regclass::text, description from pg_description
                 where classoid = 'pg_class'::regclass and objsubid = 0
               union all select 'default', attrelid::regclass::text || '.' || attname, attgenerated::text
                 from pg_attribute where atthasdef and attrelid in
                   (select oid from pg_class where relnamespace = 'public'::regnamespace)
               order by 1, 2, 3"""
        ).fetchall()


def files(installation) -> dict[str, str]:
    media = installation.data / "media"
    return {
        str(path.relative_to(media)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in media.rglob("*")
        if path.is_file()
    }


def test_backup_and_restore_into_a_second_cluster(installation):
    fill(installation)
    archive = installation.data / "backup.tar"
    installation.run("backup", str(archive))
    assert archive.stat().st_mode & 0o077 == 0
    assert installation.status() == 200
    second = Installation()
    try:
        second.server()
        wanted = rows(installation)
        assert wanted["geo_area"][0] > 3
        second.run("restore", str(archive))
        assert rows(second) == wanted
        assert files(second) == files(installation)
        assert schema(second) == schema(installation)
        second.wait_healthy(30)
        # A city is in the second one now: it is not replaced without being told so.
        refused = second.run("restore", str(archive), check=False)
        assert refused.returncode == 1 and "--yes" in refused.stderr
        # A damaged archive changes nothing.
        damaged = installation.data / "damaged.tar"
        content = bytearray(archive.read_bytes())
        content[len(content) // 3 : len(content) // 3 + 100] = bytes(100)
        damaged.write_bytes(content)
        refused = second.run("restore", str(damaged), "--yes", check=False)
        assert refused.returncode == 1 and "damaged" in refused.stderr
        assert rows(second) == wanted
        assert files(second) == files(installation)
        with psycopg.connect(second.database_url) as connection:
            connection.execute("update geo_area set name = 'changed'")
        second.run("restore", str(archive), "--yes")
        assert rows(second) == wanted
        second.wait_healthy(30)
        into_a_database_of_somebody_else(archive, second, wanted)
    finally:
        second.remove()


def into_a_database_of_somebody_else(archive, cluster, wanted) -> None:
    """A superuser made it, with PostGIS; its owner, as whom the archive comes in, is none."""
    superuser = cluster.database_url.replace("wangge@", "postgres@")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("create database elsewhere owner wangge template template0")
    with psycopg.connect(superuser.removesuffix("wangge") + "elsewhere") as connection:
        connection.execute("create extension postgis")
    there = cluster.database_url.removesuffix("wangge") + "elsewhere"
    third = Installation()
    try:
        (third.data / "venv").symlink_to(third.environment["WANGGE_VENV"])
        third.environment["DATABASE_URL"] = there.replace("postgresql:", "postgis:")
        third.run("restore", str(archive))
        assert rows(SimpleNamespace(database_url=there)) == wanted
    finally:
        third.remove()


def test_a_backup_never_replaces_a_file(installation):
    target = installation.data / "there.tar"
    target.write_text("last month's")
    done = installation.run("backup", str(target), check=False)
    assert done.returncode == 1 and "exists already" in done.stderr
    assert target.read_text() == "last month's"


def test_reset_asks_and_then_starts_anew(installation):
    done = installation.run("reset", check=False)
    assert done.returncode == 1 and "--yes" in done.stderr
    installation.run("reset", "--yes")
    assert not (installation.data / "pg").exists()
    installation.server()
    assert installation.status() == 200
    with psycopg.connect(installation.database_url) as connection:
        assert connection.execute("select count(*) from geo_area").fetchone() == (0,)
