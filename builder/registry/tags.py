"""What a push may do to a tag that exists."""

from __future__ import annotations

from enum import StrEnum

from m2build.errors import UsageError
from m2build.oci.digest import Digest


class TagPolicy(StrEnum):
    """What a push may do to tags; a tag that names the same image already is a success under each of them."""

    REFUSE = "refuse"
    """Write a tag that does not exist; refuse to move one that names another image."""
    SAME = "same"
    """Write nothing: the tag has to name the same image already, as after an earlier push of it."""
    MOVE = "move"
    """Write the tag, whatever it names."""

    def check(self, name: str, found: Digest | None, digest: Digest) -> None:
        """Check that a tag may be made to name an image.

        Args:
            name: what is tagged, `REGISTRY/NAME:TAG`.
            found: what it names now, or None.
            digest: the image's digest.

        Raises:
            UsageError: it may not.
        """
        if self is TagPolicy.MOVE or found == digest:
            return
        if self is TagPolicy.REFUSE and found is not None:
            raise UsageError(
                f"{name} names {found}, and would name {digest}",
                hint="choose another tag, or let this one move: --tag-policy move",
            )
        if self is TagPolicy.SAME:
            now = f"names {found}" if found else "does not exist"
            raise UsageError(
                f"{name} {now}, and should name {digest} already", hint="--tag-policy refuse writes a new tag"
            )
