"""The product's settings with a tile cache of the measurement's own."""

import os
from pathlib import Path

from geo.settings import *  # noqa: F403

TILE_CACHE = Path(os.environ["BENCH_TILES"])
