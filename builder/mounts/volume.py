"""A volume that is an image: whole folders with the changed files in them, to be mounted over the base's folders.

Nothing has to be hidden one by one: what has to go is not in the folders. Kubernetes mounts such a volume by `subPath`
from 1.33 on (KEP-4639), Docker from 28 on with `image-subpath` and containerd's store.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.mounts.kubernetes import dumped, merge_patch
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.gzip import stored_gzip
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import build_manifest, canonical
from m2build.oci.media_types import OCI
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member, write_tar
from m2build.patches.change import changed_tree
from m2build.patches.tree import SourceTree

PATCH = "image-volume-patch.yaml"
LARGEST = 48 << 20
"""Bytes of all folders; SGLang 0.5.7 has 17 MB in all."""
_VOLUME = "m2build"


def folders(plan: Plan) -> tuple[str, ...]:
    """The folders of the sources that hold every path that changes or goes, none below another, sorted."""
    paths = {path for change in plan.changeset.changes for path in (change.old_path, change.path)}
    touched = {path.rpartition("/")[0] for path in paths}
    gone = {path.removeprefix(f"{plan.source_root}/") for path in plan.hidden}
    touched |= {path.rpartition("/")[0] for path in gone if "/__pycache__/" not in path}
    return tuple(sorted(one for one in touched if not touched & set(parents(one)) and (one == "" or "" not in touched)))


def volume_image(plan: Plan, tree: SourceTree) -> Image:
    """An image with the folders of `folders`, as they are after the change. Pure.

    Args:
        plan: what to lay over its base.
        tree: the base's sources.

    Raises:
        UsageError: the folders hold symbolic links, or are too large.
    """
    members = {member.path: member for member in _members(plan, changed_tree(tree, plan.changeset.changes))}
    size = sum(len(member.content) for member in members.values())
    if size > LARGEST:
        raise UsageError(f"the folders have {size:,} bytes, more than {LARGEST:,}", hint="derive an image instead")
    above = {parent for path in members for parent in parents(path)} - members.keys()
    layer = write_tar([*members.values(), *(Member(path, Kind.FOLDER, 0o755, mtime=plan.created) for path in above)])
    blob = stored_gzip(layer)
    descriptor = Descriptor.of(OCI.layer_gzip, blob)
    system, architecture, *_ = plan.base.config.platform.split("/")
    config = canonical(
        {
            "architecture": architecture,
            "os": system,
            "created": plan.created_text,
            "config": {"Labels": {}},
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer))]},
            "history": [{"created": plan.created_text, "created_by": "m2build: folders to mount"}],
        }
    )
    manifest = build_manifest(OCI, Descriptor.of(OCI.config, config), [descriptor], {})
    return Image(manifest, ImageConfig(config), MemoryBlobs({descriptor.digest: blob}))


def volume_patch(plan: Plan, reference: str) -> bytes:
    """A strategic merge patch that mounts the folders of the image.

    Args:
        plan: what to lay over its base.
        reference: the name that the image is published by.
    """
    volume: JsonValue = {"name": _VOLUME, "image": {"reference": reference, "pullPolicy": "IfNotPresent"}}
    mounts: list[JsonValue] = [
        {"name": _VOLUME, "mountPath": f"/{path}", "subPath": path, "readOnly": True} for path in _targets(plan)
    ]
    return dumped(merge_patch([volume], mounts))


def _targets(plan: Plan) -> Iterator[str]:
    return (f"{plan.source_root}/{folder}".rstrip("/") for folder in folders(plan))


def _members(plan: Plan, tree: SourceTree) -> Iterator[Member]:
    chosen = folders(plan)
    for link in tree.links:
        if _is_in(link, chosen):
            raise UsageError(f"/{plan.source_root}/{link} is a symbolic link in the base", hint="derive an image")
    for path, file in tree.items():
        if _is_in(path, chosen):
            name = f"{plan.source_root}/{path}"
            yield Member(name, Kind.FILE, file.mode, mtime=plan.created, content=file.content)


def _is_in(path: str, chosen: tuple[str, ...]) -> bool:
    return any(folder == "" or path.startswith(f"{folder}/") for folder in chosen)
