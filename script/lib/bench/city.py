"""The city that is measured: how large it is, who looks, and where."""

import os
from types import SimpleNamespace
from urllib.parse import quote

from django.db import connection

from geo.scopes import Part, Scope

TABLES = (
    "geo_area",
    "grids_grid",
    "grids_unitgrid",
    "assets_building",
    "assets_house",
    "assets_component",
    "cases_case",
)


def describe(python: str) -> str:
    """The machine and the city in one paragraph."""
    with connection.cursor() as cursor:
        cursor.execute("select split_part(version(), ' ', 2), postgis_lib_version()")
        postgres, postgis = cursor.fetchone()
        counts = []
        for table in TABLES:
            cursor.execute(f"select count(*) from {table}")
            counts.append(f"{cursor.fetchone()[0]:,} {table.split('_')[1]}s")
    machine = f"{os.cpu_count()} cores, PostgreSQL {postgres}, PostGIS {postgis}, Python {python}"
    return f"{machine}; {', '.join(counts)}.\n"


def city_leader(code: str):
    """Somebody who may see all of the city, without an account: measuring writes no rows."""
    permissions = frozenset(
        [
            "geo.view",
            "grids.view",
            "assets.view",
            "assets.view_risks",
            "assets.view_households",
            "cases.view",
            "cases.statistics",
        ]
    )
    scope = Scope(-1, (Part(permissions, areas=(code,)),), permissions)
    return SimpleNamespace(
        is_authenticated=True,
        is_active=True,
        pk=-1,
        id=-1,
        scope=scope,
        can=permissions.__contains__,
    )


def code_of_the_city() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "select code from geo_area where level = 'city' and valid_to is null order by code limit 1"
        )
        return cursor.fetchone()[0]


def database_url(name: str) -> str:
    """Another database of the same server, as DATABASE_URL wants it."""
    given = connection.get_connection_params()
    host = quote(given.get("host", ""), safe="")
    who = quote(given.get("user", ""), safe="")
    if password := given.get("password"):
        who += f":{quote(password, safe='')}"
    return f"postgis://{who}@{host}:{given.get('port', '')}/{name}"


def raw():
    """A psycopg connection of its own to the same database, without parallel query, autocommit."""
    import psycopg

    settings = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        settings.pop(name, None)
    made = psycopg.connect(**settings, autocommit=True)
    made.execute("set max_parallel_workers_per_gather = 0")
    made.execute("set jit = off")
    return made
