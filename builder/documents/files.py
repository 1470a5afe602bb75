"""Files with documents, recipes and series: read within bounds, with errors that say what is wrong."""

from __future__ import annotations

import errno

from m2build.documents.document import MAXIMUM_BYTES
from m2build.documents.shown import shown
from m2build.errors import StorageError, UsageError
from m2build.local.reading import UnfitFileError, read_given, read_regular

_NAMED_BY_NOTHING = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
_PATH_SHOWN = 300
"""Characters of a path in a message: longer than any path typed by hand."""


def document_bytes(name: str, kind: str, asked_at: str = "") -> bytes:
    """The content of a file.

    Args:
        name: its path.
        kind: what it should contain, for messages: `recipe` or `series`.
        asked_at: the beginning of messages, if a document names the file. It must then be a regular file; a file that
            the user names may also be a pipe, as from the shell's `<(…)`.

    Raises:
        UsageError: the file does not exist, is a folder, a device or a pipe that does not end, or is larger than
            `MAXIMUM_BYTES`.
        StorageError: it cannot be read.
    """
    read = read_regular if asked_at else read_given
    try:
        return read(name, MAXIMUM_BYTES)
    except UnfitFileError as error:
        raise UsageError(f"{asked_at}{name} {error.strerror}", hint=f"name a {kind} file") from error
    except IsADirectoryError as error:
        problem = f"{asked_at}{name} is a directory, not a {kind} file"
        raise UsageError(problem, hint="name the file in it") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL, or not Unicode
        if isinstance(error, OSError) and error.errno not in _NAMED_BY_NOTHING:
            problem = f"{asked_at}{name} cannot be read: {error.strerror}"
            raise StorageError(problem, hint="check the file") from error
        raise UsageError(
            f"{asked_at}there is no {kind} file {shown(name, _PATH_SHOWN)}", hint="check the path"
        ) from error
