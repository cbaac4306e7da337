"""The locks of communities' borders: taken, waited for, and who holds them.

Writers of rows with a place hold a community's lock shared (trigger ``located``), a publication exclusively.
"""

from collections.abc import Callable

import psycopg.errors
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo import programs
from geo.problems import Problem

ATTEMPTS = 3
# What connections call themselves while they hold borders for long (``geo.programs.calls_itself``).
PUBLISHING = "wangge publication"
PROGRAMS = {
    "wangge": gettext_lazy("a page or a job"),
    programs.IMPORTING: gettext_lazy("an import is running"),
    PUBLISHING: gettext_lazy("borders are being published"),
}
# Those who hold them for long: who wants to publish is told at once.
LONG = (programs.IMPORTING, PUBLISHING)


def patiently(communities: list[str], work: Callable[[], object], attempts: int = ATTEMPTS):
    """Do ``work`` in a transaction that holds the border locks of communities; asks again for a busy lock."""
    for attempt in range(1, attempts + 1):
        try:
            with transaction.atomic():
                lock(communities)
                return work()
        except OperationalError as error:
            if not isinstance(
                error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected
            ):
                raise
            if attempt == attempts:
                raise busy(communities) from error
    raise AssertionError("unreachable")


def lock(communities: list[str]) -> None:
    """Take the border locks of communities exclusively, in code order, until the transaction ends."""
    programs.calls_itself(PUBLISHING)
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('lock_timeout', %s, true)", [f"{int(settings.LOCK_TIMEOUT * 1000)}ms"]
        )
        for code in sorted(communities):
            cursor.execute("select pg_advisory_xact_lock(wangge_community_lock(%s))", [code])


def holders(communities: list[str]) -> list[dict]:
    """Who holds the border locks of communities now: community, process, program, since when, doing what."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select c.code, a.pid, a.application_name, a.xact_start, left(a.query, 80)
            from unnest(%s::text[]) c(code)
            join lateral (select wangge_community_lock(c.code) as key) k on true
            join pg_locks l on l.locktype = 'advisory' and l.granted and l.objsubid = 1
                and l.classid::bigint = (k.key >> 32) & 4294967295 and l.objid::bigint = k.key & 4294967295
                and l.database = (select oid from pg_database where datname = current_database())
            join pg_stat_activity a using (pid)
            where a.pid <> pg_backend_pid() order by a.xact_start
            """,
            [communities],
        )
        names = ("community", "pid", "application", "since", "query")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def busy(codes: list[str], held: list[dict] | None = None) -> Problem:
    """A ``Problem`` (409) that says who writes in communities, since when and what it is."""
    held = holders(codes) if held is None else held
    who = "; ".join(
        _("community %(community)s: %(what)s, since %(since)s (%(application)s, process %(pid)s)")
        % {
            "community": row["community"],
            "pid": row["pid"],
            "application": row["application"],
            "what": PROGRAMS.get(row["application"], row["application"] or _("an unknown program")),
            "since": timezone.localtime(row["since"]).strftime("%H:%M:%S") if row["since"] else "?",
        }
        for row in held[:5]
    )
    return Problem(
        _("Somebody is writing in these communities and holds their borders. Try again in a moment.")
        + (f" {who}" if who else ""),
        status=409,
        kind="busy",
        errors=[{"detail": row["community"], "pid": row["pid"]} for row in held[:20]],
    )
