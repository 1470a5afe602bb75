"""Tables of contents of layers: some engines unpack a layer by its table, so it has to say what the tar says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

from m2build.errors import ContentError
from m2build.layers.by_table import read_by_table
from m2build.layers.contents import read_members
from m2build.layers.members import EVERYTHING
from m2build.layers.table_claims import TableClaim, table_of
from m2build.layers.table_entries import UnfitTableError
from m2build.verification.findings import Finding

if TYPE_CHECKING:
    from m2build.oci.descriptor import Descriptor
    from m2build.oci.digest import Digest
    from m2build.oci.image import Image

_LARGEST = 64 << 20
"""Bytes of a layer that is compared with its table; of a larger one, too much would have to be held."""


def table_findings(image: Image, base: Image) -> Iterator[Finding]:
    """The layers whose tables of contents do not prove to say what their tars say.

    podman unpacks zstd:chunked by its table, and stargz-snapshotter mounts eStargz by it; both leave the tar unread. A
    layer that the base has, too, with the same table, is the base's own.

    Args:
        image: the image, as it stores its layers.
        base: its base.
    """
    layers = zip(image.manifest.layers, image.config.diff_ids, strict=True)
    for number, ((layer, diff_id), lower) in enumerate(zip_longest(layers, base.manifest.layers), 1):
        claim = table_of(layer)
        if claim is None or (lower and lower.digest == layer.digest and table_of(lower) == claim):
            continue
        if problem := _problem(image, layer, diff_id, claim):
            yield Finding("layer-table", "", f"the table of contents of layer {number} {problem}")


def _problem(image: Image, layer: Descriptor, diff_id: Digest, claim: TableClaim) -> str | None:
    if layer.size > _LARGEST:
        return f"is not compared with its tar, which has more than {_LARGEST >> 20} MiB; push it without one"
    try:
        by_tar = read_members(image, layer, diff_id, EVERYTHING)
    except ContentError:
        return None  # that the tar is damaged, or too large to be looked at, is a finding of its own
    try:
        by_table = read_by_table(image, layer, claim, EVERYTHING)
    except (ContentError, UnfitTableError) as error:
        return f"cannot be compared with its tar: {error}"
    paths = by_table.keys() | by_tar.keys()
    first = min((path for path in paths if by_table.get(path) != by_tar.get(path)), default=None)
    return None if first is None else f"does not say what its tar has at /{first}"
