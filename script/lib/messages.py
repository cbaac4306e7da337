"""Translations of the interface: the source is English, ``zh_Hans`` lives in each app's ``locale``.

    script/messages add APP [--js] <<< '{"English": "中文"}'
        Merge translations from JSON on stdin. A plural or a context is an object:
        {"%(n)s case": {"plural": "%(n)s cases", "text": "%(n)s 件"},
         "Open": {"context": "verb", "text": "打开"}}
    script/messages check
        List the strings in the code that have no Chinese, the Chinese whose placeholders differ, and the
        strings that two apps translate differently.
    script/messages compile [--force]
        Write the .mo files (without Debian's msgfmt).

Catalogues are sorted, hold no locations and one line per string, so that two branches seldom collide.
"""

import argparse
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = "zh_Hans"
DOMAINS = {"django": {".py", ".html", ".txt"}, "djangojs": {".js", ".mjs"}}
SKIPPED = {"locale", "migrations", "node_modules", "dist"}
# printf-style and brace placeholders; their set must be the same in both languages.
PLACEHOLDER = re.compile(r"%(?:\([^)]+\))?[sdifr]|\{[a-zA-Z_][^}]*\}")
WIDE = 10_000  # polib's wrap width: never


def apps() -> list[Path]:
    return sorted(path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")


def catalogue_path(app: Path, domain: str) -> Path:
    return app / "locale" / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


def open_catalogue(path: Path) -> polib.POFile:
    if path.exists():
        return polib.pofile(str(path), wrapwidth=WIDE)
    catalogue = polib.POFile(wrapwidth=WIDE)
    catalogue.metadata = {
        "Language": LANGUAGE,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    return catalogue


def placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text.replace("%%", "")))


def placeholder_fault(msgid: str, msgstr: str, plural: str = "") -> str | None:
    """What is wrong with a translation's placeholders. A plural form may leave the number out."""
    wanted, allowed = placeholders(msgid), placeholders(msgid) | placeholders(plural)
    found = placeholders(msgstr)
    if found - allowed:
        return f"has {', '.join(sorted(found - allowed))} which the English lacks"
    if not plural and wanted - found:
        return f"lacks {', '.join(sorted(wanted - found))}"
    return None


def write(catalogue: polib.POFile, path: Path) -> None:
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".po.new")
    catalogue.save(str(scratch))
    os.replace(scratch, path)


def add(app_name: str, domain: str, entries: dict) -> int:
    app = ROOT / app_name
    if not (app / "__init__.py").exists():
        names = ", ".join(each.name for each in apps())
        raise SystemExit(f"messages: there is no app {app_name!r}; there are: {names}")
    lock = os.open(app, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return merge(app, domain, entries)
    finally:
        os.close(lock)


def merge(app: Path, domain: str, entries: dict) -> int:
    faults, added = [], 0
    path = catalogue_path(app, domain)
    catalogue = open_catalogue(path)
    for msgid, value in entries.items():
        fields = {"text": value} if isinstance(value, str) else value
        text, plural, context = fields["text"], fields.get("plural", ""), fields.get("context")
        if fault := placeholder_fault(msgid, text, plural):
            faults.append(f"{msgid!r}: {text!r} {fault}")
            continue
        # A newline at an end must be on both sides, or gettext tools refuse the catalogue.
        if msgid.startswith("\n") != text.startswith("\n") or msgid.endswith("\n") != text.endswith("\n"):
            faults.append(f"{msgid!r}: a newline at the start or the end must be in both")
            continue
        entry = catalogue.find(msgid, msgctxt=context or False)
        if entry is None:
            entry = polib.POEntry(msgid=msgid, msgctxt=context)
            catalogue.append(entry)
        entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        if plural:
            entry.msgid_plural, entry.msgstr, entry.msgstr_plural = plural, "", {0: text}
        else:
            entry.msgstr = text
        added += 1
    write(catalogue, path)
    print(f"{path.relative_to(ROOT)}: {added} merged, {len(catalogue)} in all")
    for fault in faults:
        print("refused:", fault, file=sys.stderr)
    return 1 if faults else 0


def extract(scratch: Path, domain: str) -> dict[str, polib.POFile]:
    """Every translatable string of each app, found by Django's own makemessages in a copy of the tree."""
    found = {}
    for app in apps():
        copy = scratch / domain / app.name
        files = [
            path
            for path in app.rglob("*")
            if path.suffix in DOMAINS[domain] and not SKIPPED & set(path.relative_to(app).parts)
        ]
        if not files:
            continue
        for path in files:
            target = copy / path.relative_to(app)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (copy / "locale").mkdir(parents=True, exist_ok=True)
        # -P: an app may well have a module named like one of the standard library.
        command = [sys.executable, "-P", "-m", "django", "makemessages", "-d", domain, "-l", LANGUAGE]
        if domain == "djangojs":
            command += ["--extension", "js,mjs"]
        environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"messages: {app.name}: {done.stderr.strip()}")
        made = copy / "locale" / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"
        if made.exists():
            found[app.name] = polib.pofile(str(made))
    return found


