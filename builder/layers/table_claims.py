"""What manifests say of layers' tables of contents, which decides how layers are read; no layer is read for it."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.errors import ContentError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image

_ZSTD = ("io.github.containers.zstd-chunked.manifest-", "io.containers.zstd-chunked.manifest-")
"""The names of the annotations for zstd:chunked, today's and the earlier ones, but for `checksum` and `position`."""
_STARGZ = "containerd.io/snapshot/stargz/toc.digest"
TABLE_ANNOTATIONS = (
    "io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.", "containerd.io/snapshot/stargz/",
    "io.containers.estargz.",
)  # fmt: skip
"""How the names of all annotations begin that these formats give a layer."""
_WORTH = 1 << 20
"""Bytes of a layer from which its table is looked at: one request fetches a smaller layer whole."""


@dataclass(frozen=True)
class TableClaim:
    """What a manifest says of a layer's table.

    Attributes:
        digest: of the table: as it is stored in zstd:chunked, of its JSON in eStargz.
        position: where it is in a zstd:chunked blob; None for eStargz, where the blob's end says that.
    """

    digest: Digest
    position: str | None = None

    def __str__(self) -> str:
        return f"table {self.digest}"


def claim_of_table(image: Image, layer: Descriptor) -> TableClaim | None:
    """The table by which a layer is to be read; None for a layer that is to be read whole."""
    return table_of(layer) if image.reading.by_table and layer.size >= _WORTH else None


def table_of(layer: Descriptor) -> TableClaim | None:
    """The table that a layer's descriptor names; None if it names none that can be one."""
    said = layer.annotations
    try:
        for prefix in _ZSTD:
            if f"{prefix}checksum" in said:
                return TableClaim(Digest.parse(said[f"{prefix}checksum"]), str(said.get(f"{prefix}position", "")))
        return TableClaim(Digest.parse(said[_STARGZ])) if _STARGZ in said else None
    except ContentError:
        return None
