"""A machine as its files show it, and what was found of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

_LARGEST = 1 << 16
"""Characters of a file of /proc or /sys; those that are read here have a line."""
_AMD = "0x1002"
"""AMD's number among vendors of PCI devices (https://pci-ids.ucw.cz/read/PC/1002)."""
_GPU_CLASSES = ("0x03", "0x12")
"""Display controllers and processing accelerators (PCI Code and ID Assignment Specification); MI300X is the latter."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    """It could not be checked on this machine."""


@dataclass(frozen=True)
class Diagnosis:
    """What one check found.

    Attributes:
        check: the check's id, as `numa-balancing`; ids stay what they are.
        state: how it ended.
        message: one sentence with what was found.
        fix: the next step; empty if there is nothing to do.
        source: where the requirement comes from; empty where it is obvious.
    """

    check: str
    state: State
    message: str
    fix: str = ""
    source: str = ""

    def document(self) -> dict[str, str]:
        """The values by their names, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Space:
    """Bytes of a file system."""

    total: int
    free: int


def space_at(path: Path) -> Space:
    """The file system that a path is on, or would be on.

    Raises:
        OSError: it cannot be asked.
    """
    existing = next(part for part in (path, *path.parents) if part.exists())
    usage = shutil.disk_usage(existing)
    return Space(usage.total, usage.free)


@dataclass(frozen=True)
class Machine:
    """A Linux machine.

    Attributes:
        root: the folder with `proc`, `sys`, `dev` and the rest; another one than `/` for a machine that is laid out.
        environment: the user's variables.
        user: the user's number.
        groups: the numbers of the user's groups.
        space: tells the size of the file system at a path.
    """

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    user: int = field(default_factory=os.geteuid)
    groups: frozenset[int] = field(default_factory=lambda: frozenset({os.getegid(), *os.getgroups()}))
    space: Callable[[Path], Space] = space_at

    def text(self, name: str) -> str | None:
        """The content of a file without spaces around it; None if it does not exist or cannot be read."""
        try:
            with (self.root / name).open(encoding="utf-8", errors="replace") as file:
                return file.read(_LARGEST).strip()
        except OSError:
            return None

    def number(self, name: str) -> int | None:
        """The number in a file; None if there is none."""
        text = self.text(name) or ""
        return int(text) if text.isdecimal() else None

    def paths(self, pattern: str) -> list[str]:
        """The existing paths that a pattern matches, relative to the root, sorted as people count."""
        found = [str(path.relative_to(self.root)) for path in self.root.glob(pattern)]
        return sorted(
            found, key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]
        )

    def space_of(self, name: str) -> Space | None:
        """The file system that a path is on; None if it cannot be asked."""
        try:
            return self.space(self.root / name.lstrip("/"))
        except OSError:
            return None

    @property
    def amd_gpus(self) -> int:
        """How many AMD GPUs are on the PCI bus, with or without a driver."""
        devices = [path.rpartition("/")[0] for path in self.paths("sys/bus/pci/devices/*/vendor")]
        return sum(
            self.text(f"{device}/vendor") == _AMD and (self.text(f"{device}/class") or "").startswith(_GPU_CLASSES)
            for device in devices
        )
