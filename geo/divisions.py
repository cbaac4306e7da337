"""Official lists of division codes (统计用区划代码): reading them, and comparing two vintages.

Pure: knows files and rows of text, not the database. Codes are GB/T 2260 and the statistical division codes,
12 digits padded with 0 (or 6, for counties and up); their significant digits are kept (2, 4, 6, 9, 12).
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from geo.vector_files import text_encoding

LEVELS = {2: "province", 4: "city", 6: "district", 9: "street", 12: "community"}
_LEVEL_NUMBERS = {"1": 2, "2": 4, "3": 6, "4": 9, "5": 12}
_CODE_COLUMNS = ("code12", "code", "adcode", "区划代码", "统计用区划代码", "代码")
_NAME_COLUMNS = ("name", "名称", "区划名称")
_LEVEL_COLUMNS = ("level", "级别", "层级")
_PARENT_COLUMNS = ("parent_code12", "parent_code", "parent", "上级代码")
# Wording that comes and goes between vintages without the place becoming another.
_WORDING = re.compile(r"(社区居民委员会|社区居委会|居民委员会|居委会|村民委员会|村委会|街道办事处|社区)$")


class DivisionError(ValueError):
    """A list of codes that cannot be read; ``errors`` names each bad line."""

    def __init__(self, message: str, errors: Iterable[str] = ()):
        self.errors = list(errors)
        super().__init__("\n".join([message, *self.errors]))


@dataclass(frozen=True)
class Division:
    """One line: significant digits, name, and the code of what it lies in (empty at the top)."""

    code: str
    name: str
    parent_code: str = ""

    @property
    def level(self) -> str:
        return LEVELS[len(self.code)]


def significant(code: str) -> str:
    """The significant digits of a division code: "650203000000" and "650203" are both "650203".

    Raises ``ValueError`` for what is no code.
    """
    text = str(code).strip().removesuffix(".0")
    if not re.fullmatch(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}", text) or text[:2] == "00":
        raise ValueError(_("“%(code)s” is no division code: 2, 4, 6, 9 or 12 digits.") % {"code": text})
    for length, shorter in ((12, 9), (9, 6), (6, 4), (4, 2)):
        if len(text) == length and set(text[shorter:]) == {"0"}:
            text = text[:shorter]
    return text


def plain_name(name: str) -> str:
    """A name without the wording that changes between vintages (居民委员会, 居委会, …)."""
    return _WORDING.sub("", name.strip()) or name.strip()


def read_divisions(source: Path | str, under: str = "") -> list[Division]:
    """Read a CSV of codes, UTF-8 or GB 18030, with any of the usual column names; parents come first.

    ``under`` keeps one subtree (and the areas it lies in). Every bad line is named in one ``DivisionError``.
    """
    raw = Path(source).read_bytes()
    try:
        text = raw.decode(text_encoding(raw))
    except UnicodeError:
        raise DivisionError(_("%s is no table of text.") % Path(source).name) from None
    reader = csv.DictReader(io.StringIO(text))
    columns = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    code_column, name_column = _pick(columns, _CODE_COLUMNS), _pick(columns, _NAME_COLUMNS)
    if not code_column or not name_column:
        raise DivisionError(
            _(
                "A column with codes (%(codes)s) and one with names (%(names)s) are needed; "
                "the file has: %(has)s."
            )
            % {
                "codes": ", ".join(_CODE_COLUMNS),
                "names": ", ".join(_NAME_COLUMNS),
                "has": ", ".join(columns),
            }
        )
    level_column, parent_column = _pick(columns, _LEVEL_COLUMNS), _pick(columns, _PARENT_COLUMNS)
    found: dict[str, tuple[str, str]] = {}
    errors = []
    for row in reader:
        line = reader.line_num
        try:
            code = significant(row[code_column] or "")
            name = (row[name_column] or "").strip()
            wanted = _LEVEL_NUMBERS.get((row.get(level_column) or "").strip()) if level_column else None
            parent = significant(row[parent_column]) if parent_column and row.get(parent_column) else ""
            if not name:
                raise ValueError(_("%(code)s has no name.") % {"code": code})
            if wanted and wanted != len(code):
                raise ValueError(
                    _("%(code)s is a %(level)s by its digits, the file says level %(said)s.")
                    % {"code": code, "level": LEVELS[len(code)], "said": row[level_column]}
                )
            if parent and not code.startswith(parent):
                raise ValueError(
                    _("%(code)s cannot lie in %(parent)s: its code does not begin so.")
                    % {"code": code, "parent": parent}
                )
            if found.setdefault(code, (name, parent)) != (name, parent):
                raise ValueError(_("%(code)s is there twice.") % {"code": code})
        except ValueError as error:
            errors.append(_("line %(line)d: %(error)s") % {"line": line, "error": error})
    if errors:
        raise DivisionError(_("The list of codes has %(n)d faulty lines.") % {"n": len(errors)}, errors)
    codes = sorted(found, key=lambda code: (len(code), code))
    if under:
        top = significant(under)
        codes = [code for code in codes if code.startswith(top) or top.startswith(code)]
    return [Division(code, found[code][0], found[code][1] or _above(code, found)) for code in codes]


def _pick(columns, names) -> str:
    by_lower = {column.lower(): column for column in columns}
    return next((by_lower[name] for name in names if name in by_lower), "")


def _above(code: str, codes) -> str:
    """The longest known code that this one begins with: a city without districts holds streets itself."""
    return next(
        (code[:length] for length in (9, 6, 4, 2) if length < len(code) and code[:length] in codes), ""
    )


@dataclass
class Change:
    """What a newer list does to the areas in force.

    ``predecessors`` maps a new code to the old codes it continues; ``removed`` old codes without the same
    code in the new list; ``renamed`` codes whose row ends and begins anew.
    """

    added: list[Division] = field(default_factory=list)
    renamed: list[Division] = field(default_factory=list)
    unchanged: list[Division] = field(default_factory=list)
    removed: list[Division] = field(default_factory=list)
    predecessors: dict[str, list[str]] = field(default_factory=dict)


def compare(old: Iterable[Division], new: Iterable[Division]) -> Change:
    """Compare two vintages.

    The children listed under a parent replace all its children; a parent of which the new list names no
    child keeps those it has (a list of districts says nothing about communities). What lies in a removed
    area goes with it. A successor has the same plain name under the same parent; failing that, a changed
    name under an unchanged code continues the old row.
    """
    before = {division.code: division for division in old}
    after = {division.code: division for division in new}
    change = Change()
    replaced_parents = {division.parent_code for division in after.values()}
    gone: set[str] = set()
    for code in sorted(before, key=len):
        division = before[code]
        # A row at the top has no parent whose children could have been listed anew.
        listed_anew = division.parent_code and division.parent_code in replaced_parents
        if code not in after and (listed_anew or division.parent_code in gone):
            gone.add(code)
    change.removed = [before[code] for code in sorted(gone)]
    for code, division in after.items():
        if code not in before:
            change.added.append(division)
        elif before[code].name != division.name:
            change.renamed.append(division)
        else:
            change.unchanged.append(division)
    ended = {code: before[code] for code in (*gone, *(division.code for division in change.renamed))}
    by_name: dict[tuple[str, str], list[str]] = {}
    for code, division in ended.items():
        by_name.setdefault((division.parent_code, plain_name(division.name)), []).append(code)
    claimed: set[str] = set()
    for division in (*change.renamed, *change.added):
        same = by_name.get((division.parent_code, plain_name(division.name)), [])
        # The same code first: wording changed, the place did not.
        chosen = division.code if division.code in same else (sorted(same)[0] if len(same) == 1 else "")
        if chosen:
            change.predecessors[division.code] = [chosen]
            claimed.add(chosen)
    for division in change.renamed:
        if division.code not in change.predecessors and division.code not in claimed:
            change.predecessors[division.code] = [division.code]
    return change
