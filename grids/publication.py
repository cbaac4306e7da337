"""Putting borders in force: locks, versions, lineage, and every row that moves.

A publication replaces the grids of whole communities. It takes each community's lock exclusively, in code
order, before its first read; writers of rows with a place hold the same lock shared (trigger ``located``), so
that either they see the new borders or the publication sees their rows.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date

import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from geo import audit, events
from geo.models import Area
from geo.problems import Problem
from geo.texts import shortened
from grids import assignment, succession
from grids.coverage import on_lattice, with_nodes, without_nodes
from grids.descent import fates, heirs_of
from grids.locks import patiently
from grids.models import DutyGrid, Grid, GridVersion, Publication, UnitGrid, UnitGridVersion

# Degrees, a tenth of a millimetre: the ground that changed hands is looked at so much wider.
HAIR = 1e-9
# Each row of such a statement is compared with all of it: a whole city at once would take minutes.
SAVED_AT_ONCE = 500
# More single events than this would only flood listeners: then one per community.
EVENTS_AT_MOST = 200


@dataclass
class Border:
    """A grid as it shall be: WGS-84 polygon, name, and (governance grids) kind and colour.

    An empty name or colour keeps the one it has, unless its ``NewBorders`` are ``complete``.
    """

    geometry: shapely.Polygon
    name: str = ""
    kind: str = ""
    colour: str = ""


@dataclass
class NewBorders:
    """All grids of a community as they shall be.

    ``outline`` is the community's as it was read when the borders were checked, ``nodes`` the vertices that
    its border gets where grids meet it. ``complete``: what a border does not name, it has not.
    """

    community: str
    grids: dict[str, Border]
    outline: shapely.Geometry
    nodes: object = ()
    complete: bool = False


@dataclass
class Result:
    """What a publication did, by code; ``moved`` counts rows per table.

    ``kept`` grids have the border they had; those of them whose name, kind or colour changed are also
    ``described``. ``flows`` is what people on duty are told of (``succession.Flows``), ``told`` counts them.
    """

    publication: Publication | None = None
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    flows: dict = field(default_factory=dict)
    told: int = 0
    moved: Counter = field(default_factory=Counter)


def publish(
    communities: list[NewBorders],
    *,
    model=Grid,
    kind: str = Publication.Kind.IMPORT,
    user=None,
    effective_on: date | None = None,
    note: str = "",
    undoes: Publication | None = None,
) -> Result:
    """Put the borders of whole communities in force, in one transaction.

    Asks again when a lock is not to be had within ``settings.LOCK_TIMEOUT`` seconds, and then raises a
    ``Problem`` (409) that says who is in the way. ``effective_on`` is today or, for what was decided
    earlier, a past day.
    """
    effective_on = effective_on or timezone.localdate()
    if effective_on > timezone.localdate():
        raise Problem(_("Borders come into force when they are published: not on a future day."))
    codes = sorted(borders.community for borders in communities)
    act = {"kind": kind, "effective_on": effective_on, "note": shortened(note, 200), "undoes": undoes}
    return patiently(codes, lambda: _publish(communities, model, user, act))


@dataclass
class _Changes:
    """What a publication has to write besides the grids in force, gathered to be written at once.

    ``pieces`` is the ground that changed hands, by community, ``ending`` the grids whose version in force
    ends, ``gone`` those that go, ``versions`` the new versions with the grids they come from, ``descent``
    what ``_descent`` found in all communities.
    """

    publication: Publication
    pieces: dict[str, list[shapely.Geometry]] = field(default_factory=dict)
    ending: list[object] = field(default_factory=list)
    gone: dict[str, object] = field(default_factory=dict)
    versions: list[tuple[object, list]] = field(default_factory=list)
    descent: dict[str, list[str]] = field(default_factory=dict)


def _publish(communities, model, user, act) -> Result:
    codes = sorted(borders.community for borders in communities)
    _check_outlines(communities)
    standing: dict[str, dict[str, object]] = defaultdict(dict)
    for grid in model.objects.filter(community_code__in=codes).defer("geom_3857", "label_point"):
        standing[grid.community_code][grid.code] = grid
    in_force = [g for grids in standing.values() for g in grids.values() if g.retired_on is None]
    _check_day(model, codes, act["effective_on"])
    publication = Publication.objects.create(
        published_by=user if user is not None and user.is_authenticated else None,
        communities=codes,
        basis={grid.code: grid.generation for grid in in_force} if model is Grid else None,
        **act,
    )
    result = Result(publication)
    changes = _Changes(publication)
    for borders in sorted(communities, key=lambda borders: borders.community):
        _apply(borders, standing[borders.community], model, changes, result)
    _keep(model, changes)
    publication.nodes = _add_nodes(communities)
    if model is Grid:
        _hand_over(publication, changes, result)
    _move_rows(model, codes, changes, publication, result)
    publication.save(update_fields=["nodes", "handed_over"])
    result.told = succession.tell(publication, result.flows)
    _tell(publication, result, model, user)
    return result


def _hand_over(publication, changes: _Changes, result: Result) -> None:
    """What hangs on a grid goes to its heirs; after an undoing it comes back first."""
    born = set(result.created)
    if publication.undoes_id:
        _drop_nodes(publication.undoes.nodes, publication.communities)
        succession.hand_back(publication, publication.undoes)
        # What came back has its own again: only what was given to grids born meanwhile goes on.
        born = set()
    succession.hand_over(publication, changes.gone, heirs_of(changes.descent, changes.gone), born)


def _check_day(model, codes, day: date) -> None:
    """A border cannot end before it began."""
    owner = "grid" if model is Grid else "unit_grid"
    versions = model._meta.get_field("versions").related_model.objects.filter(
        valid_to=None, valid_from__gt=day
    )
    ours = {f"{owner}__community_code__in": codes, f"{owner}__retired_on": None}
    late = versions.filter(**ours).select_related(owner).order_by("-valid_from").first()
    if late is not None:
        raise Problem(
            _("%(grid)s is in force since %(day)s; borders cannot be published for a day before.")
            % {"grid": getattr(late, owner).code, "day": late.valid_from}
        )


def _check_outlines(communities) -> None:
    """The outlines must be those that the borders were checked against; they stay locked from here on."""
    rows = {
        area.code: area
        for area in Area.objects.select_for_update()
        .filter(level=Area.Level.COMMUNITY, valid_to=None, code__in=[b.community for b in communities])
        .order_by("code")
    }
    for borders in communities:
        area = rows.get(borders.community)
        if area is None or area.geom is None:
            raise Problem(_("The community %s has no outline.") % borders.community)
        if not shapely.equals_identical(to_shapely(area.geom), borders.outline):
            raise Problem(
                _("The outline of %s changed while its grids were checked; start again.") % borders.community,
                status=409,
                kind="conflict",
            )


def to_shapely(geometry):
    """A GeoDjango geometry as shapely's."""
    return shapely.from_wkb(bytes(geometry.wkb))


