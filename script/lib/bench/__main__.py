"""``script/bench``: runs the measurements named, prints Markdown, and writes it to a file if asked to."""

import argparse
import importlib
import os
import platform
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


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="also write the tables to this file")
    parser.add_argument("--server", default="", help="a running installation's address, for cached tiles")
    parser.add_argument("--peers", action="store_true", help="compare with others, installed for the run")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := [one for one in chosen if one not in SECTIONS]:
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
