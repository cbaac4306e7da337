"""Numbers of cases, risk points and the like: prefix, county, date, daily sequence."""

from datetime import date

from django.db import connection


def mint(prefix: str, county: str, day: date) -> str:
    """The next number ``{prefix}{county 6}{yyyymmdd}{5 digits}`` (domain convention).

    The sequence's row stays locked until the caller's transaction ends, so a number is used or rolled back
    as a whole; ``county`` is cut to 6 digits and padded with 0.
    """
    county = county[:6].ljust(6, "0")
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into geo_numbersequence (prefix, county, day, last) values (%s, %s, %s, 1)"
            " on conflict (prefix, county, day) do update set last = geo_numbersequence.last + 1"
            " returning last",
            [prefix, county, day],
        )
        (last,) = cursor.fetchone()
    return f"{prefix}{county}{day:%Y%m%d}{last:05d}"
