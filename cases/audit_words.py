"""Words of this app in the audit log, where the module that writes has none of its own."""

from django.utils.translation import gettext_lazy as _

from geo import audit

audit.ACTIONS |= {
    "case.reveal_contact": _("Read who reported a case"),
    "cases.export": _("Exported a list of cases"),
    "cases.export_statistics": _("Exported statistics"),
    "cases.report": _("Made a report"),
    "cases.report_template": _("Changed a report's template"),
    "dispatch_rule.create": _("Made a dispatch rule"),
    "dispatch_rule.end": _("Ended a dispatch rule"),
    "flow.activate": _("Put a flow in force"),
    "flow.discard": _("Discarded a draft of a flow"),
    "flow.draft": _("Changed a draft of a flow"),
    "joint_meeting.plan": _("Planned a joint meeting"),
    "joint_meeting.add": _("Put a case on the agenda of a meeting"),
    "joint_meeting.remove": _("Took a case off the agenda of a meeting"),
    "joint_meeting.decide": _("Wrote down what a meeting decided"),
    "joint_meeting.hold": _("Closed the minutes of a meeting"),
    "supervision.export": _("Exported supervision orders"),
}
