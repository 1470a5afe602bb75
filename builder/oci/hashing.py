"""Hashing a stream, or writing it down, beside its reader: both release the GIL for large pieces."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Piece = TypeVar("Piece")

_WORTH_A_THREAD = 8
"""Pieces from which a stream is worked on in a thread of its own."""
_WAITING = 8
"""How many pieces may wait."""


class Beside(Generic[Piece]):
    """Calls a function with each piece of a stream; for a long one in a thread, while the next pieces are fetched.

    The function must not raise anything.
    """

    def __init__(self, function: Callable[[Piece], object]) -> None:
        self._function = function
        self._count = 0
        self._pieces: queue.Queue[Piece | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def add(self, piece: Piece) -> None:
        """Call the function with a piece, now or later."""
        if self._thread is not None:
            self._pieces.put(piece)
            return
        self._function(piece)
        self._count += 1
        if self._count > _WORTH_A_THREAD:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for what is not done yet."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._function(piece)


class RunningHash:
    """The hash of a stream; a long one is hashed in a thread of its own."""

    def __init__(self, algorithm: str) -> None:
        self._hash = hashlib.new(algorithm)
        self._beside = Beside(self._hash.update)

    def update(self, piece: bytes) -> None:
        """Add a piece."""
        self._beside.add(piece)

    def hexdigest(self) -> str:
        """The hash of all pieces."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread, if there is one."""
        self._beside.close()
