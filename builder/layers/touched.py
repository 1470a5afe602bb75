"""Below which folders where sources may be a layer has something: for all others it need not be read again."""

from __future__ import annotations

from m2build.layers.members import is_home
from m2build.oci.paths import parents

_MOST = 1_000
"""Folders that are noted of one layer; a real one has a few."""
_LIBRARIES = [
    f"{prefix}lib{bits}" for prefix in ("", "usr/", "usr/local/", "opt/venv/", "opt/conda/") for bits in ("", 64)
]
_PYTHONS = ["python3", *(f"python3.{minor}" for minor in range(8, 20))]
TRUNKS = frozenset({*_LIBRARIES, *(f"{library}/{python}" for library in _LIBRARIES for python in _PYTHONS)})
"""Folders above those where pip installs, in most images. If they are hidden or replaced, so is what is below them."""


class Touched:
    """The folders where sources may be, below which a layer has something; all of them if they are too many."""

    def __init__(self) -> None:
        self._homes: set[str] = set()
        self._last: str | None = None
        self._are_many = False

    def note(self, path: str) -> None:
        """Note a member; an opaque marker counts as one in its folder."""
        folder = path.rpartition("/")[0]
        if folder == self._last:
            return
        self._last = folder
        self._homes.update(home for home in (folder, *parents(folder)) if is_home(home))
        if len(self._homes) > _MOST:
            self._are_many = True
            self._homes.clear()

    def lacks(self, folder: str) -> bool:
        """Whether the layer has nothing below a folder."""
        return is_home(folder) and folder not in self._homes and not self._are_many
