"""A publication is killed at any point: either it happened or it did not, and nobody ever saw half of it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from geo import programs, roles
from geo.problems import Problem
from grids import assignment, locks
from grids.models import Grid, GridVersion, Plan, PlanStep, Publication
from grids.planning import publish, review
from tests.factories import at, make_city, make_component, make_user
from tests.grids.planning.by_hand import HOME, make_squares, quarters

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
WAIT = 90

# Publishes a plan and stops for good behind a function: module, name, plan, file that says so.
PROGRAM = """
import importlib, sys, time
from pathlib import Path
import django
django.setup()
module, name, plan, reached = sys.argv[1:]
module = importlib.import_module(module)
real = getattr(module, name)
def stop(*args, **values):
    answer = real(*args, **values)
    Path(reached).touch()
    time.sleep(600)
    return answer
setattr(module, name, stop)
from geo.models import User
from grids.planning import publish
publish.publish(User.objects.get(username="reviewer"), int(plan))
"""


@pytest.fixture
def plan():
    roles.load()
    make_city()
    make_component(at(0.7, 0.2))
    planner = make_user("planner", role="planner", area="9901")
    reviewer = make_user("reviewer", role="plan_reviewer", area="9901")
    plan = make_squares(planner, lambda c, r: "001" if quarters(c, r) == "002" else quarters(c, r))
    review.submit(planner, plan.pk)
    review.approve(reviewer, plan.pk)
    plan.reviewer = reviewer
    return plan


@contextmanager
def stopped(plan, tmp_path, module, name):
    """Another process that publishes the plan and stands still inside its transaction."""
    reached = tmp_path / "reached"
    url = urlsplit(os.environ["DATABASE_URL"])
    here = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, module, name, str(plan.pk), str(reached)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": here, "DJANGO_SETTINGS_MODULE": "geo.settings"},
        stderr=subprocess.PIPE,
    )
    try:
        for _round in range(WAIT * 10):
            if reached.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        assert reached.exists(), process.stderr.read().decode() if process.poll() is not None else "too slow"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def nothing_happened(plan):
    assert Grid.objects.filter(community_code=HOME, retired_on=None).count() == 4
    assert not Publication.objects.exclude(kind="import").exists()
    assert not GridVersion.objects.filter(grid__community_code=HOME).exclude(generation=1).exists()
    assert Plan.objects.get(pk=plan.pk).state == "approved"
    assert not PlanStep.objects.filter(plan=plan, action="publish").exists()
    assert not any(assignment.disagreements(model) for model in assignment.located_models())


def free():
    """Until the server has noticed that the other is gone."""
    for _round in range(WAIT * 10):
        if not locks.holders([HOME]):
            return
        time.sleep(0.1)
    raise AssertionError("the lock is still held")


def it_can_be_published(plan):
    publish.publish(plan.reviewer, plan.pk)
    assert Grid.objects.filter(community_code=HOME, retired_on=None).count() == 3
    assert not any(assignment.disagreements(model) for model in assignment.located_models())


@pytest.mark.parametrize(
    "module, name",
    [
        ("grids.publication", "_keep"),
        ("grids.assignment", "reassign"),
        ("grids.planning.publish", "note_step"),
    ],
)
def test_kill_9(plan, tmp_path, module, name):
    with stopped(plan, tmp_path, module, name) as process:
        # While it stands half done, readers see what was, and others are told who is in the way.
        nothing_happened(plan)
        (held,) = locks.holders([HOME])
        assert held["application"] == locks.PUBLISHING
        process.send_signal(signal.SIGKILL)
        process.wait()
        free()
    nothing_happened(plan)
    it_can_be_published(plan)


def test_the_backend_is_killed(plan, tmp_path):
    with stopped(plan, tmp_path, "grids.succession", "tell"):
        (held,) = locks.holders([HOME])
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s)", [held["pid"]])
        free()
    nothing_happened(plan)
    it_can_be_published(plan)


def test_an_import_that_runs_is_said_at_once(plan):
    """Nobody waits in silence: while an import writes there, publishing is refused with who it is."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("select set_config('application_name', %s, true)", [programs.IMPORTING])
            cursor.execute("select pg_advisory_xact_lock_shared(wangge_community_lock(%s))", [HOME])
        with pytest.raises(Problem) as problem:
            publish.publish(plan.reviewer, plan.pk)
        assert (problem.value.status, problem.value.kind) == (409, "busy")
        assert str(locks.PROGRAMS[programs.IMPORTING]) in problem.value.detail
        assert publish.consequences(plan)["busy"]
    finally:
        other.close()
    it_can_be_published(plan)
