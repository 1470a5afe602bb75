"""A root file system of twenty megabytes with the machine's own shell, coreutils, git and Python."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

from helpers.images import Entry, file, folder, symlink, tar
from helpers.rendering.roots import libraries, tools

IMPORTED = (
    *("__future__", "argparse", "ast", "contextlib", "dataclasses", "encodings.idna", "http.server", "importlib.util"),
    *("json", "os", "pathlib", "runpy", "shutil", "signal", "socket", "sys", "tempfile", "threading", "urllib.request"),
)
"""Of Python's library there is what these modules load."""


def small_root(path: Path) -> Path:
    """Write it as a tar.gz."""
    with gzip.open(path, "wb", compresslevel=1) as out:
        entries = {entry[0].name: entry for entry in (*tools("cat", "git", "sleep"), *_python(), folder("opt"))}
        out.write(tar(*entries.values()))
    return path


def _python() -> list[Entry]:
    """Python in its own folder, where it looks for its library, and a link to it in the path."""
    program = f"{sys.base_prefix}/bin/python3.{sys.version_info.minor}"
    script = "print(*(getattr(module, '__file__', None) or '' for module in list(sys.modules.values())), sep='\\n')"
    command = [program, "-I", "-c", f"import {', '.join(IMPORTED)}\n{script}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    binaries = [program, *(name for name in loaded if name.endswith(".so"))]
    files = {*binaries, *loaded, *(str(path) for name in binaries for path in libraries(Path(name)).values())}
    found = [file(name[1:], Path(name).read_bytes(), mode=0o755) for name in sorted(files)]
    return [*found, symlink("usr/bin/python3", program)]
