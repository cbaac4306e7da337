"""script/messages: what it merges, what it refuses, what it finds."""

import importlib.util

import polib
import pytest

from tests.ops.installation import ROOT


@pytest.fixture
def messages(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("messages", ROOT / "script/lib/messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    app = tmp_path / "shop"
    (app / "static" / "shop").mkdir(parents=True)
    (app / "__init__.py").touch()
    # A module named like one of the standard library's must not confuse the extraction.
    (app / "numbers.py").write_text(
        "from django.utils.translation import gettext as _\n_('Open %(n)s doors')\n"
    )
    (app / "static" / "shop" / "door.js").write_text("gettext('Close');\n")
    return module


def test_add_check_compile(messages, capsys, tmp_path):
    assert messages.check() == 1
    said = capsys.readouterr().out
    assert "shop 'Open %(n)s doors' (shop/numbers.py:2)" in said and "--js 'Close'" in said
    assert messages.add("shop", "django", {"Open %(n)s doors": "打开%(n)s扇门"}) == 0
    assert messages.add("shop", "djangojs", {"Close": {"text": "关闭"}}) == 0
    assert messages.check() == 0
    assert messages.compile_all(force=False) == 0
    catalogue = polib.mofile(str(tmp_path / "shop/locale/zh_Hans/LC_MESSAGES/django.mo"))
    assert catalogue.find("Open %(n)s doors").msgstr == "打开%(n)s扇门"


def test_placeholders_must_agree(messages, capsys):
    assert messages.add("shop", "django", {"Open %(n)s doors": "打开门", "Fine": "好"}) == 1
    assert "lacks %(n)s" in capsys.readouterr().err
    assert messages.placeholder_fault("one case", "%(n)s 件", "%(n)s cases") is None
    assert messages.placeholder_fault("{name} is here", "{nam}来了")
    assert messages.placeholder_fault("50%% of %(n)s", "%(n)s的50%%") is None


def test_catalogues_are_sorted_and_merge_twice_to_the_same(messages, tmp_path):
    messages.add("shop", "django", {"b": "乙", "a": "甲"})
    path = tmp_path / "shop/locale/zh_Hans/LC_MESSAGES/django.po"
    first = path.read_text()
    assert first.index('"a"') < first.index('"b"')
    messages.add("shop", "django", {"a": "甲"})
    assert path.read_text() == first


def test_two_apps_must_not_say_one_string_differently(messages, capsys, tmp_path):
    other = tmp_path / "zoo"
    other.mkdir()
    (other / "__init__.py").touch()
    messages.add("shop", "django", {"Open %(n)s doors": "打开%(n)s扇门", "File": "文件"})
    messages.add("shop", "djangojs", {"Close": "关闭"})
    messages.add("zoo", "django", {"File": "立案"})
    assert messages.check() == 1
    assert "zoo/locale" in (said := capsys.readouterr().out) and "'立案', but another app says '文件'" in said
    messages.add("zoo", "django", {"File": "文件"})
    assert messages.check() == 0
