"""A container engine, as a user's process reaches it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from helpers.support import need_tool

TIME_OUT = 300
"""Seconds for one command; an engine that hangs is a failure."""


@dataclass(frozen=True)
class Engine:
    """An engine for this test run only.

    Attributes:
        environment: the variables with which a process uses this engine and no other.
    """

    program: ClassVar[str]
    environment: Mapping[str, str]

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the engine's command line; by default it has to succeed."""
        done = subprocess.run(
            [need_tool(self.program), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_OUT,
        )
        assert not check or done.returncode == 0, f"{done.args} exited with {done.returncode}: {done.stderr}"
        return done
