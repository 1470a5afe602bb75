"""Hashing a stream, or writing it down, beside its reader: both release the GIL for large pieces."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

Piece = TypeVar("Piece")

_LONG = 8
"""Pieces from which a stream is long: worth a thread of its own."""
_WAITING = 8
"""How many pieces may wait."""


class _Readers:
    """The threads that read long streams now. Each keeps a processor busy."""

    def __init__(self) -> None:
        self._streams: Counter[int] = Counter()
        self._lock = threading.Lock()

    def come(self) -> int:
        """Count a stream of this thread; returns what `go` takes."""
        reader = threading.get_ident()
        with self._lock:
            self._streams[reader] += 1
        return reader

    def go(self, reader: int) -> None:
        """Count a stream no longer."""
        with self._lock:
            self._streams[reader] -= 1
            if not self._streams[reader]:
                del self._streams[reader]

    def leave_a_processor(self) -> bool:
        """Whether a processor is left for work beside them."""
        return len(self._streams) < len(os.sched_getaffinity(0))


_READERS = _Readers()


class Beside(Generic[Piece]):
    """Calls a function with each piece of a stream, in their order.

    For a long stream this is in a thread, while the next pieces are fetched, if its reader leaves a processor for that.
    If the readers of other streams need them all, the reader calls it: a piece that moves to another processor only
    costs time then.

    The function must not raise anything.
    """

    def __init__(self, function: Callable[[Piece], object]) -> None:
        self._function = function
        self._count = 0
        self._reader: int | None = None
        self._pieces: queue.Queue[Piece | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def add(self, piece: Piece) -> None:
        """Call the function with a piece, now or later."""
        if self._is_long() and _READERS.leave_a_processor():
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._pieces.put(piece)
        else:
            self._pieces.join()  # those before it come first
            self._function(piece)

    def close(self) -> None:
        """Wait for what is not done yet."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None
        if self._reader is not None:
            _READERS.go(self._reader)
            self._reader = None

    def _is_long(self) -> bool:
        """Whether the stream, which has one more piece now, is a long one; that makes its reader known."""
        self._count += 1
        if self._count > _LONG and self._reader is None:
            self._reader = _READERS.come()
        return self._reader is not None

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._function(piece)
            self._pieces.task_done()
        self._pieces.task_done()


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
