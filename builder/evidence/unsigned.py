"""Statements that are attached to an image without a signature."""

from __future__ import annotations

from collections.abc import Iterable

from m2build.errors import ContentError
from m2build.evidence.statement import IN_TOTO, Statement
from m2build.oci.artifact import Artifact
from m2build.oci.digest import Digest
from m2build.oci.image import read_blob
from m2build.oci.strict_json import TEXT, known, list_of, map_of, parse_object

_STATEMENT = known(predicateType=TEXT, predicate=known(), subject=list_of(known(name=TEXT, digest=map_of(TEXT))))


def statements_in(artifacts: Iterable[Artifact]) -> tuple[Statement, ...]:
    """The statements that artifacts carry by themselves, as `m2build image --attest` attaches them.

    Raises:
        ContentError: one is malformed, or is about something else than the image that it is attached to.
        TransportError: a registry does not deliver one.
    """
    return tuple(
        _statement(read_blob(artifact.blobs, layer), artifact.subject.digest)
        for artifact in artifacts
        if artifact.artifact_type == IN_TOTO
        for layer in artifact.manifest.layers
    )


def _statement(content: bytes, image: Digest) -> Statement:
    document = parse_object(content, "statement", _STATEMENT)
    subjects = document.get("subject")
    digests = [subject.get("digest", {}) for subject in subjects] if isinstance(subjects, list) else []
    if {image.algorithm: image.hex} not in digests:
        raise ContentError(f"a statement {document.get('predicateType')} is attached to {image}, but not about it")
    return Statement(str(document.get("predicateType")), (image,), content)
