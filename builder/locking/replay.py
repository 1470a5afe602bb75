"""From a lock and the contents of files to plans: the lock decides, and contents are found by their SHA-256. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from m2build.base.model import Base
from m2build.derivation.plan import Plan, Preimage, Sourced
from m2build.derivation.planning import footing_of
from m2build.locking.made import image_key
from m2build.locking.model import Lock, LockedEntry, LockedPatch, LockedSource, LockedState, LockedStep
from m2build.oci.digest import Digest
from m2build.oci.tar import Kind, Member
from m2build.patches.change import FileChange, Mention, MentionKind, Proof
from m2build.patches.changeset import Changeset, PatchResult
from m2build.patches.patch import Patch
from m2build.patches.series import Series
from m2build.patches.tree import SourceFile
from m2build.recipes.model import Selection

Contents = Mapping[str, bytes]
"""The bytes of files, by their SHA-256."""


def needed(lock: Lock) -> frozenset[str]:
    """The SHA-256 of every state of every file that a lock's patches change."""
    steps = (step for source in lock.sources.values() for patch in source.patches.values() for step in patch.changes)
    return frozenset(state.sha256 for step in steps for state in (step.before, step.after) if state)


def contents_of(changesets: Iterable[Changeset]) -> dict[str, bytes]:
    """The bytes of all files before and after each patch, by their SHA-256."""
    changes = (change for one in changesets for result in one.results for change in result.changes)
    files = (file for change in changes for file in (change.before, change.after) if file)
    return {file.sha256: file.content for file in files}


def replayed(
    lock: Lock,
    selections: Sequence[Selection],
    base: Base,
    series: Mapping[str, Series],
    contents: Contents,
    *,
    created: int,
) -> tuple[Plan, ...]:
    """The plans of selections whose images a lock has.

    Args:
        lock: where everything else is from; what is `foreseen` does not differ from it.
        selections: of its recipe.
        base: its base.
        series: the series of each folder of sources, by the folder's name.
        contents: of all files that are `needed`.
        created: seconds since the epoch.

    Raises:
        PatchError: the lock names something other than a folder where one is needed.
    """
    names = series if len(series) > 1 else [""]
    sources = tuple(
        Sourced(name, lock.sources[key].root, _changeset(lock.sources[key], one, base.origin, contents))
        for name, (key, one) in zip(names, series.items(), strict=True)
    )
    entries = {path: _member(path, entry) for path, entry in lock.footing.items()}
    origins = dict(_origins(lock))
    return tuple(
        Plan(
            selection,
            base,
            sources,
            footing_of(entries, sources, lock.hidden, unmade := lock.images[image_key(selection)].unmade),
            lock.hidden,
            created,
            unmade,
            origins,
            Preimage.LOCKED,
        )
        for selection in selections
    )


def _changeset(locked: LockedSource, series: Series, origin: str, contents: Contents) -> Changeset:
    results = tuple(_result(patch, locked.patches[patch.id], contents) for patch in series.patches)
    return Changeset(series, locked.release, origin, results, locked.deeper)


def _result(patch: Patch, locked: LockedPatch, contents: Contents) -> PatchResult:
    proof = locked.proof
    return PatchResult(
        patch,
        locked.outcome,
        locked.detail,
        tuple(_change(step, contents) for step in locked.changes),
        tuple(Mention(one.path, one.line, one.text, MentionKind(one.kind), one.reason) for one in locked.mentions),
        Proof(proof.method, proof.found, proof.found_again) if proof else None,
        locked.drop_now,
    )


def _change(step: LockedStep, contents: Contents) -> FileChange:
    old = step.renamed_from or step.path
    return FileChange(old, _file(step.before, contents), step.path, _file(step.after, contents))


def _file(state: LockedState | None, contents: Contents) -> SourceFile | None:
    return SourceFile.of(contents[state.sha256], int(state.mode, 8)) if state else None


def _member(path: str, entry: LockedEntry) -> Member:
    mode = int(entry.mode, 8)
    return Member(path, Kind(entry.kind), mode, entry.uid, entry.gid, entry.mtime, xattrs=entry.xattrs)


def _origins(lock: Lock) -> Iterator[tuple[str, Digest]]:
    for source in lock.sources.values():
        for path, file in source.files.items():
            if file.layer:
                yield f"{source.root}/{file.renamed_from or path}", Digest.parse(file.layer)
