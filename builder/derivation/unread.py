"""Which layers have to be fetched before the sources of bases are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from m2build.base.model import Base
from m2build.layers.cache import member_cache
from m2build.layers.members import Wanted, wanted_for
from m2build.layers.root import Root
from m2build.oci.descriptor import Descriptor
from m2build.places.place import PlaceKind


def unread_bytes(bases: Iterable[Base], roots: Mapping[str, Root]) -> int:
    """The most bytes of layers that are fetched from registries if the sources of bases are read.

    Layers that several bases have count once, and those whose members are in the cache not at all. A folder that is
    found by its marker is not known yet, so that every layer may be needed.
    """
    layers = {layer.digest: layer.size for base in bases for layer in _unread(base, roots)}
    return sum(layers.values())


def _unread(base: Base, roots: Mapping[str, Root]) -> Iterator[Descriptor]:
    image = base.image
    if image is None or base.place is None or base.place.kind is not PlaceKind.REGISTRY:
        return
    wanted, cache = _wanted(base, roots), member_cache()
    for layer, diff_id in zip(image.manifest.layers, image.config.diff_ids, strict=True):
        if wanted is None or not cache.knows_layer(image, layer, diff_id, wanted):
            yield layer


def _wanted(base: Base, roots: Mapping[str, Root]) -> Wanted | None:
    """What is read of a base first; more is read if links lead elsewhere."""
    paths = [root.path for root in roots.values() if root.path is not None]
    return wanted_for(paths, (base.config.working_dir,)) if len(paths) == len(roots) else None
