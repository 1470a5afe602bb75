"""Sending one blob, until the registry has it or refuses it (distribution specification, pushing blobs)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from m2build.errors import ContentError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs
from m2build.progress import Progress
from m2build.registry.client import ASK_OPERATORS, Client
from m2build.registry.failures import is_stalled
from m2build.registry.messages import HOPS, KEEPING, Answer
from m2build.registry.rewinding import Rewinding
from m2build.registry.transport import RETRIED, STALLS

_TRIES = 3
_WORTH_ANOTHER_TRY = 1 << 20
"""Bytes that a registry has to have received between two breaks, for the tries to be counted anew."""
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
STORED = (200, 201, 202, 204)
"""Statuses that confirm what was sent: 201 by the specification, the others from registries in the field."""
_RESTARTED = (401, 404, 416, *RETRIED)
"""Statuses after which an upload starts over; a real refusal shows when it begins."""
_LARGEST_AT_ONCE = 8 << 20
_COPIED = 32 << 20
"""Bytes a second at which a registry may commit a blob before it answers; some copy it within an object store."""


def has_blob(client: Client, blob: Descriptor) -> bool:
    """Whether the repository has a blob; it counts as missing if the registry does not say.

    Some registries answer 403 for what does not exist. A user who may not write learns that from the upload.
    """
    answer = client.send("HEAD", f"blobs/{blob.digest}", expected=(200, 400, 403, 404, 405, 501))
    answer.start()
    return answer.status == 200


def ask_mount(client: Client, blob: Descriptor, source: str) -> Answer:
    """Ask for a mount of a blob from another repository: 201, it is mounted; 202, an upload has begun instead.

    Raises:
        TransportError: the registry refuses; the blob can still be uploaded.
    """
    query = urlencode({"mount": str(blob.digest), "from": source})
    return client.send("POST", f"blobs/uploads/?{query}", expected=(201, 202))


@dataclass
class _Begun:
    """An upload that a registry has begun: where it goes on, and how many bytes of it the registry has."""

    url: str
    offset: int = 0


@dataclass(frozen=True)
class Upload:
    """Sends blobs to one repository."""

    client: Client
    sources: Blobs
    progress: Progress
    stop: threading.Event

    def send(self, blob: Descriptor, location: str | None) -> None:
        """Send one blob.

        After a broken connection or an expired token, the upload of a large blob goes on where the registry says. Where
        it does not say, and after bytes that were altered in transit, a new one starts. A refusal is final.

        Args:
            blob: the blob.
            location: the URL of an upload that has begun for it, or None.

        Raises:
            TransportError: the registry does not accept it.
            ContentError: the blob is not what it should be.
            StorageError: it cannot be read.
        """
        begun = _Begun(location) if location else None
        attempt, stalls, status = 0, 0, "nothing"
        with Rewinding(self.sources, blob) as body:
            while attempt < _TRIES:
                attempt += 1
                answer, before = None, begun.offset if begun else 0
                try:
                    begun = begun or self._begin(body)
                    answer = self._try(blob, body, begun)
                except (TransportError, ContentError) as error:
                    stalls += error.__cause__ is not None and is_stalled(error.__cause__)
                    if attempt == _TRIES or stalls == STALLS or not _may_pass(error):
                        raise
                    begun = None if isinstance(error, ContentError) else begun
                if answer is not None and answer.status in STORED:
                    return
                status = str(answer.status) if answer else "nothing"
                self.client.transport.pause(attempt, answer)
                if has_blob(self.client, blob):
                    return  # only the answer was lost
                begun = self._resumed(blob, body, begun)
                if begun and begun.offset - before >= _WORTH_ANOTHER_TRY:
                    attempt, stalls = 0, 0
        raise TransportError(
            f"{self.client.name} does not accept the blob {blob.digest}: it answers {status}",
            hint="try again later; what has been uploaded is not sent again",
        )

    def _begin(self, body: Rewinding) -> _Begun:
        body.restart()
        answer = self.client.send("POST", "blobs/uploads/", expected=(200, 201, 202))
        answer.start()
        return _Begun(self.client.upload_url(answer))

    def _resumed(self, blob: Descriptor, body: Rewinding, begun: _Begun | None) -> _Begun | None:
        """A large upload that broke off, as far as the registry has it; None if it has to start over."""
        if begun is None or blob.size <= _LARGEST_AT_ONCE:
            return None
        try:
            answer = self.client.send("GET", begun.url, expected=(200, 202, 204))
            answer.start()
            url = self.client.upload_url(answer) if answer.header("Location") else begun.url
        except TransportError:
            return None
        found = _RANGE.fullmatch((answer.header("Range") or "").strip())
        last = int(found[1]) if found else 0
        if not 0 < last < blob.size or not body.seek(last + 1):  # 0-0 is said of none, too
            return None
        return _Begun(url, last + 1)

    def _try(self, blob: Descriptor, body: Rewinding, begun: _Begun) -> Answer:
        """Send a small blob in one request and a large one in two, as docker does: some registries limit the former.

        The rest of a large blob is always one chunk, the last one, so that OCI-Chunk-Min-Length allows it.
        """
        if blob.size <= _LARGEST_AT_ONCE:
            return self._sent("PUT", _Begun(self._final(begun.url, blob)), blob, body)
        if begun.offset < blob.size:
            answer = self._sent("PATCH", begun, blob, body)
            if answer.status not in STORED:
                return answer
            begun.url, begun.offset = self.client.upload_url(answer), blob.size
        url, patience = self._final(begun.url, blob), blob.size / _COPIED
        answer = self.client.send("PUT", url, expected=(*STORED, *_RESTARTED), body=b"", patience=patience)
        answer.start()
        return answer

    def _sent(self, method: str, begun: _Begun, blob: Descriptor, body: Rewinding) -> Answer:
        """Send a blob's bytes from the upload's offset on, and again after each redirect with 307 or 308."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size - begun.offset)}
        if begun.offset:
            headers["Content-Range"] = f"{begun.offset}-{blob.size - 1}"
        expected, url = (*STORED, *KEEPING, *_RESTARTED), begun.url
        for _ in range(HOPS):
            answer = self.client.send(method, url, expected=expected, headers=headers, body=self._reported(body, blob))
            answer.start()
            if answer.status not in KEEPING or not body.seek(begun.offset):
                return answer
            url = self.client.upload_url(answer)
        raise TransportError(f"{self.client.registry}: redirect loop for an upload", hint=ASK_OPERATORS)

    @staticmethod
    def _final(location: str, blob: Descriptor) -> str:
        url = urlsplit(location)
        said = [part for part in url.query.split("&") if part and part.partition("=")[0] != "digest"]
        return urlunsplit(url._replace(query="&".join([*said, urlencode({"digest": str(blob.digest)})])))

    def _reported(self, body: Rewinding, blob: Descriptor) -> Iterator[bytes]:
        """A blob's bytes, with progress; they end when the whole push is stopped."""
        for data in body.pieces():
            yield data
            if self.stop.is_set():
                raise TransportError("the upload was stopped")
            self.progress.transfer(blob.digest.hex[:12], body.position, blob.size)


def _may_pass(error: TransportError | ContentError) -> bool:
    """Whether there was no answer, or the blob was altered in transit."""
    return error.may_pass if isinstance(error, ContentError) else error.__cause__ is not None
