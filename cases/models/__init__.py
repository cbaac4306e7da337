"""Cases, their log, and the rules that send them to whoever is responsible."""

from cases.models.cases import Case, CaseAttachment, CaseHold, ReporterContact, Transition
from cases.models.flows import Alarm, CaseRequest, FlowVersion, OwnerQuestion, Rating, Supervision
from cases.models.rules import DispatchRule, FilingStandard
from cases.models.statistics import CaseCheck, CaseFact, CaseSpell, Report, ReportTemplate
from cases.models.views import SavedView

__all__ = [
    "Alarm",
    "Case",
    "CaseAttachment",
    "CaseCheck",
    "CaseFact",
    "CaseHold",
    "CaseRequest",
    "CaseSpell",
    "DispatchRule",
    "FilingStandard",
    "FlowVersion",
    "OwnerQuestion",
    "Rating",
    "Report",
    "ReportTemplate",
    "ReporterContact",
    "SavedView",
    "Supervision",
    "Transition",
]
