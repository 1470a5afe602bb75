"""Stand-in bases: images whose only layer is the sources at the recipe's source root.

With one, everything from recipe to image runs in seconds on any machine, for trying, testing and reviewing. It holds no
Python, no ROCm and no server, and its labels say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from m2build.errors import ContentError
from m2build.layers.root import Root
from m2build.oci.config import DEFAULT_PATH, ImageConfig
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.digest import Digest
from m2build.oci.gzip import stored_gzip
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import build_manifest, canonical
from m2build.oci.media_types import OCI
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member, write_tar
from m2build.oci.times import rfc3339
from m2build.patches.tree import SourceTree

LARGEST_STAND_IN = 48 << 20
"""Bytes of all files of a stand-in base, which is made in memory and takes four times that; SGLang 0.5.7 has 17 MB."""


def place_of(name: str, root: Root) -> str:
    """Where a base that is made of sources has those of a root, relative to the image's root; markers are looked for
    there, too."""
    return root.path or f"sgl-workspace/{name}"


def image_of_sources(tree: SourceTree, source_root: str, platform: str, labels: Mapping[str, str]) -> Image:
    """A stand-in base.

    Args:
        tree: the sources; its timestamp is the image's creation time.
        source_root: where they are, relative to the image's root.
        platform: `os/architecture[/variant]`.
        labels: what its config and its manifest say of it.

    Raises:
        ContentError: the sources are larger than a stand-in base may be.
    """
    layer = write_tar(source_members(tree, source_root))
    return image_of_layer(layer, _config(tree, source_root, platform, labels), "the sources of a stand-in base", labels)


def image_of_layer(layer: bytes, config: JsonObject, origin: str, annotations: Mapping[str, str]) -> Image:
    """An image of one layer, as gzip without compression, so that its digest does not depend on a compressor.

    Args:
        layer: a tar.
        config: the config's members up to `config`.
        origin: what the layer is; for the history.
        annotations: of the manifest.
    """
    blob = stored_gzip(layer)
    descriptor = Descriptor.of(OCI.layer_gzip, blob)
    whole = canonical(
        {
            **config,
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer))]},
            "history": [{"created": config["created"], "created_by": f"m2build: {origin}"}],
        }
    )
    manifest = build_manifest(OCI, Descriptor.of(OCI.config, whole), [descriptor], annotations)
    return Image(manifest, ImageConfig(whole), MemoryBlobs({descriptor.digest: blob}))


def source_members(tree: SourceTree, source_root: str) -> Iterator[Member]:
    """The entries of a base made of sources: the tree at `source_root`, and the folders above it.

    Args:
        tree: the sources.
        source_root: where they are, relative to the image's root; empty for the root itself.

    Raises:
        ContentError: the sources are larger than a stand-in base may be.
    """
    size = sum(file.size for file in tree.values())
    if size > LARGEST_STAND_IN:
        raise ContentError(
            f"{tree.origin} has {size:,} bytes, more than the {LARGEST_STAND_IN:,} of a stand-in base",
            hint="name a folder or a wheel with the sources only; `m2build patch` works without a base",
        )
    within = f"{source_root}/".lstrip("/")
    above = (*parents(source_root), source_root) if source_root else ()
    for folder in (*above, *(f"{within}{folder}" for folder in tree.folders)):
        yield Member(folder, Kind.FOLDER, mode=0o755, mtime=tree.timestamp)
    for path, file in tree.items():
        mode = 0o755 if file.mode & 0o100 else 0o644
        yield Member(f"{within}{path}", Kind.FILE, mode=mode, mtime=tree.timestamp, content=file.content)
    for path, target in tree.links.items():
        yield Member(f"{within}{path}", Kind.SYMLINK, mode=0o777, mtime=tree.timestamp, target=target)


def source_config(tree: SourceTree, platform: str) -> JsonObject:
    """The first members of such a base's config: the time of its sources, and its platform."""
    system, architecture, *variant = platform.split("/")
    return {
        "created": rfc3339(tree.timestamp),
        "architecture": architecture,
        "os": system,
        **({"variant": variant[0]} if variant else {}),
    }


def _config(tree: SourceTree, source_root: str, platform: str, labels: Mapping[str, str]) -> JsonObject:
    return {
        **source_config(tree, platform),
        "config": {
            "Env": [f"PATH={DEFAULT_PATH}"],
            "Cmd": ["/bin/bash"],
            "WorkingDir": "/" + source_root.partition("/")[0],
            "Labels": dict(labels),
        },
    }
