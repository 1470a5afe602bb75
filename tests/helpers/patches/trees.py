"""Small source trees, and Python itself to check what a rename did to them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from m2build.patches.change import Codemod, FileChange, Finding, Rewrite, changed_tree
from m2build.patches.tree import SourceFile, SourceTree

Content = str | bytes


def tree_of(files: Mapping[str, Content], *, links: Mapping[str, str] | None = None) -> SourceTree:
    """A tree in memory; text is UTF-8, modes are 0644."""
    raw = {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}
    return SourceTree({path: SourceFile.of(content) for path, content in raw.items()}, origin="test", links=links or {})


def contents(tree: SourceTree) -> dict[str, bytes]:
    """Path -> bytes."""
    return {path: file.content for path, file in tree.items()}


def text(tree: SourceTree, path: str) -> str:
    """One file as text."""
    return tree[path].content.decode()


def changed(codemod: Codemod, tree: SourceTree) -> tuple[SourceTree, Rewrite]:
    """The tree after a codemod that has to change something, and the codemod's message."""
    rewrite = codemod.apply(tree)
    assert rewrite.finding is Finding.CHANGED, rewrite.detail
    return changed_tree(tree, rewrite.changes), rewrite


def write(tree: SourceTree, folder: Path) -> Path:
    """The tree on disk, written without the code under test."""
    for path, file in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    return folder


def read(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every regular file below a folder, including dot files: path -> bytes and mode. Empty folders count as files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                found[f"{name}/"] = (b"", 0)
        else:
            found[name] = (path.read_bytes(), path.lstat().st_mode & 0o7777)
    return found


_RESULTS = """\
import importlib, os, sys
for folder in sys.argv[2:]:
    if os.fork() == 0:
        os.chdir(folder)
        sys.path.insert(0, folder)
        print(repr(importlib.import_module(sys.argv[1]).result), end="\\0", flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(1)
"""


def results_of(module: str, *folders: Path) -> list[str]:
    """The value of `module.result` in each tree, from this Python in new processes, of which one starts."""
    command = [sys.executable, "-I", "-B", "-S", "-c", _RESULTS, module, *map(str, folders)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.split("\0")[:-1]


def imported_modules(path: str, content: bytes) -> Iterator[str]:
    """Every module that the import statements of a file may load, absolute, by an `ast` walk of the test's own."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)


def cases_in(name: str) -> list[tuple[str, str, str]]:
    """The cases of a text file beside this module, as name, path and source: `=== PATH | NAME`, then the source."""
    cases = (Path(__file__).parent / name).read_text(encoding="utf-8").split("=== ")[1:]
    heads = [case.partition("\n") for case in cases]
    return [(head.partition(" | ")[2], head.partition(" | ")[0], body) for head, _, body in heads]


def files_before(changes: Iterable[FileChange]) -> dict[str, SourceFile]:
    """The files that changes start from, by their paths."""
    return {change.old_path: change.before for change in changes if change.before}


def files_after(changes: Iterable[FileChange]) -> dict[str, SourceFile]:
    """The files that changes leave, by their paths."""
    return {change.path: change.after for change in changes if change.after}