def check() -> int:
    if not shutil.which("xgettext"):
        raise SystemExit("messages: xgettext is missing; install it: apt-get install gettext")
    import django

    bad = 0
    with tempfile.TemporaryDirectory(prefix="wangge-messages-") as scratch:
        for domain in DOMAINS:
            known: dict[tuple[str, str | None], str] = {}
            own = Path(django.__file__).parent / "conf" / "locale" / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"
            paths = [path for app in apps() if (path := catalogue_path(app, domain)).exists()]
            for path in paths + ([own] if own.exists() else []):
                for entry in open_catalogue(path):
                    text = entry.msgstr or entry.msgstr_plural.get(0, "")
                    if not text or "fuzzy" in entry.flags or entry.obsolete:
                        continue
                    said = known.setdefault((entry.msgid, entry.msgctxt), text)
                    if path is own:
                        continue
                    # Catalogues are merged: of two apps that differ only one is heard, on every page.
                    if said != text:
                        bad += 1
                        print(
                            f"{path.relative_to(ROOT)}: {entry.msgid!r}: {text!r}, "
                            f"but another app says {said!r}; give one a context"
                        )
                    if fault := placeholder_fault(entry.msgid, text, entry.msgid_plural):
                        bad += 1
                        print(f"{path.relative_to(ROOT)}: {entry.msgid!r}: the Chinese {fault}")
            for app, found in extract(Path(scratch), domain).items():
                for entry in found:
                    if (entry.msgid, entry.msgctxt) not in known and not entry.obsolete:
                        bad += 1
                        place = ", ".join(f"{app}/{file}:{line}" for file, line in entry.occurrences[:1])
                        context = f" [context {entry.msgctxt}]" if entry.msgctxt else ""
                        kind = "--js " if domain == "djangojs" else ""
                        print(f"{app} {kind}{entry.msgid!r}{context} ({place})")
    print("messages: complete" if not bad else f"messages: {bad} to mend")
    return 1 if bad else 0


def compile_all(force: bool) -> int:
    written = 0
    for path in sorted(ROOT.glob(f"*/locale/{LANGUAGE}/LC_MESSAGES/*.po")):
        target = path.with_suffix(".mo")
        if not force and target.exists() and target.stat().st_mtime_ns > path.stat().st_mtime_ns:
            continue
        scratch = target.with_suffix(".mo.new")
        polib.pofile(str(path)).save_as_mofile(str(scratch))
        os.replace(scratch, target)
        written += 1
    print(f"messages: {written} catalogues compiled")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="script/messages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="merge translations from JSON on stdin")
    adding.add_argument("app")
    adding.add_argument("--js", action="store_true", help="strings of JavaScript modules")
    commands.add_parser("check", help="list what has no Chinese")
    compiling = commands.add_parser("compile", help="write the .mo files")
    compiling.add_argument("--force", action="store_true", help="also those that are up to date")
    arguments = parser.parse_args()
    if arguments.command == "add":
        try:
            entries = json.load(sys.stdin)
        except json.JSONDecodeError as error:
            raise SystemExit(f"messages: the JSON on stdin cannot be read: {error}") from None
        return add(arguments.app, "djangojs" if arguments.js else "django", entries)
    return check() if arguments.command == "check" else compile_all(arguments.force)


if __name__ == "__main__":
    sys.exit(main())
