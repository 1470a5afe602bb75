"""The difference of two images, without their common layers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from m2build.inspection.content import Entry
from m2build.inspection.runtime import runtime_of
from m2build.labels import without_preimage
from m2build.layers.contents import read_members
from m2build.layers.held import held
from m2build.layers.members import EVERYTHING
from m2build.oci.tar import XATTR, Kind, Member
from m2build.patches.change import FileChange
from m2build.patches.diff import git_diff
from m2build.patches.tree import SourceFile
from m2build.places.place import Place
from m2build.places.transports import read_image
from m2build.progress import amount
from m2build.verification.upper import Upper

if TYPE_CHECKING:
    from m2build import printed
    from m2build.oci.descriptor import JsonObject
    from m2build.oci.image import Image
    from m2build.progress import Progress
    from m2build.registry.access import Access

_CONFIG = "config.json"
_FILES = "rootfs"
"""How the two parts of a diff are called."""


class Unread(Enum):
    """A path's state that is not known, as it is in layers that are not read."""

    COMMON = "as in the common layers"


State = Member | None | Unread
"""What an image has at a path: an entry, nothing, or what the common layers have."""


@dataclass(frozen=True)
class PathDifference:
    """One path in which two images differ, or may differ.

    Attributes:
        path: relative to the root.
        before: what the first image has there.
        after: what the second has.
    """

    path: str
    before: State
    after: State

    @property
    def as_text(self) -> FileChange | None:
        """The change, if both sides are known, and are text or nothing."""
        sides = (self.before, self.after)
        if not all(side is None or (isinstance(side, Member) and _is_text(side)) for side in sides):
            return None
        before, after = (SourceFile.of(side.content, side.mode) if isinstance(side, Member) else None for side in sides)
        return FileChange(f"{_FILES}/{self.path}", before, f"{_FILES}/{self.path}", after)

    @property
    def is_told_by_text(self) -> bool:
        """Whether a diff of its text tells all of the change; it tells permissions, and nothing of owners."""
        sides = [side for side in (self.before, self.after) if isinstance(side, Member)]
        return self.as_text is not None and len({(side.uid, side.gid, *side.xattrs.items()) for side in sides}) == 1

    def document(self) -> printed.PathDifference:
        """The difference as JSON; `unread` stands for what the common layers have."""
        return {"path": f"/{self.path}", "before": _document(self.before), "after": _document(self.after)}


@dataclass(frozen=True)
class Difference:
    """How two images differ.

    Attributes:
        common: how many layers they have in common, from the lowest up. They are not read.
        paths: the paths in which they differ, sorted; both sides of each, as far as the layers above tell.
        before: the config and the annotations of the first image, in one normal form.
        after: those of the second.
    """

    common: int
    paths: tuple[PathDifference, ...]
    before: JsonObject
    after: JsonObject

    @property
    def fields(self) -> tuple[str, ...]:
        """The members of the config in which they differ, as `config.Env`."""
        return tuple(_fields(self.before, self.after))

    @property
    def is_empty(self) -> bool:
        """Whether there is no difference."""
        return not self.paths and not self.fields

    def diff(self) -> bytes:
        """The differences of text as one unified diff: `config.json`, then the files below `rootfs/`."""
        config = [SourceFile.of(f"{json.dumps(side, indent=2)}\n".encode()) for side in (self.before, self.after)]
        changes = [FileChange(_CONFIG, config[0], _CONFIG, config[1])] if self.fields else []
        return git_diff([*changes, *filter(None, (path.as_text for path in self.paths))])

    def notes(self) -> list[str]:
        """What the diff leaves out, a line each: what is not text, or not known on both sides, owners, attributes."""
        others = (path.document() for path in self.paths if not path.is_told_by_text)
        return [f"{path['path']}: {_shown(path['before'])} -> {_shown(path['after'])}" for path in others]

    def document(self) -> printed.Difference:
        """The difference as JSON."""
        return {
            "commonLayers": self.common,
            "fields": list(self.fields),
            "config": {"before": self.before, "after": self.after},
            "paths": [path.document() for path in self.paths],
        }


