"""The tree menu at the left: each app adds its pages in ``menu.py``, found as Django finds ``admin.py``."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

GROUPS = {
    "work": _("Work"),
    "city": _("City data"),
    "people": _("People"),
    "maps": _("Maps and grids"),
    "figures": _("Figures"),
    "system": _("System"),
}


@dataclass(frozen=True)
class Entry:
    """A page in the menu. ``permission`` ("app.verb"; of several any) hides it from others, "" from nobody.

    Who has ``unless`` does not see it: a page of the desk is not for those who work outside.
    ``under`` lists the path prefixes under which the entry is the current one; by default its own path.
    """

    id: str
    label: str
    url_name: str
    icon: str
    permission: str | tuple[str, ...] = ""
    group: str = "work"
    order: int = 100
    under: tuple[str, ...] = ()
    unless: str = ""

    @property
    def url(self) -> str:
        return reverse(self.url_name)


class Menu:
    """Entries by id; asked once per page."""

    def __init__(self):
        self.entries: dict[str, Entry] = {}
        self.found = False

    def add(self, *entries: Entry) -> None:
        for entry in entries:
            if entry.id in self.entries and self.entries[entry.id] != entry:
                raise ValueError(f"menu entry {entry.id!r} is there twice")
            if entry.group not in GROUPS:
                raise ValueError(f"menu group {entry.group!r} is not known")
            self.entries[entry.id] = entry

    def discover(self) -> None:
        if not self.found:
            autodiscover_modules("menu")
            self.found = True

    def groups_for(self, user, path: str) -> list[dict]:
        """Groups with the entries ``user`` may open: id, label and [{id, label, url, icon, current}]."""
        self.discover()
        shown = []
        for entry in sorted(self.entries.values(), key=lambda one: one.order):
            needed = (entry.permission,) if isinstance(entry.permission, str) else entry.permission
            if any(needed) and not any(user.can(one) for one in needed):
                continue
            if entry.unless and user.can(entry.unless):
                continue
            url = entry.url
            shown.append({"entry": entry, "url": url, "under": _longest((url, *entry.under), path)})
        # The longest address that the page lies under is the current entry: "/" lies over everything.
        best = max((one["under"] for one in shown), default=0)
        groups = []
        for code, label in GROUPS.items():
            entries = [
                {
                    "id": one["entry"].id,
                    "label": one["entry"].label,
                    "url": one["url"],
                    "icon": one["entry"].icon,
                    "current": one["under"] == best > 0,
                }
                for one in shown
                if one["entry"].group == code
            ]
            if entries:
                groups.append({"id": code, "label": label, "entries": entries})
        return groups


def _longest(prefixes: tuple[str, ...], path: str) -> int:
    """The length of the longest prefix that the path lies under; 0 for none. "/" is only itself."""
    return max(
        (len(one) for one in prefixes if path == one or (one != "/" and path.startswith(one))), default=0
    )


menu = Menu()

menu.add(
    Entry("photos", _("Photo review"), "photos", "photo", "cases.review_photos", "work", 90),
    Entry("users", _("Users"), "manage-users", "user", "geo.manage_accounts", "system", 10),
    Entry(
        "organisations",
        _("Organisations"),
        "manage-organisations",
        "unit",
        "geo.manage_accounts",
        "system",
        20,
    ),
    Entry(
        "dictionaries", _("Dictionaries"), "manage-dictionaries", "list", "geo.manage_settings", "system", 30
    ),
    Entry(
        "calendar", _("Working calendar"), "manage-calendar", "calendar", "geo.manage_settings", "system", 40
    ),
    Entry(
        "messages",
        _("Messages sent"),
        "manage-messages",
        "bell",
        "geo.manage_settings",
        "system",
        45,
        under=("/manage/outbox/",),
    ),
    Entry(
        "templates",
        _("Message templates"),
        "manage-templates",
        "edit",
        "geo.manage_settings",
        "system",
        46,
        under=("/manage/subscriptions/",),
    ),
    Entry(
        "webhooks",
        _("Webhooks"),
        "manage-webhooks",
        "link",
        "geo.manage_settings",
        "system",
        47,
        under=("/manage/deliveries/",),
    ),
    Entry("grants", _("Roles of users"), "manage-all-grants", "users", "geo.grant_roles", "system", 50),
    Entry("roles", _("Roles"), "manage-roles", "lock", "geo.grant_roles", "system", 60),
    Entry("audit", _("Audit log"), "manage-audit", "audit", "geo.read_audit", "system", 70),
)
