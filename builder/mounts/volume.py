"""A volume that is an image: whole folders with the changed files in them, to be mounted over the base's folders.

Nothing has to be hidden one by one: what has to go is not in the folders. Kubernetes mounts an image's folders from
1.33 on (KEP-4639), Docker from 28 on (with containerd's store).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import JsonValue

from m2build.base.stand_in import image_of_layer, source_config, source_members
from m2build.derivation.plan import Plan, Sourced
from m2build.errors import UsageError
from m2build.mounts.engines import OPTIONS
from m2build.mounts.kubernetes import PATCH, VOLUME, merge_patch
from m2build.mounts.model import check_spelling
from m2build.oci.image import Image
from m2build.oci.paths import parents
from m2build.oci.tar import write_tar
from m2build.patches.change import changed_tree
from m2build.patches.tree import SourceTree

LARGEST = 48 << 20
"""Bytes of all folders, which are held in memory; SGLang 0.5.7 has 17 MB in all."""


def volume_image(plan: Plan, trees: Sequence[SourceTree]) -> Image:
    """An image with the folders of `changed_folders`, as they are after the change, without bytecode. Pure.

    Args:
        plan: what to lay over its base.
        trees: all sources of the base, for each of the plan's folders of sources.

    Raises:
        UsageError: the trees are not the base's, nothing is left in a folder, or the folders are too large.
    """
    chosen = changed_folders(plan)
    after = [(source.root, _changed(source, tree)) for source, tree in zip(plan.sources, trees, strict=True)]
    volume = SourceTree(
        {path: file for root, tree in after for path, file in _below(root, tree) if _is_in(path, chosen)},
        origin=trees[0].origin,
        timestamp=plan.created,
        links={
            path: target for root, tree in after for path, target in _below(root, tree.links) if _is_in(path, chosen)
        },
    )
    for folder in chosen:
        if not any(_is_in(path, (folder,)) for path in volume):
            raise UsageError(f"nothing is left in /{folder}", hint="derive an image instead")
    size = sum(file.size for file in volume.values())
    if size > LARGEST:
        raise UsageError(f"the folders have {size:,} bytes, more than {LARGEST:,}", hint="derive an image instead")
    layer = write_tar(source_members(volume, ""))
    config = {**source_config(volume, plan.base.config.platform), "config": {}}
    return image_of_layer(layer, config, "folders to mount", {})


_Value = TypeVar("_Value")


def _below(root: str, values: Mapping[str, _Value]) -> Iterator[tuple[str, _Value]]:
    """The values by paths that are relative to the image's root."""
    return ((f"{root}/{path}", value) for path, value in values.items())


def _changed(source: Sourced, tree: SourceTree) -> SourceTree:
    for change in source.changeset.changes:
        found = tree.get(change.old_path)
        if (found and found.state) != (change.before and change.before.state):
            raise UsageError(
                f"the sources of {tree.origin} are not those of the plan: {change.old_path} differs",
                hint="read them from the plan's base",
            )
    return changed_tree(tree, source.changeset.changes)


def changed_folders(plan: Plan) -> tuple[str, ...]:
    """The folders of the sources in which something changes or goes, none below another, sorted."""
    gone = {path for path in plan.hidden if "__pycache__" not in path.split("/")}
    paths = gone | {path for change in plan.changes for path in (change.old_path, change.path)}
    touched = {path.rpartition("/")[0] for path in paths}
    return tuple(sorted(folder for folder in touched if not touched & set(parents(folder))))


def volume_lines(plan: Plan, reference: str) -> Mapping[str, bytes]:
    """What mounts the image: a strategic merge patch for Kubernetes, and an option of `docker run`.

    Docker 28 mounts an image only once in a container ("AlreadyExists: lease"), so that the option is left out for
    several folders.

    Args:
        plan: what to lay over its base.
        reference: the image's published name, with its digest.

    Raises:
        UsageError: a folder cannot be mounted so.
    """
    folders = changed_folders(plan)
    check_spelling(folders, "a mountPath", ":")
    volume: JsonValue = {"name": VOLUME, "image": {"reference": reference, "pullPolicy": "IfNotPresent"}}
    mounts: list[JsonValue] = [
        {"name": VOLUME, "mountPath": f"/{folder}", "readOnly": True, "subPath": folder} for folder in folders
    ]
    written = {PATCH: merge_patch([volume], mounts)}
    if len(folders) == 1:
        written[OPTIONS] = f"--mount={_mount_option(reference, folders[0])}\n".encode()
    return written


def _mount_option(reference: str, folder: str) -> str:
    """The value of `docker run --mount`, which is a line of CSV."""
    out = io.StringIO()
    values = ("type=image", f"source={reference}", f"target=/{folder}", f"image-subpath={folder}")
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def _is_in(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)
