"""How much is fetched of an image: said before it starts, shown while it goes on, and bounded."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from m2build.errors import TransferBudgetError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.progress import WORTH_SAYING, Progress, amount

_LABEL = "the base's layers"


class Fetching:
    """The bytes of one image's layers that come over a network; for several threads.

    Attributes:
        has_ended: whether nothing more is to be fetched.
    """

    def __init__(self, bound: float | None, progress: Progress) -> None:
        """Begin to count.

        Args:
            bound: the most bytes to fetch; None where nothing is fetched, or nothing is said of it.
            progress: receives how much has been fetched.
        """
        self._bound = bound
        self._progress = progress
        self._lock = threading.Lock()
        self._expected: set[tuple[Digest, bool]] = set()
        self._total = 0
        self._done = 0
        self.has_ended = False

    def expect(self, whole: Sequence[Descriptor], by_table: Sequence[Descriptor]) -> None:
        """Say what is about to be fetched, at most; what has been said already is not said again.

        Args:
            whole: layers that are not known yet.
            by_table: layers of which the table of contents and some files are fetched.

        Raises:
            TransferBudgetError: it is too much. Nothing of these layers was fetched.
        """
        if self._bound is None:
            return
        new = [layer for layer in whole if (layer.digest, True) not in self._expected]
        tables = [layer for layer in by_table if (layer.digest, False) not in self._expected]
        size = sum(layer.size for layer in new)
        self.allow(size)
        self._expected |= {(layer.digest, True) for layer in new} | {(layer.digest, False) for layer in tables}
        if size >= WORTH_SAYING or tables:
            texts = [f"{amount(size)} of {_layers(new)}"] * bool(new)
            their = "its" if len(tables) == 1 else "their"
            texts += [f"the tables of contents of {_layers(tables)} and some of {their} files"] * bool(tables)
            self._progress.step(f"fetching at most {' and '.join(texts)}")

    def allow(self, more: int) -> None:
        """Check that so many more bytes may be fetched, and count on them.

        Raises:
            TransferBudgetError: they are too many.
        """
        if self._bound is None:
            return
        with self._lock:
            total = self._total + more
            if total <= self._bound:
                self._total = total
                return
        raise TransferBudgetError(
            f"{amount(total)} would be fetched of the base's layers; the limit is {amount(int(self._bound))}",
            hint=f"allow it: --max-transfer {-(-total // 10**6)}MB, or unlimited; with a lock, no layer is read",
        )

    def add(self, count: int) -> None:
        """Count bytes that have been fetched."""
        if self._bound is None or not count:
            return
        with self._lock:
            self._done += count
            self._total = max(self._total, self._done)
            done, total = self._done, self._total
        self._progress.transfer(_LABEL, done, total)

    def end(self) -> None:
        """Fetch nothing more, and say so: not every layer that could have been needed was."""
        self.has_ended = True
        if 0 < self._done < self._total:
            self._progress.transfer(_LABEL, self._total, self._total)


def _layers(layers: Sequence[Descriptor]) -> str:
    return f"{len(layers)} layer{'s' * (len(layers) != 1)}"
