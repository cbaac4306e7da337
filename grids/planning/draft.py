"""The beginning of a draft: from the grids in force, another plan, a file, or the bare outline."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import shapely
from django.core.files import File
from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo import audit, events
from geo.models import Area
from geo.problems import Problem
from grids import coverage
from grids.models import Grid, Plan, PlanBlock, PlanGrid
from grids.planning import blocks, codes, figures
from grids.planning.lattice import shared_lengths
from grids.publication import kind_of, to_django, to_shapely

audit.ACTIONS |= {
    "plan.create": gettext_lazy("Began a boundary plan"),
    "plan.withdraw": gettext_lazy("Laid a boundary plan aside"),
    "plan.restore": gettext_lazy("Took a boundary plan back"),
}
# So many communities are prepared while the planner waits; more of them, and files, by a job.
AT_ONCE = 4
MOST_COMMUNITIES = 60
MOST_GRIDS = 200


@dataclass
class Wanted:
    """A grid as it shall begin."""

    shape: shapely.Geometry
    code: str = ""
    name: str = ""
    kind: str = Grid.Kind.BASIC
    colour: str = ""
    grid_id: int | None = None


@dataclass
class Beginning:
    """The grids of communities by code and key, and what was found wrong or repaired on the way."""

    grids: dict[str, dict[str, Wanted]] = field(default_factory=dict)
    repairs: list[coverage.Finding] = field(default_factory=list)
    faults: list[coverage.Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def start(user, *, name, communities, start, source=None, file=None, options=None, client_key=None, note=""):
    """Begin a plan; small ones are ready at once, others when their job is done. Returns (plan, is_new)."""
    communities = sorted(set(communities))
    if client_key is not None and (known := Plan.objects.filter(client_key=client_key).first()):
        if known.created_by_id != user.pk:
            raise Problem(_("This client key is another user's."), status=409, kind="conflict")
        return known, False
    area_code = _check(user, communities)
    if start == Plan.Start.PLAN and source is None:
        raise Problem(_("Say which plan to start from."))
    if start == Plan.Start.FILE and file is None:
        raise Problem(_("A file is needed to start from."))
    with transaction.atomic():
        plan = Plan.objects.create(
            name=name,
            note=note,
            communities=communities,
            area_code=area_code,
            start=start,
            started_from=source if start == Plan.Start.PLAN else None,
            options=options or {},
            client_key=client_key,
            created_by=user,
        )
        if file is not None and start == Plan.Start.FILE:
            plan.file.save(os.path.basename(file.name)[-80:], File(file))
        audit.log(user, "plan.create", plan, area_code=area_code, start=start, communities=communities)
        tell(plan, "created")
        # Whatever becomes of this process, the job is there; it leaves alone what is ready.
        from grids import jobs

        jobs.prepare_plan.defer(plan_id=plan.pk)
    if start != Plan.Start.FILE and len(communities) <= AT_ONCE:
        prepare(plan.pk)
        plan.refresh_from_db()
    return plan, True


def tell(plan: Plan, verb: str = "changed") -> None:
    """Let open planners know that a plan changed."""
    events.emit("plans", plan.pk, area_code=plan.area_code, verb=verb)


def _check(user, communities: list[str]) -> str:
    """The smallest area that holds the communities, if the user may plan there."""
    if not communities:
        raise Problem(_("A plan needs at least one community."))
    if len(communities) > MOST_COMMUNITIES:
        raise Problem(_("A plan covers at most %d communities.") % MOST_COMMUNITIES)
    known = set(
        Area.objects.filter(level=Area.Level.COMMUNITY, valid_to=None, code__in=communities)
        .exclude(geom=None)
        .values_list("code", flat=True)
    )
    if missing := [code for code in communities if code not in known]:
        raise Problem(_("These are no communities with an outline: %s.") % ", ".join(missing[:5]))
    first = communities[0]
    common = [length for length in Area.CODE_LENGTHS if len({code[:length] for code in communities}) == 1]
    area_code = first[: max(common)] if common else ""
    if not area_code or not user.scope.covers("grids.plan", area_code=area_code):
        raise Problem(
            _("You may not plan in all of these communities together."), status=403, kind="forbidden"
        )
    return area_code


def prepare(pk: int) -> None:
    """Make the grids and blocks of a plan that waits for them; does nothing when it is done already."""
    try:
        with transaction.atomic():
            plan = Plan.objects.select_for_update(of=("self",)).get(pk=pk)
            if plan.state != Plan.State.PREPARING:
                return
            beginning = _beginning(plan)
            if beginning.errors or beginning.faults:
                raise _Refused(beginning)
            _write(plan, beginning)
    except _Refused as refused:
        beginning = refused.args[0]
        text = " ".join(beginning.errors[:20]) or _("The grids are no coverage: %d faults.") % len(
            beginning.faults
        )
        _fail(pk, text, findings(beginning))
    except Problem as problem:
        _fail(pk, str(problem.detail), [])
    except OperationalError:
        # A lock or a lost connection passes: the job tries again.
        raise
    except Exception:
        _fail(pk, _("Something failed on the server."), [])
        raise


class _Refused(Exception):
    """What a plan should start from is no coverage."""


def _fail(pk: int, problem: str, found: list[dict]) -> None:
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).get(pk=pk)
        if plan.state == Plan.State.PREPARING:
            plan.state, plan.problem, plan.findings = Plan.State.FAILED, problem, found
            plan.save(update_fields=["state", "problem", "findings", "changed_at"])
            tell(plan)


def findings(beginning: Beginning) -> list[dict]:
    """Repairs and faults as the planner's map draws them (WGS-84)."""
    return [
        {
            "kind": finding.kind,
            "text": finding.text,
            "geometry": shapely.geometry.mapping(finding.geometry),
            "width_m": round(finding.width_m, 3),
            "area_m2": round(finding.area_m2, 2),
            "given_to": finding.given_to,
            "grids": list(finding.grids),
            "community": finding.community,
            "repaired": repaired,
        }
        for repaired, some in ((False, beginning.faults), (True, beginning.repairs))
        for finding in some
    ]


