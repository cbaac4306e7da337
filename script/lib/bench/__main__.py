"""``script/bench``: runs the measurements named, prints Markdown, and writes it to a file if asked to."""

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "geo.settings")

SECTIONS = (
    "tiles",
    "low_levels",
    "locate",
    "rollup",
    "statistics",
    "redraw",
    "strokes",
    "writing",
    "events",
    "cached",
    "proposal",
    "peers",
)
# Only when they are named: they want databases or a server made for them, and write.
NAMED = ("many", "load")


def main():
    if sys.argv[1:2] == ["make-cases"]:
        import django

        django.setup()
        from bench import make_cases

        make_cases.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"of {', '.join((*SECTIONS, *NAMED))}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="also write the tables to this file")
    parser.add_argument(
        "--server", default="", help="a running installation's address, for cached tiles, load and tipg"
    )
    parser.add_argument("--peers", action="store_true", help="compare with others, installed for the run")
    parser.add_argument("--pair", default="", help="SMALL,LARGE: the databases that many compares")
    parser.add_argument(
        "--explain", action="store_true", help="with many: the slowest statements, with plans"
    )
    parser.add_argument("--match", default="", help="with many: only requests with such a name (a pattern)")
    parser.add_argument("--minutes", type=float, default=5, help="how long load goes on")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := [one for one in chosen if one not in (*SECTIONS, *NAMED)]:
        parser.error(f"no measurement is called {', '.join(unknown)}")

    import django

    django.setup()
    from bench.city import describe

    pieces = [describe(platform.python_version())]
    print(pieces[0], flush=True)
    for name in chosen:
        piece = importlib.import_module(f"bench.{name}").measure(options)
        pieces.append(piece)
        print(piece, flush=True)
    if options.out:
        Path(options.out).write_text("\n".join(pieces))


main()
