"""The entry of a vendored diff in a series file, as text that a person edits further."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from m2build.importing.found import FoundDiff
from m2build.patches.patch import READ_AS_DIFF

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_LONGEST_LINE = 1000
_LONGEST_WHY = 4000
"""Characters of a description that are taken over; pull requests come with templates and logs."""


@dataclass(frozen=True)
class Entry:
    """A patch to be written.

    Attributes:
        patch_id: its id.
        file: the path of the vendored file, relative to the series.
        found: the diff.
        root: the folder of the tree that the diff's paths are in.
        exclude: globs of what is left out.
        releases: the version specifier; empty for all.
        today: the day that is written if the diff does not say any, as YYYY-MM-DD.
    """

    patch_id: str
    file: str
    found: FoundDiff
    root: str = ""
    exclude: Sequence[str] = ()
    releases: str = ""
    today: str = ""

    def yaml(self) -> str:
        """The entry, with a blank line above it."""
        return "\n" + "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        found = self.found
        yield f"  - id: {self.patch_id}"
        yield f"    summary: {_quoted(_line(found.summary) or _line(f'Apply {found.name}'))}"
        yield "    why: |"
        yield from (f"      {line}".rstrip() for line in self._why())
        yield "    codemod: unified-diff"
        yield "    parameters:"
        yield f"      file: {_quoted(self.file)}"
        yield f"      sha256: {hashlib.sha256(found.content).hexdigest()}"
        if found.strip != 1:
            yield f"      strip: {found.strip}"
        if self.root:
            yield f"      root: {_quoted(self.root)}"
        if self.exclude:
            yield f"      exclude: [{', '.join(map(_quoted, self.exclude))}]"
        if found.references:
            yield "    references:"
            yield from (f"      - {_quoted(reference)}" for reference in found.references)
        yield f"    releases: {_quoted(self.releases)}"
        yield f"    author: {_quoted(_line(found.author) or 'unknown')}"
        if origin := _line(found.origin or ""):
            yield f"    origin: {_quoted(origin)}"
        if upstream := _line(found.applied_upstream or ""):
            yield f"    applied_upstream: {_quoted(upstream)}"
            yield "    drop_when: already-applied"
            yield "    accept: [already-applied]"
        yield f'    last_update: "{found.last_update or self.today}"'

    def _why(self) -> list[str]:
        """What the diff says; a line that patch(1) would take for a part of a diff is quoted."""
        text = _CONTROL.sub("", self.found.why[:_LONGEST_WHY]).expandtabs().strip()
        if not text:
            return ["Say here what goes wrong without the patch."]
        return [f"| {line}" if READ_AS_DIFF.match(line) else line.rstrip() for line in text.split("\n")]


def head(series_id: str, distribution: str) -> str:
    """The beginning of a new series file."""
    return (
        f"id: {series_id}\n"
        f"summary: {_quoted(f'Patches for {distribution}')}\n"
        f"distribution: {_quoted(distribution)}\n"
        "patches:"
    )


def _line(text: str) -> str:
    """Text as one line without control characters, as a patch may hold it."""
    return " ".join(_CONTROL.sub(" ", text).split())[:_LONGEST_LINE]


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes; JSON's escapes are YAML's (YAML 1.2, section 5.7)."""
    return json.dumps(text, ensure_ascii=False)
