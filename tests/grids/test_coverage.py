"""A community's grids are exactly a coverage, or it is said why not."""

import numpy as np
import pytest
import shapely

from grids import coverage

HOME = shapely.box(83.9, 39.5, 83.91, 39.51)
EAST = 1 / (111_319.49 * np.cos(np.radians(39.505)))  # degrees per metre
NORTH = 1 / 111_319.49


def halves(shift_m: float = 0.0, meet=83.905):
    """A west and an east half; the east one begins ``shift_m`` further east."""
    return {
        "w": shapely.box(83.9, 39.5, meet, 39.51),
        "e": shapely.box(meet + shift_m * EAST, 39.5, 83.91, 39.51),
    }


def kinds(findings):
    return sorted(finding.kind for finding in findings)


def test_what_fits_stays_as_it_is():
    result = coverage.clean("c", halves(), HOME)
    assert not result.faults and not result.repairs and len(result.nodes) == 2
    assert all(result.grids[code].equals(shape) for code, shape in halves().items())


@pytest.mark.parametrize(("shift", "kind"), [(0.4, "gap"), (-0.4, "overlap")])
def test_narrow_ones_are_repaired_and_listed(shift, kind):
    result = coverage.clean("c", halves(shift), HOME)
    assert not result.faults
    (repair,) = result.repairs
    assert (repair.kind, repair.given_to in ("w", "e")) == (kind, True)
    assert repair.width_m == pytest.approx(0.4, abs=0.02)
    assert repair.area_m2 == pytest.approx(0.4 * 1113.2, rel=0.01)
    assert coverage.is_exact(result.grids.values(), HOME)
    assert repair.text


@pytest.mark.parametrize(("shift", "kind"), [(0.6, "gap"), (-0.6, "overlap"), (40, "gap")])
def test_wide_ones_are_refused_and_listed(shift, kind):
    result = coverage.clean("c", halves(shift), HOME)
    assert kinds(result.faults) == [kind]
    assert not result.grids
    assert result.faults[0].width_m == pytest.approx(abs(shift), abs=0.02)


def test_every_fault_is_listed():
    grids = {
        "1": shapely.box(83.9, 39.5, 83.904, 39.51),
        "2": shapely.box(83.905, 39.5, 83.908, 39.51),
        "3": shapely.box(83.907, 39.5, 83.9105, 39.51),
        "4": shapely.box(83.902, 39.502, 83.903, 39.503),
    }
    result = coverage.clean("c", grids, HOME)
    assert kinds(result.faults) == ["gap", "outside", "overlap", "overlap"]
    assert {finding.grids for finding in result.faults} == {(), ("3",), ("2", "3"), ("1", "4")}


def test_an_overhang_is_cut_off():
    grids = halves()
    grids["e"] = shapely.box(83.905, 39.5, 83.91 + 0.3 * EAST, 39.51)
    result = coverage.clean("c", grids, HOME)
    assert kinds(result.repairs) == ["outside"]
    assert coverage.is_exact(result.grids.values(), HOME)


def test_t_junctions_get_their_node():
    grids = {
        "a": shapely.box(83.9, 39.5, 83.91, 39.505),
        "b": shapely.box(83.9, 39.505, 83.9053, 39.51),
        "c": shapely.box(83.9053, 39.505, 83.91, 39.51),
    }
    result = coverage.clean("c", grids, HOME)
    assert (83.9053, 39.505) in list(result.grids["a"].exterior.coords)
    assert (83.9053, 39.51) in [tuple(xy) for xy in result.nodes]


def test_an_invalid_polygon_is_named():
    grids = halves() | {"w": shapely.Polygon([(83.9, 39.5), (83.905, 39.51), (83.905, 39.5), (83.9, 39.51)])}
    (fault,) = coverage.clean("c", grids, HOME).faults
    assert (fault.kind, fault.grids) == ("invalid", ("w",))
    assert "Self-intersection" in fault.text


def test_a_grid_in_two_places_is_refused():
    grids = {
        "a": shapely.box(83.9, 39.5, 83.903, 39.51).union(shapely.box(83.906, 39.5, 83.91, 39.51)),
        "b": shapely.box(83.903, 39.5, 83.906, 39.51),
    }
    assert kinds(coverage.clean("c", grids, HOME).faults) == ["parts"]


@pytest.mark.parametrize("seed", range(4))
def test_hand_drawn_borders_become_a_coverage(seed):
    """Sixty cells in a tilted community, every vertex some centimetres off: all repaired, nothing lost."""
    dice = np.random.default_rng(seed)
    home = coverage.on_lattice(shapely.affinity.rotate(HOME, 17))
    seeds = shapely.MultiPoint(shapely.points(dice.uniform(home.bounds[:2], home.bounds[2:], (60, 2))))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=home.buffer(0.01)))
    grids = {}
    for number, cell in enumerate(shapely.intersection(cells, home)):
        if not cell.is_empty:
            xy = shapely.get_coordinates(cell)[:-1]
            grids[f"{number:03d}"] = shapely.Polygon(xy + dice.normal(0, 0.05 * NORTH, xy.shape))
    result = coverage.clean("c", grids, home)
    assert not result.faults, [finding.text for finding in result.faults]
    assert set(result.grids) == set(grids)
    assert coverage.is_exact(result.grids.values(), coverage.with_nodes(home, result.nodes))
    xy = shapely.get_coordinates(list(result.grids.values()))
    assert (xy == np.round(xy, 8)).all()
