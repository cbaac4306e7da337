"""Where this installation keeps its files, and its secrets.

The data directory is ``WANGGE_DATA``; by default ``/var/lib/wangge`` for root (its parents can be
traversed by the database's user) and ``$XDG_DATA_HOME/wangge`` for anybody else.
"""

import json
import os
import secrets
from pathlib import Path


def data_dir() -> Path:
    """The data directory, made if it is missing."""
    default = (
        "/var/lib/wangge"
        if os.geteuid() == 0
        else os.path.join(os.environ.get("XDG_DATA_HOME", os.path.expanduser("~/.local/share")), "wangge")
    )
    path = Path(os.environ.get("WANGGE_DATA", default))
    path.mkdir(parents=True, exist_ok=True)
    return path


def load_secrets(path: Path) -> dict[str, str]:
    """Read the installation's secrets, making them at the first start.

    The file is created exclusively with mode 0600, so that two processes starting at once agree on one.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return json.loads(path.read_text())
    values = {"secret_key": secrets.token_urlsafe(50), "link_key": secrets.token_urlsafe(32)}
    with os.fdopen(descriptor, "w") as file:
        json.dump(values, file)
    return values
