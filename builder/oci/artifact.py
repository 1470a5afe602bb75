"""Artifacts that refer to an image, such as statements on it (OCI image specification 1.1, manifest.md, `subject`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from m2build.errors import ContentError
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs, MemoryBlobs
from m2build.oci.manifest import Manifest, canonical
from m2build.oci.media_types import OCI
from m2build.oci.shapes import MANIFEST
from m2build.oci.strict_json import parse_object

_EMPTY = b"{}"
EMPTY_CONFIG = Descriptor.of("application/vnd.oci.empty.v1+json", _EMPTY)
"""The config of an artifact that needs none."""
PREDICATE_TYPE = "in-toto.io/predicate-type"
"""The annotation that says what a statement is about; BuildKit's, which other tools read."""
SIGNED_PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"
"""The same of a statement in a sigstore bundle."""
_ABOUT_ANOTHER = re.compile(r"(?:sha256|sha512)-[0-9a-f]{64,128}(?:\.(?:sig|att|sbom))?")
"""The distribution specification's tags of lists of referrers, and cosign's of signatures, attestations and SBOMs."""


@dataclass(frozen=True)
class Artifact:
    """A manifest that refers to another one, its subject.

    Attributes:
        manifest: its manifest, whose layers are what it says.
        artifact_type: what it is.
        subject: what it refers to.
        blobs: where its config's and its layers' bytes are.
    """

    manifest: Manifest
    artifact_type: str
    subject: Descriptor
    blobs: Blobs

    @classmethod
    def of(
        cls,
        artifact_type: str,
        content: bytes,
        subject: Descriptor,
        *,
        media_type: str | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Artifact:
        """An artifact of one document. It holds no time: the same content for the same subject is the same artifact.

        Args:
            artifact_type: what it is, as a media type.
            content: the document.
            subject: what it refers to.
            media_type: what the document is; None for `artifact_type`.
            annotations: those of the manifest, which lists of referrers repeat.
        """
        layer = Descriptor.of(media_type or artifact_type, content)
        document: JsonObject = {
            "schemaVersion": 2,
            "mediaType": OCI.manifest,
            "artifactType": artifact_type,
            "config": EMPTY_CONFIG.to_json(),
            "layers": [layer.to_json()],
            "subject": _plain(subject).to_json(),
        }
        if annotations:
            document["annotations"] = dict(sorted(annotations.items()))
        manifest = Manifest(canonical(document), OCI, EMPTY_CONFIG, (layer,))
        blobs = MemoryBlobs({EMPTY_CONFIG.digest: _EMPTY, layer.digest: content})
        return cls(manifest, artifact_type, _plain(subject), blobs)

    @classmethod
    def read(cls, raw: bytes, blobs: Blobs) -> Artifact | None:
        """An artifact from its manifest; None if the manifest refers to nothing.

        Raises:
            ContentError: it is not a manifest that can be copied.
        """
        document = parse_object(raw, "manifest", MANIFEST)
        if document.get("subject") is None:
            return None
        layers, config = document.get("layers"), Descriptor.parse(document.get("config"))
        if not isinstance(layers, list) or document.get("mediaType", OCI.manifest) != OCI.manifest:
            raise ContentError("a manifest that refers to the image is not of an artifact that can be copied")
        manifest = Manifest(raw, OCI, config, tuple(map(Descriptor.parse, layers)))
        kind = document.get("artifactType") or config.media_type
        return cls(manifest, str(kind), Descriptor.parse(document["subject"]), blobs)

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of its manifest."""
        return self.manifest.annotations

    @property
    def predicate_type(self) -> str:
        """What it attests, by its annotations; empty for what is not a statement."""
        return self.annotations.get(PREDICATE_TYPE) or self.annotations.get(SIGNED_PREDICATE_TYPE, "")

    @property
    def entry(self) -> JsonObject:
        """Its descriptor as lists of referrers have it (OCI distribution specification 1.1, listing referrers)."""
        own = self.manifest.descriptor.to_json() | {"artifactType": self.artifact_type}
        return own | ({"annotations": {**self.annotations}} if self.annotations else {})

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """Its blobs, each once."""
        return tuple({blob.digest: blob for blob in (self.manifest.config, *self.manifest.layers)}.values())


def _plain(descriptor: Descriptor) -> Descriptor:
    """A descriptor without whatever else an index says of it."""
    return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size)


def fallback_tag(subject: Digest) -> str:
    """The tag of a list of referrers where a registry keeps none (OCI distribution specification 1.1).

    >>> fallback_tag(Digest("sha256", "ab"))
    'sha256-ab'
    """
    return f"{subject.algorithm[:32]}-{subject.hex[:64]}"


def is_about_another(tag: str) -> bool:
    """Whether a tag is named after the digest of what it is about: a list of referrers, or what cosign attaches.

    >>> [is_about_another(f"sha256-{64 * 'a'}{suffix}") for suffix in ("", ".sig", "-dev")]
    [True, True, False]
    """
    return _ABOUT_ANOTHER.fullmatch(tag) is not None


def with_entries(index: JsonObject | None, entries: list[JsonObject]) -> JsonObject | None:
    """An index of referrers with more entries; None if it has them all already.

    Everything else in it is kept: other tools write there, too.

    Args:
        index: what is there; None for no index.
        entries: what has to be in it.

    Raises:
        ContentError: what is there is not a list of referrers.
    """
    index = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": []} if index is None else index
    listed = index.get("manifests")
    if not isinstance(listed, list):
        raise ContentError("it is not an index")
    known = {entry.get("digest") for entry in listed if isinstance(entry, dict)}
    missing = [entry for entry in entries if entry["digest"] not in known]
    return index | {"manifests": [*listed, *missing]} if missing else None
