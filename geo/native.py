"""Point GeoDjango at the GDAL and GEOS that the wheels bring.

Debian 12's GDAL 3.6 cannot block file and network access in spatial reference strings (Django's check
``gis.W001``); the ones inside the pyogrio and shapely wheels can. Where a wheel has none, Django finds
the system's.
"""

import glob
import importlib.util
import os
from pathlib import Path


def _package(name: str) -> Path:
    return Path(importlib.util.find_spec(name).origin).parent


def configure() -> dict[str, str]:
    """Set ``PROJ_DATA`` and ``GDAL_DATA`` and return Django's library settings.

    Must run before the first import of GDAL: the libraries read their environment once.
    """
    settings = {}
    pyogrio, shapely = _package("pyogrio"), _package("shapely")
    if libraries := glob.glob(str(pyogrio.parent / "pyogrio.libs" / "libgdal*")):
        settings["GDAL_LIBRARY_PATH"] = libraries[0]
        os.environ.setdefault("PROJ_DATA", str(pyogrio / "proj_data"))
        os.environ.setdefault("GDAL_DATA", str(pyogrio / "gdal_data"))
    if libraries := glob.glob(str(shapely.parent / "shapely.libs" / "libgeos_c*")):
        settings["GEOS_LIBRARY_PATH"] = libraries[0]
    return settings
