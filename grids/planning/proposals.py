"""Proposals of a draft: asked for, worked out by a job, stopped, found again, applied as one stroke."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import shapely
from django.contrib.gis.geos import Polygon
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from geo import registry
from geo.problems import Problem
from grids.models import Grid
from grids.planning import draft as drafts
from grids.planning import edits, figures
from grids.planning.models import Plan, PlanBlock, PlanGrid, PlanProposal
from grids.planning.proposal import barriers
from grids.planning.proposal.graph import Ground
from grids.planning.state import Draft
from grids.publication import to_shapely

MOST_GRIDS, MOST_ALTERNATIVES = 200, 5
LEAST_TOLERANCE, MOST_TOLERANCE = 0.01, 0.5
# How often (seconds) a job asks whether to stop, and tells how far it is.
ASK_EVERY, TELL_EVERY = 0.4, 2.0
UNDER_WAY = (PlanProposal.State.WAITING, PlanProposal.State.RUNNING)
HOMES = figures.HOMES
# Figures that are no sums of blocks.
NO_SUMS = {figures.WORKERS, figures.LOAD, figures.COMPACTNESS}


def measures() -> dict[str, str]:
    """What grids can be balanced on: measure id > label."""
    return {one["id"]: one["label"] for one in figures.measures() if one["id"] not in NO_SUMS}


def fixed(grids) -> frozenset[int]:
    """Numbers of the grids that stay: locked ones, and exclusive ones, for which there is no standard."""
    return frozenset(
        grid.number for grid in grids if grid.active and (grid.locked or grid.kind == Grid.Kind.EXCLUSIVE)
    )


# --- Asking -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What somebody asks for; ``grids`` counts the community's fixed grids too."""

    community: str
    grids: int
    measure: str = HOMES
    tolerance: float = 0.1
    keep_weight: float = 0.5
    alternatives: int = 3
    seed: int | None = None


def ask(plan: Plan, user, asked: Asked) -> PlanProposal:
    """Note the wish and hand it to a job. 409 while another runs for the community, 422 if it cannot be."""
    from grids import jobs

    if asked.community not in plan.communities:
        raise Problem(_("The community %s is not part of this plan.") % asked.community)
    if asked.measure not in measures():
        raise Problem(
            _("Grids can be balanced on one of: %s.") % ", ".join(sorted(measures())),
            errors=[{"field": "measure"}],
        )
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        _open(plan)
        going = plan.proposals.filter(community_code=asked.community, state__in=UNDER_WAY).first()
        if going:
            raise Problem(
                _("A proposal for this community is being worked out already; wait for it or stop it."),
                status=409,
                kind="busy",
                proposal=going.pk,
            )
        rows = PlanGrid.objects.filter(plan=plan, community_code=asked.community, active=True)
        left = asked.grids - len(staying := fixed(rows.only("number", "active", "locked", "kind")))
        if left < 1:
            raise Problem(
                ngettext(
                    "%d grid stays as it is (locked or exclusive); ask for more than that.",
                    "%d grids stay as they are (locked or exclusive); ask for more than that.",
                    len(staying),
                )
                % len(staying),
                errors=[{"field": "grids"}],
            )
        values = {} if asked.seed is None else {"seed": asked.seed}
        proposal = PlanProposal.objects.create(
            plan=plan,
            community_code=asked.community,
            revision=plan.revision,
            grids=asked.grids,
            measure=asked.measure,
            tolerance=asked.tolerance,
            keep_weight=asked.keep_weight,
            wanted=asked.alternatives,
            created_by=user,
            **values,
        )
        drafts.tell(plan, "proposal")
        jobs.run_proposal.defer(proposal=proposal.pk)
    return proposal


def stop(proposal: PlanProposal) -> PlanProposal:
    """Ask a proposal to stop; what it found so far stays. One that has not begun is stopped at once."""
    with transaction.atomic():
        proposal = PlanProposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
        if proposal.state == PlanProposal.State.WAITING:
            proposal.state, proposal.finished_at = PlanProposal.State.STOPPED, timezone.now()
            proposal.message = _("Stopped before it began.")
        if proposal.state in (*UNDER_WAY, PlanProposal.State.STOPPED):
            proposal.stop = True
            proposal.save(update_fields=["state", "stop", "message", "finished_at"])
            drafts.tell(proposal.plan, "proposal")
    return proposal


def _open(plan: Plan) -> None:
    if plan.state not in Plan.OPEN:
        raise Problem(
            _("This plan takes no changes: %s.") % plan.get_state_display(),
            status=409,
            kind="state",
        )


# --- The job ----------------------------------------------------------------------------------------


def run(pk: int) -> str:
    """Work a proposal out. Run again after its worker died it begins anew; what is finished stays."""
    proposal = PlanProposal.objects.select_related("plan", "created_by").filter(pk=pk).first()
    if proposal is None or proposal.state not in UNDER_WAY:
        return "nothing to do"
    PlanProposal.objects.filter(pk=pk).update(
        state=PlanProposal.State.RUNNING, progress=0, message="", alternatives=[]
    )
    with override(proposal.created_by.language or "zh-hans"):
        try:
            state, message = _work(proposal)
        except Exception:
            _finish(proposal, PlanProposal.State.FAILED, _("Something failed on the server."))
            raise
        _finish(proposal, state, message)
    return str(state)


