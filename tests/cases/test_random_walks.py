"""Random people do random things with random inputs to cases of every flow: what must hold after each step.

A walk is seeded by its number, so that a failure can be walked again. The permission tables are those written
down by hand in ``test_flow`` and ``test_letters_complaints``.
"""

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cases import actions, flow, timers, told
from cases.actions import Given
from cases.evidence import Evidence
from cases.models import Case, Transition
from geo.models import User
from geo.problems import Problem
from tests.cases import test_flow, test_letters_complaints
from tests.cases.offices import make_offices, standing
from tests.cases.people import HERE, photo
from tests.factories import make_city

WALKS = 8
STEPS = 40
# What the hand-written tables leave out because it wants more than a state and a person: who may at all.
DESKS = {"dispatcher", "lead"}
UNITS = {"department", "other_department"}
REMINDERS = {"street", "district", "complaints", "district_complaints"}
CONDITIONAL = {
    "city_management": {
        **dict.fromkeys(("approve_extend", "refuse_extend", "confirm_owner", "ask_owner"), DESKS),
        **{action: {"lead"} for action in ("approve_suspend", "refuse_suspend", "reopen")},
        **dict.fromkeys(("reply_supervision", "answer_owner"), UNITS),
        **{action: {"acceptor", "lead"} for action in ("unmerge", "confirm_self_handled")},
        **{action: {"worker"} for action in ("withdraw", "rate")},
        "clear_difficult": {"acceptor", "dispatcher", "lead"},
        "remind": REMINDERS,
        "supervise": {"district"},
    },
    "letter": {
        **{action: {"street"} for action in ("approve_extend", "refuse_extend", "clear_mark", "write_off")},
        **dict.fromkeys(("reply_supervision", "second_handle"), UNITS),
        **{action: {"community"} for action in ("pass", "fail")},
        "review_legacy": {"street"},
        "withdraw": {"worker"},
    },
    "complaint": {
        **{action: {"complaints"} for action in ("approve_extend", "refuse_extend", "reply")},
        **{action: {"lead", "leader"} for action in ("explain_close", "refuse_explanation")},
        "reply_supervision": UNITS,
        "withdraw": {"worker"},
    },
}
# Another unit may hold a case by then, another desk may have it: the same trade elsewhere is the same person.
ALIKE = {
    "other_department": "department",
    "other_community": "community",
    "other_street": "street",
    "other_complaints": "complaints",
    "district_complaints": "complaints",
    "city_complaints": "complaints",
    "colleague": "worker",
}


def cast(offices) -> dict[str, User]:
    names = ("acceptor", "dispatcher", "lead", "department", "other_department", "worker", "other_worker")
    found = {name: getattr(offices.people, name) for name in (*names, "leader", "nobody")}
    found |= {name: getattr(offices, name) for name in offices.NAMES}
    return found


def expected(name: str, who: str, action: str) -> bool:
    """Whether the hand-written tables know that this person may do this in some state of the flow."""
    tables = {
        "city_management": test_flow.EXPECTED,
        "letter": test_letters_complaints.LETTERS,
        "complaint": test_letters_complaints.COMPLAINTS,
    }[name]
    names = {who, ALIKE.get(who, who)}
    by_hand = CONDITIONAL[name].get(action, set())
    return bool(names & by_hand) or any(action in tables.get(one, {}) for one in names)


