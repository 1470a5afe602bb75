"""Names, labels and annotations that docker/metadata-action has found out of a repository and an event.

The action writes them as files for `docker buildx bake`, in JSON with one target (its outputs `bake-file`,
`bake-file-tags`, `bake-file-labels` and `bake-file-annotations`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from m2build.delivery.annotation_levels import LEVELS, split_levels
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.labels import claimed
from m2build.local.reading import read_given

_LARGEST = 1 << 20
"""Bytes of a file."""


@dataclass(frozen=True)
class Metadata:
    """What files of docker/metadata-action say of an image.

    Attributes:
        names: what to call it, `NAME:TAG`.
        labels: its labels.
        annotations: the annotations of its manifest.
        left_out: keys in the files that the image does not get: m2build sets them itself, or they are for an index.
    """

    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@typed_arguments
def read_metadata(*files: str | os.PathLike[str]) -> Metadata:
    """Read files of docker/metadata-action; of several values for a key the last one counts.

    Raises:
        UsageError: one is not such a file, or cannot be read.
    """
    names: list[str] = []
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for_an_index: set[str] = set()
    for file in map(Path, files):
        target = _target(file)
        names += _texts(file, target, "tags")
        labels |= _pairs(file, target, "labels")
        for text in _texts(file, target, "annotations"):
            before, equals, value = text.partition("=")
            levels, key = split_levels(before)
            if not (key and equals):
                raise _no_metadata(file, f"its annotation {text!r} is not KEY=VALUE")
            if unknown := [level for level in levels if level.partition("[")[0] not in LEVELS]:
                raise _no_metadata(file, f"for annotations there is no level {unknown[0]!r}")
            if not levels or "manifest" in levels:
                annotations[key] = value
            else:
                for_an_index.add(key)
    ours = {key for key in (*labels, *annotations) if claimed(key)}
    return Metadata(
        tuple(dict.fromkeys(names)),
        {key: value for key, value in labels.items() if key not in ours},
        {key: value for key, value in annotations.items() if key not in ours},
        tuple(sorted(ours | (for_an_index - annotations.keys()))),
    )


def _target(file: Path) -> Mapping[str, object]:
    """The file's one target."""
    try:
        content = read_given(file, _LARGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{file} cannot be read: {reason}", hint="check the path and its permissions") from error
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    targets = document.get("target") if isinstance(document, dict) else None
    found = list(targets.values()) if isinstance(targets, dict) else []
    if len(found) != 1 or not isinstance(found[0], dict):
        raise _no_metadata(file, "it is not a JSON object with one target")
    target: Mapping[str, object] = found[0]
    return target


def _texts(file: Path, target: Mapping[str, object], member: str) -> list[str]:
    value = target.get(member)
    if value is None:  # which bake takes for a member that is not there
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _no_metadata(file, f"its {member} are not a list of strings")
    return value


def _pairs(file: Path, target: Mapping[str, object], member: str) -> dict[str, str]:
    value = target.get(member)
    given = {key: text for key, text in value.items() if text is not None} if isinstance(value, dict) else {}
    if not isinstance(value, dict | None) or not all(isinstance(text, str) for text in given.values()):
        raise _no_metadata(file, f"its {member} are not an object of strings")
    return given


def _no_metadata(file: Path, why: str) -> UsageError:
    return UsageError(
        f"{file} is not a bake file of docker/metadata-action: {why}",
        hint="give the file that its output bake-file, bake-file-tags, bake-file-labels or bake-file-annotations names",
    )