def _finish(proposal: PlanProposal, state, message: str) -> None:
    with transaction.atomic():
        PlanProposal.objects.filter(pk=proposal.pk).update(
            state=state, message=message[:300], progress=1, finished_at=timezone.now()
        )
        drafts.tell(proposal.plan, "proposal")


def lines_in(box: Polygon) -> tuple[list, list]:
    """Lines that nobody crosses, and lines that people walk, where a box is (WGS-84)."""
    barred, walked = [], []
    for place in registry.places.values():
        for wanted, lines in ((place.barred, barred), (place.patrol, walked)):
            if wanted:
                rows = place.model_class.objects.filter(wanted(), geom__bboverlaps=box).order_by("pk")
                lines += [to_shapely(geom) for geom in rows.values_list("geom", flat=True)]
    return barred, walked


def ground_of(draft: Draft, community: str, measure: str) -> Ground:
    """The blocks of a community as the search wants them, in the order of their ids."""
    blocks = sorted(draft.in_community(community), key=lambda block: block.id)
    shapes = np.array([block.geom for block in blocks], dtype=object)
    box = Polygon.from_bbox(shapely.total_bounds(shapes).tolist())
    box.srid = 4326
    closed, shared = barriers.closed(shapes, *lines_in(box))
    return Ground(
        ids=[block.id for block in blocks],
        shapes=shapes,
        shared=shared,
        closed=closed,
        weights=np.array([float(block.figures.get(measure, 0)) for block in blocks]),
        homes=np.array([float(block.figures.get(HOMES, 0)) for block in blocks]),
        present=np.array([block.grid for block in blocks], dtype=int),
        estates=[block.estate for block in blocks],
        fixed=fixed(grid for grid in draft.grids.values() if grid.community_code == community),
    )


def _work(proposal: PlanProposal) -> tuple[str, str]:
    from grids.planning.proposal import propose as search

    plan = Plan.objects.get(pk=proposal.plan_id)
    # Read before the blocks: a stroke between the two is then later than the proposal, and applying refuses.
    PlanProposal.objects.filter(pk=proposal.pk).update(revision=plan.revision)
    found, stopped, progress = [], False, _Progress(proposal)
    draft = Draft.load(plan)
    figures.refresh(draft)
    ground = ground_of(draft, proposal.community_code, proposal.measure)
    wish = search.Wish(
        grids=proposal.grids - len(ground.fixed),
        tolerance=proposal.tolerance,
        keep=proposal.keep_weight,
        wanted=proposal.wanted,
        seed=proposal.seed,
    )
    outlook = search.look(ground, wish)
    if outlook.reason:
        return PlanProposal.State.FAILED, impossible(outlook, wish, ground, proposal.measure)
    names = [name for name in measures() if name not in ("area_m2", proposal.measure)]
    blocks = sorted(draft.in_community(proposal.community_code), key=lambda block: block.id)
    values = {name: np.array([float(block.figures.get(name, 0)) for block in blocks]) for name in names}
    try:
        for found in search.propose(ground, wish, outlook, progress, values):
            with transaction.atomic():
                PlanProposal.objects.filter(pk=proposal.pk).update(
                    alternatives=[as_json(one, ground, wish, proposal.measure) for one in found]
                )
                drafts.tell(plan, "proposal")
    except search.Stopped:
        stopped = True
    message = summary(found, outlook, wish, stopped)
    if stopped:
        return PlanProposal.State.STOPPED, message
    within = bool(found) and found[0].facts["deviation"] <= wish.tolerance + 1e-9
    return (PlanProposal.State.READY if within else PlanProposal.State.FAILED), message


class _Progress:
    """Tells how far the job is and asks whether to stop, both in one small statement, not too often."""

    def __init__(self, proposal: PlanProposal):
        self.proposal, self.asked, self.told, self.share = proposal, 0.0, time.monotonic(), 0.0

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self.asked < ASK_EVERY:
            return
        self.asked, self.share = now, max(self.share, share)
        with connection.cursor() as cursor:
            cursor.execute(
                f"update {PlanProposal._meta.db_table} set progress = %s where id = %s returning stop",
                [round(self.share, 3), self.proposal.pk],
            )
            row = cursor.fetchone()
        if row is None or row[0]:
            from grids.planning.proposal.search import Stopped

            raise Stopped
        if now - self.told >= TELL_EVERY:
            self.told = now
            drafts.tell(self.proposal.plan, "proposal")


def as_json(found, ground: Ground, wish, measure: str) -> dict:
    """A proposal as it is kept: parts by block id, and the facts of each part."""
    facts = dict(found.facts)
    parts = [{measure: one.pop("weight"), **one} for one in map(dict, facts.pop("figures"))]
    return {
        "grids": {
            str(ground.ids[index]): int(part) for index, part in zip(found.blocks, found.parts, strict=True)
        },
        "figures": parts,
        "within": facts["deviation"] <= wish.tolerance + 1e-9,
        **{name: round(value, 4) for name, value in facts.items()},
    }


