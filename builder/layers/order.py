"""In which order layers are begun: from the top, and the one that the history points at before its turn.

The order changes when a layer is read, never what the image holds: layers are put together from the top in any case.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from m2build.layers.members import AUDIT_FOLDER, Wanted
from m2build.oci.descriptor import JsonObject

_MOST = 4
"""Layers in flight at most: each takes up to some 20 MB of memory, and a registry has other clients."""
_ANYWHERE = re.compile(
    r"usr|local|lib(32|64)?|opt|srv|home|root|src|app|workspace|\.?venv|env|conda|(site|dist)-packages|python[\d.]*"
)
"""Folders that say nothing of what is in them."""
_ARGUMENTS = re.compile(r"(?:RUN )?\|\d+ .*? -c ", re.DOTALL)
"""The build arguments that Docker and BuildKit write before the command of every later step."""
_BRINGING = tuple(map(re.compile, (r"\b(git clone|COPY|ADD)\b", r"\bpip3? install\b", "")))
"""What brings sources into an image, the surest first; then any step that names them."""


def in_flight() -> int:
    """How many layers are read at a time: two more than there are processors, as networks are slow; four at most."""
    return min(_MOST, len(os.sched_getaffinity(0)) + 2)


@dataclass(frozen=True)
class Order:
    """Which layers are begun before they are needed; positions count from the top.

    Attributes:
        worth: the layers that are worth it, by position.
        pointed: the one of them that the history points at, or None.
        most: how many layers are in flight at most.
    """

    worth: tuple[int, ...]
    pointed: int | None
    most: int

    def ahead(self, needed: int, *, is_pointed_read: bool = False) -> tuple[int, ...]:
        """The layers to begin while one is needed, the most urgent first.

        They are as many as may be in flight beside it. So no more than `most` layers are ever begun that turn out not
        to be needed.

        Args:
            needed: the layer that is put in its place next.
            is_pointed_read: whether the one that the history points at has been read; its seat is free then.
        """
        later = [position for position in self.worth if position > needed]
        first = [position for position in later if position == self.pointed and self.most > 1]
        seats = self.most - 1 - (len(first) if not is_pointed_read else 0)
        return (*first, *[position for position in later if position not in first][: max(seats, 0)])


def pointed_at(history: Sequence[JsonObject], layers: int, wanted: Wanted) -> int | None:
    """The layer that brought the wanted sources, after the image's history: its position from the top, or None.

    A step's command, without build arguments, has to name the sources: by the last folder of a wanted path that is not
    one of any image (`sglang` of /sgl-workspace/sglang/python), or by the first folder of a marker. Of such steps one
    that clones or copies counts more than one that installs, that more than any other, and an upper one more than a
    lower one.

    Args:
        history: of the config.
        layers: how many layers the image has; a history of another number of them points at none.
        wanted: the paths.
    """
    steps = [str(entry.get("created_by", "")) for entry in history if not entry.get("empty_layer")]
    words = sorted({*_words(wanted)})
    if len(steps) != layers or not words:
        return None
    named = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, words))})(?![\w-])", re.IGNORECASE)
    found = [
        (next(rank for rank, verb in enumerate(_BRINGING) if verb.search(command)), position)
        for position, command in enumerate(_ARGUMENTS.sub("", step, count=1) for step in reversed(steps))
        if named.search(command)
    ]
    return min(found)[1] if found else None


def _words(wanted: Wanted) -> Iterator[str]:
    for path in wanted.trees - {AUDIT_FOLDER}:
        yield from [part for part in path.split("/") if part and not _ANYWHERE.fullmatch(part)][-1:]
    for marker in wanted.markers:
        yield marker.partition("/")[0]
