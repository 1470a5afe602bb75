"""The predicate of patches: what each does to which file, why, and by which code. Pure."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from m2build.derivation.plan import Plan, Sourced
from m2build.evidence.codemods import CodemodOrigin, codemod_origin
from m2build.evidence.statement import PATCHSET, Evident
from m2build.patches.change import FileChange
from m2build.patches.changeset import Outcome, PatchResult
from m2build.patches.diff import git_diff
from m2build.patches.patch_files import patch_files
from m2build.patches.tree import SourceFile

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Hashed(Evident):
    """Bytes, by their digest."""

    sha256: Sha256


class FileInImage(Hashed):
    """A file of the image."""

    path: str = Field(description="From the image's root, without a slash before it.")


class State(Hashed):
    """One state of a file."""

    size: int
    mode: Annotated[str, StringConstraints(pattern=r"^[0-7]{4,6}$")] = Field(description="Permissions, octal.")


class ChangedFile(Evident):
    """A file before and after. `before` is missing if it is new, `after` if it is deleted."""

    path: str = Field(description="From the image's root; of a deleted file, where it was.")
    renamed_from: str | None = Field(default=None, description="Where it was before.")
    before: State | None = None
    after: State | None = None


class Dep3(Evident):
    """The fields of DEP-3, Debian's guidelines for tagging patches."""

    description: str
    author: str
    origin: str
    bug: tuple[str, ...] = Field(description="Addresses of issues and pull requests; also in `references`.")
    forwarded: str
    applied_upstream: str | None = None
    last_update: str


class PatchEvidence(Evident):
    """One patch of the series, and what it did."""

    id: str
    summary: str
    outcome: Outcome
    detail: str = Field(description="What was done, or why not.")
    releases: str = Field(description="The releases that it is meant for, as a version specifier.")
    codemod: CodemodOrigin
    parameters: dict[str, JsonValue]
    references: tuple[str, ...]
    dep3: Dep3
    files: tuple[ChangedFile, ...] = Field(description="Its own changes, on top of the patches before it.")
    diff: Hashed | None = Field(default=None, description="Its diff as git reads it, without a header.")
    patch_file: FileInImage | None = Field(default=None, description="The same with its DEP-3 header, in the image.")


class PatchedSources(Evident):
    """A folder of sources and its series."""

    name: str = Field(description="What the recipe calls it; empty if it is the only one.")
    root: str = Field(description="From the image's root.")
    distribution: str
    release: str | None = None
    series: str
    patches: tuple[PatchEvidence, ...]
    files: tuple[ChangedFile, ...] = Field(description="Every file that differs from the base, after all patches.")
    diff: Hashed = Field(description="All changes as one diff, as `m2build patch diff` prints it.")


class Patchset(Evident):
    """Everything in which the sources of an image differ from its base, patch by patch."""

    plan: str = Field(description="The digest of what decided the image; a label of the image has it, too.")
    sources: tuple[PatchedSources, ...]

    @staticmethod
    def schema_text() -> str:
        """The JSON Schema of the predicate.

        >>> import json
        >>> json.loads(Patchset.schema_text())["$id"]
        'https://m2build.dev/docs/patchset/v1'
        """
        return Patchset.schema_of(PATCHSET)


def patchset_of(plan: Plan) -> Patchset:
    """The patches of a plan."""
    return Patchset(plan=str(plan.digest), sources=tuple(map(_sources, plan.sources)))


def _sources(source: Sourced) -> PatchedSources:
    changeset = source.changeset
    files = {f"{source.account}/patches/{name}": content for name, content in patch_files(changeset).items()}
    applied = iter(files.items())
    return PatchedSources(
        name=source.name,
        root=source.root,
        distribution=changeset.series.distribution,
        release=changeset.release,
        series=changeset.series.id,
        patches=tuple(
            _patch(result, source.root, next(applied) if result.changes else None) for result in changeset.results
        ),
        files=tuple(_file(change, source.root) for change in changeset.changes),
        diff=_hashed(changeset.diff()),
    )


def _patch(result: PatchResult, root: str, stored: tuple[str, bytes] | None) -> PatchEvidence:
    patch = result.patch
    return PatchEvidence(
        id=patch.id,
        summary=patch.summary,
        outcome=result.outcome,
        detail=result.detail,
        releases=patch.releases,
        codemod=codemod_origin(patch),
        parameters=patch.parameters,
        references=patch.references,
        dep3=Dep3(
            description=f"{patch.summary}\n{patch.why}".rstrip(),
            author=patch.author,
            origin=patch.origin or "vendor",
            bug=patch.references,
            forwarded=patch.forwarded,
            applied_upstream=patch.applied_upstream,
            last_update=patch.last_update,
        ),
        files=tuple(_file(change, root) for change in result.changes),
        diff=_hashed(git_diff(result.changes)) if result.changes else None,
        patch_file=FileInImage(path=stored[0], sha256=_sha256(stored[1])) if stored else None,
    )


def _file(change: FileChange, root: str) -> ChangedFile:
    return ChangedFile(
        path=f"{root}/{change.path}",
        renamed_from=f"{root}/{change.old_path}" if change.renamed else None,
        before=_state(change.before),
        after=_state(change.after),
    )


def _state(file: SourceFile | None) -> State | None:
    return State(sha256=file.sha256, size=file.size, mode=f"{file.mode:04o}") if file else None


def _hashed(content: bytes) -> Hashed:
    return Hashed(sha256=_sha256(content))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
