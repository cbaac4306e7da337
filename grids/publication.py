"""Putting borders in force: locks, versions, lineage, and every row that moves.

A publication replaces the grids of whole communities. It takes each community's lock exclusively, in code
order, before its first read; writers of rows with a place hold the same lock shared (trigger ``located``), so
that either they see the new borders or the publication sees their rows.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date

import psycopg.errors
import shapely
from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from geo import audit, events, registry
from geo.models import Area
from geo.problems import Problem
from grids import assignment
from grids.coverage import on_lattice, with_nodes
from grids.models import DutyGrid, Grid, GridDuty, GridVersion, Publication, UnitGrid, UnitGridVersion

ATTEMPTS = 3
# A new grid descends from an old one that gave it at least this share of its ground.
DESCENT_SHARE = 0.01
# Degrees, a tenth of a millimetre: the ground that changed hands is looked at so much wider.
HAIR = 1e-9
# More single events than this would only flood listeners: then one per community.
EVENTS_AT_MOST = 200


@dataclass
class Border:
    """A grid as it shall be: WGS-84 polygon, name, and (governance grids) kind."""

    geometry: shapely.Polygon
    name: str = ""
    kind: str = ""


@dataclass
class NewBorders:
    """All grids of a community as they shall be.

    ``outline`` is the community's as it was read when the borders were checked, ``nodes`` the vertices that
    its border gets where grids meet it.
    """

    community: str
    grids: dict[str, Border]
    outline: shapely.Geometry
    nodes: object = ()


@dataclass
class Result:
    """What a publication did, by code; ``moved`` counts rows per table."""

    publication: Publication | None = None
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    moved: Counter = field(default_factory=Counter)


def publish(
    communities: list[NewBorders],
    *,
    model=Grid,
    kind: str = Publication.Kind.IMPORT,
    user=None,
    effective_on: date | None = None,
    note: str = "",
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
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                lock(codes)
                return _publish(communities, model, kind, user, effective_on, note)
        except OperationalError as error:
            if not isinstance(
                error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected
            ):
                raise
            if attempt == ATTEMPTS:
                raise _busy(codes) from error
    raise AssertionError("unreachable")


def lock(communities: list[str]) -> None:
    """Take the border locks of communities exclusively, in code order, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('lock_timeout', %s, true)", [f"{int(settings.LOCK_TIMEOUT * 1000)}ms"]
        )
        for code in sorted(communities):
            cursor.execute("select pg_advisory_xact_lock(wangge_community_lock(%s))", [code])


def holders(communities: list[str]) -> list[dict]:
    """Who holds the border locks of communities now: community, process, program, since when, doing what."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select c.code, a.pid, a.application_name, a.xact_start, left(a.query, 80)
            from unnest(%s::text[]) c(code)
            join lateral (select wangge_community_lock(c.code) as key) k on true
            join pg_locks l on l.locktype = 'advisory' and l.granted and l.objsubid = 1
                and l.classid::bigint = (k.key >> 32) & 4294967295 and l.objid::bigint = k.key & 4294967295
                and l.database = (select oid from pg_database where datname = current_database())
            join pg_stat_activity a using (pid)
            where a.pid <> pg_backend_pid() order by a.xact_start
            """,
            [communities],
        )
        names = ("community", "pid", "application", "since", "query")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _busy(codes) -> Problem:
    held = holders(codes)
    who = "; ".join(
        _("community %(community)s: process %(pid)s (%(application)s), since %(since)s")
        % {**row, "since": timezone.localtime(row["since"]).strftime("%H:%M:%S") if row["since"] else "?"}
        for row in held[:5]
    )
    return Problem(
        _("Somebody is writing in these communities and holds their borders. Try again in a moment.")
        + (f" {who}" if who else ""),
        status=409,
        kind="busy",
        errors=[{"detail": row["community"], "pid": row["pid"]} for row in held[:20]],
    )


@dataclass
class _Changes:
    """What a publication has to write besides the grids in force, gathered to be written at once.

    ``pieces`` is the ground that changed hands, ``ending`` the grids whose version in force ends, ``gone``
    those that go, ``versions`` the new versions with the grids they come from, ``descent`` what ``_descent``
    found in all communities.
    """

    publication: Publication
    pieces: list[shapely.Geometry] = field(default_factory=list)
    ending: list[object] = field(default_factory=list)
    gone: dict[str, object] = field(default_factory=dict)
    versions: list[tuple[object, list]] = field(default_factory=list)
    descent: dict[str, list[str]] = field(default_factory=dict)


