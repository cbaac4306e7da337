"""Workbooks that go out: the empty template with its choices, and refused rows in the same form."""

from __future__ import annotations

import io

import xlsxwriter
from django.conf import settings
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases.exports import safe
from cases.importing import columns
from cases.importing.check import BAD, offered, written
from cases.importing.read import MOST_ROWS
from cases.models import CaseImport

KEYS = list(columns.COLUMNS)


def template() -> bytes:
    """The empty workbook: headings, lists to choose from in the cells, and a sheet that shows the choices."""
    return _book([], {})


def refused(imported: CaseImport) -> bytes:
    """The refused rows as they came, with what is wrong in the last column; mended, it can be sent again."""
    why = {
        fate["row"]: "; ".join(
            " – ".join(filter(None, (columns.label(one["column"]) if one["column"] else "", one["detail"])))
            for one in fate["problems"]
        )
        for fate in imported.fates
        if fate["fate"] == BAD
    }
    return _book([row for row in imported.rows if row["row"] in why], why)


def _book(rows: list[dict], why: dict[int, str]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet(_("Cases"))
    choices = book.add_worksheet(_("Choices"))
    head = book.add_format({"bold": True, "bg_color": "#e0efee", "text_wrap": True})
    # Texts stay texts: a code keeps its zeros, a phone number is no sum.
    text = book.add_format({"num_format": "@"})
    for at, key in enumerate(KEYS):
        sheet.write_string(0, at, columns.label(key), head)
        sheet.set_column(at, at, columns.COLUMNS[key][1], None if key in ("lon", "lat") else text)
        sheet.write_comment(0, at, _hint(key), {"x_scale": 2})
    if why:
        sheet.write_string(0, len(KEYS), _("What is wrong"), head)
        sheet.set_column(len(KEYS), len(KEYS), 60)
    sheet.freeze_panes(1, 1)
    for line, row in enumerate(rows, 1):
        for at, key in enumerate(KEYS):
            if key in row:
                sheet.write_string(line, at, safe(row[key]))
        sheet.write_string(line, len(KEYS), safe(why[row["row"]]))
    _choices(sheet, choices, head)
    book.close()
    return out.getvalue()


def _choices(sheet, choices, head) -> None:
    types = ItemType.objects.filter(
        active=True, standard__in=(settings.CASE_STANDARD, ItemType.Standard.LOCAL)
    )
    lists = {
        "flow": offered("flow"),
        "type": [written(row)[0] for row in types],
        "source": offered("source"),
        "kind": offered("kind"),
        "crs": list(columns.CRS),
        "urgent": offered("urgent"),
    }
    for at, (key, words) in enumerate(lists.items()):
        choices.write_string(0, at, columns.label(key), head)
        choices.set_column(at, at, 34 if key == "type" else 18)
        for line, word in enumerate(words, 1):
            choices.write_string(line, at, safe(word))
        if words:
            column = KEYS.index(key)
            name = choices.get_name().replace("'", "''")
            letter = chr(ord("A") + at)
            sheet.data_validation(
                1,
                column,
                MOST_ROWS,
                column,
                {
                    "validate": "list",
                    "source": f"='{name}'!${letter}$2:${letter}${len(words) + 1}",
                    # A code, or a zone of the city, may be written too.
                    "error_type": "information",
                },
            )


def _hint(key: str) -> str:
    return {
        "reference": _("Your own number of the row. It must not repeat; with it no row is imported twice."),
        "flow": _("Empty: a city management case."),
        "type": _("Code or name as on the sheet of choices. May be empty with a component."),
        "lon": _("Degrees, or the easting in metres with a zone as coordinate system."),
        "lat": _("Degrees, or the northing in metres."),
        "crs": _("Empty: wgs84. Also cgcs2000, gcj02, bd09, or a zone as EPSG:4549."),
        "component": _("With a component, the coordinates may be empty."),
        "address": _("At most 200 characters."),
        "description": _("At most 1,000 characters; letters and complaints need it."),
        "source": _("Empty: import."),
        "kind": _("Only for complaints, which need it."),
        "name": _("Shown to nobody but through a logged request."),
        "phone": _("Shown to nobody but through a logged request."),
        "urgent": _("Yes or no; empty: no."),
    }[key]