def _beginning(plan: Plan) -> Beginning:
    """The grids a plan starts with, cleaned community by community."""
    result = Beginning()
    outlines = {
        area.code: coverage.on_lattice(to_shapely(area.geom))
        for area in Area.objects.filter(
            level=Area.Level.COMMUNITY, valid_to=None, code__in=plan.communities
        ).order_by("code")
    }
    if plan.start == Plan.Start.FILE:
        from grids.planning import files

        wanted = files.read(plan, outlines, result)
    elif plan.start == Plan.Start.PLAN:
        wanted = _of_plan(plan)
    elif plan.start == Plan.Start.OUTLINE:
        wanted = {code: {"": Wanted(outline)} for code, outline in outlines.items()}
    else:
        wanted = _in_force(plan)
    if result.errors:
        return result
    for community, outline in outlines.items():
        here = wanted.get(community, {})
        if not here:
            result.errors.append(_("%s has no grids to start from.") % community)
            continue
        shapes = {key: one.shape for key, one in here.items()}
        if not coverage.is_exact(shapes.values(), outline):
            cleaned = coverage.clean(community, shapes, outline)
            result.repairs += cleaned.repairs
            result.faults += cleaned.faults
            if cleaned.faults:
                continue
            shapes = cleaned.grids
        if lost := sorted(set(here) - set(shapes)):
            result.errors.append(_("%s vanish when gaps and overlaps are repaired.") % ", ".join(lost))
        for key, shape in shapes.items():
            here[key].shape = shape
        result.grids[community] = here
    return result


def _in_force(plan: Plan) -> dict[str, dict[str, Wanted]]:
    found: dict[str, dict[str, Wanted]] = {}
    rows = Grid.objects.filter(community_code__in=plan.communities, retired_on=None)
    for grid in rows.defer("geom_3857", "label_point").order_by("code"):
        found.setdefault(grid.community_code, {})[grid.code] = Wanted(
            coverage.on_lattice(to_shapely(grid.geom)), grid.code, grid.name, grid.kind, grid.colour, grid.pk
        )
    return found


def _of_plan(plan: Plan) -> dict[str, dict[str, Wanted]]:
    """The borders that another plan has now, for the communities of this one."""
    from grids.planning.state import Draft

    if plan.started_from is None:
        raise Problem(_("The plan to start from is gone."))
    other = Draft.load(plan.started_from)
    found: dict[str, dict[str, Wanted]] = {}
    for number, shape in other.borders(exact=True).items():
        grid = other.grids[number]
        if grid.community_code in plan.communities:
            found.setdefault(grid.community_code, {})[grid.code] = Wanted(
                shape, grid.code, grid.name, grid.kind, grid.colour
            )
    return found


