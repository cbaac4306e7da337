"""Files of any vector format, in pieces."""

import csv
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from django.utils.translation import gettext as _

from geo import vector_files
from geo.problems import Problem

CHUNK = 20_000
# A Shapefile in an archive: no member larger, and not more of them.
UNPACKED_BYTES, UNPACKED_FILES = 4 * 1024**3, 64


@dataclass
class Piece:
    """Rows of a file: ``first`` is the number of the first (from 1), ``columns`` are lists of cells."""

    first: int
    columns: dict[str, list]
    geometries: np.ndarray | None
    size: int


@dataclass
class Source:
    """An opened file: its columns, row count, and CRS as an authority code or WKT (empty: none)."""

    path: Path
    layer: str | None
    encoding: str | None
    columns: list[str]
    rows: int
    crs: str
    has_geometry: bool

    def pieces(self) -> Iterator[Piece]:
        if self.path.suffix.lower() in (".csv", ".txt", ".tsv"):
            yield from self._csv()
            return
        start = 0
        while True:
            frame = self._frame(start)
            if len(frame) == 0:
                return
            geometries = None
            if "geometry" in frame:
                geometries = np.asarray(frame.geometry.to_numpy(), dtype=object)
            columns = {name: frame[name].tolist() for name in self.columns}
            yield Piece(start + 1, columns, geometries, len(frame))
            if len(frame) < CHUNK:
                return
            start += CHUNK

    def _frame(self, start: int):
        import pyogrio

        try:
            return pyogrio.read_dataframe(
                str(self.path),
                layer=self.layer,
                encoding=self.encoding,
                skip_features=start,
                max_features=CHUNK,
                force_2d=True,
                on_invalid="ignore",
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError, UnicodeDecodeError) as error:
            raise Problem(
                _("%(file)s is damaged: it cannot be read from row %(row)d on (%(error)s).")
                % {"file": self.path.name, "row": start + 1, "error": error}
            ) from None

    def _csv(self) -> Iterator[Piece]:
        with self.path.open(newline="", encoding=self.encoding) as file:
            reader = csv.DictReader(file, delimiter=_delimiter(self.path, self.encoding))
            reader.fieldnames = self.columns
            next(reader, None)  # the names themselves
            rows, first = [], 1
            try:
                for row in reader:
                    rows.append(row)
                    if len(rows) == CHUNK:
                        yield self._piece(first, rows)
                        first, rows = first + CHUNK, []
            except csv.Error as error:
                raise Problem(
                    _(
                        "%(file)s cannot be read after line %(line)d: a quotation mark that opens a cell is "
                        "not closed there (%(error)s)."
                    )
                    % {"file": self.path.name, "line": reader.line_num, "error": error}
                ) from None
            if rows:
                yield self._piece(first, rows)

    def _piece(self, first: int, rows: list[dict]) -> Piece:
        columns = {name: [row.get(name) for row in rows] for name in self.columns}
        return Piece(first, columns, None, len(rows))


@contextmanager
def opened(path: Path | str, layer: str | None = None, encoding: str | None = None):
    """A file, or the one that a ZIP archive holds, ready to be read piece by piece."""
    path = Path(path)
    vector_files.check_whole(path)
    if path.suffix.lower() != ".zip":
        yield _open(path, layer, encoding)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield _open(_unpacked(path, Path(folder)), layer, encoding)


def layers(path: Path | str) -> list[str]:
    """Names of the layers of a file; empty for a table of text."""
    import pyogrio

    path = Path(path)
    if path.suffix.lower() in (".csv", ".txt", ".tsv", ".zip"):
        return []
    try:
        return [str(name) for name, _kind in pyogrio.list_layers(str(path))]
    except pyogrio.errors.DataSourceError as error:
        raise vector_files.unreadable(path, error) from None


def _open(path: Path, layer, encoding) -> Source:
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        with path.open("rb") as file:
            encoding = encoding or vector_files.text_encoding(file.read(1 << 22))
        try:
            with path.open(newline="", encoding=encoding) as file:
                columns = next(csv.reader(file, delimiter=_delimiter(path, encoding)), [])
                rows = sum(1 for _line in file)
        except csv.Error as error:
            raise vector_files.unreadable(path, error) from None
        except (UnicodeError, LookupError) as error:
            raise Problem(
                _("%(file)s is not in %(encoding)s: %(error)s")
                % {"file": path.name, "encoding": encoding, "error": error}
            ) from None
        if not any(columns):
            raise Problem(_("%s is empty: its first line must name the columns.") % path.name)
        return Source(path, None, encoding, [name.strip() for name in columns], rows, "", False)
    vector_files.check_whole(path)
    encoding = encoding or vector_files.table_encoding(path)
    import pyogrio

    try:
        names = layers(path)
        if layer is None and len(names) > 1:
            raise Problem(_("The file has several layers; choose one of: %s.") % ", ".join(names))
        info = pyogrio.read_info(str(path), layer=layer, encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, LookupError) as error:
        raise vector_files.unreadable(path, error) from None
    return Source(
        path,
        layer,
        encoding,
        [str(name) for name in info["fields"]],
        int(info["features"]),
        info["crs"] or "",
        info["geometry_type"] is not None,
    )


def _delimiter(path: Path, encoding: str | None) -> str:
    with path.open(newline="", encoding=encoding) as file:
        head = file.readline()
    return max(",;\t", key=head.count)


def _unpacked(path: Path, folder: Path) -> Path:
    """The one vector file of an archive. Nothing is written outside ``folder``."""
    kinds = (".shp", ".gpkg", ".geojson", ".json", ".csv", ".kml", ".dxf")
    companions = (*kinds, ".dbf", ".shx", ".prj", ".cpg")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                member for member in archive.infolist() if Path(member.filename).suffix.lower() in companions
            ]
            if len(members) > UNPACKED_FILES or sum(m.file_size for m in members) > UNPACKED_BYTES:
                raise Problem(_("%s holds too much; unpack it and import the file itself.") % path.name)
            for member in members:
                with archive.open(member) as source, (folder / Path(member.filename).name).open("wb") as out:
                    while block := source.read(1 << 20):
                        out.write(block)
    except zipfile.BadZipFile:
        raise Problem(_("%s is no ZIP archive.") % path.name) from None
    found = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in kinds]
    if len(found) != 1:
        raise Problem(
            _("An archive must hold one file to import; %(file)s has: %(names)s.")
            % {"file": path.name, "names": ", ".join(file.name for file in found) or "–"}
        )
    return found[0]


def points(lon: list, lat: list) -> np.ndarray:
    """Points of two columns of text; a pair that is no number becomes None."""
    made = np.empty(len(lon), dtype=object)
    for number, (x, y) in enumerate(zip(lon, lat, strict=True)):
        try:
            made[number] = shapely.Point(float(x), float(y))
        except (TypeError, ValueError):
            made[number] = None
    return made
