"""The slow part of a derivation as bytes for the cache: what became of the sources, and what the overlay builds on.

The image itself is not stored. Its overlay, config and manifest are made from the selection each time, by the same
code, so that nothing from the cache can decide a command, a label or a layer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from m2build.base.model import Base
from m2build.derivation.plan import Plan, Preimage, Sourced
from m2build.oci.digest import Digest
from m2build.oci.tar import Kind, Member
from m2build.patches.change import FileChange, Mention, MentionKind, Proof
from m2build.patches.changeset import Changeset, Outcome, PatchResult
from m2build.patches.series import Series
from m2build.patches.tree import SourceFile
from m2build.recipes.model import Selection

_File = tuple[str, int] | None
_Result = tuple[
    str,
    str,
    list[tuple[str, _File, str, _File]],
    list[tuple[str, int, str, str]],
    tuple[Literal["find", "run"], int, Literal[0]] | None,
    str | None,
]
"""Of a result: outcome, detail, changes, mentions, proof, and why it can go."""


@dataclass(frozen=True)
class Remembered:
    """The parts of a plan that depend only on the base's sources and the series."""

    sources: tuple[Sourced, ...]
    footing: Mapping[str, Member]
    hidden: tuple[str, ...]
    unmade: tuple[str, ...]
    origins: Mapping[str, Digest]

    def plan(self, selection: Selection, base: Base, created: int, preimage: Preimage) -> Plan:
        """The plan for a selection of the same recipe and for the same base."""
        known = self.sources, self.footing, self.hidden
        return Plan(selection, base, *known, created, self.unmade, self.origins, preimage)


def encode(plan: Plan) -> bytes:
    """These parts of a plan: a line of JSON, then the contents of files, each once."""
    contents: dict[str, bytes] = {}
    sources = [[source.root, *_changeset(source.changeset, contents)] for source in plan.sources]
    footing = [[m.path, m.kind, m.mode, m.uid, m.gid, m.mtime, m.target, dict(m.xattrs)] for m in plan.footing.values()]
    sizes = [[digest, len(content)] for digest, content in contents.items()]
    origins = {path: str(layer) for path, layer in plan.origins.items()}
    head = [sources, footing, list(plan.hidden), list(plan.unmade), origins, sizes]
    return b"".join([json.dumps(head).encode(), b"\n", *contents.values()])


def _changeset(changeset: Changeset, contents: dict[str, bytes]) -> Iterator[object]:
    """A changeset's members as JSON; the contents of its files are added to `contents`.

    Where the sources came from is left out: it is what the base is called, and another name may mean the same image.
    """

    def file(found: SourceFile | None) -> list[object] | None:
        if found is None:
            return None
        contents[found.sha256] = found.content
        return [found.sha256, found.mode]

    yield [changeset.release, changeset.deeper]
    yield [
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


def decode(data: bytes, series: Mapping[str, Series], origin: str) -> Remembered:
    """The parts that `encode` was given, for the same series, by the names of their folders of sources.

    Args:
        data: what `encode` returned.
        series: the series that was applied to each folder.
        origin: what the base's sources are called.
    """
    head, _, rest = data.partition(b"\n")
    found, footing, hidden, unmade, origins, sizes = json.loads(head)
    contents = dict(_contents(sizes, rest))
    names = series if len(series) > 1 else [""]
    sources = tuple(
        Sourced(name, root, Changeset(one, release, origin, tuple(_results(one, results, contents)), deeper))
        for name, one, (root, (release, deeper), results) in zip(names, series.values(), found, strict=True)
    )
    members = {
        path: Member(path, Kind(kind), mode, uid, gid, mtime, target=target, xattrs=xattrs)
        for path, kind, mode, uid, gid, mtime, target, xattrs in footing
    }
    layers = {path: Digest.parse(layer) for path, layer in origins.items()}
    return Remembered(sources, members, tuple(hidden), tuple(unmade), layers)


def _results(series: Series, results: list[_Result], contents: Mapping[str, bytes]) -> Iterator[PatchResult]:
    def file(found: _File) -> SourceFile | None:
        return SourceFile.of(contents[found[0]], found[1]) if found else None

    for patch, (outcome, detail, changes, mentions, proof, drop_now) in zip(series.patches, results, strict=True):
        yield PatchResult(
            patch,
            Outcome(outcome),
            detail,
            tuple(FileChange(old, file(before), new, file(after)) for old, before, new, after in changes),
            tuple(Mention(path, line, text, MentionKind(kind)) for path, line, text, kind in mentions),
            Proof(*proof) if proof else None,
            drop_now,
        )


def _contents(sizes: list[tuple[str, int]], data: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    for digest, size in sizes:
        yield digest, data[position : position + size]
        position += size
