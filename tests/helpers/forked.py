"""Running the command line many times in one folder, and what each run costs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from helpers.warm import Finished, run_warm


@dataclass(frozen=True)
class Measured:
    """Runs of the command line in one folder."""

    folder: Path

    def run(self, *arguments: str | Path, cache: str = "cache") -> Finished:
        """Run it, with a cache of its own below the folder."""
        variables = {"XDG_CACHE_HOME": str(self.folder / cache), "NO_COLOR": "1", "M2BUILD_PROGRESS": "quiet"}
        return run_warm(list(map(str, arguments)), self.folder, {**os.environ, **variables})
