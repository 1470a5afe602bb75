"""A repository's blob as a stream that resumes after a broken connection (RFC 9110, section 14)."""

from __future__ import annotations

import io
import re
from typing import BinaryIO, cast

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from m2build.errors import ContentError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.registry.client import Client
from m2build.registry.failures import PATIENCE, is_stalled
from m2build.registry.messages import Answer
from m2build.registry.transport import STALLS

_RESUMES = 5
"""How often a blob's download is resumed; the count restarts with each MiB received."""
_NO_RANGES = (416, 501)
_PACKED = 1 << 16
"""Bytes to read at once of what is decompressed on the way: that may give a thousand times as many."""
_RANGE = re.compile(r"bytes (?P<first>[0-9]+)-[0-9]+/(?P<size>[0-9]+|\*)")


class BlobStream(io.RawIOBase):
    """A blob's bytes, not yet checked.

    Attributes:
        name: the repository, for messages.
        is_fetched: True, as the bytes come over a network.
    """

    is_fetched = True

    def __init__(self, client: Client, descriptor: Descriptor) -> None:
        self.name = client.name
        self._client = client
        self._descriptor = descriptor
        self._position = 0
        self._end = descriptor.size
        self._resumes = 0
        self._stalls = 0
        self._knows_ranges = True
        self._is_packed = False
        self._response: BaseHTTPResponse | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes, or all that is left if `size` is negative.

        Raises:
            TransportError: the registry fails, or the connection keeps breaking.
            ContentError: the registry does not have the blob, or only a part of it.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while size and self._position < self._end:
            try:
                data = self._receive(min(size, self._end - self._position))
            except (HTTPError, OSError) as error:
                self._break_off(error)
                continue
            if not data:
                self._break_off(None)
                continue
            if (self._position ^ (self._position + len(data))) >> 20:
                self._resumes = 0
            self._stalls = 0
            self._position += len(data)
            return data
        return b""

    def part(self, first: int, end: int) -> BinaryIO | None:
        """A stream of the bytes from `first` up to `end`, from a request of its own; None if there are no ranges.

        Raises:
            TransportError: the registry fails.
            ContentError: it does not have the blob.
        """
        part = _Part(self._client, self._descriptor, first, end)
        return cast("BinaryIO", part) if part.is_served() else None

    def close(self) -> None:
        """Return the connection to its pool, or close it if more bytes would come."""
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response.release_conn()
            self._response = None

    def _break_off(self, error: Exception | None) -> None:
        """Prepare to resume after the stream ended too soon, with an error or without one."""
        self._drop()
        self._resumes += 1
        self._stalls += error is not None and is_stalled(error)
        place = f"at byte {self._position} of {self._descriptor.size}"
        if self._stalls == STALLS:
            raise TransportError(
                f"{self.name} stalled for {self._client.transport.seconds:g} s "
                f"while sending the blob {self._descriptor.digest}, {place}",
                hint=f"try again later; {PATIENCE}=SECONDS waits longer",
            ) from error
        if self._resumes > _RESUMES and error is None:
            raise ContentError(f"the blob {self._descriptor.digest} in {self.name} is truncated: it ends {place}")
        if self._resumes > _RESUMES:
            raise TransportError(
                f"the connection to {self.name} keeps breaking during the blob {self._descriptor.digest}, {place}",
                hint="try again later",
            ) from error
        self._client.transport.pause(self._resumes)

    def _receive(self, size: int) -> bytes:
        """At most so many bytes from the connection; fewer at once if they have to be decompressed on the way."""
        response = self._opened()
        return response.read(min(size, _PACKED) if self._is_packed else size, decode_content=self._is_packed)

    def _opened(self) -> BaseHTTPResponse:
        if self._response is None:
            answer = self._ask()
            if answer.status == 404:
                answer.start()
                raise ContentError(f"{self.name} has no blob {self._descriptor.digest}")
            self._response = answer.response
            # Many blobs are gzip themselves, and called so without being packed again: then the length is theirs.
            length = answer.header("Content-Length")
            self._is_packed = answer.status == 200 and answer.is_packed and length != str(self._descriptor.size)
            self._knows_ranges = self._knows_ranges and not self._is_packed
            left = self._position if answer.status == 200 else 0
            # A registry without support for ranges starts over: skip what we have.
            while left and (dropped := self._receive(min(left, 1 << 20))):
                left -= len(dropped)
        return self._response

    def _ask(self) -> Answer:
        """Request the rest of the blob; all of it if the registry does not support ranges, or sends the wrong one."""
        path = f"blobs/{self._descriptor.digest}"
        if self._position and self._knows_ranges:
            headers = {"Range": f"bytes={self._position}-"}
            answer = self._client.send("GET", path, expected=(200, 206, 404, *_NO_RANGES), headers=headers)
            if answer.status in (200, 404) or (answer.status == 206 and self._is_the_rest(answer)):
                return answer
            answer.response.close()
            self._knows_ranges = False
        return self._client.send("GET", path, expected=(200, 404))

    def _is_the_rest(self, answer: Answer) -> bool:
        found = _RANGE.fullmatch((answer.header("Content-Range") or "").strip())
        return bool(
            found and int(found["first"]) == self._position and found["size"] in ("*", str(self._descriptor.size))
        )


class _NoRangesError(Exception):
    """A registry answers with a whole blob where a part of it was asked for."""


class _Part(BlobStream):
    """A part of a blob's bytes; it resumes as the whole does."""

    def __init__(self, client: Client, descriptor: Descriptor, first: int, end: int) -> None:
        super().__init__(client, descriptor)
        self._first, self._position, self._end = first, first, end

    def is_served(self) -> bool:
        """Whether the registry sends it; asks for it."""
        try:
            self._opened()
        except _NoRangesError:
            return False
        return True

    def _ask(self) -> Answer:
        headers = {"Range": f"bytes={self._position}-{self._end - 1}"}
        path = f"blobs/{self._descriptor.digest}"
        answer = self._client.send("GET", path, expected=(200, 206, 404, *_NO_RANGES), headers=headers)
        if answer.status == 404 or (answer.status == 206 and self._is_the_rest(answer)):
            return answer
        answer.response.close()
        if self._position == self._first:
            raise _NoRangesError
        raise TransportError(
            f"{self.name} no longer sends parts of the blob {self._descriptor.digest}", hint="try again later"
        )
