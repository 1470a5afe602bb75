"""Hashing in parallel to other work: hashlib releases the GIL for large pieces."""

from __future__ import annotations

import hashlib
import queue
import threading

_WORTH_A_THREAD = 4 << 20
"""Bytes from which a stream is hashed in a thread of its own."""
_WAITING = 16
"""How many pieces may wait to be hashed."""


class RunningHash:
    """The hash of a stream; a long one is hashed in a thread of its own, while the next pieces are fetched."""

    def __init__(self, algorithm: str) -> None:
        self._hash = hashlib.new(algorithm)
        self._count = 0
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def update(self, piece: bytes) -> None:
        """Add a piece."""
        if self._thread is not None:
            self._pieces.put(piece)
            return
        self._hash.update(piece)
        self._count += len(piece)
        if self._count > _WORTH_A_THREAD:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def hexdigest(self) -> str:
        """The hash of all pieces."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread, if there is one."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._hash.update(piece)
