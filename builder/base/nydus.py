"""Nydus images, whose layers only Nydus' own snapshotter can read: refused by name.

The media type and the annotations are those of github.com/containerd/nydus-snapshotter, pkg/converter/constant.go.
"""

from __future__ import annotations

from m2build.errors import UsageError
from m2build.oci.descriptor import Descriptor
from m2build.oci.manifest import Manifest

_BLOB = "application/vnd.oci.image.layer.nydus.blob.v1"
_MARKS = frozenset({"containerd.io/snapshot/nydus-blob", "containerd.io/snapshot/nydus-bootstrap"})


def refuse_nydus(manifest: Manifest, where: str) -> None:
    """Check that an image's layers are archives of files.

    Args:
        manifest: the image's.
        where: what to call the image in the message.

    Raises:
        UsageError: it is a Nydus image: its last layer lists all files of the image, so that a layer on top of it would
            not be seen.
    """
    if any(_is_nydus(layer) for layer in manifest.layers):
        raise UsageError(
            f"{where} is a Nydus image: its last layer lists all of its files, and a layer on top would not be seen",
            hint="name the ordinary image that it was converted from, and convert the derived image again",
        )


def _is_nydus(layer: Descriptor) -> bool:
    return layer.media_type == _BLOB or bool(_MARKS & layer.annotations.keys())
