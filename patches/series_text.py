"""Where series are: the shipped ones by their ids, others by their paths."""

from __future__ import annotations

import re
from importlib import resources

from m2build.documents.files import document_bytes
from m2build.documents.shown import shortened
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError


def series_names() -> list[str]:
    """The ids of the series that come with m2build, sorted.

    Example:
        >>> series_names()
        ['minimax-m2-rocm']
    """
    folder = resources.files("m2build.patches")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def series_text(name: str) -> tuple[str, bytes]:
    """What a series is called in messages, and its bytes.

    Args:
        name: an id, or a path: anything that holds a slash or ends in .yaml or .yml.

    Raises:
        UsageError: there is no such series.
        StorageError: its file cannot be read.
    """
    if "/" in name or re.search(r"\.ya?ml$", name):
        return name, document_bytes(name, "series")
    if name not in series_names():
        raise UsageError(
            f"there is no series {did_you_mean(name, series_names())}",
            hint=f"shipped are: {', '.join(series_names())}; give your own as a path, such as ./{shortened(name)}.yaml",
        )
    return f"{name}.yaml", resources.files("m2build.patches").joinpath(f"{name}.yaml").read_bytes()
