"""Evidence brought to where its image is: as referrers in a registry or a layout, and as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.evidence.statement import IN_TOTO, SBOM, Statement
from m2build.local.failures import storage
from m2build.local.outputs import check_writable, output_file
from m2build.oci.artifact import PREDICATE_TYPE, Artifact
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import Place, PlaceKind
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build.registry.access import Access
    from m2build.registry.referrers import Attached

CYCLONEDX = "application/vnd.cyclonedx+json"
KEEPING = frozenset({PlaceKind.REGISTRY, PlaceKind.OCI, PlaceKind.OCI_ARCHIVE})
"""The kinds of places that keep what refers to an image."""


@typed_arguments
def check_attachable(place: Place) -> None:
    """Check, before an image is made, that evidence can be attached to it where it goes.

    Raises:
        UsageError: it cannot.
    """
    if place.kind not in (PlaceKind.REGISTRY, PlaceKind.OCI):
        raise UsageError(
            f"nothing can be attached to an image in {place}",
            hint="registries and layouts (oci:DIR) can hold what refers to an image; --attest-dir writes files",
        )


def artifacts_of(statements: Iterable[Statement], subject: Descriptor) -> tuple[Artifact, ...]:
    """The artifacts that carry statements on an image: one for each, and the bill of materials by itself, too.

    Scanners look for the latter by its own media type.
    """
    found = []
    for statement in statements:
        annotations = {PREDICATE_TYPE: statement.predicate_type}
        found.append(Artifact.of(IN_TOTO, statement.content, subject, annotations=annotations))
        if statement.predicate_type == SBOM:
            found.append(Artifact.of(CYCLONEDX, statement.predicate, subject))
    return tuple(found)


def subject_of(place: Place, digest: Digest, access: Access | None) -> Descriptor:
    """The descriptor of an image's manifest, where it was delivered.

    Raises:
        UsageError: nothing can be attached there.
        ContentError: it is not there, or is altered.
        TransportError: a registry does not have it, or fails.
    """
    check_attachable(place)
    if place.kind is PlaceKind.REGISTRY and access is not None:
        from m2build.registry.manifests import describe  # an HTTP library is slow to import

        return describe(access.pull(parse_reference(place.location)), digest)
    from m2build.places.layout_referrers import describe_local

    return describe_local(Path(place.location), digest)


def attach(artifacts: Sequence[Artifact], place: Place, access: Access | None, progress: Progress) -> Attached:
    """Attach artifacts to their image, which is at a place; what is there already stays as it is.

    The image does not change: its digest is the same with and without.

    Raises:
        UsageError: nothing can be attached there, or the artifacts refer to several images.
        TransportError: a registry refuses, or does not answer.
        ContentError: something else is where a list of referrers has to be.
        StorageError: a layout cannot be written.
    """
    from m2build.registry.referrers import Attached, attach_remote

    check_attachable(place)
    subjects = {artifact.subject.digest for artifact in artifacts}
    if len(subjects) != 1:
        raise UsageError(f"the evidence is on {len(subjects)} images, not on one")
    if place.kind is PlaceKind.REGISTRY and access is not None:
        return attach_remote(access.push(parse_reference(place.location)), artifacts, subjects.pop(), progress)
    from m2build.places.layout_referrers import attach_local

    added = attach_local(Path(place.location), artifacts, progress)
    return Attached(added, len(artifacts) - added, artifacts=tuple(artifacts))


def found_at(place: Place, digest: Digest, access: Access | None) -> tuple[Artifact, ...]:
    """All that refers to an image at a place, by others too.

    Raises:
        UsageError: places of this kind hold no referrers.
        ContentError: something is missing, altered or malformed.
        TransportError: a registry refuses, or does not answer.
    """
    if place.kind is PlaceKind.REGISTRY and access is not None:
        from m2build.registry.referrers import referrers

        return tuple(referrers(access.pull(parse_reference(place.location)), digest))
    if place.kind not in KEEPING:
        raise UsageError(f"{place} holds nothing that refers to an image", hint="registries and layouts can")
    from m2build.places.files import ArchiveFiles, FolderFiles
    from m2build.places.layout_referrers import local_referrers

    path = Path(place.location)
    files = FolderFiles(path) if place.kind is PlaceKind.OCI else ArchiveFiles(path)
    return tuple(local_referrers(files, digest, str(place)))


@typed_arguments
def check_folder(folder: Path) -> None:
    """Check, before an image is made, that statements can be written into a folder.

    Raises:
        StorageError: they cannot.
    """
    with storage(folder, "written"):
        check_writable(folder / "provenance.json")


@typed_arguments
def write_statements(statements: Iterable[Statement], folder: Path) -> None:
    """Write each predicate, as `actions/attest` takes it, and beside it the whole statement, `….intoto.json`.

    Raises:
        StorageError: a file cannot be written.
    """
    with storage(folder, "written"):
        for statement in statements:
            whole = statement.file.removesuffix(".json") + ".intoto.json"
            for name, content in ((statement.file, statement.predicate), (whole, statement.content)):
                with output_file(folder / name) as out:
                    out.write(content)
