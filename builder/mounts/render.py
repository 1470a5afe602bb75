"""The files of `m2build mounts`: what is laid over the base, and the lines that lay it there, in the chosen form."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.mounts.engines import compose_fragment, volume_options
from m2build.mounts.kubernetes import config_map
from m2build.mounts.model import laid_over
from m2build.mounts.volume import PATCH, volume_image, volume_patch
from m2build.oci.image import Image, read_blob
from m2build.oci.reference import parse_reference
from m2build.patches.tree import SourceFile, SourceTree
from m2build.places.layout import blob_path, layout_blobs, layout_files

LAYOUT = "image"
"""The folder with the image of a volume, as an OCI layout."""


class Form(StrEnum):
    """How the files are laid over the base."""

    VOLUMES = "volumes"
    COMPOSE = "compose"
    CONFIG_MAP = "configmap"
    IMAGE_VOLUME = "image-volume"


def render_mounts(
    plan: Plan,
    form: str,
    folder: Path,
    *,
    tree: SourceTree | None = None,
    reference: str | None = None,
) -> SourceTree:
    """What has to be written to run the base with a plan's changes and without a derived image. Pure.

    The entrypoint and the settings of the image are not part of it: mounts are files.

    Args:
        plan: the changes, and the base that they are for.
        form: `volumes` for `docker run` and `podman run`, `compose`, `configmap` or `image-volume` for Kubernetes.
        folder: where the files will be written with `patches.write_tree`.
        tree: the base's sources, which an image volume needs.
        reference: the name that the image of a volume will be published by.

    Raises:
        UsageError: the form cannot do what the plan needs; the message says why.

    Example:
        >>> import m2build
        >>> recipe = m2build.load_recipe("minimax-m2")
        >>> with m2build.Session() as session:
        ...     plan = session.plan(recipe.select(tp=8), session.base("pypi:sglang==0.5.7"))
        >>> "volumes.txt" in render_mounts(plan, "volumes", Path("/srv/mounts"))
        True
    """
    if form not in list(Form):
        raise UsageError(f"there is no form {form!r} of mounts", hint=f"choose one of {', '.join(Form)}")
    if form == Form.IMAGE_VOLUME:
        if tree is None or reference is None:
            raise UsageError("an image volume needs the base's sources, and a name to publish it by")
        tag = parse_reference(reference).tag or "latest"
        return _tree({**_layout(volume_image(plan, tree), tag), PATCH: volume_patch(plan, reference)}, {})
    if form == Form.CONFIG_MAP:
        return _tree(config_map(plan), {})
    files = dict(volume_options(plan, folder) if form == Form.VOLUMES else compose_fragment(plan))
    return _tree(files, {one.source: one.file for one in laid_over(plan) if one.file})


def _layout(image: Image, tag: str) -> dict[str, bytes]:
    blobs = {blob_path(blob): read_blob(image.everything, blob) for blob in layout_blobs(image)}
    return {f"{LAYOUT}/{path}": content for path, content in {**layout_files(image, tag), **blobs}.items()}


def _tree(written: Mapping[str, bytes], laid: Mapping[str, SourceFile]) -> SourceTree:
    files = {path: SourceFile.of(content) for path, content in written.items()}
    return SourceTree({**files, **laid}, origin="mounts")
