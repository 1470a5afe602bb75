"""Manifests of one repository: fetch and check them, publish them, look up what a tag names."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from m2build.errors import ContentError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import fetched_again
from m2build.oci.manifest import Document, Index, Manifest, parse_manifest
from m2build.oci.media_types import DOCKER, OCI, is_image
from m2build.oci.shapes import MANIFEST
from m2build.oci.strict_json import LARGEST_DOCUMENT, parse_object
from m2build.registry.client import Client
from m2build.registry.messages import Answer
from m2build.registry.upload import STORED

_ACCEPT = {"Accept": ", ".join((OCI.index, DOCKER.index, OCI.manifest, DOCKER.manifest))}
_NO_HEAD = (400, 401, 403, 405, 501)
"""Statuses of registries that do not support HEAD; some send 404."""
_TRIES = 4
"""How often a manifest is sent whose blobs the registry had a moment before and does not find now."""


def fetch_manifest(client: Client, name: str, digest: Digest | None = None) -> tuple[Digest, Manifest | Index]:
    """A manifest, checked against its digest: the expected one, or else the one that the registry sends.

    A manifest that was altered in transit is fetched again.

    Args:
        client: the repository.
        name: a tag or a digest.
        digest: the expected digest, or None.

    Raises:
        TransportError: it does not exist, or the registry fails.
        ContentError: it is altered, or is not a manifest.
    """
    return fetched_again(lambda: _fetch(client, name, digest))


def fetch_named(client: Client, name: str, media_type: str = "") -> Document:
    """A manifest or an index of anything, as it is stored.

    Args:
        client: the repository.
        name: a tag or a digest.
        media_type: what its descriptor says it is; empty for what the registry says.

    Raises:
        TransportError: it does not exist, or the registry fails.
        ContentError: it is altered, or is neither.
    """

    def fetch() -> Document:
        answer, expected = _fetch_checked(client, name, Digest.parse(name) if ":" in name else None)
        try:
            return Document.parse(answer.content, media_type or _sent_as(answer))
        except ContentError as error:
            error.may_pass = expected is None
            raise

    return fetched_again(fetch)


def fetch_document(client: Client, digest: Digest) -> bytes:
    """The bytes of an index's entry: a manifest of an image, or of something else.

    Raises:
        TransportError: it does not exist, or the registry fails.
        ContentError: it is altered.
    """
    return fetched_again(lambda: _fetch_checked(client, str(digest), digest)[0].content)


def describe(client: Client, digest: Digest) -> Descriptor:
    """The descriptor of a manifest or an index, as what refers to it has it.

    Raises:
        TransportError: it does not exist, or the registry fails.
        ContentError: it is altered, or is not a manifest.
    """

    def fetch() -> Descriptor:
        answer, _ = _fetch_checked(client, str(digest), digest)
        own = parse_object(answer.content, "manifest", MANIFEST).get("mediaType")
        return Descriptor(str(own or _sent_as(answer)), digest, len(answer.content))

    return fetched_again(fetch)


def _sent_as(answer: Answer) -> str:
    """The media type of a manifest in an answer; empty if it does not say.

    Some registries and proxies say `application/json`, `text/plain` or nonsense of every file; then the document itself
    says what it is.
    """
    said = (answer.header("Content-Type") or "").partition(";")[0].strip().lower()
    return said if is_image(said) else ""


def find_document(client: Client, name: str) -> Answer | None:
    """What a tag names, checked against the digest that the registry sends with it; None if there is no such tag.

    Raises:
        TransportError: the registry refuses, or does not answer.
        ContentError: it is altered.
    """

    def fetch() -> Answer | None:
        answer = _get(client, name)
        if answer.status != HTTPStatus.NOT_FOUND:
            _check(answer, sent_digest(answer))
        elif resolve(client, name) is not None:
            raise ContentError(f"{client.name}:{name} is there for one request and missing for another", may_pass=True)
        else:
            return None
        return answer

    return fetched_again(fetch)


def _fetch(client: Client, name: str, digest: Digest | None) -> tuple[Digest, Manifest | Index]:
    answer, expected = _fetch_checked(client, name, digest)
    try:
        manifest = parse_manifest(answer.content, _sent_as(answer))
    except ContentError as error:
        error.may_pass = expected is None  # with a digest, these are the bytes that the registry stores
        raise
    return digest or Digest.of(answer.content), manifest


def _fetch_checked(client: Client, name: str, digest: Digest | None) -> tuple[Answer, Digest | None]:
    """An answer with a manifest, checked against the given digest, or else the registry's, if it sends one."""
    answer = _get(client, name)
    if answer.status == HTTPStatus.NOT_FOUND:
        separator = "@" if ":" in name else ":"
        raise TransportError(
            f"{client.name}{separator}{name} does not exist",
            hint="check the name and the tag; some registries answer the same to missing credentials",
            is_missing=True,
        )
    expected = digest or sent_digest(answer)
    _check(answer, expected)
    return answer, expected


