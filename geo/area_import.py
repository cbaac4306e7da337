"""Bring a city's official codes and outlines into the area tree, vintage by vintage."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo import audit, coordinates
from geo.divisions import Change, Division, compare
from geo.models import Area
from geo.outlines import Outlines, nesting_faults, square_metres
from geo.problems import Problem

# Outlines of one area that differ by less than this share of it are the same, drawn again.
_SAME_OUTLINE = 1e-9
# How many areas without an outline are named.
FEW = 20
_LOCK = 0x41524541  # "AREA"


@dataclass
class Report:
    """What an import did, or would do. Everything a person must look at is a sentence in ``warnings``."""

    valid_from: date
    dry_run: bool
    change: Change
    outlines: int = 0
    new_outlines: list[str] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    without_outline: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report for a terminal or a page."""
        change = self.change
        continued = sum(1 for division in change.added if division.code in change.predecessors)
        words = {
            "date": self.valid_from,
            "added": len(change.added),
            "continued": continued,
            "renamed": len(change.renamed),
            "removed": len(change.removed),
            "unchanged": len(change.unchanged),
        }
        lines = [
            _(
                "Codes from %(date)s: %(added)d new (%(continued)d continue another code), "
                "%(renamed)d renamed, %(removed)d ended, %(unchanged)d as before."
            )
            % words,
            _("Outlines: %(read)d read, %(new)d new or changed, %(derived)d joined from their children.")
            % {"read": self.outlines, "new": len(self.new_outlines), "derived": len(self.derived)},
        ]
        for title, sentences in (
            (_("Refused"), self.refused),
            (_("Repaired"), self.repaired),
            (_("Look at this"), self.warnings),
            (_("Without outline"), self.without_outline),
        ):
            if sentences:
                lines.append(f"{title} ({len(sentences)}):")
                # Communities mostly have no outline; what has to be looked at is told in full.
                most = FEW if sentences is self.without_outline else len(sentences)
                lines += [f"  {sentence}" for sentence in sentences[:most]]
                if len(sentences) > most:
                    lines.append("  " + _("… and %d more") % (len(sentences) - most))
        if self.dry_run:
            lines.append(_("Nothing was written: this was a dry run."))
        return lines


def import_areas(
    divisions: list[Division],
    outlines: Outlines | None = None,
    *,
    valid_from: date | None = None,
    dry_run: bool = False,
    known=None,
    actor=None,
) -> Report:
    """Make ``divisions`` the areas in force from ``valid_from`` on, in one transaction.

    Codes that go or change their name end on that day and are linked to what continues them. Without a date,
    the first import of a place counts from 2000-01-01, a later one from today. ``known`` are WGS-84 lines
    (roads) that borders should follow; outlines that lie off them are warned about and taken as declared.
    Raises ``Problem`` when a newer vintage is already in force.
    """
    outlines = outlines or Outlines()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        areas = _in_force(divisions)
        valid_from = valid_from or (date.today() if areas else date(2000, 1, 1))
        newest = max((area.valid_from for area in areas.values()), default=None)
        if newest and newest > valid_from:
            raise Problem(
                _("Areas valid from %(newest)s are in force; a list valid from %(date)s would be older.")
                % {"newest": newest, "date": valid_from},
                status=409,
            )
        old = [
            Division(area.code, area.name, area.parent.code if area.parent else "") for area in areas.values()
        ]
        report = Report(valid_from, dry_run, compare(_with_parents(old, divisions), divisions))
        report.outlines = len(outlines.geometries)
        report.refused, report.repaired = list(outlines.refused), list(outlines.repaired)
        geometries = _geometries(divisions, outlines, areas, report)
        _warn_about_datum(outlines, areas, known, report)
        _write(divisions, areas, geometries, report)
        audit.log(
            actor,
            "area.import",
            area_code=divisions[0].code if divisions else "",
            valid_from=valid_from.isoformat(),
            added=len(report.change.added),
            renamed=len(report.change.renamed),
            removed=len(report.change.removed),
            outlines=len(report.new_outlines),
        )
        if dry_run:
            transaction.set_rollback(True)
    return report


def _in_force(divisions: list[Division]) -> dict[str, Area]:
    """The areas in force on and below the top codes of a list, by code."""
    codes = {division.code for division in divisions}
    tops = tuple(division.code for division in divisions if division.parent_code not in codes)
    rows = Area.objects.filter(valid_to=None).select_related("parent").order_by("code")
    return {area.code: area for area in rows if area.code.startswith(tops)}


def _with_parents(old: list[Division], new: list[Division]) -> list[Division]:
    """A row whose parent was unknown until now takes the new list's word for it."""
    parents = {division.code: division.parent_code for division in new}
    return [Division(one.code, one.name, one.parent_code or parents.get(one.code, "")) for one in old]


