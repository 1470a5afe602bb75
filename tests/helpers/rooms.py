"""The modules of m2build, and what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {"m2build": "builder", "m2build.patches": "patches", "m2build.recipes": "recipes"}


def module_name(path: Path) -> str:
    package, folder = max(
        ((name, folder) for name, folder in FOLDERS.items() if path.is_relative_to(ROOT / folder)),
        key=lambda x: len(x[0]),
    )
    parts = path.relative_to(ROOT / folder).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


MODULES = {
    module_name(path): path for folder in FOLDERS.values() for path in sorted((ROOT / folder).rglob("*.py"), key=str)
}


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """A module's syntax, parsed once in a process."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imports(path: Path, *, run_time_only: bool = False) -> tuple[str, ...]:
    """The modules that a file imports, absolute; `from a import b` gives `a.b` where that is a module of ours."""
    return tuple(_imports(path, run_time_only=run_time_only))


def _imports(path: Path, *, run_time_only: bool) -> Iterator[str]:
    skipped: set[ast.AST] = set()
    for node in nodes(path):
        is_guard = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if is_guard and run_time_only:
            skipped.update(ast.walk(node))
    for node in nodes(path):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            submodules = [name for alias in node.names if (name := f"{node.module}.{alias.name}") in MODULES]
            yield from submodules or [node.module or ""]


ROOMS = (
    "late", "errors", "printed", "local", "progress", "labels", "documents", "oci", "layers", "programs", "registry",
    "places", "patches", "recipes", "base", "launch", "derivation", "locking", "inspection", "rendering", "engines",
    "delivery", "evidence", "verification", "bases", "session", "testing", "importing", "drift", "mounts", "machine",
    "running", "pipelines", "bench", "report",
    "",
    "cli", "__main__",
)  # fmt: skip
"""From the lowest to the highest: a room imports those before it. The empty name is the face, `m2build` itself."""

LEAVES = (
    *("importing", "drift", "mounts", "machine", "running", "pipelines"),
    *("verification", "bases", "publish", "bench", "report"),
)
"""Capabilities, some of them to come: rooms that only their own commands and the face may import."""
COMMANDS = {"machine": ("doctor",), "running": ("container", "run", "compose", "kubernetes")}
"""The modules of `cli` that use a leaf, where they are not one with its name."""
BUILT_ON = {"bench": ("report",), "verification": ("report",)}
"""The leaves that another leaf is built on: what a report shows is theirs."""


def room(module: str) -> str:
    """The room that a module is in."""
    return module.partition(".")[2].partition(".")[0]


def purpose(name: str) -> str:
    """The first sentence of a room's docstring, on one line.

    Raises:
        AssertionError: the room has none.
    """
    path = MODULES[f"m2build.{name}".rstrip(".")]
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{path} has no docstring"
    return " ".join(docstring.partition("\n\n")[0].split())


def arrows() -> set[tuple[str, str]]:
    """Which room imports which. Any room may ask the face for the version: only rooms above it have an arrow to it."""
    pairs = {
        (room(name), room(imported))
        for name, path in MODULES.items()
        for imported in imports(path)
        if imported in MODULES
    }
    return {(upper, lower) for upper, lower in pairs if ROOMS.index(upper) > ROOMS.index(lower)}


def direct_arrows() -> list[tuple[str, str]]:
    """The arrows without those that a longer way implies (the transitive reduction), from the highest room down.

    `ROOMS` is in the order of the arrows, so what a room reaches is known before the rooms above it are looked at.
    """
    known = arrows()
    reached: dict[str, set[str]] = {}
    direct = []
    for upper in ROOMS:
        reached[upper] = set()
        for lower in reversed([lower for lower in ROOMS if (upper, lower) in known]):
            if lower not in reached[upper]:
                direct.append((upper, lower))
                reached[upper] |= {lower} | reached[lower]
    return sorted(direct, key=lambda pair: [-ROOMS.index(name) for name in pair])
