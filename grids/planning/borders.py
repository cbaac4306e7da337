"""From a plan's draft to borders that can be published: exactly a coverage of each community."""

import numpy as np
import shapely
from django.utils.translation import gettext as _

from geo.models import Area
from geo.problems import Problem
from grids import coverage
from grids.models import Grid, Plan, PlanGrid
from grids.planning.state import Draft
from grids.publication import Border, NewBorders, to_shapely, vertices


def borders(plan: Plan) -> list[NewBorders]:
    """The grids of a plan's communities as ``grids.publication`` takes them.

    Raises a ``Problem`` that names what stands against it: a grid without ground or in two parts, a code that
    is somebody else's, an outline that changed since. Nothing is repaired here.
    """
    draft = Draft.load(plan)
    shapes = draft.borders(exact=True)
    grids = draft.active
    _check_grids(plan, grids, shapes)
    outlines = {
        area.code: to_shapely(area.geom)
        for area in Area.objects.filter(
            code__in=plan.communities, level=Area.Level.COMMUNITY, valid_to=None, geom__isnull=False
        )
    }
    result = []
    for community in sorted(plan.communities):
        if community not in outlines:
            raise _stale(_("%s is no community any more, or has no outline.") % community)
        here = {number: grid for number, grid in grids.items() if grid.community_code == community}
        drawn = {grid.code: shapes[number] for number, grid in here.items()}
        cleaned = _exact(community, drawn, outlines[community])
        result.append(
            NewBorders(
                community,
                {
                    grid.code: Border(cleaned.grids[grid.code], grid.name, grid.kind, grid.colour)
                    for grid in here.values()
                },
                outlines[community],
                cleaned.nodes,
                complete=True,
            )
        )
    return result


def _stale(words: str) -> Problem:
    return Problem(words, status=409, kind="conflict")


def _check_grids(plan: Plan, grids: dict[int, PlanGrid], shapes) -> None:
    errors = []
    taken = dict(Grid.objects.filter(code__in=[g.code for g in grids.values()]).values_list("code", "pk"))
    for number, grid in sorted(grids.items()):
        if shapely.is_empty(shapes[number]):
            errors.append(_("%s has no ground: give it a block or merge it away.") % grid)
        elif shapely.get_num_geometries(shapes[number]) > 1:
            errors.append(
                _("%(grid)s lies in %(count)d parts; a grid is one piece.")
                % {"grid": grid, "count": shapely.get_num_geometries(shapes[number])}
            )
        if grid.code[:12] != grid.community_code or grid.community_code not in plan.communities:
            errors.append(_("%(grid)s has the code %(code)s of another community.") % _named(grid))
        if taken.get(grid.code, grid.grid_id) != grid.grid_id:
            errors.append(_("The code %(code)s of %(grid)s is another grid's by now.") % _named(grid))
    bare = sorted(set(plan.communities) - {grid.community_code for grid in grids.values()})
    errors += [_("%s has no grid in this plan.") % code for code in bare]
    if errors:
        raise Problem(errors[0], kind="faults", errors=[{"detail": words} for words in errors])


def _named(grid: PlanGrid) -> dict:
    return {"grid": str(grid), "code": grid.code}


def _exact(community: str, shapes: dict[str, shapely.Polygon], outline) -> coverage.Coverage:
    """The community's coverage, with the nodes its outline got meanwhile; any repair is a refusal."""
    outline = coverage.on_lattice(outline)
    here = set().union(*(vertices(shape) for shape in shapes.values()))
    if new := vertices(outline) - here:
        nodes = np.array(sorted(new)).reshape(-1, 2)
        shapes = {code: coverage.with_nodes(shape, nodes) for code, shape in shapes.items()}
    cleaned = coverage.clean(community, shapes, outline)
    found = [*cleaned.faults, *cleaned.repairs]
    if any(finding.kind in (coverage.GAP, coverage.OUTSIDE) for finding in found):
        raise _stale(
            _("The outline of %s changed since this plan was drawn: start a new draft from it.") % community
        )
    if found or set(cleaned.grids) != set(shapes):
        raise AssertionError(f"the plan's blocks in {community} are no coverage: {[f.text for f in found]}")
    return cleaned
