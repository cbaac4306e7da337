"""Files of any vector format, in pieces."""

import codecs
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
                _("%(file)s cannot be read from row %(row)d on: %(error)s")
                % {"file": self.path.name, "row": start + 1, "error": error}
            ) from None

    def _csv(self) -> Iterator[Piece]:
        with self.path.open(newline="", encoding=self.encoding) as file:
            reader = csv.DictReader(file, delimiter=_delimiter(self.path, self.encoding))
            rows, first = [], 1
            for row in reader:
                rows.append(row)
                if len(rows) == CHUNK:
                    yield self._piece(first, rows)
                    first, rows = first + CHUNK, []
            if rows:
                yield self._piece(first, rows)

    def _piece(self, first: int, rows: list[dict]) -> Piece:
        columns = {name: [row.get(name) for row in rows] for name in self.columns}
        return Piece(first, columns, None, len(rows))


@contextmanager
def opened(path: Path | str, layer: str | None = None, encoding: str | None = None):
    """A file, or the one that a ZIP archive holds, ready to be read piece by piece."""
    path = Path(path)
    if not path.exists():
        raise Problem(_("There is no file %s.") % path.name, status=404)
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
        raise Problem(_("%(file)s cannot be read: %(error)s") % {"file": path.name, "error": error}) from None


def _open(path: Path, layer, encoding) -> Source:
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        encoding = encoding or _text_encoding(path.read_bytes()[: 1 << 22])
        try:
            with path.open(newline="", encoding=encoding) as file:
                columns = next(csv.reader(file, delimiter=_delimiter(path, encoding)), [])
                rows = sum(1 for _line in file)
        except (UnicodeDecodeError, LookupError) as error:
            raise Problem(
                _("%(file)s is not in %(encoding)s: %(error)s")
                % {"file": path.name, "encoding": encoding, "error": error}
            ) from None
        return Source(path, None, encoding, [name.strip() for name in columns], rows, "", False)
    if path.suffix.lower() == ".shp" and not encoding and not path.with_suffix(".cpg").exists():
        encoding = _dbf_encoding(path)
    import pyogrio

    try:
        names = layers(path)
        if layer is None and len(names) > 1:
            raise Problem(_("The file has several layers; choose one of: %s.") % ", ".join(names))
        info = pyogrio.read_info(str(path), layer=layer, encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, LookupError) as error:
        raise Problem(_("%(file)s cannot be read: %(error)s") % {"file": path.name, "error": error}) from None
    return Source(
        path,
        layer,
        encoding,
        [str(name) for name in info["fields"]],
        int(info["features"]),
        info["crs"] or "",
        info["geometry_type"] is not None,
    )


def _text_encoding(sample: bytes) -> str:
    """UTF-8 where it is, else GB 18030, which covers GBK and GB 2312."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        # A sample may end in the middle of a letter.
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return "utf-8"
    except UnicodeDecodeError:
        return "gb18030"


def _dbf_encoding(path: Path) -> str | None:
    """What the texts of a Shapefile without a .cpg are in: its own bytes tell."""
    table = path.with_suffix(".dbf")
    if not table.exists():
        return None
    with table.open("rb") as file:
        sample = file.read(1 << 21)
    body = sample[32:]
    # The text of cells; field names are in the header, in the same encoding.
    found = _text_encoding(bytes(byte if byte >= 32 else 32 for byte in body))
    return "UTF-8" if found.startswith("utf-8") else "GBK"


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
