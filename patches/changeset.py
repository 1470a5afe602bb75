"""A series applied to a source tree: the outcome of each patch, and every byte that changes."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from m2build.documents.arguments import typed_arguments
from m2build.errors import PatchError
from m2build.patches.change import Codemod, FileChange, Finding, Mention, Proof, Rewrite, changed_tree, net_changes
from m2build.patches.checks import check_changes
from m2build.patches.patch import Patch
from m2build.patches.series import Series
from m2build.patches.tree import SourceTree

if TYPE_CHECKING:
    from m2build import printed


class Outcome(StrEnum):
    """The outcome of a patch.

    Example:
        >>> [str(outcome) for outcome in Outcome]
        ['applied', 'already-applied', 'done-otherwise', 'not-needed', 'target-gone', 'conflict']
    """

    APPLIED = "applied"
    ALREADY_APPLIED = "already-applied"
    DONE_OTHERWISE = "done-otherwise"
    NOT_NEEDED = "not-needed"
    TARGET_GONE = "target-gone"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class PatchResult:
    """One patch and its outcome.

    Attributes:
        patch: the patch.
        outcome: its outcome.
        detail: one line for people.
        changes: its own changes, relative to the tree that the patch before it left.
        mentions: what a person should look at.
        proof: what shows that the change is whole, from a codemod that looks at its result.
        drop_now: why the patch can go, by its `drop_when`; None if it has to stay.

    Example:
        >>> from m2build.patches import load_series
        >>> tree = SourceTree.of({"sglang/__init__.py": "__version__ = '0.4.0'"})
        >>> [result.passes for result in apply_series(load_series("minimax-m2-rocm"), tree).results]
        [False, True]
    """

    patch: Patch
    outcome: Outcome
    detail: str
    changes: tuple[FileChange, ...] = ()
    mentions: tuple[Mention, ...] = ()
    proof: Proof | None = None

    drop_now: str | None = None

    @property
    def passes(self) -> bool:
        """Whether the series may go on: applied, or an outcome that the patch says is fine."""
        return self.outcome is Outcome.APPLIED or str(self.outcome) in self.patch.accept


@dataclass(frozen=True)
class Changeset:
    """What a series does to one source tree.

    Attributes:
        series: the series.
        release: the release of the tree, or None if nothing in it says which.
        origin: what the tree is called in messages.
        results: one for each patch, in the series' order.
        deeper: the folder of the tree that the sources really stand in, if they do not stand at its top; `..` if the
            tree is the package itself.

    Example:
        >>> from m2build.patches import load_series
        >>> tree = SourceTree.of({"sglang/__init__.py": "__version__ = '0.4.0'"})
        >>> changeset = apply_series(load_series("minimax-m2-rocm"), tree)
        >>> changeset.release, changeset.changes, changeset.diff()
        ('0.4.0', (), b'')
    """

    series: Series
    release: str | None
    origin: str
    results: tuple[PatchResult, ...]
    deeper: str | None = None

    @cached_property
    def changes(self) -> tuple[FileChange, ...]:
        """The net change of each file, sorted by path."""
        return net_changes(result.changes for result in self.results)

    def checked(self) -> Changeset:
        """This changeset, if every patch passes.

        Raises:
            PatchError: the first patch that does not, by id, outcome and detail; of a conflict with its mentions.
        """
        for result in self.results:
            if not result.passes:
                where = f"{self.series.distribution} {self.release}" if self.release else self.origin
                releases = result.patch.releases
                hint = f"it applies to the releases {releases}" if releases else "it applies to all releases"
                if result.patch.value is None:
                    hint = f"`m2build patch show {result.patch.id}` shows what it expects; {hint}"
                if result.outcome is Outcome.DONE_OTHERWISE:
                    hint = (
                        f"if that is right: `accept: [done-otherwise]` in the patch; or extend {self.series.id} with "
                        f"`without: [{result.patch.id}]`"
                    )
                if self.deeper:
                    hint = _better_folder(self.series.distribution, self.deeper)
                raise PatchError(
                    f"the patch {result.patch.id} does not apply to {where} ({result.outcome}): {result.detail}",
                    hint=hint,
                    details=[str(mention) for mention in result.mentions if result.outcome is Outcome.CONFLICT],
                )
        return self

    def diff(self) -> bytes:
        """The net changes as one diff, for `git apply` or `patch -p1`; empty if there are none."""
        from m2build.patches.diff import git_diff

        return git_diff(self.changes)

    def patch_files(self) -> dict[str, bytes]:
        """Numbered patch files with DEP-3 headers, and the `series` file that quilt reads: name -> bytes."""
        from m2build.patches.patch_files import patch_files

        return patch_files(self)

    def waiver(self) -> str:
        """The page that reviewers ask for, as Markdown: what is patched, why, until when, and the hashes."""
        from m2build.patches.waiver import waiver

        return waiver(self)

    def account(self) -> printed.Account:
        """Every patch with its reason and outcome, and every file with its digests, as JSON."""
        from m2build.patches.audit import account

        return account(self)


@typed_arguments
def apply_series(
    series: Series,
    tree: SourceTree,
    codemods: Mapping[str, type[Codemod]] | None = None,
    *,
    allow: Collection[str] = (),
) -> Changeset:
    """Run every patch of a series on a tree, each on what the one before left. Pure: nothing is written.

    Args:
        series: the series.
        tree: the sources.
        codemods: the codemods that the patches may name, by their names; by default those that are installed.
        allow: packages whose libcst codemods may be imported, besides those that the series allows.

    Raises:
        UsageError: a patch names a codemod or a parameter that does not exist, or one that may not be imported.
        PatchError: a file that may be concerned does not parse, a codemod cannot be loaded or raises something, or it
            changes what is not in the tree.

    Example:
        >>> from m2build.patches import load_series
        >>> tree = SourceTree.of({"sglang/__init__.py": "__version__ = '0.4.0'"})
        >>> [str(result.outcome) for result in apply_series(load_series("minimax-m2-rocm"), tree).results]
        ['not-needed', 'not-needed']
    """
    from m2build.patches.registry import load_codemods
    from m2build.patches.running import make_codemod  # a changeset itself needs neither

    codemods = load_codemods() if codemods is None else codemods
    release = release_of(tree, series.distribution)
    results = []
    for patch in series.patches:
        codemod = make_codemod(codemods, patch, allow=(*series.codemods.allow, *allow))
        result = _apply(patch, codemod, tree, release)
        tree = changed_tree(tree, result.changes)
        results.append(result)
    return Changeset(series, release, tree.origin, tuple(results), _deeper(tree, series.distribution))


def _apply(patch: Patch, codemod: Codemod, tree: SourceTree, release: str | None) -> PatchResult:
    from m2build.patches.relevance.verdict import Verdict
    from m2build.patches.running import judge_relevance, run_codemod

    open_by_number = patch.leaves_open(release)
    if not open_by_number and not patch.applies_to(release):
        return _not_needed(patch, release, f"release {release} is not among {patch.releases}")
    rewrite = run_codemod(codemod, patch, tree)
    if open_by_number and rewrite.finding in (Finding.ABSENT, Finding.OTHERWISE, Finding.GONE):
        detail = f"release {release} is a build before a bound of {patch.releases}, and {rewrite.detail}"
        return _not_needed(patch, release, detail)
    check_changes(rewrite.changes, tree, patch.codemod)
    evidence: tuple[Mention, ...] = ()
    if patch.relevant_when and rewrite.finding in (Finding.CHANGED, Finding.CONFLICT):
        relevance = judge_relevance(patch, tree)
        evidence = relevance.evidence
        if rewrite.finding is Finding.CHANGED and relevance.verdict is Verdict.FAILS:
            detail = "it would apply, but is not relevant: none of the conditions of `relevant_when` holds"
            return _not_needed(patch, release, detail, evidence)
    outcome, mentions = _outcome(patch, rewrite), (*rewrite.mentions, *evidence)
    drop = patch.reason_to_drop(release, outcome)
    return PatchResult(patch, outcome, rewrite.detail, rewrite.changes, mentions, rewrite.proof, drop)


def _not_needed(patch: Patch, release: str | None, detail: str, evidence: tuple[Mention, ...] = ()) -> PatchResult:
    drop = patch.reason_to_drop(release, Outcome.NOT_NEEDED)
    return PatchResult(patch, Outcome.NOT_NEEDED, detail, mentions=evidence, drop_now=drop)


def _outcome(patch: Patch, rewrite: Rewrite) -> Outcome:
    match rewrite.finding:
        case Finding.CHANGED:
            return Outcome.APPLIED
        case Finding.ALREADY_APPLIED:
            return Outcome.ALREADY_APPLIED
        case Finding.ABSENT:
            return Outcome(patch.when_absent)
        case Finding.OTHERWISE:
            said = Outcome(patch.when_absent)
            return Outcome.DONE_OTHERWISE if said is Outcome.TARGET_GONE else said
        case Finding.GONE:
            return Outcome.TARGET_GONE
        case Finding.CONFLICT:
            return Outcome.CONFLICT


_VERSION = re.compile(rb"^(?:__version__|version)\s*=", re.MULTILINE)


def release_of(tree: SourceTree, distribution: str) -> str | None:
    """The version of the distribution in a tree: from its metadata, else from its `_version.py` and the like."""
    if tree.release is not None:
        return tree.release
    package = _package(distribution)
    for name in ("_version.py", "version.py", "__init__.py"):
        file = tree.get(f"{package}/{name}")
        found = _assigned_version(name, file.content) if file and _VERSION.search(file.content) else None
        if found and _is_version(found):
            return found
    return None


def _assigned_version(path: str, content: bytes) -> str | None:
    """What a module assigns to `__version__` or `version`; a docstring may hold such a line too."""
    from m2build.patches.text import read_python

    try:
        statements = read_python(path, content).parse().body
    except PatchError:
        return None
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets, value=ast.Constant(value=str(version))):
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                if names & {"__version__", "version"}:
                    return version
    return None


def _package(distribution: str) -> str:
    """The import package that a distribution is taken to hold."""
    return re.sub(r"[-.]+", "_", distribution)


def _deeper(tree: SourceTree, distribution: str) -> str | None:
    """The folder of a checkout that holds the package, such as `python`; `..` if the tree is the package itself."""
    package = _package(distribution)
    if f"{package}/__init__.py" in tree:
        return None
    end = f"/{package}/__init__.py"
    above = ".." if "__init__.py" in tree else None
    return min((path.removesuffix(end) for path in tree if path.endswith(end)), key=len, default=above)


def _better_folder(distribution: str, deeper: str) -> str:
    if deeper == "..":
        return f"this looks like the package {_package(distribution)} itself: name the folder that holds it"
    return f"the sources of {distribution} are in its folder {deeper}: name that folder"


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