def anything(chance: random.Random, offices, user, case: Case) -> Given:
    """A random choice of what can be given, some of it missing or wrong."""

    def maybe(share, make):
        return make() if chance.random() < share else None

    units = [offices.unit, offices.other_unit, offices.sub_unit]
    desks = ["990101001002", "990101002", "990101001", "990102", "nonsense"]
    photos = [Evidence(uuid=photo(user))] if chance.random() < 0.8 else []
    return Given(
        reason=chance.choice(["", "因为", "因为", "因为"]),
        unit=maybe(0.8, lambda: chance.choice(units)),
        units=chance.sample(units, chance.randint(0, 2)),
        amount=maybe(0.8, lambda: chance.choice([0.5, 1, 2, 99, -1])),
        day=maybe(0.8, lambda: timezone.localdate() + timedelta(days=chance.choice([-1, 1, 20, 400]))),
        desk=chance.choice(desks),
        complexity=chance.choice(["", "general", "complex", "hopeless"]),
        kind=chance.choice(["", "help", "emergency", "gossip"]),
        mark=chance.choice(["hot", "legacy", "legacy", "strange"]),
        answer=chance.choice(["", "ours", "not_ours"]),
        stars=chance.choice([None, 1, 3, 5, 9]),
        contacted=chance.choice([None, True, True, False]),
        solved=chance.choice([None, True, False]),
        satisfied=chance.choice([None, True, False]),
        type=case.type,
        duplicate_of=chance.choice(["", case.number]),
        photos=photos,
        position=HERE if chance.random() < 0.9 else None,
        accuracy_m=5,
    )


def log_of(case: Case) -> list[Transition]:
    return list(Transition.objects.filter(case=case).order_by("id"))


def check_log(case: Case) -> None:
    """The log replays to the state; phase, clock and deadline are what the table says."""
    table = flow.flow_of(case)
    state = table.start("")[0].end if not log_of(case) else log_of(case)[0].from_state
    for line in log_of(case):
        assert line.from_state == state, (case.number, line.action, line.from_state, state)
        state = line.to_state
    assert state == case.state
    assert case.phase == table.phase(case.state)
    clock = table.clock(case.state)
    if clock == "none":
        assert case.due_at is None
    elif clock == "handle":
        assert case.due_at == case.handle_due_at and case.due_at is not None
    else:
        assert case.due_at is not None
    if case.phase == Case.Phase.UNIT:
        assert case.holder_unit_id is not None


def ways_out(case: Case, people: dict[str, User]) -> set[str]:
    """Actions that lead to another state, open to anybody of the cast, or to the house by a clock.

    An explanation counts: it opens its review, which closes the case.
    """
    table = flow.flow_of(case)
    found = {timer.action for timer in table.timers if timer.do == "move" and case.phase in timer.phases}
    for person in people.values():
        user = User.objects.get(pk=person.pk)
        found |= {
            move.action
            for move in flow.allowed(user, case)
            if move.end != flow.SAME or move.action == "explain"
        }
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(WALKS))
@pytest.mark.parametrize("name", ["city_management", "letter", "complaint"])
def test_a_random_walk(city, name, seed):
    chance = random.Random(f"{name} {seed}")
    offices = make_offices()
    people = cast(offices)
    table = flow.current(name)
    case = standing(
        name,
        table.start("")[0].end,
        offices,
        reporter=offices.worker,
        source=chance.choice(["worker", "hotline", "public"]),
        self_handled=name == flow.CITY and chance.random() < 0.1,
    )
    Case.objects.filter(pk=case.pk).update(due_at=timezone.now() + timedelta(hours=1))
    done, seen = 0, set()
    for _step in range(STEPS):
        case = Case.objects.get(pk=case.pk)
        stands = (case.state, case.holder_unit_id, case.desk_code, case.rework_count, case.self_handled)
        if case.phase != Case.Phase.ENDED and stands not in seen:
            seen.add(stands)
            assert ways_out(case, people), (case.state, [line.action for line in log_of(case)])
        who = chance.choice(list(people))
        user = User.objects.get(pk=people[who].pk)
        offered = [move.action for move in flow.allowed(user, case)]
        action = (
            chance.choice(offered) if offered and chance.random() < 0.85 else chance.choice(table.actions)
        )
        if action in ("merge", "reopen") and chance.random() < 0.8:
            continue
        before, lines = case.state, len(log_of(case))
        try:
            with transaction.atomic():
                after = actions.act(case.number, action, user, anything(chance, offices, user, case))
        except Problem as problem:
            assert problem.status in (403, 404, 409, 422), (action, before, problem.detail)
            case.refresh_from_db()
            assert case.state == before and len(log_of(case)) == lines
            continue
        done += 1
        assert action in offered, (who, action, before)
        assert expected(name, who, action), (who, action, before)
        assert len(log_of(case)) > lines
        after = Case.objects.get(pk=case.pk)
        check_log(after)
        if chance.random() < 0.15 and after.timer_at:
            timers.ring(after.pk, after.timer_at)
            check_log(Case.objects.get(pk=case.pk))
    # Whatever happened, nothing is there twice.
    numbers = [line.pk for line in log_of(case)]
    assert len(numbers) == len(set(numbers)) and done


