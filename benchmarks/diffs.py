"""What 100 diffs of SGLang cost, applied by m2build, by git and by GNU patch, in one run.

    pip install '.[test]' && python benchmarks/diffs.py

The diffs are those of 100 files that SGLang 0.5.8 changes in 0.5.7. Every row is a process of its own on a fresh copy
of 0.5.7; CPU seconds are user plus system time of the best of its runs, start-up included.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import cpu_seconds

from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree
from m2build.patches.writing import write_tree

COUNT, RUNS = 100, 7
_PATCH = """\
  - id: {id}
    summary: One file of SGLang 0.5.8
    why: It is measured.
    codemod: unified-diff
    parameters: {{file: {file}, sha256: {sha256}}}
    releases: ""
    author: benchmark
    last_update: "2026-11-27"
"""


@dataclass(frozen=True)
class Row:
    """One way to apply the diffs, and where it looks for the tree."""

    name: str
    command: Sequence[str]


def diff_of(old: SourceTree, new: SourceTree, path: str, folder: Path) -> bytes:
    for side, tree in (("a", old), ("b", new)):
        target = folder / side / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(tree[path].content)
    command = ["git", "diff", "--no-index", "--no-prefix", f"a/{path}", f"b/{path}"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout


def write_series(folder: Path, old: SourceTree, new: SourceTree) -> list[Path]:
    """Write a series of diffs, each of one file, and return their paths."""
    edited = [path for path in old if path in new and old[path].content != new[path].content]
    chosen = sorted(random.Random(0).sample(edited, COUNT))  # noqa: S311 - seeded
    found, text = [], "id: hundred\nsummary: A hundred diffs\ndistribution: sglang\npatches:\n"
    for number, path in enumerate(chosen):
        diff = diff_of(old, new, path, folder / "sides")
        found.append(folder / f"{number:03}.patch")
        found[-1].write_bytes(diff)
        digest = hashlib.sha256(diff).hexdigest()
        text += _PATCH.format(id=f"n{number:03}", file=found[-1].name, sha256=digest)
    (folder / "series.yaml").write_text(text)
    return found


def rows(series: Path, diffs: Sequence[Path], tree: Path) -> list[Row]:
    """git first, then the others."""
    python, files = sys.executable, [str(diff) for diff in diffs]
    chosen = ["--series", str(series), "--source", f"dir:{tree}"]
    m2build = [python, "-m", "m2build", "patch"]
    each = 'for file in "$@"; do {} "$file"; done'
    here = f"cd {tree} && "
    return [
        Row("git apply, one call", ["sh", "-c", f'{here}git apply "$@"', "-", *files]),
        Row("git apply, one call a diff", ["sh", "-c", here + each.format("git apply"), "-", *files]),
        Row("patch -p1, one call a diff", ["sh", "-c", here + each.format("patch -s -p1 -i"), "-", *files]),
        Row("m2build patch status", [*m2build, "status", *chosen]),
        Row("m2build patch diff", [*m2build, "diff", *chosen]),
        Row("m2build patch apply", [*m2build, "apply", *chosen]),
        Row("m2build --help", [python, "-m", "m2build", "--help"]),
        Row("python -c pass", [python, "-c", "pass"]),
    ]


def main() -> None:
    """Measure and print the table."""
    old, new = (from_wheel(fetch_wheel(f"sglang=={release}")) for release in ("0.5.7", "0.5.8"))
    with tempfile.TemporaryDirectory() as name:
        folder, tree, pristine = Path(name), Path(name, "tree"), Path(name, "pristine")
        write_tree(old, pristine)
        diffs = write_series(folder, old, new)
        first = None
        print(f"| {'what':<26} | CPU s | beside git |\n| {'-' * 26} | ----: | ---------: |")
        for row in rows(folder / "series.yaml", diffs, tree):
            costs = []
            for _ in range(RUNS):
                shutil.rmtree(tree, ignore_errors=True)
                shutil.copytree(pristine, tree)
                costs.append(cpu_seconds(row.command))
            seconds = min(costs)
            first = first or seconds
            print(f"| {row.name:<26} | {seconds:5.3f} | {seconds / first:9.1f}x |", flush=True)


if __name__ == "__main__":
    main()
