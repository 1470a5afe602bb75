"""The slow part of a derivation as bytes for the cache: what became of the sources, and what the overlay builds on.

The image itself is not stored. Its overlay, config and manifest are made from the selection each time, by the same
code, so that nothing from the cache can decide a command, a label or a layer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from m2build.base.model import Base
from m2build.derivation.plan import Plan
from m2build.oci.tar import Kind, Member
from m2build.patches.change import FileChange, Mention, MentionKind, Proof
from m2build.patches.changeset import Changeset, Outcome, PatchResult
from m2build.patches.series import Series
from m2build.patches.tree import SourceFile
from m2build.recipes.model import Selection


@dataclass(frozen=True)
class Remembered:
    """The parts of a plan that depend only on the base's sources and the series."""

    changeset: Changeset
    footing: Mapping[str, Member]
    hidden: tuple[str, ...]
    source_root: str
    unmade: tuple[str, ...]

    def plan(self, selection: Selection, base: Base, created: int) -> Plan:
        """The plan for a selection of the same recipe and for the same base."""
        parts = (self.changeset, self.footing, self.hidden, created, self.source_root, self.unmade)
        return Plan(selection, base, *parts)


def encode(plan: Plan) -> bytes:
    """These parts of a plan: a line of JSON, then the contents of files, each once."""
    changeset = plan.changeset
    contents: dict[str, bytes] = {}

    def file(found: SourceFile | None) -> list[object] | None:
        if found is None:
            return None
        contents[found.sha256] = found.content
        return [found.sha256, found.mode]

    results = [
        [
            str(result.outcome),
            result.detail,
            [[change.old_path, file(change.before), change.path, file(change.after)] for change in result.changes],
            [[mention.path, mention.line, mention.text, mention.kind] for mention in result.mentions],
            [result.proof.method, result.proof.found, result.proof.found_again] if result.proof else None,
            result.drop_now,
        ]
        for result in changeset.results
    ]
    footing = [[m.path, m.kind, m.mode, m.uid, m.gid, m.mtime, m.target, dict(m.xattrs)] for m in plan.footing.values()]
    about = [
        changeset.release,
        changeset.origin,
        changeset.deeper,
        list(plan.hidden),
        plan.source_root,
        list(plan.unmade),
    ]
    sizes = [[digest, len(content)] for digest, content in contents.items()]
    return b"".join([json.dumps([about, results, footing, sizes]).encode(), b"\n", *contents.values()])


def decode(data: bytes, series: Series) -> Remembered:
    """The parts that `encode` was given, for the same series."""
    head, _, rest = data.partition(b"\n")
    about, results, footing, sizes = json.loads(head)
    contents = dict(_contents(sizes, rest))

    def file(found: tuple[str, int] | None) -> SourceFile | None:
        return SourceFile.of(contents[found[0]], found[1]) if found else None

    made = [
        PatchResult(
            patch,
            Outcome(outcome),
            detail,
            tuple(FileChange(old, file(before), new, file(after)) for old, before, new, after in changes),
            tuple(Mention(path, line, text, MentionKind(kind)) for path, line, text, kind in mentions),
            Proof(*proof) if proof else None,
            drop_now,
        )
        for patch, (outcome, detail, changes, mentions, proof, drop_now) in zip(series.patches, results, strict=True)
    ]
    release, origin, deeper, hidden, source_root, unmade = about
    members = {
        path: Member(path, Kind(kind), mode, uid, gid, mtime, target=target, xattrs=xattrs)
        for path, kind, mode, uid, gid, mtime, target, xattrs in footing
    }
    changeset = Changeset(series, release, origin, tuple(made), deeper)
    return Remembered(changeset, members, tuple(hidden), source_root, tuple(unmade))


def _contents(sizes: list[tuple[str, int]], data: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    for digest, size in sizes:
        yield digest, data[position : position + size]
        position += size
