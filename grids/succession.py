"""Who takes over when grids go or are born: duties, what else hangs on a grid, and who hears of it."""

from collections import Counter, defaultdict
from datetime import date

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from geo import outputs, registry
from geo.models import User
from grids.models import Grid, GridDuty, Publication

# Rows of each place that went from one grid to another: {(old id, new id): {place id: count}}.
Flows = dict[tuple[int | None, int | None], Counter]


def hand_over(
    publication: Publication, gone: dict[str, Grid], heirs: dict[str, list[str]], born: set
) -> None:
    """Duties of grids that go end and go on in their heirs; other tables follow (``registry.bonds``).

    ``heirs`` are codes by code (``publication.heirs_of``), ``born`` those of new grids. What was done is
    noted in the publication, unsaved.
    """
    takers = {
        code: [heir for heir in found if heir != code and (code in gone or heir in born)]
        for code, found in heirs.items()
    }
    takers = {code: found for code, found in takers.items() if found}
    codes = {*takers, *(heir for found in takers.values() for heir in found)}
    ids = dict(Grid.objects.filter(code__in=codes).values_list("code", "pk")) if codes else {}
    _hand_over_duties(publication, gone, takers, ids)
    by_id = {ids[code]: [ids[heir] for heir in found] for code, found in takers.items()}
    lost = {grid.pk for grid in gone.values()}
    for bond in registry.bonds.values() if by_id or lost else ():
        if done := bond.hand_over(publication, by_id, lost):
            publication.handed_over[bond.id] = done


def _hand_over_duties(publication: Publication, gone, takers, ids) -> None:
    """A grid keeps the leader it has; another grid's leader comes to it as a member."""
    day = publication.effective_on
    running = GridDuty.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day))
    duties = list(running.filter(grid__in=gone.values()).order_by("id"))
    if not duties:
        return
    GridDuty.objects.filter(pk__in=[duty.pk for duty in duties if duty.valid_from >= day]).delete()
    GridDuty.objects.filter(pk__in=[duty.pk for duty in duties if duty.valid_from < day]).update(valid_to=day)
    code_of = {grid.pk: code for code, grid in gone.items()}
    grids = {ids[heir] for code in gone for heir in takers.get(code, ())}
    led, served = set(), set()
    for grid, worker, role in running.filter(grid__in=grids).values_list("grid", "worker", "role"):
        served.add((grid, worker))
        if role == GridDuty.Role.LEADER:
            led.add(grid)
    begun = []
    for duty in sorted(duties, key=lambda duty: code_of[duty.grid_id]):
        for heir in takers.get(code_of[duty.grid_id], ()):
            grid = ids[heir]
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
    begun = GridDuty.objects.bulk_create(begun)
    publication.handed_over["duties"] = {
        "ended": [
            {
                "id": duty.pk,
                "worker": duty.worker_id,
                "grid": duty.grid_id,
                "role": duty.role,
                "from": duty.valid_from.isoformat(),
                "to": _iso(duty.valid_to),
            }
            for duty in duties
        ],
        "begun": [{"id": duty.pk, "to": _iso(duty.valid_to)} for duty in begun],
    }


def hand_back(undo: Publication, undone: Publication) -> None:
    """What a publication handed over returns, unless somebody changed it since."""
    day = undo.effective_on
    done = undone.handed_over.get("duties", {"ended": [], "begun": []})
    for note in done["begun"]:
        duty = GridDuty.objects.filter(pk=note["id"]).first()
        if duty is None or _iso(duty.valid_to) != note["to"]:
            continue
        if duty.valid_from >= day:
            duty.delete()
        else:
            GridDuty.objects.filter(pk=duty.pk).update(valid_to=day)
    open_again = Q(grid__retired_on=None)
    for note in done["ended"]:
        since = max(date.fromisoformat(note["from"]), day)
        until = date.fromisoformat(note["to"]) if note["to"] else None
        if until is not None and until <= day:
            continue
        if undone.effective_on == day:
            # Undone on the day itself: as if it had never ended.
            back = GridDuty.objects.filter(open_again, pk=note["id"], valid_to=day)
            if back.update(valid_to=until):
                continue
            since = date.fromisoformat(note["from"])
        if not Grid.objects.filter(pk=note["grid"], retired_on=None).exists():
            continue
        running = GridDuty.objects.filter(grid_id=note["grid"]).filter(
            Q(valid_to=None) | Q(valid_to__gt=since)
        )
        role = note["role"]
        if running.filter(worker_id=note["worker"]).exists():
            continue
        if role == GridDuty.Role.LEADER and running.filter(role=role).exists():
            role = GridDuty.Role.MEMBER
        GridDuty.objects.create(
            worker_id=note["worker"], grid_id=note["grid"], role=role, valid_from=since, valid_to=until
        )
    for bond in registry.bonds.values():
        if kept := undone.handed_over.get(bond.id):
            bond.hand_back(undo, undone, kept)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