# --- Words ------------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    # Rounded as alternatives are told, so that both say the same.
    return f"{round(share, 4) * 100:.1f}".removesuffix(".0") + "%"


def impossible(outlook, wish, ground: Ground, measure: str) -> str:
    """Why there is nothing to search for."""
    if outlook.reason == "nothing":
        return _("There is nothing to balance here: no “%s” in the blocks.") % measures().get(
            measure, measure
        )
    if outlook.reason == "regions":
        return _(
            "The ground to be divided lies in %(pieces)d pieces that do not touch, and a grid is one piece: "
            "%(grids)d grids are too few. At least %(least)d are needed, those that stay included."
        ) % {
            "pieces": len(outlook.graph.regions),
            "grids": wish.grids + len(ground.fixed),
            "least": len(outlook.graph.regions) + len(ground.fixed),
        }
    return _("There are %(nodes)d blocks (an estate counts as one) for %(grids)d grids: too few.") % {
        "nodes": len(outlook.graph),
        "grids": wish.grids,
    }


def summary(found, outlook, wish, stopped: bool) -> str:
    """What came of it, in a sentence or two."""
    words = []
    if not found:
        words.append(_("Stopped before there was a proposal."))
    elif (best := found[0].facts["deviation"]) > wish.tolerance + 1e-9:
        words.append(
            _("No split within %(tolerance)s was found; the best is off by %(best)s.")
            % {"tolerance": _percent(wish.tolerance), "best": _percent(best)}
        )
        if outlook.heaviest is not None:
            node = outlook.heaviest
            words.append(
                _("One block or estate (%(name)s) alone holds %(weight)d, where a grid should have %(mean)d.")
                % {
                    "name": outlook.graph.estate[node] or _("a block"),
                    "weight": round(outlook.graph.weight[node]),
                    "mean": round(sum(outlook.graph.weight) / wish.grids),
                }
            )
        elif outlook.least > wish.tolerance:
            words.append(
                _("The ground lies in %d pieces that do not touch; whole grids do not go evenly into them.")
                % len(outlook.counts)
            )
    else:
        words.append(
            ngettext("%d proposal within the tolerance.", "%d proposals within the tolerance.", len(found))
            % len(found)
        )
        if len(found) < wish.wanted and not stopped:
            words.append(_("No others that differ were found."))
    if stopped and found:
        words.append(_("Stopped before the search was over."))
    heavy = [code for code, why in outlook.graph.parted.items() if why == "heavy"]
    apart = [code for code, why in outlook.graph.parted.items() if why == "apart"]
    if heavy:
        words.append(_("Too big for one grid, so parted: %s.") % ", ".join(heavy[:5]))
    if apart:
        words.append(_("Lying in pieces, so perhaps parted: %s.") % ", ".join(apart[:5]))
    return " ".join(words)


# --- Applying ---------------------------------------------------------------------------------------


def changed_since(proposal: PlanProposal, alternative: dict) -> bool:
    """Whether the community's draft is not the one any more that the proposal was made from."""
    blocks = PlanBlock.objects.filter(plan_id=proposal.plan_id, community_code=proposal.community_code)
    if blocks.filter(revision__gt=proposal.revision).exists():
        return True
    rows = PlanGrid.objects.filter(plan_id=proposal.plan_id, community_code=proposal.community_code)
    staying = fixed(rows.only("number", "active", "locked", "kind"))
    free = set(blocks.filter(active=True).exclude(grid__number__in=staying).values_list("pk", flat=True))
    return free != set(map(int, alternative["grids"]))


def apply(plan: Plan, user, proposal: PlanProposal, alternative: int, base: int, client_key):
    """One ``assign`` stroke that makes the draft what a proposal says; grids it continues keep their numbers.

    409 if the community's draft changed since; 422 if there is no such alternative or nothing would change.
    """
    if not 0 <= alternative < len(proposal.alternatives):
        raise Problem(
            _("This proposal has %d alternatives.") % len(proposal.alternatives),
            errors=[{"field": "alternative"}],
        )
    chosen = proposal.alternatives[alternative]
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        _open(plan)
        done = edits.is_done(plan, user, client_key)
        if not done and changed_since(proposal, chosen):
            raise Problem(
                _("The draft of this community changed since the proposal was made; ask for a new one."),
                status=409,
                kind="conflict",
            )
        numbers = [part["number"] for part in chosen["figures"]]
        targets = [number if number is not None else f"new:{part}" for part, number in enumerate(numbers)]
        present = dict(
            PlanBlock.objects.filter(pk__in=map(int, chosen["grids"])).values_list("pk", "grid__number")
        )
        moves = {
            block: targets[part]
            for block, part in chosen["grids"].items()
            if targets[part] != present[int(block)]
        }
        if not moves and not done:
            raise Problem(_("The draft is already what this proposal says."))
        return edits.stroke(plan, user, "assign", {"grids": moves}, base, client_key)
