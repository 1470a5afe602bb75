"""Image manifests and indexes (OCI image specification, manifest.md and image-index.md; Docker's twins).

Raw bytes are kept as they were received: a digest is of those, never of a copy that was written anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from m2build.errors import ContentError, UsageError
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.digest import Digest
from m2build.oci.media_types import MediaTypes, is_index, vocabulary


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
        """The digest of the raw bytes: what the image is called."""
        return Digest.of(self.raw)

    @property
    def descriptor(self) -> Descriptor:
        """The manifest's own descriptor."""
        return Descriptor(self.types.manifest, self.digest, len(self.raw))


@dataclass(frozen=True)
class Index:
    """An index, or a manifest list as Docker calls it."""

    manifests: tuple[Descriptor, ...]

    def for_platform(self, platform: str) -> Descriptor:
        """The one entry for `os/architecture[/variant]`; entries for no platform, such as attestations, do not count.

        Raises:
            UsageError: there is none; the message lists those there are.
        """
        found = [entry for entry in self.manifests if _fits(entry.platform, platform)]
        if not found and len(self.manifests) == 1 and self.manifests[0].platform is None:
            found = list(self.manifests)
        if not found:
            known = sorted({entry.platform for entry in self.manifests if entry.platform} - {"unknown/unknown"})
            raise UsageError(
                f"the image has no {platform}; it has {', '.join(known) or 'no platform at all'}",
                hint="name one of them with --platform",
            )
        return found[0]


def _fits(platform: str | None, wanted: str) -> bool:
    return platform is not None and (platform == wanted or platform.startswith(f"{wanted}/"))


def parse_manifest(raw: bytes, media_type: str = "") -> Manifest | Index:
    """Read a manifest or an index.

    Args:
        raw: the bytes as received.
        media_type: what its descriptor says it is, for documents that do not say so themselves.

    Raises:
        ContentError: it is neither, or malformed.
    """
    document = parse_object(raw, "manifest")
    kind = document.get("mediaType", media_type)
    if not isinstance(kind, str) or not kind:
        raise ContentError(f"the manifest {Digest.of(raw)} does not say what it is")
    if is_index(kind):
        return Index(tuple(map(Descriptor.parse, _objects(document, "manifests"))))
    layers = tuple(map(Descriptor.parse, _objects(document, "layers")))
    return Manifest(raw, vocabulary(kind), Descriptor.parse(document.get("config")), layers)


def build_manifest(
    types: MediaTypes, config: Descriptor, layers: Sequence[Descriptor], annotations: Mapping[str, str]
) -> Manifest:
    """A manifest of our own; annotations are left out where they are empty or the vocabulary has none."""
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


def parse_object(raw: bytes, what: str) -> JsonObject:
    """Read a JSON object.

    Raises:
        ContentError: it is not one.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ContentError(f"the {what} {Digest.of(raw)} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ContentError(f"the {what} {Digest.of(raw)} is not a JSON object")
    return document


def _objects(document: JsonObject, key: str) -> list[object]:
    found = document.get(key)
    if not isinstance(found, list):
        raise ContentError(f"the manifest has no list of {key}")
    return found
