"""The way of a file into a table: judged row by row, copied, and taken over by one statement."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets import codes
from assets.importing import reading, values
from assets.importing.targets import PLACE, Target, check_mapping, find_target
from assets.models import Component, House, Household, ReferenceLine, RiskPoint
from geo import audit, coordinates, events, numbers, programs
from geo.models import Area
from geo.problems import Problem

# Nearer than this, a row without a code is the one that is there already.
SAME_PLACE_M = 0.2
KNOWN_GROUND_AT_MOST = 20_000
EVENTS_AT_MOST = 200
# Points of each piece that the datum is guessed from.
SAMPLED_PER_PIECE = 1000


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken: its number in the file (from 1), code, field, and why."""

    row: int
    code: str
    field: str
    reason: str


@dataclass
class Report:
    """What became of a file."""

    target: str
    file: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def refused_rows(self) -> int:
        return len({refusal.row for refusal in self.refused})

    @property
    def summary(self) -> str:
        text = _(
            "%(rows)d rows: %(created)d new, %(updated)d changed, %(unchanged)d as they were, "
            "%(refused)d refused."
        ) % {
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused_rows,
        }
        return f"{text} {_('Dry run: nothing was changed.')}" if self.dry_run else text

    def write(self, path: Path) -> None:
        """The refused rows as CSV that spreadsheets open with the right letters."""
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file)
            writer.writerow([_("row"), _("code"), _("field"), _("reason")])
            for one in self.refused:
                writer.writerow([one.row, _inert(one.code), one.field, _inert(one.reason)])


def _inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


class _DryRun(Exception):
    pass


@dataclass
class _Rows:
    """Judged rows of one piece, ready to be copied."""

    numbers: list[int] = field(default_factory=list)
    values: list[dict] = field(default_factory=list)
    geometries: list = field(default_factory=list)


