"""What refers to a manifest in a repository: listed by the registry, or under a tag where the registry lists nothing.

OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema". Which of the two it is shows when
the registry is asked for the list: a header that promises one (`OCI-Subject`) is not trusted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from m2build.errors import ContentError, TransportError
from m2build.oci.artifact import Artifact, fallback_tag, with_entries
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.digest import Digest
from m2build.oci.manifest import canonical
from m2build.oci.media_types import OCI
from m2build.oci.shapes import MANIFEST
from m2build.oci.strict_json import LARGEST_DOCUMENT, parse_object
from m2build.progress import Progress
from m2build.registry.client import ASK_OPERATORS, Client
from m2build.registry.manifests import fetch_document, find_document, put_manifest, resolve, sent_digest
from m2build.registry.parallel import PARALLEL, in_parallel
from m2build.registry.pull import RegistryBlobs
from m2build.registry.upload import STORED, Upload, has_blob

_NO_API = (400, 401, 403, 404, 405, 406, 415, 501)
"""Answers of registries that list no referrers; a refusal of the whole repository shows at its manifests."""
_LOOKS = 4
"""How often to look for what has just been sent before it counts as not listed."""
_TURNS = 8
"""How often to write the list under a tag, if others write it at the same time."""
_MOST_PAGES = 100
_CHANGED = 412
"""Precondition Failed: what `If-Match` names has changed (RFC 9110, section 15.5.13)."""
_NEXT = re.compile(r"<([^>]+)>\s*;[^,]*\brel=\"?next\"?")
_ACCEPT = {"Accept": OCI.index}


@dataclass(frozen=True)
class Attached:
    """What was attached to an image.

    Attributes:
        added: artifacts that were not there.
        existing: artifacts that were there.
        tag: the tag that lists them; None if their place itself does.
        artifacts: all of them.
    """

    added: int
    existing: int
    tag: str | None = None
    artifacts: tuple[Artifact, ...] = ()


def attach_remote(client: Client, artifacts: Sequence[Artifact], subject: Digest, progress: Progress) -> Attached:
    """Put artifacts into the repository of their subject, and have them listed; those that are there stay.

    Raises:
        TransportError: the registry refuses, does not answer, or lists nothing in either way.
        ContentError: something else than a list is where the list has to be.
    """
    stop = threading.Event()
    there = in_parallel(
        lambda artifact: resolve(client, str(artifact.manifest.digest)), artifacts, threads=PARALLEL, stop=stop
    )  # fmt: skip
    new = [artifact for artifact, found in zip(artifacts, there, strict=True) if found is None]
    _send(client, new, progress)
    digests = {artifact.manifest.digest for artifact in artifacts}
    tag = None if _lists(client, subject, digests) else fallback_tag(subject)
    if tag is not None:
        _list_under(client, tag, [artifact.entry for artifact in artifacts])
    return Attached(len(new), len(artifacts) - len(new), tag, tuple(artifacts))


def referrers(client: Client, subject: Digest) -> Iterator[Artifact]:
    """The artifacts that refer to a manifest; their blobs are fetched when they are read.

    A registry that lists nothing may still have a list under the tag, as GitHub's has (kyverno/kyverno#16678).

    Raises:
        TransportError: the registry refuses, or does not answer.
        ContentError: a manifest is altered, or the list is not one.
    """
    entries = _by_api(client, subject)
    if not entries:
        index, _ = _under_tag(client, fallback_tag(subject))
        entries = _entries(index or {})
    for digest in dict.fromkeys(Descriptor.parse(entry).digest for entry in entries):
        artifact = Artifact.read(fetch_document(client, digest), RegistryBlobs(client))
        if artifact and artifact.subject.digest == subject:
            yield artifact


def _send(client: Client, artifacts: Sequence[Artifact], progress: Progress) -> None:
    """Send blobs, then manifests; an artifact's manifest is never there without its blobs."""
    stop = threading.Event()
    sources = {blob: artifact.blobs for artifact in artifacts for blob in artifact.parts}

    def send(blob: Descriptor) -> None:
        if not has_blob(client, blob):
            Upload(client, sources[blob], progress, stop).send(blob, None)

    in_parallel(send, list(sources), threads=PARALLEL, stop=stop)
    in_parallel(
        lambda artifact: put_manifest(client, artifact.manifest.document, str(artifact.manifest.digest)),
        artifacts, threads=PARALLEL, stop=stop,
    )  # fmt: skip