def to_django(geometry) -> GEOSGeometry:
    """A shapely geometry as GeoDjango's (EPSG:4326)."""
    return GEOSGeometry(memoryview(shapely.to_wkb(geometry)), srid=4326)


def _apply(borders: NewBorders, standing, model, changes: _Changes, result: Result) -> None:
    """Write a community's grids in force; ``changes`` gathers what else is to be written."""
    in_force = {code: grid for code, grid in standing.items() if grid.retired_on is None}
    old = {code: to_shapely(grid.geom) for code, grid in in_force.items()}
    fate = fates(old, {code: border.geometry for code, border in borders.grids.items()}, set(standing))
    changes.descent |= fate.descent
    changes.pieces[borders.community] = fate.pieces
    for code in sorted(set(in_force) - set(borders.grids)):
        changes.gone[code] = in_force[code]
        changes.ending.append(in_force[code])
        result.retired.append(code)
    undoing = changes.publication.undoes_id is not None
    for code, lineage in sorted(fate.lineage.items()):
        border, grid = borders.grids[code], standing.get(code)
        parents = [in_force[parent] for parent in fate.descent[code] if parent != code]
        if grid is None:
            day = changes.publication.effective_on
            grid = model(code=code, community_code=borders.community, generation=0, valid_from=day)
        described = _describe(grid, border, borders.complete)
        if lineage == GridVersion.Lineage.KEPT:
            result.kept.append(code)
            if not described:
                continue
            result.described.append(code)
            if model is not Grid:  # its versions are borders and nothing else
                grid.save(update_fields=["name"])
                continue
            border.geometry = old[code]
        else:
            (result.changed if code in old else result.created).append(code)
        if code in old:
            changes.ending.append(grid)
        if undoing:
            lineage = GridVersion.Lineage.RESTORED
        _write(grid, border, model, changes, lineage, parents)


