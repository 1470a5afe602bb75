"""Manifests of one repository: read and checked, published, and what a tag names at the moment."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from m2build.errors import ContentError, TransportError
from m2build.oci.digest import Digest
from m2build.oci.image import fetched_again
from m2build.oci.manifest import Index, Manifest, parse_manifest
from m2build.oci.media_types import DOCKER, OCI
from m2build.oci.strict_json import LARGEST_DOCUMENT
from m2build.registry.client import Client
from m2build.registry.messages import Answer
from m2build.registry.upload import STORED

_ACCEPT = {"Accept": ", ".join((OCI.index, DOCKER.index, OCI.manifest, DOCKER.manifest))}
_NO_HEAD = (400, 401, 403, 405, 501)
"""What registries say that do not answer HEAD; some say 404."""


def fetch_manifest(client: Client, name: str, digest: Digest | None = None) -> tuple[Digest, Manifest | Index]:
    """A manifest, held to its digest: the expected one, or else the one that the registry tells.

    One that was altered on its way is fetched again.

    Args:
        client: the repository.
        name: a tag or a digest.
        digest: what it has to be, if that is known.

    Raises:
        TransportError: it is not there, or the registry does not deliver.
        ContentError: it is altered, or is no manifest.
    """
    return fetched_again(lambda: _fetch(client, name, digest))


def fetch_document(client: Client, digest: Digest) -> bytes:
    """The bytes of what an index names: a manifest, or one of something that is no image.

    Raises:
        TransportError: it is not there, or the registry does not deliver.
        ContentError: it is altered.
    """
    return fetched_again(lambda: _held(client, str(digest), digest)[0].content)


def _fetch(client: Client, name: str, digest: Digest | None) -> tuple[Digest, Manifest | Index]:
    answer, expected = _held(client, name, digest)
    sent_as = (answer.header("Content-Type") or "").partition(";")[0].strip()
    try:
        manifest = parse_manifest(answer.content, sent_as)
    except ContentError as error:
        error.may_pass = expected is None  # else these are the bytes that the registry has
        raise
    return digest or Digest.of(answer.content), manifest


def _held(client: Client, name: str, digest: Digest | None) -> tuple[Answer, Digest | None]:
    """An answer with a manifest, held to its digest, if that is known or the registry says it."""
    answer = _get(client, name)
    if answer.status == HTTPStatus.NOT_FOUND:
        separator = "@" if ":" in name else ":"
        raise TransportError(
            f"there is no {client.name}{separator}{name}",
            hint="check the name and the tag; of some registries this is also the answer to missing credentials",
        )
    expected = digest or _told(answer)
    if expected:
        found = hashlib.new(expected.algorithm, answer.content).hexdigest()
        if found != expected.hex:
            reason = f"the manifest {expected} is altered: its digest is {expected.algorithm}:{found}"
            raise ContentError(reason, may_pass=True)
    return answer, expected


def put_manifest(client: Client, manifest: Manifest, name: str) -> None:
    """Publish a manifest under a tag or its digest.

    A registry may refuse a tag that cannot be moved and names this very manifest, and an answer may be lost: what
    counts is what the name means afterwards.

    Raises:
        TransportError: the registry refuses, or does not answer.
    """
    headers = {"Content-Type": manifest.types.manifest}
    try:
        client.send("PUT", f"manifests/{name}", expected=STORED, headers=headers, body=manifest.raw).start()
    except TransportError:
        if not _is_there_after_all(client, manifest, name):
            raise


def _is_there_after_all(client: Client, manifest: Manifest, name: str) -> bool:
    try:
        return named(client, name, trust_absence=False) == manifest.digest
    except TransportError:
        return False


def named(client: Client, name: str, *, trust_absence: bool = True) -> Digest | None:
    """The digest of what a tag or a digest names; None for nothing.

    Args:
        client: the repository.
        name: a tag or a digest.
        trust_absence: take a 404 to HEAD for the truth, which a registry without HEAD says of everything.

    Raises:
        TransportError: the registry does not tell.
    """
    answer = client.send("HEAD", f"manifests/{name}", expected=(200, 404, *_NO_HEAD), headers=_ACCEPT)
    answer.start()
    if answer.status == HTTPStatus.NOT_FOUND and trust_absence:
        return None
    if answer.status == HTTPStatus.OK and (told := _told(answer)) and told.algorithm == "sha256":
        return told
    answer = _get(client, name)
    return Digest.of(answer.content) if answer.status == HTTPStatus.OK else None


def _get(client: Client, name: str) -> Answer:
    return client.send("GET", f"manifests/{name}", expected=(200, 404), headers=_ACCEPT, largest=LARGEST_DOCUMENT)


def _told(answer: Answer) -> Digest | None:
    """The digest that the registry tells; some tell none."""
    try:
        return Digest.parse(answer.header("Docker-Content-Digest") or "")
    except ContentError:
        return None
