"""Wanted members of layers: from the cache, by a table of contents, or read whole; the next large one is read ahead."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from m2build.layers.by_table import read_by_table
from m2build.layers.cache import MemberCache
from m2build.layers.contents import read_members
from m2build.layers.held import fetching_of
from m2build.layers.members import Wanted
from m2build.layers.table_claims import claim_of_table
from m2build.layers.table_entries import UnfitTableError
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
    """Reads the layers of one image.

    Attributes:
        by_table: the layers whose members are known from their tables of contents alone.
    """

    def __init__(self, image: Image, progress: Progress, cache: MemberCache | None) -> None:
        self._image = image
        self._progress = progress
        self._cache = cache
        self._begun: dict[Digest, tuple[Wanted, Future[Members]]] = {}
        self._fetching = fetching_of(image)
        self.by_table: set[Digest] = set()

    def foresee(self, layers: Sequence[tuple[Descriptor, Digest]], wanted: Wanted) -> None:
        """Say what has to be fetched if all these layers are needed.

        Raises:
            TransferBudgetError: it is more than the image's bound.
        """
        cache = self._cache
        unknown = [
            layer for layer, diff_id in layers if not (cache and cache.knows_layer(self._image, layer, diff_id, wanted))
        ]
        tables = [layer for layer in unknown if claim_of_table(self._image, layer)]
        self._fetching.expect([layer for layer in unknown if layer not in tables], tables)

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
        by_table = self._by_table(layer, wanted)
        if by_table is not None:
            return by_table
        claim = claim_of(self._image, layer, diff_id)
        members = self._cache.get(layer.digest, claim, wanted) if self._cache else None
        if members is None:
            self._progress.step(f"reading layer {layer.digest.hex[:12]} ({amount(layer.size)})")
            members = read_members(self._image, layer, claim, wanted)
            if self._cache:
                self._cache.put(layer.digest, claim, wanted, members)
        return members

    def _by_table(self, layer: Descriptor, wanted: Wanted) -> Members | None:
        """The wanted members after the layer's table; None if it has none, or if it cannot be read by that."""
        claim = claim_of_table(self._image, layer)
        if claim is None:
            return None
        members = self._cache.get(layer.digest, claim, wanted) if self._cache else None
        if members is None:
            self._progress.step(f"reading layer {layer.digest.hex[:12]} by its table ({amount(layer.size)})")
            try:
                members = read_by_table(self._image, layer, claim, wanted)
            except UnfitTableError as error:
                self._progress.notice(
                    f"layer {layer.digest.hex[:12]} is read whole, and not by its table of contents: {error}"
                )
                self._fetching.expect([layer], [])
                return None
            if self._cache:
                self._cache.put(layer.digest, claim, wanted, members)
        self.by_table.add(layer.digest)
        return members
