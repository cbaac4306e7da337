"""Grids, their versions, the grid workforce, and the base of all that has a place."""

from grids.models.grids import (
    DutyGrid,
    Grid,
    GridVersion,
    Publication,
    UnitGrid,
    UnitGridVersion,
)
from grids.models.located import ANCHOR, Located, RawPosition
from grids.models.workforce import CheckIn, GridDuty, Shift, Worker
from grids.planning.models import (
    Plan,
    PlanBlock,
    PlanEdit,
    PlanGrid,
    PlanProposal,
    PlanRemark,
    PlanStep,
)

__all__ = [
    "ANCHOR",
    "CheckIn",
    "DutyGrid",
    "Grid",
    "GridDuty",
    "GridVersion",
    "Located",
    "Plan",
    "PlanBlock",
    "PlanEdit",
    "PlanGrid",
    "PlanProposal",
    "PlanRemark",
    "PlanStep",
    "Publication",
    "RawPosition",
    "Shift",
    "UnitGrid",
    "UnitGridVersion",
    "Worker",
]
