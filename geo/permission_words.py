"""What permissions are called on pages. The code itself is what roles, scopes and the API know."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "assets.edit": _("Edit city data"),
    "assets.export": _("Export city data"),
    "assets.import": _("Import city data"),
    "assets.view": _("See city data"),
    "assets.view_households": _("See households"),
    "assets.view_risks": _("See risk points"),
    "cases.accept": _("Accept cases"),
    "cases.close": _("Close cases"),
    "cases.dispatch": _("Dispatch cases"),
    "cases.edit_rules": _("Edit dispatch rules"),
    "cases.export": _("Export cases"),
    "cases.file": _("File cases"),
    "cases.handle": _("Handle cases"),
    "cases.report": _("Report cases"),
    "cases.reveal": _("See who reported"),
    "cases.review_photos": _("Review photos"),
    "cases.report_templates": _("Change templates of reports"),
    "cases.statistics": _("See statistics of cases"),
    "cases.verify": _("Verify cases"),
    "cases.view": _("See cases"),
    "cases.view_rules": _("See dispatch rules"),
    "cases.void": _("Declare cases void"),
    "geo.grant_roles": _("Grant roles"),
    "geo.manage_accounts": _("Manage accounts"),
    "geo.manage_settings": _("Manage settings"),
    "geo.read_audit": _("Read the audit log"),
    "geo.unlock_accounts": _("Unlock accounts"),
    "geo.view": _("See areas and maps"),
    "grids.check_in": _("Check in on shift"),
    "grids.import": _("Import grids"),
    "grids.plan": _("Plan grids"),
    "grids.publish_plans": _("Publish boundary plans"),
    "grids.review_plans": _("Review boundary plans"),
    "grids.view": _("See grids"),
    "grids.view_plans": _("See boundary plans"),
    "grids.view_check_ins": _("See check-ins"),
    "grids.view_workers": _("See grid workers"),
    "tiles.cockpit": _("Open the cockpit"),
}


def words(permission: str) -> str:
    """A permission in words; an unknown one keeps its code."""
    return str(WORDS.get(permission, permission))
