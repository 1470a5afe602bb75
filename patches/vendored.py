"""Files that a series brings along: named beside it by `file`, and pinned by `sha256`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

from pydantic import JsonValue

from m2build.documents.shown import shown
from m2build.errors import StorageError, UsageError
from m2build.local.reading import UnfitFileError, read_regular

LARGEST_VENDORED = 16 << 20
"""Bytes of one file that a series brings along; the largest pull request of SGLang has half a megabyte."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Vendoring:
    """What codemods have in common that bring a file along.

    In a series file, `file` and `sha256` are parameters, and `load_series` gives the bytes.

    Attributes:
        file: the file's name, relative to the series' folder.
        sha256: of its bytes, 64 hexadecimal digits.
        content: its bytes. It is not a parameter.
    """

    file: str
    sha256: str
    content: bytes | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.content is not None:
            check_digest(self.content, self.sha256, self.file)

    def bringing(self, content: bytes) -> Self:
        """The same codemod with the bytes of its file.

        Raises:
            UsageError: their digest is another one.
        """
        return replace(self, content=content)

    @property
    def brought(self) -> bytes:
        """The bytes of the file.

        Raises:
            UsageError: they were not given.
        """
        if self.content is None:
            raise UsageError(f"the content of {self.file} is missing", hint="load the series from its file")
        return self.content


def without_content(codemod: type, names: Iterable[str]) -> list[str]:
    """The names of a codemod's fields that are parameters: the bytes of a file are none."""
    return [name for name in names if not (name == "content" and issubclass(codemod, Vendoring))]


def is_vendoring(parameters: Mapping[str, JsonValue]) -> bool:
    """Whether a patch's parameters name a file beside the series."""
    return isinstance(parameters.get("file"), str) and isinstance(parameters.get("sha256"), str)


def vendored_file(folder: Traversable, parameters: Mapping[str, JsonValue], where: str) -> bytes:
    """The bytes of the file that a patch's parameters name.

    Args:
        folder: the folder of the series.
        parameters: with `file` and `sha256`.
        where: the beginning of messages.

    Raises:
        UsageError: the name points out of the folder, there is no such file, or it is another one than `sha256` says.
        StorageError: it cannot be read.
    """
    name, sha256 = str(parameters["file"]), str(parameters["sha256"])
    if not {"", ".", ".."}.isdisjoint(name.split("/")) or "\0" in name:
        raise UsageError(
            f"{where}{shown(name)} is not the path of a file beside the series", hint="as in fixes/1.patch"
        )
    try:
        content = _read(folder / name)
    except UnfitFileError as error:
        raise UsageError(f"{where}{shown(name)} {error.strerror}") from error
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise UsageError(f"{where}there is no file {shown(name)} beside the series") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{where}{shown(name)} cannot be read: {error}") from error
    check_digest(content, sha256, f"{where}{shown(name)}")
    return content


def check_digest(content: bytes, sha256: str, what: str) -> None:
    """Check that a file is the one that a series pins.

    Raises:
        UsageError: it is another one, or the digest is not written as one.
    """
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{what}: {shown(sha256)} is not a SHA-256: 64 hexadecimal digits in lower case")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UsageError(
            f"{what} is not the file that the series pins: its SHA-256 is {found}, not {sha256}",
            hint="review the file, then write its digest into the series",
        )


def _read(file: Traversable) -> bytes:
    if isinstance(file, Path):
        return read_regular(str(file), LARGEST_VENDORED)
    return file.read_bytes()
