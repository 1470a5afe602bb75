"""A layer written down while it is read, and read again from there. What is too large for a source is left out."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import threading
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from m2build.local.temporary import temporary_place
from m2build.oci.hashing import Beside
from m2build.oci.layer import decompressed

_MOST = 2 << 30
"""Bytes of one image. Writing down all of a base of 75 GB would cost more than it saves."""
_SHARE = 4
"""What part of the free space of the folder for temporary files may be taken: a fourth. It may be memory."""


@dataclass(frozen=True)
class Written:
    """A layer in a file: its stored bytes, as many as the beginning of its tar takes; behind them the rest of the tar.

    Attributes:
        file: both.
        stored: how many bytes are stored ones.
        beginning: how many bytes of the tar they hold; None for all.
        location: where the layer is from, for messages.
        left_out: where in the tar pieces begin that were left out.
    """

    file: IO[bytes]
    stored: int
    beginning: int | None
    location: str
    left_out: tuple[int, ...] = ()


class Budget:
    """Bytes that may be written down."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take bytes, or give them back if they are negative; False if there are not as many."""
        with self._lock:
            if self._left is None:
                self._left = min(_MOST, shutil.disk_usage(temporary_place()).free // _SHARE)
            if count > self._left:
                return False
            self._left -= count
            return True


class Note:
    """A layer that is written down while it is read: its stored bytes, until something in its tar can be left out.

    From there on it is the tar, which has holes then. If it cannot be written, the note comes to nothing.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._taken = 0
        self._file: IO[bytes] | None = None
        self._is_given_up = False
        self._beside = Beside(self._write)
        self._stored = 0
        self._read = 0
        self._beginning: int | None = None
        self._left_out: list[int] = []
        self.location = ""

    def add_stored(self, data: bytes) -> None:
        """Note the next stored bytes."""
        if self._beginning is None and not self._is_given_up:
            self._beside.add((self._stored, data))
            self._stored += len(data)

    def add(self, position: int, data: bytes) -> None:
        """Note a piece of the tar at its position; no bytes mean that it is left out."""
        if not data:
            self._left_out.append(position)
        if self._beginning is None and data:
            self._read = position + len(data)
        elif self._beginning is None:
            self._beginning = self._read
        if self._beginning is not None and data and not self._is_given_up:
            self._beside.add((self._stored + position - self._beginning, data))

    def given(self) -> Written | None:
        """What was written, which belongs to the caller from now on; None if that is nothing, or not all."""
        self._beside.close()
        file, self._file = self._file, None
        left_out = tuple(self._left_out)
        return Written(file, self._stored, self._beginning, self.location, left_out) if file else None

    def close(self) -> None:
        """Give up what was written, if it is not the caller's."""
        self._beside.close()
        self._give_up()

    def _write(self, piece: tuple[int, bytes]) -> None:
        if self._is_given_up:
            return
        position, data = piece
        with suppress(OSError):
            self._file = self._file or _nameless_file()
            if self._budget.take(len(data)):
                self._taken += len(data)
                if os.pwrite(self._file.fileno(), data, position) == len(data):
                    return
        self._give_up()

    def _give_up(self) -> None:
        self._is_given_up = True
        file, self._file = self._file, None
        if file is not None:
            file.close()
            self._budget.take(-self._taken)


def _nameless_file() -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0, dir=temporary_place())


class Again(io.RawIOBase):
    """A layer's tar from what was written down.

    Attributes:
        was_lacking: whether bytes were asked for that were left out.
    """

    def __init__(self, written: Written) -> None:
        self.was_lacking = False
        self._written = written
        self._stored = decompressed(io.BufferedReader(_Lent(written.file, written.stored)))
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def lacks(self, start: int, size: int) -> bool:
        """Whether some of these bytes were left out."""
        left_out = self._written.left_out
        first = bisect_left(left_out, start)
        is_lacking = first < len(left_out) and left_out[first] < start + size
        self.was_lacking |= is_lacking
        return is_lacking

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`; zeros for what was left out."""
        beginning = self._written.beginning
        left = size if beginning is None else min(size, beginning - self._position)
        if left > 0:
            data = self._stored.read(left)
        else:
            place = self._written.stored + self._position - (beginning or 0)
            data = os.pread(self._written.file.fileno(), size, place)
        self._position += len(data)
        return data


class _Lent(io.RawIOBase):
    """A file's first bytes; it stays open, for the next one."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # bytes alone cannot be written to
        data = os.pread(self._file.fileno(), min(len(buffer), self._size - self._position), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
