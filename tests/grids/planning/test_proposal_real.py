"""Proposals on real ground with its defects: precincts and census blocks of Denver (maup's examples).

The files are not part of the project: DenverCo_precincts2020_orig.zip and DenverCo_blocks.zip from
https://github.com/mggg/maup (examples/Shapefiles), in the folder that WANGGE_REDISTRICTING names or in
``data/redistricting`` of the shared folder. The precincts are no coverage: gaps of centimetres, overlaps,
precincts in two parts; the city has an exclave.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from grids import coverage
from grids.planning.proposal import graph as graphs
from tests.conftest import SHARED
from tests.grids.planning import judges
from tests.grids.planning.test_proposal_search import blocks_of, found

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def read(name: str):
    """A layer in WGS-84, on the lattice."""
    import geopandas

    folder = Path(os.environ.get("WANGGE_REDISTRICTING") or SHARED / "data" / "redistricting")
    path = folder / f"{name}.zip"
    if not path.exists():
        pytest.skip(f"real redistricting data is not there: {path} (see the head of this file)")
    return geopandas.read_file(path).to_crs(4326)


@pytest.fixture
def precincts():
    """Denver's precincts of 2020, repaired as an import repairs: votes for the Senate to be balanced."""
    rows = read("DenverCo_precincts2020_orig").explode(ignore_index=True)
    shapes = dict(zip((f"{number:03d}" for number in range(len(rows))), rows.geometry, strict=True))
    assert not shapely.coverage_is_valid(np.array(list(shapes.values()), dtype=object))
    outline = shapely.union_all(
        [
            # Holes of the city are towns of their own; narrower ones are gaps between precincts.
            shapely.Polygon(part.exterior, [ring for ring in part.interiors if ring.length > 1e-3])
            for part in shapely.get_parts(shapely.union_all(rows.geometry.values))
        ]
    )
    repaired = coverage.clean("Denver", shapes, outline)
    assert repaired.repairs
    assert not repaired.faults
    votes = (rows["SEN20D"] + rows["SEN20R"]).to_numpy(dtype=float)
    codes = sorted(repaired.grids)
    polygons = np.array([repaired.grids[code] for code in codes], dtype=object)
    assert shapely.coverage_is_valid(polygons)
    # A precinct in two parts is like an estate that a road runs through; votes stand with the first part.
    doubled = rows["PRECID"].duplicated(keep=False).to_numpy()
    first = ~rows["PRECID"].duplicated().to_numpy()
    return graphs.Ground(
        ids=[int(code) for code in codes],
        shapes=polygons,
        weights=votes * first,
        homes=votes * first,
        present=rows["SUD18"].astype(int).to_numpy(),
        estates=[str(code) if twice else "" for code, twice in zip(rows["PRECID"], doubled, strict=True)],
    )


def whole(ground):
    """The piece of the city that is not the exclave."""
    regions = graphs.build(ground, 1e12).regions
    members = graphs.build(ground, 1e12).members
    keep = sorted(index for node in regions[0] for index in members[node])
    return graphs.Ground(
        ids=[ground.ids[index] for index in keep],
        shapes=ground.shapes[keep],
        weights=ground.weights[keep],
        homes=ground.homes[keep],
        present=ground.present[keep],
        estates=[ground.estates[index] for index in keep],
    )


def test_precincts_of_a_city(precincts):
    ground = whole(precincts)
    _outlook, proposals = found(ground, 11, tolerance=0.05, keep=0.3, wanted=2)
    for proposal in proposals:
        blocks = blocks_of(ground, proposal)
        assert judges.is_connected(ground, blocks)
        assert judges.pieces_in_postgis(ground, blocks) == [1] * 11
        assert judges.deviation(ground, blocks) <= 0.05


def test_the_exclave_is_a_grid_of_its_own(precincts):
    outlook, proposals = found(precincts, 11, tolerance=0.05, wanted=1)
    assert len(outlook.counts) >= 2
    assert outlook.counts[1:] == [1] * (len(outlook.counts) - 1)
    assert outlook.least > 0.05
    blocks = blocks_of(precincts, proposals[0])
    assert judges.is_connected(precincts, blocks)
    assert judges.pieces_in_postgis(precincts, blocks) == [1] * 11


def test_a_thousand_census_blocks():
    rows = read("DenverCo_blocks")
    every = rows.geometry.to_numpy()
    near = shapely.distance(every, shapely.centroid(shapely.coverage_union_all(every)))
    rows = rows.iloc[near.argsort(kind="stable")[:1000]].reset_index(drop=True)
    shapes = coverage.on_lattice(rows.geometry.to_numpy())
    assert shapely.coverage_is_valid(shapes)
    people = rows["TOTPOP20"].to_numpy(dtype=float)
    ground = graphs.Ground(
        ids=list(range(1000)),
        shapes=shapes,
        weights=people,
        homes=people,
        present=np.unique(rows["TRACTCE20"].to_numpy(), return_inverse=True)[1],
        estates=[""] * 1000,
    )
    ground = whole(ground)
    _outlook, proposals = found(ground, 12, tolerance=0.1, keep=0.3, wanted=1)
    blocks = blocks_of(ground, proposals[0])
    assert judges.is_connected(ground, blocks)
    assert judges.pieces_in_postgis(ground, blocks) == [1] * 12
    assert judges.deviation(ground, blocks) <= 0.1
