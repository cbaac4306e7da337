"""Files under way, which a change drops as it drops finished ones.

A draft is placed before anything is read for it, so whatever commits too late to be read finds the draft, or
what became of it: ``tiles.drop`` removes drafts first and files after. A draft that is gone cannot be given
its file's name, and what was read before the change is shown once and kept by nobody. No database is asked.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

logger = logging.getLogger("wangge.tiles")

PREFIX = "."  # of a draft's name, before the name of its file
FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY
MODE = 0o644  # nginx reads what is kept


class Draft:
    """``with Draft(file) as draft: …; draft.keep(content)``; without a file nothing is kept.

    A disk that is full or read only is written to the log and keeps nobody from his tile.
    """

    def __init__(self, file: Path | None):
        self.file, self._path, self._descriptor = file, None, -1

    def __enter__(self) -> Draft:
        if self.file is not None:
            name = f"{PREFIX}{self.file.name}-{os.urandom(8).hex()}"
            place = self.file.with_name(name)
            try:
                try:
                    self._descriptor = os.open(place, FLAGS, MODE)
                except FileNotFoundError:
                    self.file.parent.mkdir(parents=True, exist_ok=True)
                    self._descriptor = os.open(place, FLAGS, MODE)
                self._path = place
            except OSError as error:
                _not_kept(error)
        return self

    def keep(self, content: bytes) -> bool:
        """Give the file its content and its name, unless it was dropped meanwhile; whether it is kept."""
        if self._path is None:
            return False
        try:
            with open(self._descriptor, "wb") as handle:
                self._descriptor = -1
                handle.write(content)
            os.replace(self._path, self.file)
        except OSError as error:
            _not_kept(error)
            return False
        self._path = None
        return True

    def __exit__(self, *_raised) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        if self._path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def _not_kept(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # dropped, by itself or with its whole layer
        logger.warning("A tile was not kept: %s", error)
