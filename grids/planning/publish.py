"""Publishing a plan, now or on a day, and undoing it; and what it will mean, on one page before."""

import logging
from collections import defaultdict
from datetime import date

import shapely
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from geo.models import Area, User
from geo.problems import Problem
from grids import assignment, locks, publication, succession, undoing
from grids.descent import Fates, fates, heirs_of
from grids.models import Grid, GridDuty, GridVersion, Plan, Publication
from grids.planning import ground
from grids.planning.borders import borders
from grids.planning.review import (
    EDIT,
    PUBLISH,
    REVIEW,
    S,
    faults_of,
    locked,
    makers,
    note_step,
    refuse_faults,
    refuse_stale,
    tell,
    with_permission,
)

logger = logging.getLogger("wangge.planning")


def publish(user, pk: int, effective_on: date | None = None, note: str = "") -> Plan:
    """Put an approved plan in force today, or note the day on which the worker shall.

    One transaction. While an import or another publication holds the borders it is refused at once (409,
    ``busy``) with who it is; a plan whose ground changed is refused too (409, ``stale``).
    """
    today = timezone.localdate()
    if effective_on is not None and effective_on < today:
        detail = _("Borders come into force today or on a later day.")
        raise Problem(detail, errors=[{"pointer": "/effective_on", "detail": detail}])
    with transaction.atomic():
        plan = locked(user, pk, "publish")
        refuse_stale(plan)
        if effective_on is not None and effective_on > today:
            refuse_faults(plan)
            plan.effective_on, plan.problem = effective_on, ""
            plan.save(update_fields=["effective_on", "problem", "changed_at"])
            words = _("To be published on %s.") % effective_on.isoformat()
            note_step(plan, "schedule", user, f"{words} {note}".strip(), PUBLISH)
            people = {*makers(plan), *with_permission(REVIEW, plan.area_code)}
            tell(
                plan, people, gettext_lazy("Comes into force on a day: “%s”"), effective_on.isoformat(), user
            )
            return plan
        refuse_busy(plan)
        return put_in_force(plan, user, today, note)


def put_in_force(plan: Plan, user, day: date, note: str = "") -> Plan:
    """Publish a locked, approved plan as of ``day``. In the caller's transaction."""

    def work():
        # Asked again under the borders' locks: whoever published meanwhile has committed by now.
        refuse_stale(plan)
        refuse_faults(plan)
        return publication.publish(
            borders(plan), kind=Publication.Kind.PLAN, user=user, effective_on=day, note=plan.name
        )

    done = locks.patiently(plan.communities, work)
    plan.state, plan.publication, plan.effective_on, plan.problem = S.PUBLISHED, done.publication, day, ""
    plan.save()
    note_step(plan, "publish", user, note, PUBLISH)
    people = {*makers(plan), *with_permission(REVIEW, plan.area_code), *with_permission(EDIT, plan.area_code)}
    tell(plan, people, gettext_lazy("In force: “%s”"), in_short(done), user)
    return plan


def in_short(done: publication.Result) -> str:
    """What a publication did, in a sentence."""
    return _(
        "%(changed)d grids changed, %(created)d new, %(retired)d gone; %(rows)d things changed grid."
    ) % {
        "changed": len(done.changed),
        "created": len(done.created),
        "retired": len(done.retired),
        "rows": sum(done.moved.values()),
    }


def refuse_busy(plan: Plan) -> None:
    """A ``Problem`` (409) while work that takes long holds the borders: it is not waited for in silence."""
    held = locks.holders(plan.communities)
    if any(row["application"] in locks.LONG for row in held):
        raise locks.busy(plan.communities, held)


def undo(user, pk: int, note: str = "") -> Plan:
    """Undo a plan's publication; see ``grids.undoing``."""
    with transaction.atomic():
        plan = locked(user, pk, "undo")
        refuse_busy(plan)
        done = undoing.undo(plan.publication, user, note or plan.name)
        plan.state, plan.undoing = S.UNDONE, done.publication
        plan.save(update_fields=["state", "undoing", "changed_at"])
        note_step(plan, "undo", user, note, PUBLISH)
        people = {
            *makers(plan),
            *with_permission(REVIEW, plan.area_code),
            *with_permission(EDIT, plan.area_code),
        }
        tell(plan, people, gettext_lazy("Undone, the borders before are back: “%s”"), note, user)
    return plan


# --- On its day -------------------------------------------------------------------------------------


def publish_due() -> dict[str, int]:
    """Publish the approved plans whose day has come, each in its own transaction, as who set the day.

    A plan that cannot be published keeps the reason, loses its day and its publisher is told; one that is
    only in somebody's way is tried again next time.
    """
    counts = {"published": 0, "failed": 0, "waiting": 0}
    today = timezone.localdate()
    waiting = Plan.objects.filter(state=S.APPROVED, effective_on__lte=today).order_by("effective_on", "pk")
    for pk in list(waiting.values_list("pk", flat=True)):
        counts[_publish_due(pk, today)] += 1
    return counts