def _lists(client: Client, subject: Digest, digests: set[Digest]) -> bool:
    """Whether the registry itself lists what refers to a manifest; some need a moment."""
    for attempt in range(1, _LOOKS + 1):
        entries = _by_api(client, subject)
        if entries is None:
            return False
        if digests <= {Descriptor.parse(entry).digest for entry in entries}:
            return True
        if attempt < _LOOKS:
            client.transport.pause(attempt)
    client.transport.notify(
        f"{client.registry} keeps what refers to {subject}, but does not list it: it is listed under a tag"
    )
    return False


def _by_api(client: Client, subject: Digest) -> list[JsonObject] | None:
    """What the registry lists; None if it does not list referrers."""
    found: list[JsonObject] = []
    path = f"referrers/{subject}"
    for _ in range(_MOST_PAGES):
        answer = client.send("GET", path, expected=(200, *_NO_API), headers=_ACCEPT, largest=LARGEST_DOCUMENT)
        if answer.status != 200:
            return None
        try:
            page = parse_object(answer.content, "list of referrers", MANIFEST)
        except ContentError:
            return None  # such as a web page, which some servers send for each address that they do not know
        if page.get("mediaType", OCI.index) != OCI.index or "manifests" not in page:
            return None
        found += _entries(page)
        following = _NEXT.search(answer.header("Link") or "")
        if following is None:
            return found
        path = following[1]
    raise TransportError(f"{client.name} lists more than {_MOST_PAGES} pages of referrers", hint=ASK_OPERATORS)


def _entries(index: JsonObject) -> list[JsonObject]:
    listed = index.get("manifests")
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _under_tag(client: Client, tag: str) -> tuple[JsonObject | None, str | None]:
    """The index under a tag, None if there is none; and what `If-Match` can say of it."""
    answer = find_document(client, tag)
    if answer is None:
        return None, None
    index = parse_object(answer.content, "index", MANIFEST)
    if "manifests" not in index:
        raise ContentError(
            f"{client.name}:{tag} is not a list of what refers to the image, as its name says",
            hint="remove that tag; nothing was written to it",
        )
    return index, answer.header("ETag")


def _list_under(client: Client, tag: str, entries: list[JsonObject]) -> None:
    """Add entries to the list under a tag: read, merged and written, until it has them when it is read again.

    Another tool that writes at the same time may have read the list before our entries were in it. What others have
    written is kept: it is read right before, and `If-Match` asks registries that can to refuse a list that is not based
    on it.
    """
    for turn in range(1, _TURNS + 1):
        index, version = _under_tag(client, tag)
        merged = with_entries(index, entries)
        if merged is None:
            return
        is_last = turn == _TURNS
        _put_index(client, tag, canonical(merged), None if is_last else version)
        index, _ = _under_tag(client, tag)
        if index is not None and with_entries(index, entries) is None:
            return
        if not is_last:
            client.transport.pause(turn)
    raise TransportError(
        f"{client.name}:{tag} does not list what was attached, although the registry confirmed it",
        hint="do others write there at the same time? Run this again",
    )


def _put_index(client: Client, tag: str, content: bytes, version: str | None) -> None:
    """Write a list under its tag; whether it is in place shows when it is read again.

    Raises:
        TransportError: the registry refuses, or does not answer.
        ContentError: it is altered on its way, each time.
    """
    condition = {"If-Match": version} if version else {}
    for attempt in range(1, _LOOKS):
        headers = {"Content-Type": OCI.index, **condition}
        answer = client.send("PUT", f"manifests/{tag}", expected=(*STORED, _CHANGED), headers=headers, body=content)
        answer.start()
        if answer.status == _CHANGED or sent_digest(answer) in (None, Digest.of(content)):
            return
        condition = {}  # what it names is what has just been altered
        client.transport.pause(attempt)
    raise ContentError(f"{client.name}:{tag} is altered on its way to the registry", hint=ASK_OPERATORS)
