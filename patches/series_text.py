"""Where series are: the shipped ones by their ids, others by their paths."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from m2build.documents.files import document_bytes
from m2build.documents.shown import shortened
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError


def series_names() -> list[str]:
    """The ids of the series that come with m2build, sorted.

    Example:
        >>> series_names()
        ['minimax-m2-rocm', 'minimax-m2-vllm', 'sglang-stock', 'vllm-stock']
    """
    folder = resources.files("m2build.patches")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


@dataclass(frozen=True)
class SeriesSource:
    """Where a series is read from.

    Attributes:
        label: what it is called in messages.
        content: its bytes.
        folder: the folder that it is in.
    """

    label: str
    content: bytes
    folder: Traversable

    def beside(self, name: str) -> str:
        """The name of another series as this one spells it: a path is relative to this one's folder."""
        return str(self.folder / name) if _is_path(name) else name


def series_source(name: str, asked_at: str = "") -> SeriesSource:
    """A series' bytes, and where they are.

    Args:
        name: an id, or a path: anything that holds a slash or ends in .yaml or .yml.
        asked_at: the beginning of messages, if a series names it.

    Raises:
        UsageError: there is no such series.
        StorageError: its file cannot be read.
    """
    if _is_path(name):
        return SeriesSource(name, document_bytes(name, "series", asked_at), Path(name).parent)
    if name not in series_names():
        raise UsageError(
            f"{asked_at}there is no series {did_you_mean(name, series_names())}",
            hint=f"shipped: {', '.join(series_names())}; give your own as a path, such as ./{shortened(name)}.yaml",
        )
    folder = resources.files("m2build.patches")
    return SeriesSource(f"{name}.yaml", folder.joinpath(f"{name}.yaml").read_bytes(), folder)


def identity(name: str) -> str:
    """What all names of a series have in common."""
    return os.path.realpath(name) if _is_path(name) else name


def _is_path(name: str) -> bool:
    return "/" in name or re.search(r"\.ya?ml$", name) is not None