def _publish_due(pk: int, today: date) -> str:
    publisher = None
    try:
        with transaction.atomic():
            plan = Plan.objects.select_for_update(of=("self",)).filter(pk=pk, state=S.APPROVED).first()
            if plan is None or plan.effective_on is None or plan.effective_on > today:
                return "waiting"
            publisher = _publisher(plan)
            with override(getattr(publisher, "language", "") or "zh-hans"):
                put_in_force(plan, publisher, max(plan.effective_on, _begun(plan)))
        return "published"
    except Problem as problem:
        passing = problem.kind == "busy"
        words = str(problem.detail)
    except Exception:
        logger.exception("plan %s could not be published", pk)
        passing, words = False, _("Something failed on the server.")
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).get(pk=pk)
        told, plan.problem = plan.problem, words
        if not passing:
            plan.effective_on = None
        plan.save(update_fields=["problem", "effective_on", "changed_at"])
        if not (passing and told):
            note_step(plan, "fail", None, words)
            people = {*makers(plan), *([publisher] if publisher else [])}
            tell(plan, people, gettext_lazy("Could not be published: “%s”"), words)
    return "waiting" if passing else "failed"


def _publisher(plan: Plan) -> User | None:
    step = plan.steps.filter(action="schedule").select_related("user").order_by("-id").first()
    return step.user if step else None


def _begun(plan: Plan) -> date:
    """The day from which borders may hold: not before those in force began."""
    rows = GridVersion.objects.filter(grid__community_code__in=plan.communities, valid_to=None)
    return rows.order_by("-valid_from").values_list("valid_from", flat=True).first() or plan.effective_on


# --- Before it --------------------------------------------------------------------------------------


def consequences(plan: Plan) -> dict:
    """One page before publishing: grids with their lineage, what moves, whose duty ends where, what stands
    against it. ``problem`` tells why it cannot be published as it stands. Of a plan that was published
    it is what the publication did, and ``settled`` says since when.
    """
    if plan.state in (S.PUBLISHED, S.UNDONE) and plan.publication:
        return _done(plan)
    problem, found = None, {}
    try:
        found = _foretold(borders(plan))
    except Problem as error:
        problem = error.as_dict()
    stale = ground.changed(plan)
    held = [row for row in locks.holders(plan.communities) if row["application"] in locks.LONG]
    return {
        "plan": plan.pk,
        "revision": plan.revision,
        "effective_on": plan.effective_on,
        "problem": problem,
        "ground": {
            "changed": stale.changed,
            "text": stale.text,
            "communities": stale.communities,
            "publications": [
                {"id": one.pk, "name": undoing.name_of(one), "at": one.published_at}
                for one in stale.publications
            ],
        },
        "busy": str(locks.busy(plan.communities, held).detail) if held else "",
        "remarks_open": plan.remarks.filter(resolved_at=None).count(),
        "faults": faults_of(plan),
        **found,
    }


def _done(plan: Plan) -> dict:
    """What the publication of a plan did, in the words of what was foretold."""
    made = GridVersion.objects.filter(publication=plan.publication).select_related("grid")
    made = made.prefetch_related("predecessors").order_by("grid__code")
    grids = [
        {
            "code": version.grid.code,
            "name": version.name,
            "kind": version.kind,
            "lineage": version.lineage,
            "lineage_label": version.get_lineage_display(),
            "from": [one.code for one in version.predecessors.all() if one.pk != version.grid_id],
        }
        for version in made
    ]
    codes = {row["code"] for row in grids}
    gone = Grid.objects.filter(code__in=set(plan.publication.basis or {}) - codes).exclude(retired_on=None)
    words = _("Published; these borders hold since %s.")
    if plan.state == S.UNDONE:
        words = _("Published for %s and undone since: the borders before are back.")
    return {
        "plan": plan.pk,
        "revision": plan.revision,
        "effective_on": plan.effective_on,
        "settled": words % date_format(plan.publication.effective_on, "DATE_FORMAT"),
        "problem": None,
        "ground": {"changed": False, "text": "", "communities": [], "publications": []},
        "busy": "",
        "remarks_open": plan.remarks.filter(resolved_at=None).count(),
        "faults": [],
        "grids": grids,
        "retired": [
            {
                "code": grid.code,
                "name": grid.name,
                "to": [row["code"] for row in grids if grid.code in row["from"]],
            }
            for grid in gone.filter(retired_on=plan.publication.effective_on).order_by("code")
        ],
    }