def import_layer(
    path: Path | str,
    to: str,
    mapping: dict[str, str],
    *,
    crs: str | int | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
    user=None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Import a file of any OGR vector format into a table, in one transaction.

    ``mapping`` gives each field its column, or ``=value`` for all rows. ``crs`` is what the numbers are in;
    without it the file's own label counts. Rows that cannot be taken are in the report with the reason; rows
    whose code is there already are updated, in the mapped fields only. With ``user``, rows outside the areas
    where they have ``assets.import`` are refused. ``progress(stage, done, all)`` is called as it goes on.
    """
    target = find_target(to)
    report = Report(target.model, Path(path).name, dry_run=dry_run)
    progress = progress or (lambda stage, done, total: None)
    with reading.opened(path, layer, encoding) as source:
        sources = check_mapping(target, mapping, source.columns)
        job = _Job(target, sources, _crs(target, source, sources, crs), report, user, progress)
        try:
            with transaction.atomic():
                programs.calls_itself(programs.IMPORTING)
                job.run(source)
                if dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        except IntegrityError as error:
            raise Problem(
                _("The database refused the file: %s") % str(error).splitlines()[0], kind="refused"
            ) from None
    report.refused.sort(key=lambda refusal: refusal.row)
    return report


def _crs(target: Target, source, sources, crs) -> str:
    """The coordinate system to convert from, canonical where it is one of the known."""
    if not target.dims:
        return "wgs84"
    if not source.has_geometry and not all(name in sources for name in PLACE):
        raise Problem(_("The file has no geometry: map lon and lat to its columns."), kind="mapping")
    said = crs or (source.crs if source.has_geometry else "")
    if not said:
        raise Problem(
            _("%s does not say its coordinate system: declare it.") % source.path.name, kind="coordinates"
        )
    try:
        return coordinates.crs_name(said)
    except coordinates.CoordinateError as error:
        if crs:
            raise Problem(str(error), kind="coordinates") from None
        return str(said)  # the file's own label; PROJ knows more than the door does


class _Job:
    """One file on its way."""

    def __init__(self, target: Target, sources, crs: str, report: Report, user, progress):
        self.target, self.sources, self.crs = target, sources, crs
        self.report, self.user, self.progress = report, user, progress
        self.model = target.model_class
        self.convert = values.converters(target, sources)
        self.seen: dict[tuple, int] = {}
        self.counties = set(
            Area.objects.filter(level=Area.Level.DISTRICT).values_list("code", flat=True).distinct()
        )
        self.stored = [name for name in sources if name not in (*target.through, *PLACE)]
        if self.model is Household:
            self.stored = ["house", *self.stored]
        self.raw_sample: list = []
        self.mints = self.model in (Component, RiskPoint)
        self.named = [*dict.fromkeys([*self.stored, *target.defaults, *(["code"] if self.mints else [])])]
        if self.model is RiskPoint:
            self.named.append("level")
        self.columns = [self.model._meta.get_field(name).column for name in self.named]

    def run(self, source) -> None:
        table = self.model._meta.db_table
        shape = ", geom" if self.target.dims else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"create temporary table import_row on commit drop as"
                f" select 0::int as row_number, ''::text as area, {', '.join(self.columns)}{shape}"
                f" from {table} with no data"
            )
        for piece in source.pieces():
            rows = self.judge(piece)
            self.copy(rows)
            self.report.rows += piece.size
            self.progress(_("read"), self.report.rows, max(source.rows, self.report.rows))
        with connection.cursor() as cursor:
            if "code" in self.named:
                cursor.execute("create index on import_row (code)")
            cursor.execute("analyze import_row")
            if self.target.dims:
                self.find_areas(cursor)
            if self.mints:
                self.mint(cursor)
            self.check_scope(cursor)
            self.datum(cursor)
            self.progress(_("write"), self.report.rows, self.report.rows)
            self.upsert(cursor)
        self.tell()
        with connection.cursor() as cursor:
            cursor.execute("drop table import_row")

    def refuse(self, row: int, code, name: str, reason: str) -> None:
        self.report.refused.append(Refusal(row, values.text_of(code), name, reason))

    # --- Judging ------------------------------------------------------------------------------------

    def judge(self, piece) -> _Rows:
        """Values and WGS-84 geometries of a piece's good rows."""
        geometries, reasons = self.place(piece)
        rows = _Rows()
        for index in range(piece.size):
            number = piece.first + index
            cells = {
                name: source.constant if source.constant is not None else piece.columns[source.column][index]
                for name, source in self.sources.items()
                if name not in PLACE
            }
            code = cells.get("code")
            row = self.values_of(number, code, cells)
            if self.target.dims and reasons.get(index):
                self.refuse(number, code, "geom", reasons[index])
                row = None
            if row is None:
                continue
            geometry = geometries[index] if self.target.dims else None
            if self.doubled(number, code, row, geometry):
                continue
            rows.numbers.append(number)
            rows.values.append(row)
            rows.geometries.append(geometry)
        if self.model is Household:
            self.find_houses(rows)
        return rows

    def values_of(self, number: int, code, cells) -> dict | None:
        """The row's values by field; None when a cell was refused."""
        row, good = dict(self.target.defaults), True
        for name, cell in cells.items():
            if name == "type" and self.model is Component:
                continue
            if name == "name" and self.model is Component and not values.text_of(cell):
                continue  # takes its type's name
            try:
                row[name] = self.convert[name](cell)
            except values.CellError as error:
                if name == "code" and self.mints and not values.text_of(cell):
                    row["code"] = None
                    continue
                self.refuse(number, code, name, str(error))
                good = False
        if self.model is Component:
            good = self.component(number, cells, row) and good
        if good and self.model is RiskPoint:
            risk = RiskPoint(**{name: row[name] for name in ("likelihood", "exposure", "consequence")})
            row["level"] = str(
                next((level for bound, level in RiskPoint.THRESHOLDS if risk.danger > bound), "blue")
            )
        row.setdefault("code", None)
        return row if good else None

    def component(self, number: int, cells, row) -> bool:
        """Type, code and name of a component, which hang together."""
        code = values.text_of(cells.get("code"))
        try:
            kind = self.convert["type"](cells["type"], str(row.pop("standard", "") or ""), code)
        except values.CellError as error:
            self.refuse(number, code, "type", str(error))
            return False
        row["type"] = kind.pk
        row["name"] = row.get("name") or kind.name
        if not code:
            row["code"] = None
            return True
        try:
            codes.check(code, kind, self.counties)
        except codes.CodeError as error:
            self.refuse(number, code, "code", str(error))
            return False
        return True

    def doubled(self, number: int, code, row, geometry) -> bool:
        """Whether the file had this row already: the first one counts."""
        if self.target.key == ("code",):
            key = (row["code"],)
            if row["code"] is None:
                spot = shapely.point_on_surface(geometry)
                key = (None, row.get("type") or row["name"], round(spot.x, 6), round(spot.y, 6))
        else:
            key = tuple(row.get(name) for name in (self.target.through or self.target.key))
        first = self.seen.setdefault(key, number)
        if first == number:
            return False
        self.refuse(number, code, "code", _("is in row %d already; each may come once") % first)
        return True

    def find_houses(self, rows: _Rows) -> None:
        """Households hang on a housing unit that must be there."""
        buildings = {row["building"] for row in rows.values}
        houses = {
            tuple(rest): pk
            for pk, *rest in House.objects.filter(building__in=buildings).values_list(
                "pk", "building_id", "stairwell", "floor", "door"
            )
        }
        kept = _Rows()
        for number, row, geometry in zip(rows.numbers, rows.values, rows.geometries, strict=True):
            door = (row["building"], row.get("stairwell") or "1", row["floor"], row["door"])
            if door not in houses:
                text = _("there is no such housing unit: import the units first")
                self.refuse(number, "", "door", text)
                continue
            kept.numbers.append(number)
            kept.values.append({**row, "house": houses[door]})
            kept.geometries.append(geometry)
        rows.numbers, rows.values, rows.geometries = kept.numbers, kept.values, kept.geometries

    # --- Places -------------------------------------------------------------------------------------

    def place(self, piece):
        """WGS-84 geometries of a piece, and by index why one cannot be taken."""
        if not self.target.dims:
            return None, {}
        if all(name in self.sources for name in PLACE):
            pair = [
                piece.columns[source.column] if source.constant is None else [source.constant] * piece.size
                for source in (self.sources["lon"], self.sources["lat"])
            ]
            raw = reading.points(*pair)
        else:
            raw = piece.geometries
        reasons: dict[int, str] = {}
        dimensions = shapely.get_dimensions(raw)
        usable = np.isin(dimensions, self.target.dims) & shapely.is_valid(raw) & ~shapely.is_empty(raw)
        usable &= shapely.get_type_id(raw) != shapely.GeometryType.GEOMETRYCOLLECTION
        for index in np.flatnonzero(~usable).tolist():
            geometry = raw[index]
            if geometry is None or shapely.is_empty(geometry):
                reasons[index] = _("has no geometry, or its lon and lat are no numbers")
            elif dimensions[index] not in self.target.dims or geometry.geom_type == "GeometryCollection":
                reasons[index] = _("is a %(got)s; %(target)s are %(wanted)s") % {
                    "got": geometry.geom_type,
                    "target": self.target.label,
                    "wanted": ", ".join(
                        (_("points"), _("lines"), _("polygons"))[dim] for dim in self.target.dims
                    ),
                }
            else:
                reasons[index] = _("is not valid: %s") % shapely.is_valid_reason(geometry)
        good = np.array([index for index in range(piece.size) if index not in reasons], dtype=int)
        placed = np.empty(piece.size, dtype=object)
        if len(good):
            sample = raw[good[:: max(1, len(good) // SAMPLED_PER_PIECE)]]
            self.raw_sample.append(shapely.get_coordinates(shapely.point_on_surface(sample)))
            placed[good] = self.to_wgs84(raw, good, reasons)
        return placed, reasons

    def to_wgs84(self, raw, good, reasons):
        try:
            converted = coordinates.geometries_to_wgs84(raw[good], self.crs)
        except coordinates.CoordinateError:
            # One of them cannot be: find out which.
            converted = np.empty(len(good), dtype=object)
            for number, index in enumerate(good):
                try:
                    converted[number] = coordinates.geometries_to_wgs84(raw[index], self.crs)
                except coordinates.CoordinateError as error:
                    reasons[int(index)] = str(error)
                    converted[number] = shapely.Point(0, 0)
        simple = [
            shapely.get_geometry(one, 0)
            if one.geom_type.startswith("Multi") and shapely.get_num_geometries(one) == 1
            else one
            for one in converted
        ]
        return shapely.set_srid(np.array(simple, dtype=object), 4326)

    # --- Into the database --------------------------------------------------------------------------

    def copy(self, rows: _Rows) -> None:
        if not rows.numbers:
            return
        shape = ", geom" if self.target.dims else ""
        hexes = (
            shapely.to_wkb(np.array(rows.geometries, dtype=object), hex=True, include_srid=True)
            if self.target.dims
            else [None] * len(rows.numbers)
        )
        command = f"copy import_row (row_number, area, {', '.join(self.columns)}{shape}) from stdin"
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            for number, row, place in zip(rows.numbers, rows.values, hexes, strict=True):
                line = [number, "", *(row.get(name) for name in self.named)]
                copy.write_row([*line, place] if self.target.dims else line)

    def find_areas(self, cursor) -> None:
        """Which area each row lies in; only where somebody asks (scope, minting)."""
        if self.user is not None or self.mints:
            cursor.execute(
                "update import_row set area = coalesce(wangge_area_at(wangge_anchor(geom)), '')"
                + ("" if self.user is not None else " where code is null")
            )

    def mint(self, cursor) -> None:
        """Codes for rows without one: that of the row which is there already, else a new one."""
        table = self.model._meta.db_table
        same = "type_id" if self.model is Component else "name"
        cursor.execute(
            f"update import_row i set code = t.code from {table} t"
            f" where i.code is null and t.{same} = i.{same}"
            " and ST_DWithin(t.geom::geography, i.geom::geography, %s)",
            [SAME_PLACE_M],
        )
        self.drop(
            cursor,
            "code in (select code from import_row group by code having count(*) > 1) and row_number > ("
            "select min(row_number) from import_row o where o.code = import_row.code)",
            "code",
            _("is the same as a row before it"),
        )
        self.drop(
            cursor,
            "code is null and length(area) < 6",
            "geom",
            _("lies outside every district, so that no code can be made; check the coordinate system"),
        )
        kind = "type_id" if self.model is Component else "0"
        cursor.execute(
            f"select left(area, 6), {kind}, array_agg(row_number order by row_number) from import_row"
            " where code is null group by 1, 2 order by 1, 2"
        )
        for county, type_id, rows in cursor.fetchall():
            try:
                if self.model is Component:
                    minted = codes.mint_many(county, self.convert["type"].types[type_id], len(rows))
                else:
                    today = timezone.localdate()
                    minted = [numbers.mint("R", county, today) for _row in rows]
            except codes.CodeError as error:
                raise Problem(str(error)) from None
            cursor.execute(
                "update import_row i set code = n.code from unnest(%s::int[], %s::text[]) n(row, code)"
                " where i.row_number = n.row",
                [rows, minted],
            )

    def drop(self, cursor, condition: str, name: str, reason: str, params=()) -> None:
        """Refuse the copied rows that a condition names."""
        code = "code" if "code" in self.named else "''"
        cursor.execute(f"delete from import_row where {condition} returning row_number, {code}", list(params))
        for row, said in cursor.fetchall():
            self.refuse(row, said, name, reason)

    def check_scope(self, cursor) -> None:
        """Rows that the user may not write: where they shall be, and where they are."""
        if self.user is None:
            return
        prefixes = list(self.user.scope.areas("assets.import"))
        inside = "exists (select 1 from unnest(%s::text[]) p where starts_with({}, p))"
        reason = _("lies outside the areas where you may import")
        if self.target.dims:
            self.drop(cursor, f"not {inside.format('area')}", "geom", reason, [prefixes])
            self.drop(
                cursor,
                f"code in (select t.code from {self.model._meta.db_table} t join import_row i using (code)"
                f" where not {inside.format('t.area_code')})",
                "code",
                _("is there already, outside the areas where you may import"),
                [prefixes],
            )
        else:
            building = "building_id"
            if self.model is Household:
                building = "(select h.building_id from assets_house h where h.id = house_id)"
            area = f"(select b.area_code from assets_building b where b.id = {building})"
            self.drop(cursor, f"not coalesce({inside.format(area)}, false)", "building", reason, [prefixes])

    def upsert(self, cursor) -> None:
        """One statement: new rows in, known rows changed where a mapped field differs."""
        meta = self.model._meta
        column = {name: meta.get_field(name).column for name in self.named}
        placed = bool(self.target.dims)
        insert = [*self.columns, *(["geom"] if placed else [])]
        key = [meta.get_field(name).column for name in self.target.key]
        update = [column[name] for name in self.stored if column[name] not in key]
        update += ["geom"] if placed else []
        settings = [f"{name} = excluded.{name}" for name in update]
        if self.model is RiskPoint:
            update.append("level")
            # A level that somebody raised by hand stays.
            settings.append("level = case when t.raised_reason = '' then excluded.level else t.level end")
        extra, order = ("", "")
        if placed:
            # Rows lie on disk as they lie on the ground.
            extra, order = ", area_code", " order by geom"
        names = ", ".join(insert)
        action = "do nothing"
        if update:
            mine = ", ".join(f"t.{name}" for name in update)
            theirs = ", ".join(f"excluded.{name}" for name in update)
            action = f"do update set {', '.join(settings)} where row({mine}) is distinct from row({theirs})"
        cursor.execute("select count(*) from import_row")
        total = cursor.fetchone()[0]
        if update:
            # Rows that are as they were go first: they would pay for finding their grid again.
            cursor.execute(
                f"delete from import_row i using {meta.db_table} t"
                f" where {' and '.join(f't.{name} = i.{name}' for name in key)}"
                f" and row({mine}) is not distinct from row({', '.join(f'i.{name}' for name in update)})"
            )
        cursor.execute(
            f"with done as (insert into {meta.db_table} as t ({names}{extra})"
            f" select {names}{', %s' if placed else ''} from import_row{order}"
            f" on conflict ({', '.join(key)}) {action} returning xmax = 0 as fresh)"
            " select count(*) filter (where fresh), count(*) filter (where not fresh) from done",
            [""] if placed else [],
        )
        self.report.created, self.report.updated = cursor.fetchone()
        self.report.unchanged = total - self.report.created - self.report.updated

    # --- Afterwards ---------------------------------------------------------------------------------

    def datum(self, cursor) -> None:
        """Warn when the file lies where another datum than the declared one would put known ground."""
        if not self.target.dims or not self.raw_sample:
            return
        xy = np.concatenate(self.raw_sample)
        if len(xy) == 0:
            return
        if self.crs not in coordinates.KNOWN:
            return
        known = self.known_ground(cursor)
        if not known:
            return
        guess = coordinates.probable_datum(xy[:, 0], xy[:, 1], np.array(known, dtype=object), self.crs)
        if guess.warning:
            self.report.warnings.append(guess.warning)

    def known_ground(self, cursor):
        """What the file is compared with: roads near it, else the outlines of the city's districts."""
        cursor.execute("select ST_SetSRID(ST_Expand(ST_Extent(geom)::geometry, 0.02), 4326) from import_row")
        extent = cursor.fetchone()[0]
        if extent is None:
            return []
        box = GEOSGeometry(extent)
        if self.model is Component:
            roads = ReferenceLine.objects.filter(kind="road", geom__bboverlaps=box)
            lines = list(roads.values_list("geom", flat=True)[:KNOWN_GROUND_AT_MOST])
            if len(lines) >= 20:
                return [shapely.from_wkb(bytes(line.wkb)) for line in lines]
        outlines = Area.objects.filter(level=Area.Level.DISTRICT, valid_to=None, geom__isnull=False)
        return [shapely.from_wkb(bytes(geom.wkb)) for geom in outlines.values_list("geom", flat=True)]

    def tell(self) -> None:
        report = self.report
        audit.log(
            self.user,
            "assets.import",
            target=report.target,
            file=report.file,
            crs=self.crs,
            created=report.created,
            updated=report.updated,
            refused=report.refused_rows,
        )
        if not self.target.dims or not (report.created or report.updated):
            return
        layer = LAYER_OF.get(report.target, "")
        with connection.cursor() as cursor:
            cursor.execute(
                f"select distinct t.area_code from {self.model._meta.db_table} t join import_row using (code)"
            )
            touched = [code for (code,) in cursor.fetchall() if code]
        for digits in (12, 9, 6):
            short = sorted({code[:digits] for code in touched})
            if len(short) <= EVENTS_AT_MOST:
                break
        for code in short:
            events.emit(layer, f"import:{code}", area_code=code)


LAYER_OF = {
    "assets.Component": "components",
    "assets.Building": "buildings",
    "assets.Estate": "estates",
    "assets.ResidentUnit": "resident_units",
    "assets.PublicFacility": "public_facilities",
    "assets.ServiceCenter": "service_centers",
    "assets.RiskPoint": "risk_points",
    "assets.ReferenceLine": "reference_lines",
}
