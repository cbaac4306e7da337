"""Reading an uploaded workbook, with bounds on everything that a file may claim."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass

import openpyxl
from django.utils.translation import gettext as _

from cases.importing import columns
from geo.problems import Problem

UPLOAD_BYTES = 5 * 1024**2
# What the archive may unfold to; a workbook of 2,000 rows has a few megabytes.
UNFOLDED_BYTES = 100 * 1024**2
MOST_ROWS = 2000
# Empty lines between rows are left out, but not read for ever.
MOST_LINES = 3 * MOST_ROWS
MOST_COLUMNS = 60


@dataclass(frozen=True)
class Sheet:
    """A read workbook: its fingerprint, and its rows as texts by column with their number in it."""

    sha256: str
    rows: list[dict]


def read(file) -> Sheet:
    """The rows of the first sheet of an uploaded ``.xlsx``.

    Problems: 413 too large; 422 no workbook, no known heading, nothing in it, more than 2,000 rows.
    """
    if file.size > UPLOAD_BYTES:
        raise Problem(_("The workbook is larger than 5 MB."), status=413, kind="too-large")
    data = file.read()
    not_one = Problem(_("This is not a workbook that can be read; save it as .xlsx."), kind="no-workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > UNFOLDED_BYTES:
                raise Problem(_("The workbook unfolds to more than 100 MB."), status=413, kind="too-large")
        # Values as they were last computed: a formula is never run here.
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Problem:
        raise
    except Exception:
        # Whatever is wrong with a stranger's file (archive, XML, missing parts) comes to the same.
        raise not_one from None
    try:
        rows = _rows(book)
    except Problem:
        raise
    except Exception:
        raise not_one from None
    finally:
        book.close()
    return Sheet(hashlib.sha256(data).hexdigest(), rows)


def _rows(book) -> list[dict]:
    if not book.worksheets:
        raise Problem(_("The workbook has no sheet."), kind="no-workbook")
    sheet = book.worksheets[0]
    # What the file says about its size may be wrong.
    sheet.reset_dimensions()
    lines = sheet.iter_rows(max_row=MOST_LINES + 1, max_col=MOST_COLUMNS, values_only=True)
    keys = _keys(next(lines, ()))
    rows = []
    for number, line in enumerate(lines, 2):
        values = {key: _text(line[at]) for at, key in keys.items() if at < len(line)}
        if not any(values.values()):
            continue
        if len(rows) == MOST_ROWS:
            raise Problem(_("At most %d rows at once; divide the file.") % MOST_ROWS, kind="too-many")
        rows.append({"row": number, **{key: value for key, value in values.items() if value}})
    if not rows:
        raise Problem(_("There is no row below the headings."), kind="empty")
    return rows


def _keys(line) -> dict[int, str]:
    """Position > key of the columns that are known by their heading."""
    known = columns.headings()
    keys = {}
    for at, cell in enumerate(line):
        key = known.get(_text(cell).lower())
        if key is None:
            continue
        if key in keys.values():
            raise Problem(_("The column “%s” is there twice.") % columns.label(key), kind="headings")
        keys[at] = key
    if not {"lon", "component"} & {*keys.values()}:
        raise Problem(
            _("The first row must be the template's headings; “%(lon)s” or “%(component)s” is missing.")
            % {"lon": columns.label("lon"), "component": columns.label("component")},
            kind="headings",
        )
    return keys


def _text(cell) -> str:
    """A cell as text: whole numbers without a point, without the mark that kept it from being a formula."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    # PostgreSQL takes no zero byte.
    text = str(cell).replace("\0", "").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text
