"""Image manifests and indexes (OCI image specification, manifest.md and image-index.md; Docker's twins).

Raw bytes are kept as received: a digest is of those, never of a re-serialised copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from m2build.errors import ContentError
from m2build.oci.descriptor import Descriptor, JsonObject, object_in
from m2build.oci.digest import Digest
from m2build.oci.media_types import MediaTypes, is_config, is_distributed, is_index, vocabulary
from m2build.oci.shapes import MANIFEST
from m2build.oci.strict_json import parse_object

_USUAL = frozenset({"schemaVersion", "mediaType", "config", "layers", "annotations"})
"""The members of an image's manifest that have a place of their own here, or say what it is."""


@dataclass(frozen=True)
class Document:
    """A manifest or an index as it is stored: of images, or of what lies beside them, such as attestations.

    Attributes:
        raw: its bytes.
        media_type: what it is.
        entries: the manifests that it names, if it is an index.
        blobs: what else it names: a config and layers. Layers that only their vendor may distribute are left out.
    """

    raw: bytes
    media_type: str
    entries: tuple[Descriptor, ...]
    blobs: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, raw: bytes, media_type: str) -> Document:
        """Read a document.

        Args:
            raw: the bytes as received.
            media_type: what its descriptor says it is, for documents that do not say so themselves.

        Raises:
            ContentError: it is malformed, ambiguous, or neither a manifest nor an index.
        """
        document = parse_object(raw, "manifest", MANIFEST)
        kind = _media_type(document, media_type)
        if is_index(kind):
            return cls(raw, kind, _descriptors(raw, _objects(document, "manifests")), ())
        named = _descriptors(raw, [*_objects(document, "layers"), document.get("config")])
        return cls(raw, vocabulary(kind).manifest, (), tuple(blob for blob in named if is_distributed(blob.media_type)))

    @cached_property
    def digest(self) -> Digest:
        """The digest of the raw bytes."""
        return Digest.of(self.raw)


@dataclass(frozen=True)
class Manifest:
    """One image's manifest.

    Attributes:
        raw: its bytes.
        types: its vocabulary of media types.
        config: the config's descriptor.
        layers: the layers' descriptors, lowest first.
    """

    raw: bytes
    types: MediaTypes
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @cached_property
    def digest(self) -> Digest:
        """The digest of the raw bytes, which identifies the image."""
        return Digest.of(self.raw)

    @property
    def others(self) -> JsonObject:
        """What it says besides config, layers and annotations, such as a subject."""
        return {key: value for key, value in self._members.items() if key not in _USUAL}

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations; Docker's manifests have none."""
        found = object_in(self._members, "annotations")
        return {key: str(value) for key, value in found.items()}

    @property
    def _members(self) -> JsonObject:
        return parse_object(self.raw, "manifest", MANIFEST)

    @property
    def document(self) -> Document:
        """The manifest as it is stored."""
        return Document(self.raw, self.types.manifest, (), (*self.layers, self.config))

    @property
    def descriptor(self) -> Descriptor:
        """The manifest's own descriptor."""
        return Descriptor(self.types.manifest, self.digest, len(self.raw))


@dataclass(frozen=True)
class Index:
    """An index, or a manifest list as Docker calls it."""

    manifests: tuple[Descriptor, ...]


def describes_image(raw: bytes) -> bool:
    """Whether a manifest is an image's or an index, and not another artifact's, such as a signature.

    Raises:
        ContentError: it is not a manifest.
    """
    document = parse_object(raw, "manifest", MANIFEST)
    config = document.get("config")
    return "manifests" in document or (isinstance(config, dict) and is_config(str(config.get("mediaType"))))


def parse_manifest(raw: bytes, media_type: str = "") -> Manifest | Index:
    """Read a manifest or an index.

    Args:
        raw: the bytes as received.
        media_type: what its descriptor says it is, for documents that do not say so themselves.

    Raises:
        ContentError: it is neither, malformed, ambiguous, or the manifest of an artifact that is not an image.
    """
    document = parse_object(raw, "manifest", MANIFEST)
    kind = _media_type(document, media_type)
    if is_index(kind):
        return Index(_descriptors(raw, _objects(document, "manifests")))
    types, (config,) = vocabulary(kind), _descriptors(raw, [document.get("config")])
    if not is_config(config.media_type):
        raise ContentError(f"the manifest's config is {config.media_type!r}, not an image's config")
    return Manifest(raw, types, config, _descriptors(raw, _objects(document, "layers")))


def _descriptors(raw: bytes, values: Sequence[object]) -> tuple[Descriptor, ...]:
    """A manifest's descriptors; an error names the manifest."""
    try:
        return tuple(map(Descriptor.parse, values))
    except ContentError as error:
        raise ContentError(f"the manifest {Digest.of(raw)}: {error}") from error


def _media_type(document: JsonObject, expected: str) -> str:
    """A document's media type. One that could be read as two is refused (CVE-2021-41190).

    https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m
    """
    kind = document.get("mediaType") or expected  # null and empty count as absent, as in Go
    if not isinstance(kind, str) or not kind:
        raise ContentError("the manifest has no mediaType")
    if expected and kind != expected:
        raise ContentError(f"the manifest's mediaType is {kind!r}, but it is declared as {expected!r}")
    if document.get("schemaVersion") != 2 or {"manifests", "layers"} <= document.keys():
        raise ContentError("the manifest's schemaVersion is not 2, or it has both layers and manifests")
    return kind


def build_manifest(
    types: MediaTypes, config: Descriptor, layers: Sequence[Descriptor], annotations: Mapping[str, str]
) -> Manifest:
    """A new manifest; annotations are left out if they are empty or the vocabulary has none."""
    document: JsonObject = {
        "schemaVersion": 2,
        "mediaType": types.manifest,
        "config": config.to_json(),
        "layers": [layer.to_json() for layer in layers],
    }
    if annotations and types.has_annotations:
        document["annotations"] = dict(sorted(annotations.items()))
    return Manifest(canonical(document), types, config, tuple(layers))


def canonical(document: Mapping[str, object]) -> bytes:
    """Compact JSON in the document's own order: the same value gives the same bytes everywhere."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _objects(document: JsonObject, key: str) -> list[object]:
    found = document.get(key)
    if not isinstance(found, list):
        raise ContentError(f"the manifest has no list of {key}")
    return found
