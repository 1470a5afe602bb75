"""`Patch`: a codemod with its parameters and its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, cast

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import Version
from pydantic import ConfigDict, Field, JsonValue, PrivateAttr, StringConstraints, field_validator, model_validator

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import shown
from m2build.patches.conditions import Condition
from m2build.patches.distributions import LIBCST
from m2build.patches.fields import Frozen, Id, Line, Url

if TYPE_CHECKING:
    from m2build.patches.change import Codemod

CodemodName = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*|libcst:[^\W\d]\w*(\.[^\W\d]\w*)+)$", max_length=200)
]
Absence = Literal["already-applied", "not-needed", "target-gone"]
Accepted = Literal["already-applied", "done-otherwise", "not-needed"]
ALREADY_APPLIED = "already-applied"

READ_AS_DIFF = re.compile(r"\s*(@@ -|--- |\+\+\+ |\*\*\* |\*{8}|diff --git |Index:|Prereq:|\d+(,\d+)?[acd]\d*(,\d+)?$)")
"""What patch(1) looks for in the text before a diff, where `why` ends up; it looks behind indentation too."""


class Upstream(Frozen):
    """The change upstream from which on the sources do without a patch."""

    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{7,40}$")] | None = Field(
        default=None, description="The commit, 7 to 40 hexadecimal digits."
    )
    pull_request: Url | None = Field(default=None, description="The pull request that it came with.")

    @model_validator(mode="after")
    def _names_something(self) -> Upstream:
        if self.commit is None and self.pull_request is None:
            raise ValueError("it names neither a commit nor a pull request")
        return self

    def __str__(self) -> str:
        """The commit, the pull request, or both, for people."""
        commit = [f"commit {self.commit}"] if self.commit else []
        return ", ".join([*commit, *([self.pull_request] if self.pull_request else [])])


class Patch(Frozen):
    """A codemod with its parameters and its reason.

    `Patch.of` makes one from a codemod in Python. The constructor takes what a series file holds, with the codemod's
    name, and raises pydantic's `ValidationError` for what does not fit.

    Example:
        >>> from m2build.patches import RemoveDecorator
        >>> patch = Patch.of(
        ...     RemoveDecorator("app", "torch.compile"),
        ...     id="no-compile",
        ...     summary="Comment out torch.compile",
        ...     why="It crashes.",
        ...     author="Jo Doe",
        ...     last_update="2026-11-27",
        ... )
        >>> patch.codemod, patch.parameters["decorator"]
        ('remove-decorator', 'torch.compile')
    """

    id: Id
    summary: Line = Field(description="One line: what changes.")
    why: str = Field(description="What goes wrong without the patch.")
    codemod: CodemodName = Field(
        description="The codemod's name in the entry-point group m2build.codemods, or libcst:package.module.Class."
    )
    parameters: dict[str, JsonValue] = Field(description="The codemod's parameters, by name.")
    references: tuple[Url, ...] = Field(default=(), description="Issues, pull requests and documents.")
    releases: str = Field(
        max_length=200, description="The releases that the patch applies to, as a version specifier (PEP 440)."
    )
    when_absent: Absence = Field(
        default="target-gone", description="What it means that the codemod finds nothing to change in such a release."
    )
    accept: tuple[Accepted, ...] = Field(
        default=(), description="The outcomes besides `applied` with which the series goes on."
    )
    author: Line
    forwarded: Line = Field(default="no", description="DEP-3: `no`, `not-needed` or the address it was sent to.")
    last_update: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    origin: Line | None = Field(
        default=None, description="DEP-3: where the patch comes from, such as `upstream, https://…`."
    )
    applied_upstream: Line | None = Field(
        default=None, description="DEP-3: the release, address or commit (`commit:…`) that has it upstream."
    )
    drop_when: str | None = Field(
        default=None,
        max_length=200,
        description="When the patch is not needed any more: a version specifier (PEP 440), or already-applied.",
    )
    upstream: Upstream | None = Field(
        default=None, description="The change upstream from which on the sources do without the patch, for people."
    )
    relevant_when: tuple[Condition, ...] = Field(
        default=(), description="The patch is for trees of which one of these holds, or cannot be decided; () for all."
    )
    _content: bytes | None = PrivateAttr(default=None)

    @classmethod
    @typed_arguments
    def of(
        cls,
        codemod: Codemod,
        *,
        id: str,  # noqa: A002 - the argument is called what the field is called
        summary: str,
        why: str,
        author: str,
        last_update: str,
        releases: str = "",
        references: Iterable[str] = (),
        when_absent: Absence = "target-gone",
        accept: Iterable[Accepted] = (),
        forwarded: str = "no",
        origin: str | None = None,
        applied_upstream: str | None = None,
        drop_when: str | None = None,
        upstream: Mapping[str, str] | None = None,
        relevant_when: Iterable[Mapping[str, object]] = (),
    ) -> Patch:
        """A patch that holds its codemod itself, as `value`.

        In accounts and digests the codemod has the name under which its class is registered, `libcst:…` if it is a
        `LibcstCodemod`, else `python:package.module.Class`; its fields are the parameters.

        Args:
            codemod: a value of a frozen dataclass with an `apply` method, and with fields that JSON can hold.
            id: lower-case words with hyphens.
            summary: one line: what changes.
            why: what goes wrong without the patch.
            author: one line, such as `Jo Doe <jo@example.org>`.
            last_update: the day of the last change to the patch, as YYYY-MM-DD.
            releases: the releases that it applies to, as a version specifier (PEP 440); all by default.
            references: addresses of issues, pull requests and documents.
            when_absent: what it means that the codemod finds nothing to change in such a release.
            accept: the outcomes besides `applied` with which the series goes on.
            forwarded: DEP-3: `no`, `not-needed` or the address that the patch was sent to.
            origin: DEP-3: where it comes from, such as `upstream, https://…`.
            applied_upstream: DEP-3: the release, address or commit (`commit:…`) that has it upstream.
            drop_when: when it is not needed any more: a version specifier, or `already-applied`.
            upstream: the change upstream from which on the sources do without it: `commit`, `pull_request` or both.
            relevant_when: conditions, as in a series file; it is for trees of which one holds, or cannot be decided.

        Raises:
            UsageError: the codemod is not such a value, or an argument does not fit.
        """
        from m2build.patches.values import described, made

        name, parameters = described(codemod)
        fields = {
            "id": id,
            "summary": summary,
            "why": why,
            "codemod": name,
            "parameters": parameters,
            "references": tuple(references),
            "releases": releases,
            "when_absent": when_absent,
            "accept": tuple(accept),
            "author": author,
            "forwarded": forwarded,
            "last_update": last_update,
            "origin": origin,
            "applied_upstream": applied_upstream,
            "drop_when": drop_when,
            "upstream": upstream,
            "relevant_when": tuple(relevant_when),
        }
        return made(_PatchOfValue, f"the patch {shown(id)}", fields, context=codemod)

    @field_validator("why")
    @classmethod
    def _is_prose(cls, value: str) -> str:
        for line in value.splitlines():
            if READ_AS_DIFF.match(line):
                raise ValueError(f"the line {shown(line)} could be taken for a part of a diff by patch(1); rephrase it")
        return value

    @field_validator("releases")
    @classmethod
    def _is_specifier(cls, value: str) -> str:
        return _specifier(value)

    @field_validator("drop_when")
    @classmethod
    def _is_specifier_or_outcome(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("an empty condition would always hold: leave drop_when out, or name releases")
        return value if value in (None, ALREADY_APPLIED) else _specifier(value or "")

    @field_validator("last_update")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        try:
            date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value} is not a valid date") from error
        return value

    def bringing(self, content: bytes) -> Patch:
        """The same patch with the bytes of the file that its parameters name."""
        patch = self.model_copy()
        patch._content = content  # noqa: SLF001 - of this very class
        return patch

    @property
    def content(self) -> bytes | None:
        """The bytes of the file that the parameters name, once they are read."""
        return self._content

    @property
    def value(self) -> Codemod | None:
        """The codemod itself if the patch was made with one; None if it has only a name."""
        return None

    @property
    def is_portable(self) -> bool:
        """Whether the codemod is m2build's own, or a name of the entry-point group; see `Series.is_portable`."""
        return not self.codemod.startswith(LIBCST)

    def applies_to(self, release: str | None) -> bool:
        """Whether the patch is meant for a release; an unknown one counts, since the codemod looks at the bytes."""
        return release is None or self._specifier.contains(release, prereleases=True)

    def leaves_open(self, release: str | None) -> bool:
        """Whether a release is a build before a bound of `releases`: 0.5.9.dev3 for `<0.5.9`, and for `>=0.5.9`.

        PEP 440 leaves such builds out; whether one has a change already is shown by its code, not by its number.
        """
        if release is None or self.applies_to(release) or not Version(release).is_prerelease:
            return False
        return all(_may_contain(clause, Version(release)) for clause in self._specifier)

    def reason_to_drop(self, release: str | None, outcome: str) -> str | None:
        """Why the patch can go, by its `drop_when`; None if it has to stay.

        Args:
            release: that of the tree, if it is known.
            outcome: the patch's outcome there.
        """
        if self.drop_when is None or self.drop_when == ALREADY_APPLIED:
            return "the sources have it already" if outcome == self.drop_when else None
        if release is None or not SpecifierSet(self.drop_when).contains(release, prereleases=True):
            return None
        return f"release {release} is among {self.drop_when}"

    @cached_property
    def _specifier(self) -> SpecifierSet:
        return SpecifierSet(self.releases)


