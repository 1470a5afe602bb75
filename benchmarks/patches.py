"""What the patch series costs on SGLang 0.5.7, beside other ways to the same end, in one run.

    pip install '.[test,bench]' && python benchmarks/patches.py

Every row is a process of its own; CPU seconds are user plus system time of the best of its runs, start-up included.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import cpu_seconds

from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.writing import write_tree

_PARSE = """
import sys, pathlib
{setup}
for path in pathlib.Path({tree!r}).rglob('*.py'):
    content = path.read_bytes()
    if {condition}:
        {parse}(content)
"""
_ROPE = """
from rope.base.project import Project
from rope.refactor.rename import Rename
project = Project({tree!r}, ropefolder=None)
module = project.get_resource('sglang/srt/models/transformers.py')
changes = Rename(project, module).get_changes('hf_transformers_model')
print(len(changes.changes))
"""


@dataclass(frozen=True)
class Row:
    """One way, and how often to try it."""

    name: str
    command: Sequence[str]
    runs: int


def rows(wheel: Path, tree: str) -> list[Row]:
    """Ours first, then the others."""
    python = sys.executable
    m2build = [python, "-m", "m2build"]
    every = {"tree": tree, "condition": "True"}
    word = {"tree": tree, "condition": "b'transformers' in content"}
    libcst = _PARSE.format(setup="import libcst", parse="libcst.parse_module", **every)
    ast_all = _PARSE.format(setup="import ast", parse="ast.parse", **every)
    ast_word = _PARSE.format(setup="import ast", parse="ast.parse", **word)
    return [
        Row("m2build patch diff, whole series", [*m2build, "patch", "diff", "--source", f"wheel:{wheel}"], 5),
        Row("m2build --help", [*m2build, "--help"], 5),
        Row("python -c pass", [python, "-c", "pass"], 5),
        Row("python -c 'import libcst'", [python, "-c", "import libcst"], 5),
        Row("ast.parse, the files with the word", [python, "-W", "ignore", "-c", ast_word], 3),
        Row("ast.parse, every file", [python, "-W", "ignore", "-c", ast_all], 3),
        Row("rope 1.15, the rename alone (wrong)", [python, "-W", "ignore", "-c", _ROPE.format(tree=tree)], 1),
        Row("libcst.parse_module, every file", [python, "-c", libcst], 1),
    ]


def main() -> None:
    """Measure and print the table."""
    wheel = fetch_wheel("sglang==0.5.7")
    with tempfile.TemporaryDirectory() as folder:
        tree = str(Path(folder) / "tree")
        write_tree(from_wheel(wheel), Path(tree))
        ours = None
        print(f"| {'what':<36} | CPU s | beside ours |\n| {'-' * 36} | ----: | ----------: |")
        for row in rows(wheel, tree):
            seconds = min(cpu_seconds(row.command) for _ in range(row.runs))
            ours = ours or seconds
            print(f"| {row.name:<36} | {seconds:5.2f} | {seconds / ours:10.2f}x |", flush=True)


if __name__ == "__main__":
    main()
