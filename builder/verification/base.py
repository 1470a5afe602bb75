"""Whether an image stands on its base: the base's layers and history are an equal prefix of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from m2build.base.model import Base, Claimed
from m2build.base.thin import EitherBlobs, missing_layers
from m2build.errors import ContentError
from m2build.labels import BASE_CHAIN_ID, BASE_CONFIG, OWN, STAND_IN
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.history import begins_with, mended
from m2build.oci.image import Image, fetched_again, open_blob
from m2build.oci.layer import open_layer
from m2build.places.place import ENGINE_STORES, PlaceKind
from m2build.progress import Progress, amount
from m2build.verification.findings import Finding
from m2build.verification.origin import BASE_DIGEST

BASE_MANIFEST = f"{OWN}base.manifest"
WITHOUT_MANIFESTS = frozenset({PlaceKind.DOCKER_ARCHIVE, *ENGINE_STORES})
"""Places that keep no manifest as it was pulled, or not always: docker does with containerd's store."""


def stand_in_finding(image: Image) -> Finding | None:
    """What is wrong if an image is said to be derived from a stand-in, and its recipe's base is expected."""
    claimed = image.config.labels.get(STAND_IN)
    if claimed is None:
        return None
    sentence = f"the image says that its base is a stand-in, made of {claimed}, and not the recipe's image"
    return Finding("base-other", STAND_IN, f"{sentence}; --base names a stand-in to verify it against")


def claim_findings(image: Image, base: Base) -> Iterator[Finding]:
    """Whether the digest that an image gives for its base is the one that the base has."""
    claimed = image.config.labels.get(BASE_DIGEST)
    if claimed is not None and base.digest is not None and claimed != str(base.digest):
        name = base.name or "the base"
        hint = f"--base {name}@{claimed} verifies it against that one" if base.name else "name that one with --base"
        yield Finding("base-other", BASE_DIGEST, f"the image says {claimed}, and {name} is now {base.digest}; {hint}")


def as_far_as_claimed(base: Base, labels: Mapping[str, str]) -> Base:
    """The base with those of its digests that an image could name when it was made.

    An archive of Docker's, and an engine's store, keep no manifest as a registry has it. An image that was derived from
    the registry names that manifest nevertheless; `unproven_claims` says that nothing there proves it.

    An engine that builds from its own store shows no manifest there. Its image names the base by its layers, by their
    chain id, and by the digest that the engine pulled it by, if it did. That is as exact: the layers decide what is in
    the base, and they are compared one by one in any case.

    Raises:
        EngineError: the base is in an engine's store, and the engine does not answer.
    """
    if BASE_MANIFEST in labels:
        return _with_claims(base, labels) if base.place and base.place.kind in WITHOUT_MANIFESTS else base
    if BASE_CHAIN_ID not in labels:
        return base
    return replace(base, digest=_pulled_by(base) if BASE_DIGEST in labels else None, by_layers=True)


def _with_claims(base: Base, labels: Mapping[str, str]) -> Base:
    """The base with the digests that an image names for it, if these can be digests, and its own are others."""
    try:
        manifest = Digest.parse(labels[BASE_MANIFEST])
        digest = Digest.parse(labels.get(BASE_DIGEST, str(manifest)))
        config = Digest.parse(labels[BASE_CONFIG]) if BASE_CONFIG in labels else None
    except ContentError:
        return base
    return base if manifest == base.manifest_digest else replace(base, digest=digest, claimed=Claimed(manifest, config))


def unproven_claims(base: Base) -> Iterator[str]:
    """A sentence about the digests of a base that its place cannot prove: what is proven, and what proves the rest."""
    if base.claimed is None or base.image is None:
        return
    if base.claimed.config == base.image.manifest.config.digest:
        named, proven = f"manifest is {base.claimed.manifest}", "its layers and its config are proven"
    else:
        named = f"manifest is {base.claimed.manifest}, and its config {base.claimed.config}"
        proven = "its layers, and what its config says, are proven"
    yield (
        f"that the base's {named}: {base.place} does not keep that as a registry does; {proven}; "
        f"--base NAME@{base.digest} proves all of it"
    )


def _pulled_by(base: Base) -> Digest | None:
    """A base's digest; in an engine's store the one that it was pulled by, instead of the exported archive's."""
    if base.place is None or base.place.kind not in ENGINE_STORES:
        return base.digest
    from m2build.places.engine_store import find_local_image  # it needs other programs

    return find_local_image(base.place).digest


def prefix_findings(image: Image, base: Base) -> Iterator[Finding]:
    """Whether the base's layers and history are the beginning of an image's. Nothing is read."""
    below, found = base.config.diff_ids, image.config.diff_ids
    for number, diff_id in enumerate(below):
        if number >= len(found) or found[number] != diff_id:
            has = f"the image has {found[number]}" if number < len(found) else "the image has no such layer"
            yield Finding("base-layers", "", f"layer {number + 1} of the base is {diff_id}; {has}")
            break
    history, height = image.config.history, len(below)
    beginnings = (base.config.history, mended(base.config.history, height))
    if not any(begins_with(history, beginning) for beginning in beginnings):
        yield Finding("base-history", "", f"its first entries are not the {len(base.config.history)} of the base")
    count = sum(not entry.get("empty_layer") for entry in history)
    if count != len(found):
        yield Finding("history-length", "", f"its history has {count} layers, the image has {len(found)}")


def stored_findings(image: Image, base: Image, *, is_remote: bool, progress: Progress) -> Iterator[Finding]:
    """Whether the layers that an image stores for its base are the base's.

    A layer of the base's own digest is not fetched from a registry: it proves the digest to all that fetch it. A thin
    image leaves such layers out.
    """
    absent = frozenset[Digest]() if is_remote else missing_layers(image)
    for layer, lower, diff_id in zip(image.manifest.layers, base.manifest.layers, base.config.diff_ids, strict=False):
        is_equal = (layer.digest, layer.size) == (lower.digest, lower.size)
        if is_equal and (is_remote or layer.digest in absent):
            continue
        progress.step(f"checking layer {layer.digest.hex[:12]} ({amount(layer.size)})")
        try:
            fetched_again(partial(_drain, image, layer, None if is_equal else diff_id))
        except ContentError as error:
            yield Finding("layer-damaged", "", str(error))


def _drain(image: Image, layer: Descriptor, diff_id: Digest | None) -> None:
    """Read a layer to its end; without a diff_id only its stored bytes."""
    if diff_id is None:
        with open_blob(image.blobs, layer) as stored:
            stored.drain()
    else:
        with open_layer(image, layer, diff_id):
            pass


def on_base(image: Image, base: Image) -> Image:
    """An image with its base's layers taken from the base itself; the ones above stay its own."""
    height = len(base.manifest.layers)
    manifest = replace(image.manifest, layers=(*base.manifest.layers, *image.manifest.layers[height:]))
    blobs = EitherBlobs(frozenset(layer.digest for layer in base.manifest.layers), base.blobs, image.blobs)
    return replace(image, manifest=manifest, blobs=blobs, absent=frozenset())