def _publish(communities, model, kind, user, effective_on, note) -> Result:
    codes = sorted(borders.community for borders in communities)
    _check_outlines(communities)
    publication = Publication.objects.create(
        kind=kind,
        effective_on=effective_on,
        published_by=user if user is not None and user.is_authenticated else None,
        communities=codes,
        note=note,
    )
    result = Result(publication)
    standing: dict[str, dict[str, object]] = defaultdict(dict)
    for grid in model.objects.filter(community_code__in=codes):
        standing[grid.community_code][grid.code] = grid
    changes = _Changes(publication)
    for borders in sorted(communities, key=lambda borders: borders.community):
        _apply(borders, standing[borders.community], model, changes, result)
    _keep(model, changes)
    _add_nodes(communities)
    _move_rows(model, codes, changes.pieces, publication, result)
    _tell(publication, result, model, user)
    return result


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
    effective_on = changes.publication.effective_on
    in_force = {code: grid for code, grid in standing.items() if grid.retired_on is None}
    old = {code: to_shapely(grid.geom) for code, grid in in_force.items()}
    new = {code: border.geometry for code, border in borders.grids.items()}
    for code, grid in in_force.items():
        if grid.valid_from > effective_on:
            raise Problem(
                _("%(grid)s is in force since %(day)s; borders cannot be published for a day before.")
                % {"grid": code, "day": grid.valid_from}
            )
    kept = {code for code, shape in new.items() if code in old and _same(old[code], shape)}
    descent = _descent(old, new, kept)
    changes.descent |= descent
    for code in sorted(set(in_force) - set(new)):
        changes.gone[code] = in_force[code]
        changes.ending.append(in_force[code])
        changes.pieces.append(old[code])
        result.retired.append(code)
    heirs = Counter(code for parents in descent.values() for code in parents)
    for code in sorted(new):
        border = borders.grids[code]
        grid = standing.get(code)
        if code in kept:
            _rename(grid, border)
            result.kept.append(code)
            continue
        parents = [parent for parent in descent[code] if parent != code]
        if code in old:
            lineage = GridVersion.Lineage.MOVED
            changes.pieces.append(shapely.symmetric_difference(old[code], border.geometry))
            result.changed.append(code)
        else:
            lineage = GridVersion.Lineage.NEW
            if grid is not None:
                lineage = GridVersion.Lineage.RESTORED
            elif len(parents) > 1:
                lineage = GridVersion.Lineage.MERGED
            elif parents and (heirs[parents[0]] > 1 or parents[0] in new):
                lineage = GridVersion.Lineage.SPLIT
            changes.pieces.append(border.geometry)
            result.created.append(code)
        if grid is None:
            grid = model(code=code, community_code=borders.community, generation=0, valid_from=effective_on)
        elif grid.retired_on is None:
            changes.ending.append(grid)
        _write(grid, border, model, changes, lineage, [in_force[parent] for parent in parents])


def _same(one, other) -> bool:
    """Whether two polygons have the same vertices, wherever their rings begin."""
    return shapely.equals_exact(one.normalize(), other.normalize(), 0)


def _descent(old, new, kept=frozenset()) -> dict[str, list[str]]:
    """For each new grid the old ones its ground came from, the largest share first.

    ``kept`` are codes of grids that stay as they are: those come from themselves alone.
    """
    found = {code: [code] for code in new if code in kept}
    codes, tree = list(old), shapely.STRtree(list(old.values()))
    for code, shape in new.items():
        if code in kept:
            continue
        shares = [
            (shapely.area(shapely.intersection(shape, old[codes[number]])) / shape.area, codes[number])
            for number in tree.query(shape, predicate="intersects")
        ]
        found[code] = parents_of(shares)
    return {code: found[code] for code in new}


def parents_of(shares: list[tuple[float, str]]) -> list[str]:
    """The old grids a new one descends from, by their share of its ground: the largest first."""
    return [parent for share, parent in sorted(shares, key=_by_share) if share >= DESCENT_SHARE]


def _by_share(pair: tuple[float, str]):
    """The largest share first; of equal ones the lowest code."""
    return -round(pair[0], 6), pair[1]


def _rename(grid, border: Border) -> None:
    if border.name and border.name != grid.name:
        grid.name = border.name
        grid.save(update_fields=["name"])


def _write(grid, border, model, changes: _Changes, lineage, parents) -> None:
    """The grid's row; its new version is gathered."""
    geom = to_django(border.geometry)
    grid.geom, grid.retired_on = geom, None
    grid.generation += 1
    grid.name = border.name or grid.name
    shared = {
        "generation": grid.generation,
        "geom": geom,
        "valid_from": changes.publication.effective_on,
        "lineage": lineage,
        "publication": changes.publication,
    }
    if model is Grid:
        grid.kind = border.kind or kind_of(grid.code)
        grid.save()
        version = GridVersion(grid=grid, name=grid.name, kind=grid.kind, **shared)
    else:
        if grid.duty_grid_id is None and parents:
            grid.duty_grid_id = parents[0].duty_grid_id
        grid.save()
        version = UnitGridVersion(unit_grid=grid, **shared)
    changes.versions.append((version, parents))


def _keep(model, changes: _Changes) -> None:
    """Versions end and begin, grids go, duties are handed over: each in one statement for all communities."""
    day = changes.publication.effective_on
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
        _hand_over(changes.gone, changes.descent, day)


