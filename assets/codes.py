"""Codes of components: checked on entry, minted in sequence.

GB/T 30428.2-2013: 16 digits = county 6 + class 2 + type 2 + sequence 6. GB/T 47678.5-2026: 17 digits =
county 6 + class 2 + type 3 + sequence 6. A local type has the width that its type code gives it.
"""

from django.db import connection
from django.utils.translation import gettext as _

from assets.models import Component, ItemType
from geo.models import Area

SEQUENCE_DIGITS = 6


class CodeError(ValueError):
    """A code that cannot be this component's; the text says what would be right."""


def width(kind: ItemType) -> int:
    """Digits of a component code of this type: 16 or 17."""
    return 6 + len(kind.full_code) + SEQUENCE_DIGITS


def check(code: str, kind: ItemType, counties=None) -> None:
    """Refuse a code that does not fit its type, or whose county is none of ``counties`` (6-digit codes).

    ``counties`` defaults to the districts the database has, whatever their vintage: a component keeps its
    code when its county is renumbered.
    """
    wanted = width(kind)
    # Nearly all codes of a file are right: words only for the others.
    if _fits(code, kind, wanted) and (counties is not None and code[:6] in counties):
        return
    shape = _("county 6 + class and type %(type)s + sequence %(digits)d, %(width)d digits in all") % {
        "type": kind.full_code,
        "digits": SEQUENCE_DIGITS,
        "width": wanted,
    }
    if not (code.isascii() and code.isdigit()):
        raise CodeError(
            _("The code “%(code)s” must be digits only: %(shape)s.") % {"code": code, "shape": shape}
        )
    if len(code) != wanted:
        raise CodeError(
            _("The code %(code)s has %(got)d digits; under %(standard)s it is %(shape)s.")
            % {
                "code": code,
                "got": len(code),
                "standard": kind.get_standard_display(),
                "shape": shape,
            }
        )
    if code[6:-SEQUENCE_DIGITS] != kind.full_code:
        raise CodeError(
            _("The code %(code)s says type %(got)s, but the component's type is %(type)s %(name)s.")
            % {
                "code": code,
                "got": code[6:-SEQUENCE_DIGITS],
                "type": kind.full_code,
                "name": kind,
            }
        )
    if code[-SEQUENCE_DIGITS:] == "0" * SEQUENCE_DIGITS:
        raise CodeError(_("The sequence of the code %s begins at 000001.") % code)
    if counties is None:
        known = Area.objects.filter(level=Area.Level.DISTRICT, code=code[:6]).exists()
    else:
        known = code[:6] in counties
    if not known:
        raise CodeError(
            _("The code %(code)s begins with %(county)s, which is no district or county here.")
            % {"code": code, "county": code[:6]}
        )


def _fits(code: str, kind: ItemType, wanted: int) -> bool:
    return (
        len(code) == wanted
        and code.isascii()
        and code.isdigit()
        and code[6:-SEQUENCE_DIGITS] == kind.full_code
        and code[-SEQUENCE_DIGITS:] != "0" * SEQUENCE_DIGITS
    )


def mint(county: str, kind: ItemType) -> str:
    """The next code of a type in a county (6 digits)."""
    return mint_many(county, kind, 1)[0]


def mint_many(county: str, kind: ItemType, count: int) -> list[str]:
    """The next ``count`` codes of a type in a county (6 digits).

    The sequence's row stays locked until the caller's transaction ends, so no two writers get one number. It
    starts behind what the table already holds; where an import brought codes since, it jumps behind those.
    """
    prefix = county[:6] + kind.full_code
    if len(county[:6]) != 6 or not prefix.isdigit():
        raise CodeError(_("A component's code needs a county of six digits, not “%s”.") % county)
    with connection.cursor() as cursor:
        last = _advance(cursor, prefix, 0, count)
        minted = _codes(prefix, last, count)
        if Component.objects.filter(code__in=minted).exists():
            cursor.execute(
                "select max(right(code, 6)::int) from assets_component"
                " where code like %s and length(code) = %s",
                [prefix + "%", width(kind)],
            )
            last = _advance(cursor, prefix, cursor.fetchone()[0], count)
            minted = _codes(prefix, last, count)
    if last >= 10**SEQUENCE_DIGITS:
        raise CodeError(
            _("No number is left for type %(type)s in county %(county)s: all 999,999 are given out.")
            % {"type": kind.full_code, "county": county[:6]}
        )
    return minted


def _codes(prefix: str, last: int, count: int) -> list[str]:
    return [f"{prefix}{number:06d}" for number in range(last - count + 1, last + 1)]


def _advance(cursor, prefix: str, beyond: int, count: int) -> int:
    """Move the sequence on by ``count`` from where it is, or from ``beyond`` if that is further."""
    cursor.execute(
        "insert into assets_componentsequence as s (prefix, last) values (%s, %s)"
        " on conflict (prefix) do update set last = greatest(s.last, %s) + %s returning last",
        [prefix, beyond + count, beyond, count],
    )
    return cursor.fetchone()[0]
