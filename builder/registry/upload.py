"""Sending one blob, until the registry has it or refuses it (distribution specification, pushing blobs)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from m2build.errors import StorageError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, VerifiedReader, open_blob
from m2build.progress import Progress
from m2build.registry.client import Client
from m2build.registry.messages import Answer
from m2build.registry.transport import RETRIED

_CHUNK = 1 << 18
_TRIES = 3
_ANEW = (401, 404, *RETRIED)
"""What an upload that has begun may be answered with before it is begun anew; the beginning itself tells refusals."""
_LARGEST_AT_ONCE = 8 << 20
_COMMIT_SECONDS = 300
"""How long a registry may take to put a blob in its place; some copy it in an object store before they answer."""


def is_there(client: Client, blob: Descriptor) -> bool:
    """Whether the repository has a blob."""
    answer = client.send("HEAD", f"blobs/{blob.digest}", expected=(200, 404))
    answer.start()
    return answer.status == 200


@dataclass(frozen=True)
class Upload:
    """How blobs are sent."""

    client: Client
    sources: Blobs
    progress: Progress
    stop: threading.Event

    def send(self, blob: Descriptor, location: str | None) -> None:
        """Send one blob; a connection that breaks off or a token that ends starts a new upload, a refusal is final.

        Args:
            blob: the blob.
            location: where an upload waits for it already, or None.
        """
        for attempt in range(1, _TRIES):
            answer = self._attempt(blob, location or self._begin())
            if answer is not None and answer.status == 201:
                return
            self.client.transport.pause(attempt, answer)
            if is_there(self.client, blob):
                return  # only the answer was lost
            location = None
        answer = self._try(blob, self._begin())
        if answer.status != 201:
            raise TransportError(
                f"{self.client.name} does not take the blob {blob.digest}: it answers {answer.status}",
                hint="try again later; what has been uploaded is not sent again",
            )

    def _attempt(self, blob: Descriptor, location: str) -> Answer | None:
        try:
            return self._try(blob, location)
        except TransportError as error:
            if error.__cause__ is None:
                raise
            return None  # there was no answer

    def _begin(self) -> str:
        answer = self.client.send("POST", "blobs/uploads/", expected=(202,))
        answer.start()
        return self.client.next_step(answer)

    def _try(self, blob: Descriptor, location: str) -> Answer:
        """Send a small blob in one request, a large one in two as docker does: some registries limit the former."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
        with open_blob(self.sources, blob) as reader:
            body: bytes | Iterator[bytes] = self._told(reader, blob)
            if blob.size > _LARGEST_AT_ONCE:
                answer = self._step("PATCH", location, (202, 204), headers, body)
                if answer.status in _ANEW:
                    return answer
                location, headers, body = self.client.next_step(answer), {}, b""
            separator = "&" if urlsplit(location).query else "?"
            url = f"{location}{separator}{urlencode({'digest': str(blob.digest)})}"
            return self._step("PUT", url, (201,), headers, body)

    def _step(
        self, method: str, url: str, expected: tuple[int, ...], headers: dict[str, str], body: bytes | Iterator[bytes]
    ) -> Answer:
        answer = self.client.send(
            method, url, expected=(*expected, *_ANEW), headers=headers, body=body, seconds=_COMMIT_SECONDS
        )
        answer.start()
        return answer

    def _told(self, reader: VerifiedReader, blob: Descriptor) -> Iterator[bytes]:
        """A blob's bytes on their way, with progress; they end when the whole push is stopped."""
        while data := self._read(reader, blob):
            yield data
            if self.stop.is_set():
                raise TransportError("the upload is stopped")
            self.progress.transfer(blob.digest.hex[:12], reader.count, blob.size)

    def _read(self, reader: VerifiedReader, blob: Descriptor) -> bytes:
        try:
            return reader.read(_CHUNK)
        except OSError as error:
            raise StorageError(f"the blob {blob.digest}{reader.location} cannot be read: {error.strerror}") from error