def _write(plan: Plan, beginning: Beginning) -> None:
    """Rows of the grids and their blocks, and the figures of each block."""
    ground = blocks.ground_of(plan.communities)
    standing = {
        grid.code: grid
        for grid in Grid.objects.filter(community_code__in=plan.communities).defer(
            "geom", "geom_3857", "label_point"
        )
    }
    made: list[tuple[PlanGrid, list]] = []
    wanted_parts = int(plan.options.get("grids") or 1) if plan.start == Plan.Start.OUTLINE else 1
    for community in sorted(beginning.grids):
        here = beginning.grids[community]
        outline = shapely.union_all([one.shape for one in here.values()])
        cut = blocks.build(outline, {key: one.shape for key, one in here.items()}, ground[community])
        taken = {code for code in standing if code.startswith(community)}
        if wanted_parts > 1:
            here = _divide(cut, wanted_parts, community)
        for key in sorted(here):
            one = here[key]
            grid = standing.get(one.code)
            if not one.code or (grid is not None and grid.retired_on is not None):
                one.code, grid = codes.free(community, one.kind or Grid.Kind.BASIC, taken), None
            taken.add(one.code)
            row = PlanGrid(
                plan=plan,
                number=len(made) + 1,
                community_code=community,
                grid=grid,
                code=one.code,
                name=one.name or (grid.name if grid else ""),
                kind=one.kind or kind_of(one.code),
                colour=one.colour or (grid.colour if grid else ""),
            )
            made.append((row, [block for block in cut if block.owner == key]))
    PlanGrid.objects.bulk_create([row for row, _blocks in made])
    rows = [
        PlanBlock(
            plan=plan,
            grid=row,
            community_code=row.community_code,
            geom=to_django(block.geom),
            estate=block.estate,
        )
        for row, its in made
        for block in its
    ]
    PlanBlock.objects.bulk_create(rows, batch_size=500)
    count(rows)
    plan.state, plan.findings, plan.problem = Plan.State.DRAFT, findings(beginning), ""
    plan.basis = {code: grid.generation for code, grid in standing.items() if grid.retired_on is None}
    plan.save(update_fields=["state", "findings", "problem", "basis", "changed_at"])
    tell(plan)


def count(rows: list[PlanBlock]) -> None:
    """Fill the figures of new blocks."""
    if rows:
        figures.count(rows)


def _divide(cut: list[blocks.NewBlock], wanted: int, community: str) -> dict[str, Wanted]:
    """Blocks of a bare outline in ``wanted`` grids of about the same area, each in one part."""
    areas = [block.geom.area for block in cut]
    middles = [block.geom.centroid for block in cut]
    neighbours = shared_lengths([block.geom for block in cut], middles[0].y)
    wanted = min(wanted, len(cut), MOST_GRIDS)
    seeds = [min(range(len(cut)), key=lambda number: (middles[number].x, number))]
    while len(seeds) < wanted:
        rest = [number for number in range(len(cut)) if number not in seeds]
        seeds.append(max(rest, key=lambda n: (min(middles[n].distance(middles[seed]) for seed in seeds), -n)))
    owner = {seed: part for part, seed in enumerate(seeds)}
    sizes = [areas[seed] for seed in seeds]
    while len(owner) < len(cut):
        edge: dict[int, set] = {}
        for number, part in owner.items():
            edge.setdefault(part, set()).update(n for n in neighbours.get(number, ()) if n not in owner)
        growing = [part for part, near in edge.items() if near]
        if not growing:
            break
        part = min(growing, key=lambda one: (sizes[one], one))
        seed = middles[seeds[part]]
        taken = min(edge[part], key=lambda n: (middles[n].distance(seed), n))
        owner[taken] = part
        sizes[part] += areas[taken]
    for number, block in enumerate(cut):
        # Ground that hangs on nothing (an island of the community) goes to the nearest grid.
        part = owner.get(number)
        if part is None:
            part = min(range(wanted), key=lambda p: (middles[number].distance(middles[seeds[p]]), p))
        block.owner = f"{part:03d}"
    return {f"{part:03d}": Wanted(cut[seeds[part]].geom) for part in range(wanted)}


def withdraw(plan: Plan, user) -> Plan:
    """Lay a draft aside (409 while it is being prepared, and once it is approved or published)."""
    return _turn(plan, user, (*Plan.OPEN, Plan.State.FAILED), Plan.State.WITHDRAWN, "plan.withdraw")


def restore(plan: Plan, user) -> Plan:
    """Take a withdrawn plan back as a draft."""
    return _turn(plan, user, (Plan.State.WITHDRAWN,), Plan.State.DRAFT, "plan.restore")


def _turn(plan: Plan, user, states, to: str, action: str) -> Plan:
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=plan.pk)
        if plan.state not in states:
            raise Problem(
                _("The plan is not in a state for this: %s.") % plan.get_state_display(),
                status=409,
                kind="state",
            )
        plan.state = to
        if to == Plan.State.DRAFT and not plan.blocks.exists():
            plan.state = Plan.State.FAILED
        plan.save(update_fields=["state", "changed_at"])
        audit.log(user, action, plan, area_code=plan.area_code)
        tell(plan)
    return plan
