"""Where series are: the shipped ones by their ids, others by their paths."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from m2build.errors import StorageError, UsageError
from m2build.suggest import did_you_mean


def series_names() -> list[str]:
    """The ids of the series that come with m2build."""
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
        return name, _read(Path(name), name)
    if name not in series_names():
        raise UsageError(
            f"there is no series {did_you_mean(name, series_names())}",
            hint=f"shipped are: {', '.join(series_names())}; give your own as a path, such as ./{name}.yaml",
        )
    return f"{name}.yaml", resources.files("m2build.patches").joinpath(f"{name}.yaml").read_bytes()


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a path with a NUL
        raise UsageError(f"there is no series file {name!r}", hint="check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"{name} is a directory, not a series file", hint="name the file in it") from error
    except OSError as error:
        raise StorageError(f"{name} cannot be read: {error.strerror}", hint="check the file") from error
