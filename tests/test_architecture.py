"""The rooms and what may be imported where: the direction of the data is a test."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from m2build import errors

ROOT = Path(__file__).parent.parent
ROOMS = {"m2build": "builder", "m2build.patches": "patches", "m2build.recipes": "recipes"}
NETWORK = {"http", "httpx", "requests", "socket", "ssl", "urllib", "urllib3", "aiohttp"}


def module_name(path: Path) -> str:
    package, folder = max(
        ((name, folder) for name, folder in ROOMS.items() if path.is_relative_to(ROOT / folder)),
        key=lambda x: len(x[0]),
    )
    parts = path.relative_to(ROOT / folder).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


MODULES = {
    module_name(path): path for folder in ROOMS.values() for path in sorted((ROOT / folder).rglob("*.py"), key=str)
}


def imports(path: Path, *, run_time_only: bool = False, top_only: bool = False) -> Iterator[str]:
    """The modules that a file imports, absolute; `from a import b` gives `a.b` where that is a module of ours."""
    skipped: set[ast.AST] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        is_guard = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        is_late = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (is_guard and run_time_only) or (is_late and top_only):
            skipped.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            submodules = [name for alias in node.names if (name := f"{node.module}.{alias.name}") in MODULES]
            yield from submodules or [node.module or ""]


def offenders(room: str, forbidden: set[str], *, but: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    return [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if (name == room or name.startswith(f"{room}.")) and name not in but
        for imported in imports(path)
        if any(imported == bad or imported.startswith(f"{bad}.") for bad in forbidden)
    ]


def test_every_folder_is_a_declared_package() -> None:
    import tomllib

    declared = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in MODULES.items()}
    assert declared == found


def test_patches_know_neither_recipes_nor_rooms_with_effects() -> None:
    pure = {
        "m2build",
        "m2build.errors",
        "m2build.document_files",
        "m2build.documents",
        "m2build.placed",
        "m2build.shown",
        "m2build.suggest",
        "m2build.validation",
        "m2build.local.atomic",
        "m2build.local.cache",
        "m2build.local.held",
        "m2build.local.reading",
        "m2build.local.durable",
        "m2build.local.folders",
        "m2build.local.temporary",
    }
    used = {
        imported
        for name, path in MODULES.items()
        if name.startswith("m2build.patches")
        for imported in imports(path)
        if imported.partition(".")[0] == "m2build" and not imported.startswith("m2build.patches")
    }
    assert used <= pure


@pytest.mark.parametrize("room", ["oci", "plan", "overlay", "rendering", "recipes"])
def test_pure_rooms_use_no_network_and_no_subprocess(room: str) -> None:
    assert offenders(f"m2build.{room}", NETWORK | {"subprocess"}) == []


def test_http_lives_in_the_registry_room_only() -> None:
    registry = {name for name in MODULES if name.split(".")[:2] == ["m2build", "registry"]}
    assert offenders("m2build", NETWORK, but=registry) == []


def test_python_on_whales_is_imported_in_one_module_only() -> None:
    assert offenders("m2build", {"python_on_whales"}, but={"m2build.engines.whales"}) == []


def test_container_engines_are_started_in_one_module_only() -> None:
    assert offenders("m2build.engines", {"subprocess"}, but={"m2build.engines.program"}) == []


def test_only_the_command_line_prints_and_exits() -> None:
    found = []
    for name, path in MODULES.items():
        if name.startswith("m2build.cli") or name == "m2build.__main__":
            continue
        found += [f"{name} imports {imported}" for imported in imports(path) if imported == "click"]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if call in {"print", "exit", "quit", "sys.exit", "os._exit", "os.chdir", "input"}:
                found.append(f"{name}:{getattr(node, 'lineno', 0)} calls {call}")
    assert found == []


def test_the_command_line_prints_in_one_module_only() -> None:
    """It escapes what comes from outside, and no command can go around it."""
    found = [
        f"{name}:{node.lineno} uses {used}"
        for name, path in MODULES.items()
        if name.startswith("m2build.cli.") and name != "m2build.cli.output"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
        and re.fullmatch(
            r"print|input|click\.(s?echo|echo_via_pager|prompt|confirm|progressbar)|sys\.std(out|err)\.(write|buffer).*",
            used := ast.unparse(node),
        )
    ]
    assert found == []


def test_errors_are_raised_with_one_line_and_details() -> None:
    """A line break of our own in a message could not be told from one in a name."""
    kinds = {kind.__name__ for kind in every_error(errors.M2BuildError)}
    found = [
        f"{name}:{node.lineno}"
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in kinds
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "\n" in part.value
    ]
    assert found == []


def test_no_import_cycle() -> None:
    graph = {
        name: {imported for imported in imports(path, run_time_only=True) if imported in MODULES and imported != name}
        for name, path in MODULES.items()
    }
    list(graphlib.TopologicalSorter(graph).static_order())


def every_error(kind: type[errors.M2BuildError]) -> Iterator[type[errors.M2BuildError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_error(child)


def test_exit_codes_are_unique_and_documented() -> None:
    codes = {error.__name__: error.exit_code for error in every_error(errors.M2BuildError)}
    assert len(set(codes.values())) == len(codes), codes
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name, code in codes.items() if f"| {code} |" not in readme] == []


def test_the_command_line_starts_light() -> None:
    heavy = ["libcst", "pydantic", "yaml", "python_on_whales", "jinja2", "packaging", "zstandard", "importlib.metadata"]
    heavy += ["subprocess", "tarfile", "zipfile", "hashlib", "m2build.patches.series", "m2build.recipes.model"]
    script = (
        "import sys; from m2build.cli import main; code = main(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage: m2build" in run.stdout
    assert run.stderr.strip() == "[]"