def diff_images(before: Place, after: Place, *, platform: str, access: Access, progress: Progress) -> Difference:
    """Compare two images; of their layers, only those above the common ones are read.

    Raises:
        UsageError: a place does not exist, or has no such image.
        ContentError: something is missing, truncated, altered or malformed, or larger than what can be compared.
        TransportError: a registry does not deliver.
        EngineError: a container engine does not export its image.
        StorageError: a file cannot be read.
    """
    images = [read_image(place, platform, access, progress=progress).image for place in (before, after)]
    pairs = zip(images[0].config.diff_ids, images[1].config.diff_ids, strict=False)
    common = next((height for height, (one, other) in enumerate(pairs) if one != other), None)
    if common is None:
        common = min(len(image.config.diff_ids) for image in images)
    uppers = [_upper(image, common, progress) for image in images]
    return Difference(common, tuple(_paths(*uppers)), *map(_document_of, images))


def _upper(image: Image, common: int, progress: Progress) -> Upper:
    upper = Upper()
    with held(image) as once:
        for layer, diff_id in list(zip(image.manifest.layers, image.config.diff_ids, strict=True))[common:]:
            progress.step(f"reading layer {layer.digest.hex[:12]} ({amount(layer.size)})")
            upper.add(read_members(once, layer, diff_id, EVERYTHING))
    return upper


def _paths(before: Upper, after: Upper) -> Iterator[PathDifference]:
    for path in sorted(before.paths | after.paths):
        found = PathDifference(path, _state(before, path), _state(after, path))
        if _comparable(found.before) != _comparable(found.after):
            yield found


def _state(upper: Upper, path: str) -> State:
    if path in upper.entries:
        return upper.entries[path]
    return None if upper.is_hidden(path) else Unread.COMMON


def _comparable(state: State) -> object:
    return (Entry.of(state), state.xattrs) if isinstance(state, Member) else state


def _is_text(member: Member) -> bool:
    if member.kind is not Kind.FILE or member.unheld or b"\0" in member.content:
        return False
    try:
        member.content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _document(state: State) -> printed.Side:
    if not isinstance(state, Member):
        return "unread" if isinstance(state, Unread) else None
    document = Entry.of(state).document()
    others = {key.removeprefix(XATTR): value for key, value in sorted(state.xattrs.items())}
    others.pop("security.capability", None)  # it has a member of its own
    if others:
        values = (f"{name}={value.encode(errors='surrogateescape').hex()}" for name, value in others.items())
        document["attributes"] = ", ".join(values)
    return document


def _shown(side: printed.Side) -> str:
    if isinstance(side, dict):
        return " ".join(str(value) for value in side.values())
    return "nothing" if side is None else Unread.COMMON.value


_TOLD = frozenset({"os", "architecture", "variant", "created", "config", "rootfs", "history"})
"""The members of a config that have a place of their own."""


def _document_of(image: Image) -> JsonObject:
    """Everything that a config and a manifest say, members that no tool knows included, but how layers are stored.

    Nor how a build knew its base: that label differs between images which are equal otherwise.
    """
    config = image.config
    normal, labels = runtime_of(config), dict(sorted(without_preimage(config.labels).items()))
    runtime = {**_said(config.runtime, {"WorkingDir"}), **normal, **({"Labels": labels} if labels else {})}
    return {
        "platform": config.platform,
        "created": config.created,
        "annotations": dict(sorted(image.manifest.annotations.items())),
        "config": dict(sorted(runtime.items())),
        "layers": [str(diff_id) for diff_id in config.diff_ids],
        "history": config.history,
        "more": {**_said(config.document(), _TOLD), **_said(image.manifest.others)},
    }


def _said(document: JsonObject, without: Collection[str] = ()) -> JsonObject:
    """The members of an object that are not empty; engines write empty ones or leave them out."""
    return {key: value for key, value in sorted(document.items()) if value and key not in without}


def _fields(before: JsonObject, after: JsonObject) -> Iterator[str]:
    for key in before:
        one, other = before[key], after[key]
        if isinstance(one, dict) and isinstance(other, dict):
            names = (name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name))
            yield from (f"{key}.{name}" for name in names)
        elif one != other:
            yield key
