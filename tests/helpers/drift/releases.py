"""Six releases of a small package, a series with a rename and a diff for them, and a lock of the first release."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.patches.wheels import wheel
from m2build.local.cache import cache_folder

LIMIT = "first = 0\na = 1\nb = 2\nc = 3\nlimit = 1\nd = 4\ne = 5\nf = 6\nlast = 7\n"
RAISED = LIMIT.replace("limit = 1", "limit = 2")
DIFF = """\
--- a/demo_pkg/limit.py
+++ b/demo_pkg/limit.py
@@ -2,7 +2,7 @@
 a = 1
 b = 2
 c = 3
-limit = 1
+limit = 2
 d = 4
 e = 5
 f = 6
"""
USE = "from demo_pkg import old\n"
RELEASES: Mapping[str, Mapping[str, str]] = {
    "1.0": {"old.py": "", "use.py": USE, "limit.py": LIMIT},
    "1.1": {"old.py": "", "use.py": USE, "more.py": USE, "limit.py": f'"""Limits."""\n\n{LIMIT}'},
    "1.2": {"old.py": "", "limit.py": RAISED},
    "1.3": {"old.py": "", "limit.py": LIMIT.replace("limit = 1", "limit = 3")},
    "1.4": {"old.py": "", "use.py": f"{USE}def f(:\n", "limit.py": LIMIT},
    "1.10": {"new.py": "", "use.py": "from demo_pkg import new\n", "limit.py": RAISED},
    "2.0rc1": {"old.py": "", "limit.py": LIMIT},
}
_COMMON = {"summary": "A change", "why": "Because.", "author": "Jo Doe", "last_update": "2026-11-27", "releases": ">=1"}


def publish(release: str, index: Path) -> None:
    """Put the wheel of a release into a folder that is an index."""
    files = {f"demo_pkg/{name}": text for name, text in {"__init__.py": "", **RELEASES[release]}.items()}
    info = f"demo_pkg-{release}.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: demo-pkg\nVersion: {release}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    (index / f"demo_pkg-{release}-py3-none-any.whl").write_bytes(wheel({**files, **metadata}))


def download(requirement: str, folder: Path) -> Path:
    """What pip would download of `index/` beside the cache: pip itself starts for half a second."""
    release = requirement.partition("==")[2]
    (wheel,) = (cache_folder().parents[1] / "index").glob(f"demo_pkg-{release}-*.whl")
    return Path(shutil.copy2(wheel, folder))


def series_file(folder: Path) -> Path:
    """A series with the rename and, beside it, the diff."""
    (folder / "limit.patch").write_text(DIFF)
    pinned = {"file": "limit.patch", "sha256": hashlib.sha256(DIFF.encode()).hexdigest()}
    rename = {"codemod": "rename-module", "parameters": {"module": "demo_pkg.old", "to": "demo_pkg.new"}}
    limit = {"codemod": "unified-diff", "parameters": pinned, "drop_when": "already-applied"}
    both: list[dict[str, Any]] = [
        {**_COMMON, "id": "rename-old", **rename, "accept": ["already-applied"]},
        {**_COMMON, "id": "raise-limit", **limit},
    ]
    series = folder / "mine.yaml"
    series.write_text(json.dumps({"id": "mine", "summary": "Mine", "distribution": "Demo.pkg", "patches": both}))
    return series


def lock_file(folder: Path, **outcomes: str) -> Path:
    """A lock of release 1.0, where both patches are applied unless an outcome is given."""
    digest = f"sha256:{'0' * 64}"
    patches = {
        name: {"definition": "0" * 64, "codemod": "c", "outcome": outcome, "detail": "d"}
        for name, outcome in {"rename-old": "applied", "raise-limit": "applied", **outcomes}.items()
    }
    source = {"root": "src", "series": "mine", "distribution": "demo-pkg", "release": "1.0"}
    lock = {
        "version": 1,
        "m2build": "0",
        "recipe": "mine",
        "base": {"digest": digest, "manifest": digest, "config": digest, "platform": "linux/amd64"},
        "created": "2026-11-27T00:00:00Z",
        "sources": {"sources": {**source, "patches": patches, "files": {}}},
        "footing": {},
        "images": {},
    }
    path = folder / "m2build.lock"
    path.write_text(json.dumps(lock))
    return path