def _check(answer: Answer, expected: Digest | None) -> None:
    if expected:
        found = hashlib.new(expected.algorithm, answer.content).hexdigest()
        if found != expected.hex:
            reason = f"the manifest {expected} is altered: its digest is {expected.algorithm}:{found}"
            raise ContentError(reason, may_pass=True)


def put_manifest(client: Client, document: Document, name: str) -> None:
    """Publish a manifest or an index under a tag or its digest, once all that it names is there.

    docker-registry 2.8 does not find a blob at the moment when another push of the same blob ends: it writes its links
    in place. So a manifest whose blobs it does not find is sent again.

    A registry may refuse to write an immutable tag that already names this manifest, and an answer may be lost. So
    after a failure it counts what the name points to.

    Raises:
        TransportError: the registry refuses, or does not answer.
    """
    for attempt in range(1, _TRIES):
        try:
            return _put(client, document, name)
        except TransportError as error:
            if not error.is_missing:
                raise
        client.transport.pause(attempt)
    return _put(client, document, name)


def _put(client: Client, document: Document, name: str) -> None:
    headers = {"Content-Type": document.media_type}
    try:
        client.send("PUT", f"manifests/{name}", expected=STORED, headers=headers, body=document.raw).start()
    except TransportError:
        if not _is_there_after_all(client, document, name):
            raise


def _is_there_after_all(client: Client, document: Document, name: str) -> bool:
    try:
        return resolve(client, name, trust_absence=False) == document.digest
    except TransportError:
        return False


def resolve(client: Client, name: str, *, trust_absence: bool = True) -> Digest | None:
    """The digest of what a tag or a digest names; None if that does not exist.

    Args:
        client: the repository.
        name: a tag or a digest.
        trust_absence: believe a 404 to HEAD. A registry that does not support HEAD may send it for every name.

    Raises:
        TransportError: the registry refuses, or does not answer.
    """
    answer = client.send("HEAD", f"manifests/{name}", expected=(200, 404, *_NO_HEAD), headers=_ACCEPT)
    answer.start()
    if answer.status == HTTPStatus.NOT_FOUND and trust_absence:
        return None
    if answer.status == HTTPStatus.OK and (sent := sent_digest(answer)) and sent.algorithm == "sha256":
        return sent
    return digest_of_content(client, name)


def digest_of_content(client: Client, name: str) -> Digest | None:
    """The digest of what a tag or a digest names, computed; None if that does not exist.

    Raises:
        TransportError: the registry refuses, or does not answer.
    """
    answer = _get(client, name)
    return Digest.of(answer.content) if answer.status == HTTPStatus.OK else None


def _get(client: Client, name: str) -> Answer:
    return client.send("GET", f"manifests/{name}", expected=(200, 404), headers=_ACCEPT, largest=LARGEST_DOCUMENT)


def sent_digest(answer: Answer) -> Digest | None:
    """The digest in an answer's header; some registries send none."""
    try:
        return Digest.parse(answer.header("Docker-Content-Digest") or "")
    except ContentError:
        return None
