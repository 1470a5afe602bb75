"""Sending one blob, until the registry has it or refuses it (distribution specification, pushing blobs)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from m2build.errors import ContentError, StorageError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, VerifiedReader, open_blob
from m2build.progress import Progress
from m2build.registry.client import ASK_OPERATORS, Client
from m2build.registry.failures import is_stalled
from m2build.registry.messages import Answer
from m2build.registry.transport import RETRIED, STALLS

_CHUNK = 1 << 18
_TRIES = 3
STORED = (200, 201, 202, 204)
"""Statuses that confirm what was sent: 201 by the specification, the others from registries in the field."""
_KEEPING = (307, 308)
_HOPS = 5
_RESTARTED = (401, 404, 416, *RETRIED)
"""Statuses after which an upload starts over; a real refusal shows when it begins."""
_LARGEST_AT_ONCE = 8 << 20
_COPIED = 32 << 20
"""Bytes a second at which a registry may commit a blob before it answers; some copy it within an object store."""


def has_blob(client: Client, blob: Descriptor) -> bool:
    """Whether the repository has a blob; it counts as missing if the registry does not say."""
    answer = client.send("HEAD", f"blobs/{blob.digest}", expected=(200, 400, 404, 405, 501))
    answer.start()
    return answer.status == 200


def ask_mount(client: Client, blob: Descriptor, source: str) -> Answer:
    """Ask for a mount of a blob from another repository: 201, it is mounted; 202, an upload has begun instead.

    Raises:
        TransportError: the registry refuses; the blob can still be uploaded.
    """
    query = urlencode({"mount": str(blob.digest), "from": source})
    return client.send("POST", f"blobs/uploads/?{query}", expected=(201, 202))


@dataclass(frozen=True)
class Upload:
    """Sends blobs to one repository."""

    client: Client
    sources: Blobs
    progress: Progress
    stop: threading.Event

    def send(self, blob: Descriptor, location: str | None) -> None:
        """Send one blob.

        A broken connection, an expired token, and bytes that were altered in transit start a new upload; a refusal is
        final.

        Args:
            blob: the blob.
            location: the URL of an upload that has begun for it, or None.
        """
        stalls, answer = 0, None
        for attempt in range(1, _TRIES + 1):
            answer = None
            try:
                answer = self._try(blob, location or self._begin())
            except (TransportError, ContentError) as error:
                stalls += error.__cause__ is not None and is_stalled(error.__cause__)
                if attempt == _TRIES or stalls == STALLS or not _may_pass(error):
                    raise
            if answer is not None and answer.status in STORED:
                return
            self.client.transport.pause(attempt, answer)
            if has_blob(self.client, blob):
                return  # only the answer was lost
            location = None
        status = answer.status if answer else "nothing"
        raise TransportError(
            f"{self.client.name} does not accept the blob {blob.digest}: it answers {status}",
            hint="try again later; what has been uploaded is not sent again",
        )

    def _begin(self) -> str:
        answer = self.client.send("POST", "blobs/uploads/", expected=(202,))
        answer.start()
        return self.client.upload_url(answer)

    def _try(self, blob: Descriptor, location: str) -> Answer:
        """Send a small blob in one request and a large one in two, as docker does: some registries limit the former."""
        if blob.size <= _LARGEST_AT_ONCE:
            return self._sent("PUT", self._final(location, blob), blob)
        answer = self._sent("PATCH", location, blob)
        if answer.status not in STORED:
            return answer
        url = self._final(self.client.upload_url(answer), blob)
        patience = blob.size / _COPIED
        answer = self.client.send("PUT", url, expected=(*STORED, *_RESTARTED), body=b"", patience=patience)
        answer.start()
        return answer

    def _sent(self, method: str, url: str, blob: Descriptor) -> Answer:
        """Send a blob's bytes, and again from the beginning after each redirect with 307 or 308."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
        for _ in range(_HOPS):
            with open_blob(self.sources, blob) as reader:
                body = self._reported(reader, blob)
                answer = self.client.send(
                    method, url, expected=(*STORED, *_KEEPING, *_RESTARTED), headers=headers, body=body
                )
            answer.start()
            if answer.status not in _KEEPING:
                return answer
            url = self.client.upload_url(answer)
        raise TransportError(f"{self.client.registry}: redirect loop for an upload", hint=ASK_OPERATORS)

    @staticmethod
    def _final(location: str, blob: Descriptor) -> str:
        separator = "&" if urlsplit(location).query else "?"
        return f"{location}{separator}{urlencode({'digest': str(blob.digest)})}"

    def _reported(self, reader: VerifiedReader, blob: Descriptor) -> Iterator[bytes]:
        """A blob's bytes, with progress; they end when the whole push is stopped."""
        while data := self._read(reader, blob):
            yield data
            if self.stop.is_set():
                raise TransportError("the upload was stopped")
            self.progress.transfer(blob.digest.hex[:12], reader.count, blob.size)

    def _read(self, reader: VerifiedReader, blob: Descriptor) -> bytes:
        try:
            return reader.read(_CHUNK)
        except OSError as error:
            raise StorageError(f"the blob {blob.digest}{reader.location} cannot be read: {error.strerror}") from error


def _may_pass(error: TransportError | ContentError) -> bool:
    """Whether there was no answer, or the blob was altered in transit."""
    return error.may_pass if isinstance(error, ContentError) else error.__cause__ is not None
