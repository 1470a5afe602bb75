"""The files of `m2build mounts`: what is laid over the base, and the lines that lay it there, in the chosen form."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from m2build.derivation.account import account_of
from m2build.derivation.plan import Plan
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.mounts.engines import compose_fragment, volume_options
from m2build.mounts.kubernetes import config_map
from m2build.mounts.model import NO_BYTECODE, mounts_of
from m2build.mounts.volume import volume_image, volume_lines
from m2build.oci.image import Image, read_blob
from m2build.oci.reference import parse_reference
from m2build.patches.tree import SourceFile, SourceTree
from m2build.places.layout import blob_path, layout_blobs, layout_files

ACCOUNT = "account"
"""The folder with the account of the changes, as an image has it under `/opt/m2build`."""
LAYOUT = "image"
"""The folder with the image of a volume, as an OCI layout."""
_NO_BYTECODE = b"This folder is mounted over folders whose bytecode was compiled from sources that change.\n"


class Form(StrEnum):
    """How the files are laid over the base."""

    VOLUMES = "volumes"
    COMPOSE = "compose"
    CONFIG_MAP = "configmap"
    IMAGE_VOLUME = "image-volume"


@typed_arguments
def render_mounts(
    plan: Plan,
    form: str,
    folder: Path,
    *,
    trees: Sequence[SourceTree] = (),
    reference: str | None = None,
) -> SourceTree:
    """What has to be written to run the base with a plan's changes and without a derived image. Pure.

    Mounts are files: other settings stay the base's. Only `compose` sets how the profile is run.

    Args:
        plan: the changes, and the base that they are for.
        form: `volumes` for `docker run` and `podman run`, `compose`, `configmap` or `image-volume` for Kubernetes.
        folder: where the files will be written with `patches.write_tree`.
        trees: all sources of the base, for an image volume: for each of `plan.sources` what
            `session.sources(plan.base, source_root=…)` gives.
        reference: what the image of an image volume will be published as, `[REGISTRY/]NAME[:TAG]`.

    Raises:
        UsageError: nothing changes, or the form cannot do what the plan needs; the message says why.

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
    if not plan.changes:
        raise UsageError("these patches change no file of the base", hint="run the base as it is")
    written = {f"{ACCOUNT}/{name}": data for name, data in account_of(plan.sources).items()}
    laid: dict[str, SourceFile] = {}
    match Form(form):
        case Form.IMAGE_VOLUME:
            written |= _image_volume(plan, trees, reference)
        case Form.CONFIG_MAP:
            written |= config_map(plan)
        case Form.VOLUMES:
            written |= volume_options(plan, folder)
            laid = _laid(plan)
        case Form.COMPOSE:
            written |= compose_fragment(plan)
            laid = _laid(plan)
    return SourceTree({**{path: SourceFile.of(data) for path, data in written.items()}, **laid}, origin="mounts")


def _laid(plan: Plan) -> dict[str, SourceFile]:
    """The files that an engine mounts, by where they are in what is written."""
    mounts = mounts_of(plan)
    files = {mount.source: mount.file for mount in mounts if mount.file}
    if any(mount.is_folder for mount in mounts):
        files[f"{NO_BYTECODE}/README"] = SourceFile.of(_NO_BYTECODE)
    return files


def _image_volume(plan: Plan, trees: Sequence[SourceTree], reference: str | None) -> dict[str, bytes]:
    if len(trees) != len(plan.sources) or reference is None:
        raise UsageError("an image volume needs all sources of the base, and a name to be published as")
    if plan.base.is_assumed:
        raise UsageError(
            "an image volume holds whole folders of the base, and the base was not read", hint="leave out --source"
        )
    name = parse_reference(reference)
    if name.digest is not None:
        raise UsageError(f"{reference!r} has a digest already", hint="write [REGISTRY/]NAME[:TAG]")
    image = volume_image(plan, trees)
    tag = name.tag or "latest"
    pinned = f"{name.name}:{tag}@{image.manifest.digest}"
    return {**_layout(image, tag), **volume_lines(plan, pinned)}


def _layout(image: Image, tag: str) -> dict[str, bytes]:
    blobs = {blob_path(blob): read_blob(image.everything, blob) for blob in layout_blobs(image)}
    return {f"{LAYOUT}/{path}": content for path, content in {**layout_files(image, tag), **blobs}.items()}
