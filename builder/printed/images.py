"""What `m2build diff`, `revert` and `base` print."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class Mirror(TypedDict):
    """The copy that a lock names.

    Attributes:
        there: Whether it has the locked digest.
    """

    name: str
    there: bool | None


class BaseCheck(TypedDict):
    """What registries say of a locked base.

    Attributes:
        image: The base's name, with its tag.
        locked: The digest in the lock.
        found: What the tag names now; null if it does not exist.
        kept: Whether the locked digest can still be pulled from there.
        mirror: The copy that the lock names, or null.
    """

    image: str
    standing: Literal["same", "moved", "gone"]
    locked: str
    found: str | None
    kept: bool
    mirror: Mirror | None


class Mirrored(TypedDict):
    """A copy of a base.

    Attributes:
        base: What was copied.
        digest: Of what its name means: a manifest, or an index.
        copied: Of what was copied: the same, or one manifest of that index.
        mirror: The copy's name.
        reference: The same with its digest.
        manifests: How many manifests were copied.
        uploaded: How many blobs were sent.
        bytes: What they took.
    """

    base: str
    digest: str
    copied: str
    mirror: str
    reference: str
    manifests: int
    uploaded: int
    bytes: int


class Reverted(TypedDict):
    """The base that an image stands on.

    Attributes:
        reference: Its name with its digest.
        digest: Of what the name refers to: the manifest, or an index with it.
        manifest: Of the manifest of the image's platform.
        layers: How many of the image's layers are the base's.
        layersAbove: How many are not.
        tagged: What was published with `-t`, by digest; or null.
    """

    reference: str
    digest: str
    manifest: str
    layers: int
    layersAbove: int
    tagged: str | None


class Entry(TypedDict):
    """What is at a path.

    Attributes:
        mode: Permissions, octal.
        owner: UID:GID.
        value: The digest of a file's content, or the target of a link.
        capabilities: A file's, in hexadecimal.
        attributes: Its other extended attributes, NAME=VALUE each, in hexadecimal; only where two images differ.
    """

    kind: str
    mode: str
    owner: str
    value: NotRequired[str]
    capabilities: NotRequired[str]
    attributes: NotRequired[str]


Side = Entry | Literal["unread"] | None


class PathDifference(TypedDict):
    """One path in which two images differ; `unread` is what the common layers have, null is nothing."""

    path: str
    before: Side
    after: Side


class Configs(TypedDict):
    """The config and the annotations of two images, each in one normal form."""

    before: dict[str, object]
    after: dict[str, object]


class Difference(TypedDict):
    """How two images differ.

    Attributes:
        commonLayers: How many layers they have in common, from the lowest up; they are not read.
        fields: The fields of `config` that differ.
        paths: The paths that differ, sorted.
    """

    commonLayers: int
    fields: list[str]
    config: Configs
    paths: list[PathDifference]
