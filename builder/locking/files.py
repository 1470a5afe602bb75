"""Lock files: read and written."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.documents.document import load_document
from m2build.documents.files import document_bytes
from m2build.documents.validation import validate
from m2build.errors import UsageError
from m2build.local.failures import storage
from m2build.local.outputs import new_output, output_file
from m2build.local.targets import is_there
from m2build.locking.model import Lock


@typed_arguments
def load_lock(path: str | PathLike[str]) -> Lock:
    """Read a lock.

    Raises:
        UsageError: it does not exist, or is not a lock; the message holds file and line.
        StorageError: it cannot be read.
    """
    name = str(path)
    return validate(load_document(document_bytes(name, "lock"), name=name), Lock)


@typed_arguments
def write_lock(lock: Lock, path: str | PathLike[str], *, update: bool = False) -> None:
    """Write a lock, whole or not at all.

    Args:
        lock: the lock.
        path: the file.
        update: whether an existing file is replaced.

    Raises:
        UsageError: the file exists, and `update` is not set.
        StorageError: it cannot be written.
    """
    target = Path(path)
    if not update and is_there(target):
        raise UsageError(f"{target} exists already", hint="`m2build lock --update` replaces it")
    with storage(target, "written"), output_file(target) if update else new_output(target) as out:
        out.write(lock.yaml().encode())