def _foretold(new: list[publication.NewBorders]) -> dict:
    """What publishing borders would do, found without doing it."""
    communities = [one.community for one in new]
    now = {grid.code: grid for grid in Grid.objects.filter(community_code__in=communities, retired_on=None)}
    ever = set(Grid.objects.filter(community_code__in=communities).values_list("code", flat=True))
    found: dict[str, Fates] = {}
    for one in new:
        here = {code: grid for code, grid in now.items() if grid.community_code == one.community}
        found[one.community] = fates(
            {code: publication.to_shapely(grid.geom) for code, grid in here.items()},
            {code: border.geometry for code, border in one.grids.items()},
            ever,
        )
    shapes = {code: border for one in new for code, border in one.grids.items()}
    names = {code: grid.name for code, grid in now.items()} | {c: b.name for c, b in shapes.items()}
    labels = dict(GridVersion.Lineage.choices)
    gone = {code: now[code] for code in sorted(set(now) - set(shapes))}
    descent = {code: parents for fate in found.values() for code, parents in fate.descent.items()}
    heirs = heirs_of(descent, gone)
    pieces = [piece for fate in found.values() for piece in fate.pieces]
    flows = succession.weighed(_would_move(communities, shapes, pieces))
    by_id = {grid.pk: code for code, grid in now.items()}
    rows = [
        {
            "from": by_id.get(old),
            "to": code,
            "counts": dict(counts),
            "sentence": _("%(what)s move from %(from)s to %(to)s.")
            % {
                "what": succession.in_words(counts),
                "from": by_id[old][-3:] if old in by_id else _("no grid"),
                "to": code[-3:] if code else _("no grid"),
            },
        }
        for (old, code), counts in sorted(flows.items(), key=lambda item: -sum(item[1].values()))
    ]
    totals = defaultdict(int)
    for row in rows:
        for place, number in row["counts"].items():
            totals[place] += number
    return {
        "grids": [
            {
                "code": code,
                "name": names[code],
                "kind": shapes[code].kind,
                "lineage": fate.lineage[code],
                "lineage_label": str(labels[fate.lineage[code]]),
                "from": [parent for parent in fate.descent[code] if parent != code],
            }
            for fate in found.values()
            for code in sorted(fate.lineage)
        ],
        "retired": [{"code": code, "name": names[code], "to": heirs.get(code, [])} for code in gone],
        "flows": rows,
        "totals": dict(totals),
        "total": succession.in_words(totals),
        "duties": _duties(gone, heirs, names),
        "communities": [
            {"code": code, "name": name}
            for code, name in Area.objects.filter(code__in=communities, valid_to=None)
            .order_by("code")
            .values_list("code", "name")
        ],
    }


def _would_move(communities, shapes, pieces) -> dict[str, list[tuple]]:
    """Rows on ground that would change hands: (row id, grid id now, code then), by table."""
    polygons = [part for piece in pieces for part in shapely.get_parts(piece) if part.area]
    if not polygons:
        return {}
    moved = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in (
            ("plan_piece", [("", polygon) for polygon in polygons]),
            ("plan_shape", [(code, border.geometry) for code, border in shapes.items()]),
        ):
            cursor.execute(
                f"create temporary table {table} (code text, geom geometry(Geometry, 4326)) on commit drop"
            )
            with cursor.copy(f"copy {table} (code, geom) from stdin") as copy:
                for code, shape in rows:
                    copy.write_row(
                        (code, shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))
                    )
            cursor.execute(
                f"create temporary table {table}_small on commit drop as"
                f" select code, ST_Subdivide(geom, 64) as geom from {table}"
            )
            cursor.execute(f"create index on {table}_small using gist (geom); analyze {table}_small")
        for model in assignment.located_models():
            cursor.execute(
                f"""
                with near as materialized (
                    select distinct on (r.id) r.id, r.grid_id, r.area_code, r.anchor
                    from plan_piece_small p
                    join {model._meta.db_table} r on p.geom && r.geom and ST_Intersects(p.geom, r.anchor)
                ),
                found as materialized (
                    select r.id, r.grid_id, (
                        select s.code from plan_shape_small s
                        where ST_Intersects(s.geom, r.anchor) order by s.code limit 1
                    ) as code
                    from near r where r.area_code = any(%s)
                )
                select f.id, f.grid_id, f.code from found f left join grids_grid g on g.id = f.grid_id
                where g.code is distinct from f.code
                """,
                [communities],
            )
            if rows := cursor.fetchall():
                moved[model._meta.label] = rows
        cursor.execute("drop table plan_piece, plan_shape, plan_piece_small, plan_shape_small")
    return moved


def _duties(gone: dict[str, Grid], heirs, names) -> list[dict]:
    """Duties that end with their grid, and where they go on."""
    code_of = {grid.pk: code for code, grid in gone.items()}
    today = timezone.localdate()
    duties = GridDuty.objects.filter(Q(valid_to=None) | Q(valid_to__gt=today), grid__in=gone.values())
    return [
        {
            "worker": duty.worker.name,
            "role": duty.role,
            "role_label": duty.get_role_display(),
            "from": code_of[duty.grid_id],
            "to": [heir for heir in heirs.get(code_of[duty.grid_id], []) if heir in names],
        }
        for duty in duties.select_related("worker").order_by("grid__code", "role", "id")
    ]