def _describe(grid, border: Border, complete: bool) -> bool:
    """Give a grid, unsaved, the name, kind and colour of its border; whether that changed anything."""
    wanted = {"name": border.name, "kind": border.kind, "colour": border.colour}
    changed = [
        field
        for field, value in wanted.items()
        if hasattr(grid, field)
        and (value or (complete and field != "kind"))
        and getattr(grid, field) != value
    ]
    for name in changed:
        setattr(grid, name, wanted[name])
    return bool(changed)


def _write(grid, border, model, changes: _Changes, lineage, parents) -> None:
    """The grid's row as it shall be; it and its new version are written by ``_keep``."""
    geom = to_django(border.geometry)
    grid.geom, grid.retired_on = geom, None
    grid.generation += 1
    shared = {
        "generation": grid.generation,
        "geom": geom,
        "valid_from": changes.publication.effective_on,
        "lineage": lineage,
        "publication": changes.publication,
    }
    if model is Grid:
        grid.kind = border.kind or (grid.kind if grid.pk else kind_of(grid.code))
        version = GridVersion(grid=grid, name=grid.name, kind=grid.kind, colour=grid.colour, **shared)
    else:
        if grid.duty_grid_id is None and parents:
            grid.duty_grid_id = parents[0].duty_grid_id
        version = UnitGridVersion(unit_grid=grid, **shared)
    changes.versions.append((version, parents))


def _keep(model, changes: _Changes) -> None:
    """Grids come, change and go, versions end and begin: each in one statement for all communities."""
    day = changes.publication.effective_on
    grids = [version.grid if model is Grid else version.unit_grid for version, _parents in changes.versions]
    own = ("kind", "colour") if model is Grid else ("duty_grid",)
    model.objects.bulk_update(
        [grid for grid in grids if grid.pk],
        ["name", "geom", "generation", "retired_on", *own],
        batch_size=SAVED_AT_ONCE,
    )
    model.objects.bulk_create([grid for grid in grids if not grid.pk])
    model.objects.filter(pk__in=[grid.pk for grid in changes.gone.values()]).update(retired_on=day)
    versions, of_grid = (GridVersion, "grid__in") if model is Grid else (UnitGridVersion, "unit_grid__in")
    versions.objects.filter(valid_to=None, **{of_grid: changes.ending}).update(valid_to=day)
    versions.objects.bulk_create([version for version, _parents in changes.versions])
    if model is Grid:
        link = GridVersion.predecessors.through
        link.objects.bulk_create(
            link(gridversion_id=version.pk, grid_id=parent.pk)
            for version, parents in changes.versions
            for parent in parents
        )


def kind_of(code: str) -> str:
    """Basic or exclusive by the sequence: 801 to 999 are exclusive (our convention)."""
    return Grid.Kind.EXCLUSIVE if int(code[-3:]) > 800 else Grid.Kind.BASIC


def _add_nodes(communities) -> dict[str, list]:
    """Nodes where grids meet their community's border, for it, its neighbours and all above them.

    Returns the vertices that each area got.
    """
    added: dict[str, list] = defaultdict(list)
    for borders in communities:
        if not len(borders.nodes) and shapely.equals_identical(borders.outline, on_lattice(borders.outline)):
            continue
        around = to_django(shapely.boundary(borders.outline))
        areas = (
            Area.objects.select_for_update(of=("self",))
            .filter(valid_to=None, geom__intersects=around)
            .order_by("code")
        )
        for area in areas:
            before = to_shapely(area.geom)
            after = with_nodes(on_lattice(before), borders.nodes)
            if not shapely.equals_identical(after, before):
                Area.objects.filter(pk=area.pk).update(geom=to_django(after))
                added[area.code] += sorted(vertices(after) - vertices(on_lattice(before)))
    return dict(added)


def vertices(geometry) -> set[tuple[float, float]]:
    """The vertices of a geometry."""
    return set(map(tuple, shapely.get_coordinates(geometry)))


def _drop_nodes(nodes: dict[str, list], communities: list[str]) -> None:
    """Take nodes out of outlines again, but those where a grid of another community ends by now."""
    found = {tuple(xy) for given in nodes.values() for xy in given}
    if not found:
        return
    around = to_django(shapely.MultiPoint(sorted(found)))
    others = Grid.objects.filter(retired_on=None, geom__intersects=around).exclude(
        community_code__in=communities
    )
    found -= {xy for geom in others.values_list("geom", flat=True) for xy in vertices(to_shapely(geom))}
    areas = Area.objects.select_for_update(of=("self",)).filter(valid_to=None, code__in=nodes)
    for area in areas.order_by("code"):
        outline = to_shapely(area.geom)
        gone = {tuple(xy) for xy in nodes[area.code]} & found & vertices(outline)
        if gone:
            Area.objects.filter(pk=area.pk).update(geom=to_django(without_nodes(outline, gone)))


