"""Pages of this app in the tree menu."""

from django.utils.translation import gettext_lazy as _

from geo.menu import Entry, menu

menu.add(
    Entry(
        "statistics",
        _("Statistics"),
        "statistics",
        "table",
        "cases.statistics",
        group="figures",
        order=20,
        under=("/statistics/",),
    ),
    Entry("console", _("Cases"), "console", "case", "cases.view", group="work", order=10, under=("/cases/",)),
    Entry(
        "case-imports",
        _("Import of cases"),
        "case-imports",
        "upload",
        "cases.report",
        group="work",
        order=20,
        unless="grids.check_in",
    ),
    Entry("spots", _("Problem spots"), "spots", "pin", "cases.mark", group="work", order=30),
    Entry(
        "evaluation",
        _("Evaluation"),
        "evaluation",
        "star",
        ("cases.view_evaluation", "cases.evaluate", "cases.assess"),
        group="figures",
        order=60,
    ),
    Entry(
        "public-desk",
        _("Residents' pages"),
        "public-desk",
        "users",
        "cases.edit_public",
        group="work",
        order=80,
    ),
    Entry("plates", _("QR plates"), "plates", "print", "assets.export", group="city", order=92),
    Entry(
        "meetings", _("Joint meetings"), "meetings", "users", "cases.view_meetings", group="work", order=32
    ),
    Entry(
        "supervisions", _("Supervision orders"), "supervisions", "bang", "cases.view", group="work", order=35
    ),
    Entry("rules", _("Dispatch rules"), "rules", "rules", "cases.view_rules", group="work", order=40),
    Entry("flows", _("Flows"), "flows", "rules", "cases.view_rules", group="work", order=45),
    Entry("open311", _("Open311 keys"), "manage-open311", "link", "geo.manage_settings", "system", 45),
)
