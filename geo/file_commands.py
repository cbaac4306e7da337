"""Commands that read and write files of whoever calls them."""

import errno
import os
import pwd
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from geo.problems import Problem


class FileCommand(BaseCommand):
    """A command whose files may be closed, missing or unwritable: said in words, with the way out.

    As root, ``script/manage`` runs as the services' user, who sees only what is open to others.
    """

    def execute(self, *args, **options):
        try:
            return super().execute(*args, **options)
        except Problem as problem:
            raise CommandError(problem.detail) from None
        except OSError as error:
            words = _in_words(error)
            if words is None:
                raise
            raise CommandError(words) from None


def check_writable(*paths: Path | None) -> None:
    """Refuse before the work, not after it, what cannot be written at its end."""
    for path in filter(None, paths):
        folder = path.absolute().parent
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "", str(folder))
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise PermissionError(errno.EACCES, "", str(path))


def _in_words(error: OSError) -> str | None:
    file = os.path.abspath(str(error.filename or ""))
    if isinstance(error, PermissionError) and error.filename:
        words = _(
            "%(file)s is closed to the user %(user)s, who runs this. Take a directory that is open to him: "
            "install -d -o %(user)s /srv/city"
        )
        return words % {"file": file, "user": pwd.getpwuid(os.geteuid()).pw_name}
    if isinstance(error, FileNotFoundError) and error.filename:
        return _("There is no file or directory %s.") % file
    if isinstance(error, IsADirectoryError) and error.filename:
        return _("%s is a directory, not a file.") % file
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _("The disk is full.")
    return None
