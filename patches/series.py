"""Series: an ordered list of patches, each a codemod with its parameters and its reason."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, field_validator, model_validator

from m2build.documents.document import load_document
from m2build.documents.shown import shown
from m2build.documents.suggest import did_you_mean
from m2build.documents.validation import validate
from m2build.errors import UsageError
from m2build.patches.series_text import series_text

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
CodemodName = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*|libcst:[^\W\d]\w*(\.[^\W\d]\w*)+)$", max_length=200)
]
Package = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$", max_length=1000)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]

_DIFF = re.compile(r"\s*(@@ -|--- |\+\+\+ |\*\*\* |\*{8}|diff --git |Index:|Prereq:|\d+(,\d+)?[acd]\d*(,\d+)?$)")
"""What patch(1) looks for in the text before a diff, where `why` ends up; it looks behind indentation too."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Patch(_Frozen):
    """A codemod with its parameters and its reason."""

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
    when_absent: Literal["already-applied", "not-needed", "target-gone"] = Field(
        default="target-gone", description="What it means that the codemod finds nothing to change in such a release."
    )
    accept: tuple[Literal["already-applied", "not-needed"], ...] = Field(
        default=(), description="The outcomes besides `applied` with which the series goes on."
    )
    author: Line
    forwarded: Line = Field(default="no", description="DEP-3: `no`, `not-needed` or the address it was sent to.")
    last_update: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]

    @field_validator("why")
    @classmethod
    def _is_prose(cls, value: str) -> str:
        for line in value.splitlines():
            if _DIFF.match(line):
                raise ValueError(
                    f"the line {shown(line)} could be taken for a part of a diff by patch(1); word it otherwise"
                )
        return value

    @field_validator("releases")
    @classmethod
    def _is_specifier(cls, value: str) -> str:
        try:
            SpecifierSet(value)
        except InvalidSpecifier as error:
            raise ValueError(f"{shown(value)} is not a version specifier such as '>=0.5.4,<0.5.9'") from error
        return value

    @field_validator("last_update")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        try:
            date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value} is no day of the calendar") from error
        return value

    def applies_to(self, release: str | None) -> bool:
        """Whether the patch is meant for a release; an unknown one counts, since the codemod looks at the bytes."""
        return release is None or self._specifier.contains(release, prereleases=True)

    @cached_property
    def _specifier(self) -> SpecifierSet:
        return SpecifierSet(self.releases)


class Codemods(_Frozen):
    """What a series says of the codemods that it names."""

    allow: tuple[Package, ...] = Field(
        default=(), description="Packages whose libcst codemods may be imported, which runs their code."
    )


class Series(_Frozen):
    """An ordered list of patches for one distribution."""

    id: Id
    summary: Line
    distribution: Line = Field(description="The distribution whose sources are patched, such as `sglang`.")
    codemods: Codemods = Codemods()
    patches: tuple[Patch, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> Series:
        seen: set[str] = set()
        for patch in self.patches:
            if patch.id in seen:
                raise ValueError(f"two patches have the id {patch.id!r}")
            seen.add(patch.id)
        return self

    def patch(self, patch_id: str) -> Patch:
        """The patch of that id.

        Raises:
            UsageError: there is none.
        """
        for patch in self.patches:
            if patch.id == patch_id:
                return patch
        raise UsageError(
            f"the series {self.id} has no patch {did_you_mean(patch_id, [patch.id for patch in self.patches])}",
            hint="`m2build patch list` names them all",
        )


def load_series(name: str) -> Series:
    """A shipped series by its id, or one's own by its path (anything that holds a slash or ends in .yaml or .yml).

    Raises:
        UsageError: there is no such series, or its file does not fit the model; the message holds file and line.
        StorageError: its file cannot be read.
    """
    label, text = series_text(name)
    return validate(load_document(text, name=label), Series)
