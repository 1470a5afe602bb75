"""Whether the tag behind a lock still names the locked base: asked for, and nothing fetched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from m2build.errors import UsageError, WouldChangeError
from m2build.oci.reference import Reference, is_full_reference, parse_reference
from m2build.registry.manifests import resolve

if TYPE_CHECKING:
    from m2build import printed
    from m2build.locking.model import LockedBase
    from m2build.registry.access import Access


class Standing(StrEnum):
    """What a tag is now, compared with a lock."""

    SAME = "same"
    """It names the locked digest."""
    MOVED = "moved"
    """It names another one."""
    GONE = "gone"
    """It does not exist: the registry answers 404."""


@dataclass(frozen=True)
class BaseCheck:
    """What registries say of a locked base.

    Attributes:
        image: the base's name, with its tag.
        locked: the digest in the lock.
        found: what the tag names now; None if it does not exist.
        is_kept: whether the locked digest can still be pulled from there.
        mirror: the name of the copy that the lock names, or None.
        is_mirrored: whether the copy is there; None without one.
    """

    image: str
    locked: str
    found: str | None
    is_kept: bool
    mirror: str | None = None
    is_mirrored: bool | None = None

    @property
    def standing(self) -> Standing:
        """What the tag is now."""
        if self.found is None:
            return Standing.GONE
        return Standing.SAME if self.found == self.locked else Standing.MOVED

    def document(self) -> printed.BaseCheck:
        """The check as JSON."""
        return {
            "image": self.image,
            "standing": self.standing.value,
            "locked": self.locked,
            "found": self.found,
            "kept": self.is_kept,
            "mirror": None if self.mirror is None else {"name": self.mirror, "there": self.is_mirrored},
        }

    def checked(self) -> BaseCheck:
        """This check, if the tag names what the lock says.

        Raises:
            WouldChangeError: it has moved, or does not exist any more.
        """
        if self.standing is Standing.SAME:
            return self
        what = "does not exist any more" if self.found is None else f"now names {self.found}"
        raise WouldChangeError(f"{self.image} {what}; locked: {self.locked}", hint=self._next)

    @property
    def _next(self) -> str:
        if self.found is not None:
            return "`m2build lock --update` takes the new base; `m2build rebase` moves images that exist"
        if self.is_mirrored:
            return "builds with this lock read the mirror; choose a new base for the next lock"
        if self.is_kept:
            return "copy it now, by its digest, before that goes too: m2build base mirror"
        return "choose a new base, or name a copy of this one with --base"


def check_base(base: LockedBase, access: Access) -> BaseCheck:
    """Ask what a locked base's tag names now. One HEAD request for the tag, one for the digest, one for the mirror.

    Where a registry answers HEAD without a digest, the manifest is fetched.

    Raises:
        UsageError: the lock names no tag in a registry.
        TransportError: a registry refuses, or does not answer.
    """
    image = base.image or ""
    reference = parse_reference(image) if is_full_reference(image) else None
    if reference is None or reference.tag is None:
        raise UsageError(
            f"the lock's base, {image or base.digest}, is not a tag in a registry",
            hint="only a tag can move to another image",
        )
    found = _named(reference, reference.tag, access)
    mirror = parse_reference(base.mirror) if base.mirror else None
    return BaseCheck(
        image=image,
        locked=base.digest,
        found=found,
        is_kept=found == base.digest or _named(reference, base.digest, access) is not None,
        mirror=base.mirror,
        is_mirrored=_named(mirror, base.manifest, access) is not None if mirror else None,
    )


def _named(reference: Reference, name: str, access: Access) -> str | None:
    digest = resolve(access.pull(reference), name)
    return str(digest) if digest else None
