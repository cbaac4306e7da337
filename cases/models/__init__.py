"""Cases, their log, and the rules that send them to whoever is responsible."""

from cases.models.cases import Case, CaseAttachment, CaseHold, ReporterContact, Transition
from cases.models.rules import DispatchRule, FilingStandard
from cases.models.views import SavedView

__all__ = [
    "Case",
    "CaseAttachment",
    "CaseHold",
    "DispatchRule",
    "FilingStandard",
    "ReporterContact",
    "SavedView",
    "Transition",
]