def _geometries(divisions, outlines: Outlines, areas, report: Report) -> dict[str, shapely.MultiPolygon]:
    """The outline that every code of the list is to have, with what is odd about it in the report."""
    codes = {division.code: division for division in divisions}
    for code in outlines.geometries.keys() - codes.keys():
        report.warnings.append(
            _("Outline %(code)s %(name)s: the list of codes does not have it; left out.")
            % {"code": code, "name": outlines.names.get(code, "")}
        )
    for code in outlines.geometries.keys() & codes.keys():
        name = outlines.names.get(code, "")
        if name and name != codes[code].name:
            report.warnings.append(
                _("Outline %(code)s is called %(name)s, the list says %(listed)s.")
                % {"code": code, "name": name, "listed": codes[code].name}
            )
    found = {code: shape for code, shape in outlines.geometries.items() if code in codes}
    for code in codes:
        area = areas.get(code)
        if code not in found and area is not None and area.geom is not None:
            found[code] = shapely.from_wkb(bytes(area.geom.wkb))
    children: dict[str, list[str]] = {}
    for division in divisions:
        children.setdefault(division.parent_code, []).append(division.code)
    for code in sorted(codes, key=len, reverse=True):
        below = children.get(code, [])
        if code not in found and below and all(child in found for child in below):
            joined = shapely.union_all(np.array([found[child] for child in below]))
            found[code] = shapely.multipolygons(shapely.get_parts(joined))
            report.derived.append(code)
    parents = {division.code: division.parent_code for division in divisions}
    report.warnings += nesting_faults(found, parents)
    report.without_outline = [f"{code} {codes[code].name}" for code in codes if code not in found]
    return found


def _warn_about_datum(outlines: Outlines, areas, known, report: Report) -> None:
    """Compare borders, as they lay in the file, with known lines or with the same areas' borders so far."""
    raw = outlines.raw
    ground = np.asarray(known if known is not None else [], dtype=object)
    if not ground.size:
        raw = {code: shape for code, shape in raw.items() if code in areas and areas[code].geom is not None}
        ground = np.array(
            [shapely.boundary(shapely.from_wkb(bytes(areas[code].geom.wkb))) for code in raw], dtype=object
        )
    if not raw or not ground.size:
        return
    try:
        lon, lat, datum = coordinates.declared_borders(np.array(list(raw.values())), outlines.crs)
    except coordinates.CoordinateError:
        return  # a projected system of another country leaves nothing to guess
    # Around known ground, by more than any datum's shift: else the sample would be spent far away.
    west, south, east, north = shapely.total_bounds(ground)
    near = (lon > west - 0.02) & (lon < east + 0.02) & (lat > south - 0.02) & (lat < north + 0.02)
    guess = coordinates.probable_datum(lon[near], lat[near], ground, datum)
    if guess.suspicious:
        report.warnings.insert(0, guess.warning)


def _write(divisions, areas: dict[str, Area], geometries, report: Report) -> None:
    change, day = report.change, report.valid_from
    renamed = {division.code for division in change.renamed}
    current: dict[str, Area] = {}
    fresh: list[tuple[Division, list[str]]] = []
    for division in divisions:
        area, shape = areas.get(division.code), geometries.get(division.code)
        drawn_anew = shape is not None and (area is None or not _same(area, shape))
        if drawn_anew:
            report.new_outlines.append(division.code)
        keeps_row = area is not None and division.code not in renamed
        # An outline that changes with a new vintage begins a new row, so that an old day's map stays
        # drawable; a first outline, or a correction within the vintage, goes into the row there is.
        if keeps_row and drawn_anew and area.geom is not None and area.valid_from < day:
            keeps_row = False
        if keeps_row:
            current[division.code] = area
            if drawn_anew:
                area.geom = _geos(shape)
                area.save(update_fields=["geom"])
        elif area is not None and area.valid_from == day:
            area.name = division.name
            area.geom = _geos(shape)
            area.save(update_fields=["name", "geom"])
            current[division.code] = area
        else:
            before = change.predecessors.get(division.code, [division.code] if area else [])
            fresh.append((division, before))
    ended = {division.code for division in change.removed} | {division.code for division, _b in fresh}
    Area.objects.filter(pk__in=[areas[code].pk for code in ended if code in areas]).update(valid_to=day)
    links = []
    for length in (2, 4, 6, 9, 12):
        batch = []
        for division, before in fresh:
            if len(division.code) == length:
                row = Area(
                    code=division.code,
                    level=division.level,
                    name=division.name,
                    parent=current.get(division.parent_code),
                    geom=_geos(geometries.get(division.code)),
                    valid_from=day,
                )
                batch.append(row)
                links += [(row, areas[code]) for code in before if code in areas]
        for row in Area.objects.bulk_create(batch, batch_size=500):
            current[row.code] = row
    through = Area.predecessors.through
    through.objects.bulk_create(
        [through(from_area_id=row.pk, to_area_id=old.pk) for row, old in links], ignore_conflicts=True
    )
    moved = []
    for division in divisions:
        row, parent = current[division.code], current.get(division.parent_code)
        if parent is not None and row.parent_id != parent.pk:
            row.parent = parent
            moved.append(row)
    # Rows that the list does not name hang below the new rows of their parents.
    for area in areas.values():
        if area.code not in current and area.code not in ended and area.parent:
            parent = current.get(area.parent.code)
            if parent is not None and area.parent_id != parent.pk:
                area.parent = parent
                moved.append(area)
    Area.objects.bulk_update(moved, ["parent"], batch_size=500)


def _geos(shape) -> GEOSGeometry | None:
    return None if shape is None else GEOSGeometry(memoryview(shapely.to_wkb(shape)), srid=4326)


def _same(area: Area, shape) -> bool:
    if area.geom is None:
        return False
    present = shapely.from_wkb(bytes(area.geom.wkb))
    if shapely.equals_exact(present, shape, tolerance=1e-9, normalize=True):
        return True
    return square_metres(shapely.symmetric_difference(present, shape)) <= _SAME_OUTLINE * square_metres(shape)
