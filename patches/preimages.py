"""What is known of published releases before anything is fetched: their wheels' digests, and those of files in them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter

if TYPE_CHECKING:
    from m2build.patches.changeset import Changeset


class PinnedRelease(BaseModel):
    """A published release.

    Attributes:
        filename: of its wheel.
        sha256: of its wheel.
        files: path -> SHA-256, of the files that the shipped series change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename: str
    sha256: str
    files: dict[str, str]


@cache
def pinned_releases() -> dict[str, PinnedRelease]:
    """The releases that `patches/pinned.json` pins, by `NAME==VERSION`."""
    text = resources.files("m2build.patches").joinpath("pinned.json").read_bytes()
    return TypeAdapter(dict[str, PinnedRelease]).validate_json(text)


def published_release(changeset: Changeset) -> str | None:
    """The pinned release that a changeset's files can be taken from, as `pypi:NAME==VERSION`.

    None if the release of the sources is not pinned, or if a file is known to be another one there.
    """
    release = f"{changeset.series.distribution}=={changeset.release}"
    pinned = pinned_releases().get(release)
    if pinned is None:
        return None
    befores = [(change.old_path, change.before.sha256) for change in changeset.changes if change.before]
    is_same = all(pinned.files.get(path, sha256) == sha256 for path, sha256 in befores)
    return f"pypi:{release}" if is_same else None
