"""What a series does to sources, as `m2build patch` prints it; images hold it, too."""

from __future__ import annotations

from typing import Literal, NotRequired

from pydantic import JsonValue
from typing_extensions import TypedDict


class State(TypedDict):
    """A file before or after.

    Attributes:
        mode: Permissions, octal.
    """

    sha256: str
    size: int
    mode: str


class ChangedFile(TypedDict):
    """A file that patches change.

    Attributes:
        renamedFrom: Where it was before, or null.
        before: Null if it is new.
        after: Null if it is deleted.
    """

    path: str
    renamedFrom: str | None
    before: State | None
    after: State | None


class Mention(TypedDict):
    """A place that a person should look at.

    Attributes:
        line: Null for what concerns the file as a whole.
        reason: Why it was left alone, where the line itself does not show it.
    """

    kind: str
    path: str
    line: int | None
    text: str
    reason: NotRequired[str]


class Proof(TypedDict):
    """What was done to show that a change is whole: the places that were found, and what was found afterwards."""

    method: Literal["find", "run"]
    found: int
    foundAgain: int


class PatchAccount(TypedDict):
    """A patch and what it did; its own keys are those of the series.

    Attributes:
        outcome: What became of it.
        detail: One line for people.
        files: The paths of the files that it changes.
        proof: Null where the codemod does not look at its result.
        dropNow: Why the patch can go, by its `drop_when`; null if it has to stay.
    """

    id: str
    summary: str
    why: str
    codemod: str
    parameters: dict[str, JsonValue]
    references: list[str]
    releases: str
    when_absent: str
    accept: list[str]
    author: str
    forwarded: str
    last_update: str
    origin: NotRequired[str]
    applied_upstream: NotRequired[str]
    drop_when: NotRequired[str]
    upstream: NotRequired[dict[str, JsonValue]]
    relevant_when: NotRequired[list[dict[str, JsonValue]]]
    dropNow: NotRequired[str | None]
    outcome: Literal["applied", "already-applied", "done-otherwise", "not-needed", "target-gone", "conflict"]
    detail: str
    files: list[str]
    mentions: list[Mention]
    proof: Proof | None


class Account(TypedDict):
    """What a series does to one source tree.

    Attributes:
        generator: The version of m2build.
        release: The release that the sources say they are.
        files: Every file that differs afterwards.
    """

    schemaVersion: int
    generator: str
    series: str
    distribution: str
    release: str | None
    patches: list[PatchAccount]
    files: list[ChangedFile]