# --- At once, on connections of their own -------------------------------------------------------------


@pytest.fixture
def offices(transactional_db):
    from geo import roles

    roles.load()
    make_city()
    return make_offices()


def together(*calls):
    barrier = threading.Barrier(len(calls))
    results: list = [None] * len(calls)

    def run(index, call):
        try:
            barrier.wait(10)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def one_won(case: Case, results) -> None:
    problems = [result for result in results if isinstance(result, Exception)]
    assert len(problems) == len(results) - 1, results
    assert all(isinstance(one, Problem) and one.status == 409 for one in problems), results
    case.refresh_from_db()
    check_log(case)
    assert len(log_of(case)) == 1


def test_insisting_against_whistling_for_another(offices):
    due = timezone.now() + timedelta(days=2)
    case = standing("letter", "returned", offices, handle_due_at=due)
    street = offices.user("street")
    results = together(
        lambda: actions.act(case.number, "insist", street, Given(reason="须接单")),
        lambda: actions.act(
            case.number, "redispatch", street, Given(unit=offices.other_unit, complexity="general")
        ),
    )
    one_won(case, results)


def test_a_resident_rates_while_the_time_runs_out(offices):
    case = standing("letter", "rating", offices, source="public", due_at=timezone.now() - timedelta(hours=1))
    timers.settle_all()
    results = together(
        lambda: actions.act_public(case, "rate", Given(stars=4)),
        lambda: timers.ring_due(),
    )
    case.refresh_from_db()
    assert case.state == "archived"
    assert len(log_of(case)) == 1, (results, log_of(case))
    assert case.ratings.count() == (log_of(case)[0].action == "rate")
    check_log(case)


def test_two_call_back_at_once(offices):
    case = standing("complaint", "replied", offices)
    desks = [offices.user("complaints"), offices.user("district_complaints")]
    answers = [
        Given(contacted=True, solved=True, satisfied=True),
        Given(contacted=True, solved=False, satisfied=False),
    ]
    results = together(
        *(
            lambda pair=pair: actions.act(case.number, "call_back", *pair)
            for pair in zip(desks, answers, strict=True)
        )
    )
    one_won(case, results)
    assert case.ratings.count() == 1


def test_a_worker_that_dies_between_leaves_nothing(offices):
    """The connection is cut after everything was written and before it was committed."""
    case = standing("letter", "accepted", offices)

    def cut(case, lines, created):
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    told.listeners.append(cut)
    try:
        results = together(
            lambda: actions.act(
                case.number,
                "whistle",
                offices.user("street"),
                Given(unit=offices.unit, complexity="complex", units=[offices.other_unit]),
            )
        )
    finally:
        told.listeners.remove(cut)
    assert isinstance(results[0], Exception) and not isinstance(results[0], Problem)
    case.refresh_from_db()
    assert case.state == "accepted" and case.holder_unit_id is None and case.complexity == ""
    assert not log_of(case) and not case.holds.exists()
    # And the next one finds everything as it was.
    given = Given(unit=offices.unit, complexity="general")
    assert actions.act(case.number, "whistle", offices.user("street"), given).state == "whistled"
