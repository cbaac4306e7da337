"""The audit log speaks in words: actions, details, what they were done to."""

import ast
from pathlib import Path

import pytest
from django.utils.translation import override

from geo import audit
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
HTML = {"headers": {"accept": "text/html"}}


def _written():
    """Every call of ``audit.log``: its action, where that is written out, and the names of its details."""
    for app in ("geo", "grids", "assets", "cases", "tiles"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.log":
                    action = node.args[1]
                    named = action.value if isinstance(action, ast.Constant) else None
                    yield named, {key.arg for key in node.keywords if key.arg}


def test_every_action_and_detail_has_words():
    written = list(_written())
    assert len(written) > 80
    actions = {action for action, _details in written if action}
    details = set().union(*(names for _action, names in written)) - {"reason", "area_code", "ip"}
    assert not actions - set(audit.ACTIONS)
    assert not details - set(audit.DETAILS)


@pytest.mark.django_db
def test_an_entry_in_chinese(client, city):
    office = factories.make_user(role="audit_admin", area="9901")
    unit = factories.make_unit("市政")
    audit.log(office, "organisation.change", unit, name="市政", parent=None, added=["一", "二"])
    client.force_login(office)
    with override("zh-hans"):
        page = client.get("/manage/audit/?action=organisation", **HTML).content.decode()
    for words in (
        "修改单位",
        "organisation.change",
        f"(geo.organisation {unit.pk})",
        "名称: 市政; 新增: 一, 二",
    ):
        assert words in page
