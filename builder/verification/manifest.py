"""The manifest: annotations and descriptors, what recipe and base give beside what an image has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from m2build.layers.table_claims import TABLE_ANNOTATIONS, table_of
from m2build.oci.media_types import named_compression
from m2build.verification.findings import Finding
from m2build.verification.settings import differing

if TYPE_CHECKING:
    from m2build.oci.descriptor import Descriptor, JsonObject
    from m2build.oci.image import Image
    from m2build.oci.manifest import Manifest


def annotation_findings(wanted: Mapping[str, str], manifest: Manifest, *, must_have_all: bool) -> Iterator[Finding]:
    """Every annotation of a manifest that differs.

    Docker's manifests have none. Container engines leave them out, unless they are given as options, as by bake.

    Args:
        wanted: what recipe and base give.
        manifest: the image's manifest.
        must_have_all: whether m2build itself has written the image.
    """
    given = manifest.annotations
    must = wanted.keys() if must_have_all and manifest.types.has_annotations else frozenset[str]()
    for key in sorted(must | given.keys()):
        if wanted.get(key) != given.get(key):
            yield Finding("manifest-annotation", key, differing(wanted.get(key), given.get(key)))


def manifest_findings(expected: Manifest, found: Manifest) -> Iterator[Finding]:
    """What else a manifest says, as tools may follow it: other places of a layer, other types, what it refers to.

    Of a blob that both have, the descriptor has to be the same, but for its vocabulary of media types. Of any other,
    such as a layer that was compressed anew, it may have nothing more than where a table of its contents is.

    Args:
        expected: as m2build writes it.
        found: the image's.
    """
    for key, value in sorted(found.others.items()):
        yield Finding("manifest-other", key, differing(None, value))
    yield from _more("config", found.config.more, {})
    if found.config.media_type != found.types.config:
        yield _type("config", found.types.config, found.config.media_type)
    known = {layer.digest: layer for layer in expected.layers}
    for number, layer in enumerate(found.layers):
        yield from _layer_findings(f"layers[{number}]", known.get(layer.digest), layer)


def _layer_findings(place: str, known: Descriptor | None, layer: Descriptor) -> Iterator[Finding]:
    compression = named_compression(layer.media_type)
    if known is None:
        if compression is None:
            yield _type(place, "a layer's media type", layer.media_type)
    elif layer.media_type != known.media_type and (
        compression is None or compression != named_compression(known.media_type)
    ):
        yield _type(place, known.media_type, layer.media_type)
    yield from _more(place, _but_tables(layer), known.more if known else {})


def _but_tables(layer: Descriptor) -> JsonObject:
    """What a descriptor has more than type, digest and size, but for a table of contents, which is compared itself."""
    if table_of(layer) is None:
        return dict(layer.more)
    annotations = {key: value for key, value in layer.annotations.items() if not key.startswith(TABLE_ANNOTATIONS)}
    return {**layer.more, "annotations": annotations or None}


def _more(place: str, given: Mapping[str, object], known: Mapping[str, object]) -> Iterator[Finding]:
    """What is not known of the base; tools leave out what they do not need."""
    for key, value in given.items():
        theirs = known.get(key)
        if isinstance(value, dict) and (theirs is None or isinstance(theirs, dict)):
            yield from _more(f"{place}.{key}", value, theirs or {})
        elif value is not None and value != theirs:
            yield Finding("manifest-other", f"{place}.{key}", differing(theirs, value))


def _type(place: str, wanted: str, given: str) -> Finding:
    return Finding("manifest-other", f"{place}.mediaType", differing(wanted, given))


def extra_layers(expected: Image, found: Image) -> Iterator[Finding]:
    """Whether there are layers above the one that m2build itself writes."""
    count = len(expected.config.diff_ids)
    above = found.config.diff_ids[count:]
    if above and found.config.diff_ids[:count] == expected.config.diff_ids:
        yield Finding("layer-extra", "", f"{len(above)} more above the layer of the patches, which is all there may be")