def _may_contain(clause: Specifier, build: Version) -> bool:
    """Whether a clause contains a build, or would if the build's number said more of what is in it."""
    if clause.operator == "<":
        return build < Version(clause.version)
    if clause.operator == ">=":
        return Version(f"{build.epoch}!{_final(build)}") >= Version(clause.version)
    return clause.contains(build, prereleases=True)


def _final(build: Version) -> str:
    """The release that a build comes before; of a build before a post-release, that one."""
    post = f".post{build.post}" if build.post is not None else ""
    return f"{build.base_version.rpartition('!')[2]}{post}"


def _specifier(value: str) -> str:
    try:
        SpecifierSet(value)
    except InvalidSpecifier as error:
        raise ValueError(f"{shown(value)} is not a version specifier such as '>=0.5.4,<0.5.9'") from error
    return value


class _PatchOfValue(Patch):
    """A patch with the codemod itself. Its name need not be one that a series file may hold."""

    model_config = ConfigDict(defer_build=True)  # commands read series from files, and need none

    codemod: Line
    _value: Codemod = PrivateAttr()

    def model_post_init(self, context: object, /) -> None:
        """Keep the codemod, which comes as the context of the validation."""
        self._value = cast("Codemod", context)

    @property
    def value(self) -> Codemod:
        """The codemod itself."""
        return self._value

    @property
    def is_portable(self) -> bool:
        """Whether the codemod is m2build's own."""
        return super().is_portable and type(self._value).__module__.startswith("m2build.")
