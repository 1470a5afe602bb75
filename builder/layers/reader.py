"""Wanted members of layers, from the cache or read; the next large layer is read ahead."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from m2build.layers.cache import MemberCache
from m2build.layers.contents import read_members
from m2build.layers.members import Wanted
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.layer import claim_of
from m2build.oci.tar import Member
from m2build.progress import Progress, amount

Members = dict[str, Member]

_LARGE = 32 << 20
"""Bytes from which a layer is read ahead, before it is known to be needed; it nearly always is."""


class LayerReader:
    """Reads the layers of one image."""

    def __init__(self, image: Image, progress: Progress, cache: MemberCache | None) -> None:
        self._image = image
        self._progress = progress
        self._cache = cache
        self._begun: dict[Digest, tuple[Wanted, Future[Members]]] = {}

    def begin(self, layer: Descriptor, diff_id: Digest, wanted: Wanted) -> None:
        """Start to read a layer that will be needed next, if it is a large one.

        Its thread ends with the process, which does not wait for it.
        """
        if layer.size < _LARGE:
            return
        future: Future[Members] = Future()

        def run() -> None:
            try:
                future.set_result(self._members(layer, diff_id, wanted))
            except BaseException as error:  # noqa: BLE001 - it is raised where the layer is needed
                future.set_exception(error)

        self._begun[layer.digest] = wanted, future
        threading.Thread(target=run, daemon=True).start()

    def members(self, layer: Descriptor, diff_id: Digest, wanted: Wanted) -> Members:
        """The wanted members of a layer.

        Raises:
            ContentError: it is missing, truncated, altered or hostile; the message names it.
        """
        begun = self._begun.pop(layer.digest, None)
        if begun is None:
            return self._members(layer, diff_id, wanted)
        foreseen, future = begun
        found = future.result()  # also where it is not what is wanted now: a held image has the layer's bytes then
        return found if foreseen == wanted else self._members(layer, diff_id, wanted)

    def _members(self, layer: Descriptor, diff_id: Digest, wanted: Wanted) -> Members:
        claim = claim_of(self._image, layer, diff_id)
        members = self._cache.get(layer.digest, claim, wanted) if self._cache else None
        if members is None:
            self._progress.step(f"reading layer {layer.digest.hex[:12]} ({amount(layer.size)})")
            members = read_members(self._image, layer, claim, wanted)
            if self._cache:
                self._cache.put(layer.digest, claim, wanted, members)
        return members
