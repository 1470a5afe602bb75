"""Errors of the operating system as errors of m2build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from m2build.errors import StorageError


@contextmanager
def storage(path: Path, verb: str) -> Iterator[None]:
    """Translate an `OSError` into an error that names the file and what failed.

    Raises:
        StorageError: instead of the `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be {verb}: {error.strerror or error}",
            hint="check the path, its permissions and the free space" if verb == "written" else None,
        ) from error