def kind_of(code: str) -> str:
    """Basic or exclusive by the sequence: 801 to 999 are exclusive (our convention)."""
    return Grid.Kind.EXCLUSIVE if int(code[-3:]) > 800 else Grid.Kind.BASIC


def heirs_of(descent: dict[str, list[str]], gone) -> dict[str, list[str]]:
    """Codes of the new grids that go on with the duties of each old one.

    ``descent`` is what ``_descent`` found. A new grid is the heir of the old one that gave it most; an old
    grid that is ``gone`` and gave nobody most is continued by the first it gave anything.
    """
    heirs = defaultdict(list)
    for code, parents in descent.items():
        if parents:
            heirs[parents[0]].append(code)
    for code, parents in descent.items():
        for parent in parents[1:]:
            if parent in gone and not heirs[parent]:
                heirs[parent].append(code)
    return heirs


def _hand_over(gone: dict[str, Grid], descent, day) -> None:
    """Duties of grids that go end, and go on in the grids that got most of their ground.

    A grid keeps the leader it has; another grid's leader comes to it as a member.
    """
    running = GridDuty.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day))
    duties = list(running.filter(grid__in=gone.values()).select_related("grid").order_by("id"))
    if not duties:
        return
    GridDuty.objects.filter(pk__in=[duty.pk for duty in duties if duty.valid_from >= day]).delete()
    GridDuty.objects.filter(pk__in=[duty.pk for duty in duties if duty.valid_from < day]).update(valid_to=day)
    heirs = heirs_of(descent, gone)
    codes = {code for duty in duties for code in heirs[duty.grid.code]}
    grids = dict(Grid.objects.filter(code__in=codes).values_list("code", "pk"))
    led, served = set(), set()
    for grid, worker, role in running.filter(grid__in=grids.values()).values_list("grid", "worker", "role"):
        served.add((grid, worker))
        if role == GridDuty.Role.LEADER:
            led.add(grid)
    begun = []
    for duty in sorted(duties, key=lambda duty: duty.grid.code):
        for code in heirs[duty.grid.code]:
            grid = grids[code]
            if (grid, duty.worker_id) in served:
                continue
            role = duty.role
            if role == GridDuty.Role.LEADER and grid in led:
                role = GridDuty.Role.MEMBER
            begun.append(
                GridDuty(
                    worker_id=duty.worker_id, grid_id=grid, role=role, valid_from=day, valid_to=duty.valid_to
                )
            )
            served.add((grid, duty.worker_id))
            if role == GridDuty.Role.LEADER:
                led.add(grid)
    GridDuty.objects.bulk_create(begun)


def _add_nodes(communities) -> None:
    """Nodes where grids meet their community's border, for it, its neighbours and all above them."""
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


def _move_rows(model, codes, pieces, publication, result: Result) -> None:
    """Every row on ground that changed hands gets its grid: one statement per table."""
    # One piece where several grids tell of the same ground, and a hair wider: a rounded corner may not cost a
    # row. Who does not move is not written.
    ground = shapely.buffer(shapely.union_all(pieces), HAIR, quad_segs=1, join_style="mitre")
    polygons = [part for part in shapely.get_parts(ground) if not part.is_empty]
    if not polygons:
        return
    with connection.cursor() as cursor:
        cursor.execute("create temporary table regrid_piece (geom geometry(Geometry, 4326)) on commit drop")
        with cursor.copy("copy regrid_piece (geom) from stdin") as copy:
            for polygon in polygons:
                copy.write_row(
                    (shapely.to_wkb(shapely.set_srid(polygon, 4326), hex=True, include_srid=True),)
                )
        # Small pieces make the index tell, whatever the shape of a grid.
        cursor.execute(
            "create temporary table regrid_small on commit drop as"
            " select ST_Subdivide(geom, 64) as geom from regrid_piece"
        )
        cursor.execute("truncate regrid_piece; insert into regrid_piece select geom from regrid_small")
        cursor.execute("create index on regrid_piece using gist (geom); analyze regrid_piece")
    moved_by_table = {}
    for located in assignment.located_models():
        moved_by_table[located._meta.label] = assignment.reassign(located, model, codes)
        result.moved[located._meta.label] = len(moved_by_table[located._meta.label])
    with connection.cursor() as cursor:
        cursor.execute("drop table regrid_piece, regrid_small")
    if model is Grid:
        for place in registry.places.values():
            if place.after_regrid is not None and moved_by_table.get(place.model):
                place.after_regrid(publication, moved_by_table[place.model])
    else:
        _redraw_duty_grids(codes)


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
        for community in sorted({code[:12] for code in touched}):
            events.emit(layer, community, area_code=community)
        return
    for pk, code in model.objects.filter(code__in=touched).values_list("pk", "code"):
        events.emit(layer, pk, area_code=code[:12])


def _common_prefix(codes: list[str]) -> str:
    first, last = min(codes, default=""), max(codes, default="")
    return next((first[:n] for n in (12, 9, 6, 4, 2) if len(first) >= n and first[:n] == last[:n]), "")
