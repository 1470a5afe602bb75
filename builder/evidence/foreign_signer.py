"""Any program as a signer: it gets a descriptor on stdin, and gives a layout of artifacts on stdout.

docs/signing.md describes the protocol. Nothing of the answer is trusted: its size, its digests, and which image it
refers to are checked before anything is published.
"""

from __future__ import annotations

import json
import os
import selectors
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from m2build.errors import ContentError, EngineError, M2BuildError
from m2build.evidence.statement import Statement
from m2build.local.temporary import temporary_file, temporary_place
from m2build.oci.artifact import Artifact
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import MemoryBlobs, read_blob
from m2build.places.files import ArchiveFiles
from m2build.places.layout import LayoutBlobs, layout_entries
from m2build.programs.program import Program

_LARGEST_ANSWER = 64 << 20
"""Bytes of a signer's answer; statements and signatures have some kilobytes."""
_MOST = 16
"""Artifacts beside one image, by one signer."""
_CHUNK = 1 << 16
_SECONDS = 240
"""How long a signer may take, a person at its key included; cosign has as long."""


def signed_by(
    program: Program, arguments: Sequence[str], name: str, image: Descriptor, statements: Sequence[Statement]
) -> tuple[Artifact, ...]:
    """What a program gives to be put beside an image.

    Args:
        program: the signer.
        arguments: its arguments.
        name: the image's name in its registry.
        image: its manifest's descriptor.
        statements: what is said of it.

    Raises:
        EngineError: the program is missing, or fails.
        ContentError: its answer is not a layout of artifacts that refer to the image.
    """
    with (
        temporary_file(temporary_place(), 0o600) as (_, question),
        temporary_file(temporary_place(), 0o600) as (path, answer),
    ):
        question.write(json.dumps(_question(name, image, statements)).encode())
        question.seek(0)
        try:
            with program.stream(*arguments, stdin=question) as stream:
                _copy(stream, answer, program.name)
        except EngineError as error:
            raise EngineError(error.message, hint="docs/signing.md says what a signer gets and has to give") from error
        answer.flush()
        try:
            return tuple(_artifacts(path, image))
        except M2BuildError as error:
            problem = error.message.replace(str(path), "it")
            raise ContentError(
                f"the answer of the signer {program.name} is refused: {problem}",
                hint="it has to be a tar of an OCI layout of artifacts whose subject is the image",
            ) from error


def _question(name: str, image: Descriptor, statements: Sequence[Statement]) -> dict[str, object]:
    """The image's descriptor, with its name, and the statements to sign, as text: a signature is over bytes."""
    return {**image.to_json(), "name": name, "statements": [statement.content.decode() for statement in statements]}


def _copy(stream: BinaryIO, answer: BinaryIO, name: str) -> None:
    size, until = 0, time.monotonic() + _SECONDS
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        while True:
            if not ready.select(max(0, until - time.monotonic())):
                raise EngineError(f"the signer {name} did not answer within {_SECONDS} s")
            data = os.read(stream.fileno(), _CHUNK)
            if not data:
                return
            size += len(data)
            if size > _LARGEST_ANSWER:
                problem = f"the answer of the signer {name} is larger than {_LARGEST_ANSWER >> 20} MiB, the limit"
                raise ContentError(problem, hint="docs/signing.md says what a signer gets and has to give")
            answer.write(data)


def _artifacts(archive: Path, image: Descriptor) -> Iterator[Artifact]:
    files = ArchiveFiles(archive)
    blobs = LayoutBlobs(files)
    entries = layout_entries(files, "it")
    if not 0 < len(entries) <= _MOST:
        raise ContentError(f"it holds {len(entries)} artifacts, expected 1 to {_MOST}")
    for entry in entries:
        yield _artifact(read_blob(blobs, entry), blobs, image)


def _artifact(raw: bytes, blobs: LayoutBlobs, image: Descriptor) -> Artifact:
    """An artifact with its blobs in memory: the archive is deleted before they are sent."""
    found = Artifact.read(raw, blobs)
    named = f"the artifact {Digest.of(raw)}"
    if found is None:
        raise ContentError(f"{named} refers to nothing")
    if found.subject != Descriptor(image.media_type, image.digest, image.size):
        subject = f"{found.subject.digest}, {found.subject.size} bytes of {found.subject.media_type}"
        raise ContentError(
            f"{named} refers to {subject}, expected {image.digest}, {image.size} bytes of {image.media_type}"
        )
    return Artifact(
        found.manifest,
        found.artifact_type,
        found.subject,
        MemoryBlobs({part.digest: read_blob(blobs, part) for part in found.parts}),
    )
