"""The lock as a value: what images were derived from, and all that deriving them again needs besides the sources.

No I/O happens here; `files.py` reads and writes.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from m2build.documents.arguments import typed_arguments
from m2build.locking.comparing import Difference, between, refusal
from m2build.patches.change import MentionKind
from m2build.patches.changeset import Outcome
from m2build.recipes.schema import closed_schema
from m2build.recipes.values import Frozen, Id, Line, RelativePath

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
DigestText = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
Mode = Annotated[str, StringConstraints(pattern=r"^[0-7]{4,6}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00\r\n]+$", max_length=4000)]
Owner = Annotated[int, Field(ge=0, lt=2**32)]

HEADER = """\
# What m2build derived, by digests. Commit this file beside the recipe, and review its changes.
# `m2build lock --update` writes it anew; nothing else does.
"""


class LockedBase(Frozen):
    """The base: which image, by name and by digest."""

    image: Line | None = Field(default=None, description="Its name in a registry, or what a stand-in base is made of.")
    digest: DigestText = Field(description="What that name meant: the digest of a manifest or of an index.")
    manifest: DigestText = Field(description="The digest of its manifest for the platform.")
    config: DigestText = Field(description="The digest of its config.")
    chain_id: DigestText | None = Field(default=None, description="What identifies its layers in their order.")
    platform: Line
    mirror: Line | None = Field(
        default=None, description="The name of a copy in another registry, which is read if `image` is gone."
    )


class LockedState(Frozen):
    """One state of a file."""

    sha256: Sha256
    mode: Mode


class LockedChange(Frozen):
    """What becomes of a file; `before` is missing for a new one, `after` for a deleted one."""

    renamed_from: RelativePath | None = None
    before: LockedState | None = None
    after: LockedState | None = None


class LockedStep(LockedChange):
    """What one patch makes of a file."""

    path: RelativePath = Field(description="Where the file is after the patch, or was if it is deleted.")


class LockedFile(LockedChange):
    """The net change of a file."""

    layer: DigestText | None = Field(default=None, description="The layer of the base that the file is from.")


class LockedMention(Frozen):
    """A place that a patch points people to."""

    path: Name
    line: int | None = None
    text: str
    kind: MentionKind
    reason: str | None = None


class LockedProof(Frozen):
    """What shows that a patch's change is whole."""

    method: Literal["find", "run"]
    found: int
    found_again: Literal[0]


class LockedPatch(Frozen):
    """A patch and its outcome."""

    definition: Sha256 = Field(description="Of the patch in its series, as JSON.")
    codemod: Line
    code: Sha256 | None = Field(default=None, description="Of the Python file that defines the codemod.")
    vendored: dict[Name, Sha256] = Field(default={}, description="The files that the patch brings along.")
    outcome: Outcome
    detail: str
    diff: Sha256 | None = Field(default=None, description="Of the patch's own diff, if it changes something.")
    changes: tuple[LockedStep, ...] = Field(
        default=(), description="Its own changes, relative to what the patch before it left."
    )
    mentions: tuple[LockedMention, ...] = ()
    proof: LockedProof | None = None
    drop_now: str | None = None


class LockedSource(Frozen):
    """A folder of sources, its series, and what becomes of it; paths are relative to `root`."""

    root: RelativePath = Field(description="Its real path, relative to the image's root.")
    series: Id
    distribution: Line
    release: Line | None = None
    published: Line | None = Field(
        default=None, description="The release from which later builds take the files, if it has these very bytes."
    )
    deeper: Name | None = None
    diff: Sha256 | None = Field(default=None, description="Of the diff of all patches together.")
    patches: dict[Id, LockedPatch] = Field(description="In the order in which they are applied.")
    files: dict[RelativePath, LockedFile] = Field(
        description="Every file that differs from the base, by its path in the image."
    )


class LockedEntry(Frozen):
    """An entry of the base."""

    kind: Literal["file", "folder"]
    mode: Mode
    uid: Owner
    gid: Owner
    mtime: int
    xattrs: dict[str, str] = Field(default={})


class LockedImage(Frozen):
    """One image."""

    plan: DigestText = Field(description="The digest of everything that decides it.")
    overlay: DigestText = Field(description="The diff_id of the only layer that it adds.")
    workdir: Name | None = Field(default=None, description="The working directory that it gets instead of the base's.")
    unmade: tuple[RelativePath, ...] = Field(default=(), description="Working directories that the base lacks.")


class Lock(Frozen):
    """What images of one recipe were derived from, by digests.

    Attributes are the keys of the file; docs/lock.md explains them. Equal inputs give equal locks.
    """

    version: Literal[1] = Field(description="The version of this format.")
    m2build: Line = Field(description="The version of m2build that derived the images.")
    recipe: Id
    base: LockedBase
    created: Line = Field(description="The time in the images.")
    sources: dict[Id, LockedSource] = Field(description="The recipe's folders of sources, by name.")
    footing: dict[Name, LockedEntry] = Field(description="The base's entries that the overlay builds on, by path.")
    hidden: tuple[RelativePath, ...] = Field(default=(), description="The base's paths that the overlay removes.")
    images: dict[Line, LockedImage] = Field(description="The images, by MODEL:PROFILE.")

    @property
    def document(self) -> dict[str, JsonValue]:
        """The lock as JSON, without what is empty."""
        found: dict[str, JsonValue] = self.model_dump(mode="json", exclude_defaults=True)
        return found

    def yaml(self) -> str:
        """The text of the file: one order, one key a line, the base's image and digest as keys of their own.

        Loading it gives the same lock.
        """
        from m2build.documents.yaml_text import yaml_text

        return HEADER + yaml_text(self.document)

    @classmethod
    def schema_text(cls) -> str:
        """The text of `lock.schema.json`, for editors and for other tools that read locks.

        Example:
            >>> json.loads(Lock.schema_text())["title"]
            'Lock'
        """
        document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **cls.model_json_schema()}
        return json.dumps(closed_schema(document), indent=2, sort_keys=True) + "\n"

    @typed_arguments
    def with_mirror(self, name: str) -> Lock:
        """The same lock, with the name of a copy of its base."""
        return self.model_copy(update={"base": self.base.model_copy(update={"mirror": name})})

    @typed_arguments
    def differences(self, found: Lock) -> tuple[Difference, ...]:
        """Every key in which a lock that was made now differs; images that only this one has are not looked at."""
        return between(self.document, found.document)

    @typed_arguments
    def check(self, found: Lock) -> None:
        """Compare this lock with one that was made now, as `differences` does.

        Raises:
            BaseChangedError: the base is another one.
            PatchError: something else differs: a patch, its code, a file, an image; the message names it.
        """
        if differing := self.differences(found):
            raise refusal(differing)
