"""Wanted members of layers: from the cache, by a table of contents, or read whole; several are read at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from m2build.errors import ContentError
from m2build.layers.by_table import read_by_table
from m2build.layers.cache import MemberCache
from m2build.layers.contents import read_contents, read_members
from m2build.layers.held import fetching_of, readings_of
from m2build.layers.members import NOTHING, Wanted, likely_homes, wanted_for
from m2build.layers.order import Order, in_flight, pointed_at
from m2build.layers.readings import restricted
from m2build.layers.table_claims import claim_of_table
from m2build.layers.table_entries import UnfitTableError
from m2build.layers.touched import TRUNKS
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.layer import claim_of
from m2build.oci.tar import Member
from m2build.progress import Progress, amount

Members = dict[str, Member]

_TRUNKS = Wanted(frozenset(), TRUNKS)
"""What layers are read with while no marker has been found: then it is known of which layers nothing more is needed."""
_LARGE = 1 << 20
"""Bytes from which a layer is read before it is known to be needed; it nearly always is."""
_MOST_WAITING = 48 << 20
"""Bytes of content that layers read ahead of their turn may hold; beyond that no other is begun."""


class LayerReader:
    """Reads the layers of one image.

    Attributes:
        by_table: the layers whose members are known from their tables of contents alone.
    """

    def __init__(self, image: Image, wanted: Wanted, progress: Progress, cache: MemberCache | None) -> None:
        """Say what has to be fetched if all layers are needed.

        Raises:
            TransferBudgetError: it is more than the image's bound.
        """
        self._image = image
        self._progress = progress
        self._cache = cache
        self._layers = list(zip(image.manifest.layers, image.config.diff_ids, strict=True))[::-1]
        self._begun: dict[Digest, tuple[Wanted, Future[Members]]] = {}
        self._fetching = fetching_of(image)
        self._readings = readings_of(image)
        self._along = NOTHING
        self.by_table: set[Digest] = set()
        unknown = [
            position
            for position, (layer, diff_id) in enumerate(self._layers)
            if not (cache and cache.knows_layer(image, layer, diff_id, wanted))
        ]
        self._foresee([self._layers[position][0] for position in unknown])
        pointed = pointed_at(image.config.history, len(self._layers), wanted)
        worth = (at for at in unknown if at == pointed or self._layers[at][0].size >= _LARGE)
        self._order = Order(tuple(worth), pointed, in_flight())

    def _foresee(self, unknown: Sequence[Descriptor]) -> None:
        tables = [layer for layer in unknown if claim_of_table(self._image, layer)]
        self._fetching.expect([layer for layer in unknown if layer not in tables], tables)

    def members(self, position: int, wanted: Wanted) -> Members:
        """The wanted members of a layer; meanwhile, others are read that will be needed.

        Args:
            position: of the layer, from the top.
            wanted: the paths.

        Raises:
            ContentError: it is missing, truncated, altered or hostile; the message names it.
        """
        layer, diff_id = self._layers[position]
        for other in self._ahead(position):
            self._begin(*self._layers[other], wanted)
        begun = self._begun.pop(layer.digest, None)
        if begun is None:
            return self._members(layer, diff_id, wanted)
        foreseen, future = begun
        found = future.result()  # also where it is not what is wanted now: a held image has the layer's bytes then
        return found if foreseen == wanted else self._members(layer, diff_id, wanted)

    def _ahead(self, position: int) -> tuple[int, ...]:
        """The layers to begin now."""
        read = {digest: future.result() for digest, (_, future) in self._begun.items() if _is_read(future)}
        if sum(len(member.content) for members in read.values() for member in members.values()) > _MOST_WAITING:
            return ()
        pointed = self._order.pointed
        return self._order.ahead(
            position, is_pointed_read=pointed is not None and self._layers[pointed][0].digest in read
        )

    def _begin(self, layer: Descriptor, diff_id: Digest, wanted: Wanted) -> None:
        """Start to read a layer. Its thread ends with the process, which does not wait for it."""
        if layer.digest in self._begun:
            return
        future: Future[Members] = Future()

        def run() -> None:
            try:
                future.set_result(self._members(layer, diff_id, wanted))
            except BaseException as error:  # noqa: BLE001 - it is raised where the layer is needed
                future.set_exception(error)

        self._begun[layer.digest] = wanted, future
        threading.Thread(target=run, daemon=True, name=f"reading {layer.digest.hex[:12]}").start()

    def _members(self, layer: Descriptor, diff_id: Digest, wanted: Wanted) -> Members:
        by_table = self._by_table(layer, wanted)
        if by_table is not None:
            self._learn(by_table, wanted)
            return by_table
        claim = claim_of(self._image, layer, diff_id)
        members = self._cache.get(layer.digest, claim, wanted) if self._cache else None
        if members is None:
            members = self._read(layer, claim, wanted)
            if self._cache:
                self._cache.put(layer.digest, claim, wanted, members)
        self._learn(members, wanted)
        return members

    def _read(self, layer: Descriptor, claim: Digest | None, wanted: Wanted) -> Members:
        """The wanted members of a layer that is read whole, and perhaps was before."""
        kept = self._readings.get((layer.digest, claim), wanted) if self._readings else None
        if kept is not None:
            return kept
        self._progress.step(f"reading layer {layer.digest.hex[:12]} ({amount(layer.size)})")
        along = self._along
        more = wanted | (_TRUNKS if wanted.markers and along == NOTHING else along)
        if self._readings is None or more == wanted:
            return read_members(self._image, layer, claim, wanted)
        try:
            found = read_contents(self._image, layer, claim, more)
        except ContentError as error:
            if error.may_pass:
                raise
            return read_members(self._image, layer, claim, wanted)  # what is wanted may be sound
        if found.hides_itself:
            return read_members(self._image, layer, claim, wanted)  # what is wanted may not be sound
        if along == NOTHING:
            self._readings.put_searched((layer.digest, claim), found, more)
        else:
            self._readings.put((layer.digest, claim), found.members, replace(more, markers=frozenset()))
        return restricted(found.members, wanted)

    def _learn(self, members: Members, wanted: Wanted) -> None:
        """Read the next layers with the folders in which markers were found: these will be asked for next."""
        if (
            self._readings
            and wanted.markers
            and self._along == NOTHING
            and (homes := likely_homes(members, wanted.markers))
        ):
            self._along = wanted_for(homes, ())

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


def _is_read(future: Future[Members]) -> bool:
    return future.done() and future.exception() is None