def _move_rows(model, codes, changes: _Changes, publication, result: Result) -> None:
    """Every row on ground that changed hands gets its grid: two statements per table."""
    # One piece where several grids tell of the same ground, and a hair wider: a rounded corner may not cost a
    # row. Who does not move is not written.
    ground = {code: shapely.union_all(pieces) for code, pieces in changes.pieces.items()}
    wide = shapely.buffer(shapely.union_all(list(ground.values())), HAIR, quad_segs=1, join_style="mitre")
    if wide.is_empty:
        return
    # Inside a grid, more than a hair from every border, there is nothing to look up.
    inside, sure = [], []
    for version, _parents in changes.versions:
        grid = version.grid if model is Grid else version.unit_grid
        here = shapely.intersection(ground[grid.community_code], to_shapely(grid.geom))
        here = shapely.buffer(here, -HAIR, quad_segs=1, join_style="mitre")
        inside.append(here)
        sure += [(part, grid.pk, grid.community_code) for part in _polygons(here)]
    rest = shapely.difference(wide, shapely.union_all(inside))
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table regrid_ground"
            " (geom geometry(Geometry, 4326), grid bigint, community text) on commit drop"
        )
        with cursor.copy("copy regrid_ground from stdin") as copy:
            for part, *where in [*sure, *((part, None, None) for part in _polygons(rest))]:
                copy.write_row(
                    (shapely.to_wkb(shapely.set_srid(part, 4326), hex=True, include_srid=True), *where)
                )
        # Small pieces make the index tell, whatever the shape of a grid.
        cursor.execute(
            "create temporary table regrid_piece on commit drop as"
            " select ST_Subdivide(geom, 64) as geom, grid, community from regrid_ground"
        )
        cursor.execute("analyze regrid_piece")
    moved_by_table = {}
    for located in assignment.located_models():
        moved_by_table[located._meta.label] = assignment.reassign(located, model, codes)
        result.moved[located._meta.label] = len(moved_by_table[located._meta.label])
    with connection.cursor() as cursor:
        cursor.execute("drop table regrid_piece, regrid_ground")
    if model is Grid:
        result.flows = succession.flows_of(publication, moved_by_table)
    else:
        _redraw_duty_grids(codes)


def _polygons(shape) -> list:
    """The polygons that a geometry is made of."""
    return [part for part in shapely.get_parts(shape) if part.area]


def _redraw_duty_grids(codes) -> None:
    """A duty grid is the union of its unit grids."""
    ids = set(
        UnitGrid.objects.filter(community_code__in=codes, duty_grid__isnull=False).values_list(
            "duty_grid_id", flat=True
        )
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            update {DutyGrid._meta.db_table} d set geom = ST_Multi(u.geom) from (
                select duty_grid_id, ST_Union(geom) as geom from {UnitGrid._meta.db_table}
                where retired_on is null and duty_grid_id = any(%s) group by 1
            ) u where u.duty_grid_id = d.id
            """,
            [list(ids)],
        )


def _tell(publication, result: Result, model, user) -> None:
    layer = "grids" if model is Grid else "unit_grids"
    touched = [*result.created, *result.changed, *result.retired]
    audit.log(
        user,
        f"{layer}.publish",
        publication,
        area_code=_common_prefix(publication.communities),
        created=len(result.created),
        changed=len(result.changed),
        retired=len(result.retired),
        moved=dict(result.moved),
    )
    if len(touched) > EVENTS_AT_MOST:
        communities = sorted({code[:12] for code in touched})
        events.emit_all(layer, [(code, {"area_code": code}) for code in communities])
        return
    rows = model.objects.filter(code__in=touched).values_list("pk", "code")
    events.emit_all(layer, [(pk, {"area_code": code[:12]}) for pk, code in rows])


def _common_prefix(codes: list[str]) -> str:
    first, last = min(codes, default=""), max(codes, default="")
    return next((first[:n] for n in (12, 9, 6, 4, 2) if len(first) >= n and first[:n] == last[:n]), "")
