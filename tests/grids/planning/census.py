"""Real borders that a package of the tests ships: census tracts and municipalities of libpysal's examples.

Nothing of it is in the project, and libpysal itself is not loaded: only the files in its wheel are read.

- ``10740``: 195 census tracts of Albuquerque (2000), an exact coverage in NAD83 degrees without a .prj;
  one tract lies apart from the others. Tracts are drawn to hold about the same number of people.
- ``tokyomet262``: 262 municipalities of Tokyo's metropolitan area on a plane of JGD2000: gaps and overlaps of
  millimetres and centimetres, some of metres, islands, and ten polygons that are not valid.
"""

import importlib.util
import io
import zipfile
from pathlib import Path

import geopandas
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.core.files.base import ContentFile

from geo.models import Area
from grids.coverage import LATTICE
from tests.factories import START

NAD83 = 4269
# Holes of an outline that are gaps between its members, not somebody else's ground; square degrees.
GAP = 1e-5
# Parts of it that are no ground but what two lines between them leave over.
CRUMB = 1e-9


def folder() -> Path:
    """Where the examples lie."""
    found = importlib.util.find_spec("libpysal")
    return Path(found.submodule_search_locations[0]) / "examples"


def tracts() -> geopandas.GeoDataFrame:
    """Albuquerque's tracts in WGS-84."""
    return geopandas.read_file(folder() / "10740" / "10740.shp").set_crs(NAD83).to_crs(4326)


def municipalities(*beginnings: str) -> geopandas.GeoDataFrame:
    """Those of the Tokyo area whose code begins so, in WGS-84."""
    rows = geopandas.read_file(folder() / "tokyo" / "tokyomet262.shp").to_crs(4326)
    return rows[rows["GEOCODE"].astype(str).str.startswith(beginnings)].reset_index(drop=True)


def archive(name: str) -> ContentFile:
    """The files of a shapefile in a ZIP archive, as somebody would upload it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        for path in sorted((folder() / name).parent.glob(Path(name).name + ".*")):
            if path.suffix in (".shp", ".shx", ".dbf", ".prj"):
                zipped.write(path, path.name)
    return ContentFile(content.getvalue(), "borders.zip")


def outline_of(rows: geopandas.GeoDataFrame):
    """The ground that rows cover, the gaps between them closed: valid, on the lattice."""
    whole = shapely.set_precision(shapely.union_all(shapely.make_valid(rows.geometry.to_numpy())), LATTICE)
    outline = shapely.union_all(
        [
            shapely.Polygon(
                part.exterior, [ring for ring in part.interiors if shapely.Polygon(ring).area > GAP]
            )
            for part in shapely.get_parts(whole)
            if part.geom_type == "Polygon" and part.area > CRUMB
        ]
    )
    assert outline.is_valid
    return shapely.multipolygons(shapely.get_parts(outline))


def make_community(code: str, name: str, rows: geopandas.GeoDataFrame) -> Area:
    """A community in the tiny city's first street whose outline is that of the rows."""
    return Area.objects.create(
        code=code,
        level="community",
        name=name,
        parent=Area.objects.get(code=code[:9]),
        geom=GEOSGeometry(memoryview(shapely.to_wkb(outline_of(rows))), srid=4326),
        valid_from=START,
    )
