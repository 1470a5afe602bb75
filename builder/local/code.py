"""m2build's own code as a part of a cache's key: an entry that other code made may be what this code would not make."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterable


def code_digest(tops: Iterable[str], *, apart: Collection[str] = ()) -> str:
    """What files and folders of code hold, with the version of Python that runs it.

    Where and when they were installed makes no difference.

    Args:
        tops: the files, and the folders with all that is below them.
        apart: paths of folders that are left out.
    """
    found = [(name, _sha256(path)) for top in tops for name, path in _files(top, apart)]
    return hashlib.sha256(json.dumps([*sys.version_info[:3], *found]).encode()).hexdigest()


def _files(top: str, apart: Collection[str]) -> Iterable[tuple[str, str]]:
    if os.path.isfile(top):  # noqa: PTH113 - pathlib takes four times as long, here and below
        yield os.path.basename(top), top  # noqa: PTH119
    for folder, folders, names in os.walk(top):
        kept = {name for name in folders if os.path.join(folder, name) not in apart}  # noqa: PTH118
        folders[:] = sorted(kept - {"__pycache__"})
        for name in sorted(names):
            path = os.path.join(folder, name)  # noqa: PTH118
            yield path[len(top) :], path


def _sha256(path: str) -> str:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return hashlib.sha256(file.read()).hexdigest()
