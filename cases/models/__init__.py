"""Cases, their log, and the rules that send them to whoever is responsible."""

from cases.models.board import (
    PublicText,
    Questionnaire,
    QuestionnaireAnswer,
    QuestionnaireItem,
    QuestionnaireSheet,
    Suggestion,
)
from cases.models.cases import Case, CaseAttachment, CaseHold, ReporterContact, Transition
from cases.models.evaluation import EvaluationModel, Indicator, ModelItem
from cases.models.evaluation_tasks import (
    EvaluationGrid,
    EvaluationTask,
    Inspection,
    InspectionPhoto,
    ReportedValue,
    SamplePoint,
    TaskAssessor,
    TaskReminder,
    TaskScore,
    TaskStep,
    TaskSubject,
)
from cases.models.flows import Alarm, CaseRequest, FlowVersion, OwnerQuestion, Rating, Supervision
from cases.models.imports import CaseImport
from cases.models.meetings import JointMeeting, MeetingItem
from cases.models.open311 import Open311Change, Open311Key, Open311Post
from cases.models.public import PublicWords
from cases.models.residents import (
    PublicBlock,
    PublicCode,
    PublicContact,
    PublicCount,
    PublicQuestion,
    PublicReport,
    PublicTopic,
)
from cases.models.rules import DispatchRule, FilingStandard, RuleAlarm
from cases.models.statistics import CaseCheck, CaseFact, CaseSpell, Report, ReportTemplate
from cases.models.views import ColumnChoice, SavedView

__all__ = [
    "Alarm",
    "Case",
    "CaseAttachment",
    "CaseCheck",
    "CaseFact",
    "CaseHold",
    "CaseImport",
    "CaseRequest",
    "CaseSpell",
    "ColumnChoice",
    "DispatchRule",
    "EvaluationGrid",
    "EvaluationModel",
    "EvaluationTask",
    "FilingStandard",
    "FlowVersion",
    "Indicator",
    "Inspection",
    "InspectionPhoto",
    "JointMeeting",
    "MeetingItem",
    "ModelItem",
    "Open311Change",
    "Open311Key",
    "Open311Post",
    "OwnerQuestion",
    "PublicBlock",
    "PublicCode",
    "PublicContact",
    "PublicCount",
    "PublicQuestion",
    "PublicReport",
    "PublicText",
    "PublicTopic",
    "PublicWords",
    "Questionnaire",
    "QuestionnaireAnswer",
    "QuestionnaireItem",
    "QuestionnaireSheet",
    "Rating",
    "Report",
    "ReportTemplate",
    "ReportedValue",
    "ReporterContact",
    "RuleAlarm",
    "SamplePoint",
    "SavedView",
    "Suggestion",
    "Supervision",
    "TaskAssessor",
    "TaskReminder",
    "TaskScore",
    "TaskStep",
    "TaskSubject",
    "Transition",
]
