"""Files that people bring: whether they are whole, what their text is in, and why not in plain words."""

import codecs
from pathlib import Path

from django.utils.translation import gettext as _

from geo.problems import Problem

# What a Shapefile consists of; one part alone says nothing.
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf")
BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_encoding(sample: bytes) -> str:
    """What a text is in: UTF-8 or UTF-16 where it is, else GB 18030, which covers GBK and GB 2312."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith(BYTE_ORDER_MARKS):
        return "utf-16"
    try:
        # A sample may end in the middle of a letter.
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return "utf-8"
    except UnicodeDecodeError:
        return "gb18030"


def table_encoding(path: Path) -> str | None:
    """What the texts of a Shapefile without a .cpg are in: its own bytes tell. None: GDAL knows."""
    table = part_of(path, ".dbf")
    if path.suffix.lower() != ".shp" or table is None or part_of(path, ".cpg") is not None:
        return None
    with table.open("rb") as file:
        sample = file.read(1 << 21)
    # The text of cells; field names are in the header, in the same encoding.
    found = text_encoding(bytes(byte if byte >= 32 else 32 for byte in sample[32:]))
    return "UTF-8" if found.startswith("utf-8") else "GBK"


def part_of(path: Path, suffix: str) -> Path | None:
    """The file of this name with another suffix, in small or capital letters, where there is one."""
    for wanted in (suffix, suffix.upper()):
        if (found := path.with_suffix(wanted)).exists():
            return found
    return None


def check_whole(path: Path) -> None:
    """Refuse a file that is not there, and a Shapefile of which a part was left behind."""
    if not path.exists():
        raise Problem(_("There is no file %s.") % path.name, status=404)
    if path.suffix.lower() != ".shp":
        return
    missing = [path.with_suffix(part).name for part in SHAPEFILE_PARTS if part_of(path, part) is None]
    if missing:
        raise Problem(
            _("%(file)s is one part of a Shapefile; beside it must lie %(missing)s.")
            % {"file": path.name, "missing": ", ".join(missing)}
        )


def unreadable(path: Path, error: Exception) -> Problem:
    """What a library says about a file it cannot read, with what it means in front."""
    return Problem(
        _("%(file)s cannot be read: it is damaged, or no file of vector data (%(error)s).")
        % {"file": path.name, "error": str(error).partition("; It might help")[0].rstrip(". ")}
    )


def read_frame(path: Path | str, layer: str | None = None, encoding: str | None = None):
    """A layer of any OGR format as a table with geometries, or a Problem that says why not."""
    import pyogrio  # with pandas 50 MB, for whoever reads files

    name, path = str(path), Path(path)
    # What lies in an archive ("/vsizip/...") is GDAL's to find.
    if not name.startswith("/vsi"):
        check_whole(path)
        encoding = encoding or table_encoding(path)
    try:
        return pyogrio.read_dataframe(name, layer=layer, encoding=encoding, force_2d=True)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        UnicodeDecodeError,
        LookupError,
    ) as error:
        raise unreadable(path, error) from None
