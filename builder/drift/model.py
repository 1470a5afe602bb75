"""What a series does to releases, as values. No I/O happens here."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, JsonValue

from m2build.errors import WouldChangeError
from m2build.patches.change import Mention
from m2build.patches.changeset import Outcome
from m2build.patches.fields import Frozen


class Need(StrEnum):
    """How much of a series a release needs.

    Example:
        >>> [str(need) for need in Need]
        ['all', 'some', 'none', 'unclear']
    """

    ALL = "all"
    SOME = "some"
    NONE = "none"
    UNCLEAR = "unclear"
    """A patch is in conflict, its target is gone, or a file does not parse: a person has to look first."""


class Deviation(Frozen):
    """A patch that does on a release what the lock does not say."""

    patch: str
    locked: str = Field(description="Its outcome in the lock, and `drop it now` behind it; or `missing`.")
    found: str = Field(description="The same on this release; or `missing`.")

    def __str__(self) -> str:
        return f"{self.patch} is {self.found}; locked: {self.locked}"


class PatchDrift(Frozen):
    """A patch on one release."""

    patch: str
    outcome: Outcome
    detail: str = Field(description="What was done, or why not.")
    passes: bool = Field(description="Whether the series goes on with this outcome.")
    files: tuple[str, ...] = Field(description="The files that it changes, by their paths afterwards.")
    importers: tuple[str, ...] = Field(description="The files that import a renamed module, and are rewritten.")
    offsets: tuple[Mention, ...] = Field(description="Hunks of a diff that stand at other lines than it says.")
    hunks: tuple[Mention, ...] = Field(
        description="Of a conflict, each hunk: it applies, is there already, or is missing; and what is nearest."
    )
    relevance: tuple[Mention, ...] = Field(
        description="What shows whether the patch is relevant to the release; none if it has no condition for that."
    )
    mentions: tuple[Mention, ...] = Field(description="Whatever else a person should look at.")
    upstream: str | None = Field(description="The change upstream from which on the sources do without it.")
    drop_now: str | None = Field(description="Why the patch can go, by its `drop_when`.")

    @property
    def is_needed(self) -> bool:
        """Whether the release needs the patch, and it applies; not one whose `drop_when` is reached."""
        return self.outcome is Outcome.APPLIED and self.drop_now is None

    @property
    def is_stuck(self) -> bool:
        """Whether a person has to look first."""
        return self.outcome in (Outcome.CONFLICT, Outcome.TARGET_GONE) or (
            self.outcome is Outcome.DONE_OTHERWISE and not self.passes
        )


class ReleaseDrift(Frozen):
    """A series on one release."""

    release: str = Field(description="The release; or the base, as REGISTRY/NAME:TAG.")
    version: str | None = Field(description="The release that the sources say they are; null if they do not.")
    digest: str | None = Field(description="What the base's name means now; null for a published release.")
    need: Need
    advice: str = Field(description="One line for people.")
    problem: str | None = Field(description="Why the release cannot be judged: a file does not parse, for instance.")
    patches: tuple[PatchDrift, ...] = Field(description="In the order of the series; none if there is a problem.")
    deviations: tuple[Deviation, ...] = Field(description="What differs from the lock; none without a lock.")


class Drift(Frozen):
    """A series on several releases or bases, from the oldest to the newest.

    Attributes are the keys of the JSON document; docs/drift.md explains them. Equal inputs give equal values.
    """

    series: str
    requirement: str = Field(description="Which releases were asked for; or which bases, as REGISTRY/NAME:GLOB.")
    locked: str | None = Field(description="The release in the lock, or `unknown`; null without a lock.")
    releases: tuple[ReleaseDrift, ...]

    @property
    def deviating(self) -> tuple[ReleaseDrift, ...]:
        """The releases that differ from the lock."""
        return tuple(release for release in self.releases if release.deviations)

    def document(self) -> dict[str, JsonValue]:
        """The values as JSON."""
        found: dict[str, JsonValue] = self.model_dump(mode="json")
        return found

    @classmethod
    def schema_text(cls) -> str:
        """The text of the document's JSON Schema.

        Example:
            >>> import json
            >>> json.loads(Drift.schema_text())["title"]
            'What m2build drift prints with --json'
        """
        from m2build.printed import schema_text

        return schema_text("drift", cls)

    def checked(self) -> Drift:
        """These values, if no release differs from the lock.

        Raises:
            WouldChangeError: one does; each is a line of the details.
        """
        if self.deviating:
            names = ", ".join(release.release for release in self.deviating)
            raise WouldChangeError(
                f"{self.series} does not do on {names} what the lock says",
                hint="review it; then move the base and run `m2build lock --update`, or leave these releases out",
                details=[f"{one.release}: {deviation}" for one in self.deviating for deviation in one.deviations],
            )
        return self
