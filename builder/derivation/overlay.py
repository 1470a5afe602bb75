"""The overlay: the one small layer that brings a changeset into an image, with its account under `/opt/m2build`.

It does not depend on the profile, so that all profiles share it. Whiteouts follow the OCI image specification
(layer.md): an empty file `.wh.NAME` hides NAME in the layers below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources

from m2build.derivation.account import account_of
from m2build.derivation.plan import Plan
from m2build.layers.members import AUDIT_FOLDER
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.gzip import stored_gzip
from m2build.oci.media_types import MediaTypes
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member, write_tar
from m2build.recipes.parts import INIT_FILE


@dataclass(frozen=True)
class Overlay:
    """A layer.

    Attributes:
        tar: its bytes, uncompressed.
    """

    tar: bytes

    @cached_property
    def diff_id(self) -> Digest:
        """The digest of the uncompressed bytes."""
        return Digest.of(self.tar)

    @cached_property
    def blob(self) -> bytes:
        """Its bytes as stored: gzip, which every registry and engine accepts, but without compression."""
        return stored_gzip(self.tar)

    def descriptor(self, types: MediaTypes) -> Descriptor:
        """Its descriptor, with a media type of OCI or of Docker."""
        return Descriptor.of(types.layer_gzip, self.blob)


def make_overlay(plan: Plan) -> Overlay:
    """The overlay of a plan. Pure: the same plan gives the same bytes."""
    whiteouts = (_whiteout(path, plan.created) for path in plan.hidden)
    unmade = (_folder(plan, path) for path in plan.unmade)
    members = {member.path: member for member in (*changed_files(plan), *whiteouts, *account_files(plan), *unmade)}
    folders = {folder for path in members for folder in parents(path)} - members.keys()
    return Overlay(write_tar([*members.values(), *(_folder(plan, path) for path in folders)]))


def changed_files(plan: Plan) -> Iterator[Member]:
    """The files after the change, each with the owner and the attributes of the file that it comes from.

    New files belong to root, as those that a Dockerfile copies.
    """
    for change in plan.changes:
        if change.after is None:
            continue
        origin = plan.footing[change.old_path] if change.before else Member(change.path, Kind.FILE)
        yield replace(
            origin, path=change.path, mode=change.after.mode, mtime=plan.created, content=change.after.content
        )


def _whiteout(path: str, mtime: int) -> Member:
    folder, slash, name = path.rpartition("/")
    return Member(f"{folder}{slash}.wh.{name}", Kind.FILE, mtime=mtime)


def account_files(plan: Plan) -> Iterator[Member]:
    """The account of the changes, and the init if the recipe has one: owned by root, readable by all."""
    for name, content in account_of(plan.sources).items():
        yield Member(f"{AUDIT_FOLDER}/{name}", Kind.FILE, mtime=plan.created, content=content)
    if plan.selection.recipe.launch.init:
        yield Member(INIT_FILE.lstrip("/"), Kind.FILE, mtime=plan.created, content=_init_script())


def _init_script() -> bytes:
    return resources.files("m2build.derivation").joinpath("init.py").read_bytes()


def _folder(plan: Plan, path: str) -> Member:
    """A folder as in the base, times included, so that unpacking the overlay does not change it; or a new one."""
    return plan.footing.get(path) or Member(path, Kind.FOLDER, mode=0o755, mtime=plan.created)
