"""What a database connection says it is doing, so that who waits for it can be told."""

from django.db import connection

IMPORTING = "wangge import"


def calls_itself(name: str) -> None:
    """Name the connection until the transaction ends (``pg_stat_activity.application_name``)."""
    with connection.cursor() as cursor:
        cursor.execute("select set_config('application_name', %s, true)", [name])