# --- Telling people ---------------------------------------------------------------------------------


def flows_of(publication: Publication, moved: dict[str, list[tuple]]) -> Flows:
    """Let every table with a place follow its moved rows, and count what people are told of."""
    for place in registry.places.values():
        if place.after_regrid is not None and moved.get(place.model):
            place.after_regrid(publication, moved[place.model])
    return weighed(moved)


def weighed(moved: dict[str, list[tuple]]) -> Flows:
    """What people are told of moved rows (row id, old, new), by pair of grids."""
    flows: Flows = defaultdict(Counter)
    for place in registry.places.values():
        rows = moved.get(place.model)
        if not rows or place.told is None:
            continue
        counted = place.weigh(rows) if place.weigh else Counter((old, new) for _row, old, new in rows)
        for pair, number in counted.items():
            if number:
                flows[pair][place.id] += number
    return flows


def tell(publication: Publication, flows: Flows) -> int:
    """A notice to everybody with an account who has duty today in a grid that got or gave something."""
    ids = {pk for pair in flows for pk in pair if pk}
    grids = {grid.pk: grid for grid in Grid.objects.filter(pk__in=ids).only("code", "name")} if ids else {}
    came, went = defaultdict(list), defaultdict(list)
    for (old, new), counts in sorted(flows.items(), key=lambda item: -sum(item[1].values())):
        if old and new:
            came[new].append((grids[old], counts))
            went[old].append((grids[new], counts))
    today = timezone.localdate()
    serving: dict[int, set[int]] = defaultdict(set)
    for user, grid in (
        GridDuty.objects.filter(Q(valid_to=None) | Q(valid_to__gt=today), grid__in=[*came, *went])
        .filter(worker__user__is_active=True, worker__active=True)
        .values_list("worker__user_id", "grid_id")
    ):
        serving[user].add(grid)
    notices = []
    for user in User.objects.filter(pk__in=serving).order_by("pk"):
        mine = serving[user.pk]
        with override(user.language or "zh-hans"):
            sentences = []
            for grid in sorted(mine, key=lambda pk: grids[pk].code):
                sentences += [
                    _("%(what)s came to %(grid)s from %(other)s")
                    % {"what": in_words(counts), "grid": grids[grid].code[-3:], "other": other.code[-3:]}
                    for other, counts in came[grid]
                    if other.pk not in mine
                ]
                sentences += [
                    _("%(what)s went from %(grid)s to %(other)s")
                    % {"what": in_words(counts), "grid": grids[grid].code[-3:], "other": other.code[-3:]}
                    for other, counts in went[grid]
                    if other.pk not in mine
                ]
            if not sentences:
                continue
            first = grids[min(mine, key=lambda pk: grids[pk].code)]
            notices.append(
                outputs.notice(
                    user,
                    _("The borders of your grids changed"),
                    detail=pgettext("between sentences", "; ").join(sentences),
                    url=reverse("grid-page", args=[first.code]),
                    icon="grid",
                )
            )
    outputs.tell_all(notices)
    return len(notices)


def in_words(counts: Counter) -> str:
    """ "3 open cases and 142 homes"."""
    parts = [
        str(place.told(counts[place.id]))
        for place in sorted(registry.places.values(), key=lambda place: place.order)
        if place.told is not None and counts.get(place.id)
    ]
    if len(parts) < 2:
        return "".join(parts)
    return pgettext("enumeration", "%(first)s and %(last)s") % {
        "first": _(", ").join(parts[:-1]),
        "last": parts[-1],
    }
