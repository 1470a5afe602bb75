"""The rooms and what may be imported where: the direction of the data is a test."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import subprocess
import sys
from collections.abc import Collection, Iterator

import pytest
from helpers.rooms import BUILT_ON, COMMANDS, LEAVES, MODULES, ROOMS, ROOT, arrows, direct_arrows, imports, nodes, room

from m2build import errors

NETWORK = {"http", "httpx", "requests", "socket", "ssl", "urllib", "urllib3", "aiohttp"}


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
    used = {
        imported
        for name, path in MODULES.items()
        if name.startswith("m2build.patches")
        for imported in imports(path)
        if imported.partition(".")[0] == "m2build" and not imported.startswith("m2build.patches")
    }
    assert {name for name in used if not name.startswith(("m2build.documents.", "m2build.local."))} <= {
        "m2build",
        "m2build.errors",
        "m2build.late",
        "m2build.printed",
    }


def test_every_room_has_its_tests_in_a_folder_of_its_name() -> None:
    """Helpers stand in folders of rooms too. The other folders are what crosses the rooms."""
    rooms = {room(name) for name, path in MODULES.items() if path.name == "__init__.py"} - {""}
    tests = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    assert tests == rooms | {"serving", "sweeps"}
    helpers = {path.parent.name for path in (ROOT / "tests" / "helpers").glob("*/*.py")}
    assert helpers <= rooms | {"foreign", "serving", "sweeps"}


@pytest.mark.parametrize("room", ["documents", "oci", "layers", "derivation", "inspection", "rendering", "recipes"])
def test_pure_rooms_use_no_network_and_no_subprocess(room: str) -> None:
    assert offenders(f"m2build.{room}", NETWORK | {"subprocess"}) == []


def test_http_lives_in_the_registry_room_only() -> None:
    registry = {name for name in MODULES if name.split(".")[:2] == ["m2build", "registry"]}
    assert offenders("m2build", NETWORK, but=registry) == []


def test_python_on_whales_is_imported_in_one_module_only() -> None:
    assert offenders("m2build", {"python_on_whales"}, but={"m2build.engines.docker"}) == []


def test_programs_are_started_in_their_room_only() -> None:
    """Others: Docker's credential helpers, in the room that owns credentials, and pip, for sources from PyPI."""
    others = {"m2build.registry.helper", "m2build.patches.pypi"}
    assert offenders("m2build", {"subprocess"}, but={"m2build.programs.program", *others}) == []


def test_only_the_command_line_prints_and_exits() -> None:
    """Another program is the init, which images hold; the library reads it and does not import it."""
    init = "m2build.derivation.init"
    assert [name for name, path in MODULES.items() if init in imports(path)] == []
    found = []
    for name, path in MODULES.items():
        if name.startswith("m2build.cli") or name in ("m2build.__main__", init):
            continue
        found += [f"{name} imports {imported}" for imported in imports(path) if imported == "click"]
        for node in nodes(path):
            call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if call in {"print", "exit", "quit", "sys.exit", "os._exit", "os.chdir", "input"}:
                found.append(f"{name}:{getattr(node, 'lineno', 0)} calls {call}")
    assert found == []


def test_the_command_line_prints_in_one_module_only() -> None:
    """It escapes text from outside, and no command can bypass it."""
    found = [
        f"{name}:{node.lineno} uses {used}"
        for name, path in MODULES.items()
        if name.startswith("m2build.cli.") and name != "m2build.cli.output"
        for node in nodes(path)
        if isinstance(node, ast.Attribute | ast.Name)
        and re.fullmatch(
            r"print|input|click\.(s?echo|echo_via_pager|prompt|confirm|progressbar)|sys\.std(out|err)\.(write|buffer).*",
            used := ast.unparse(node),
        )
    ]
    assert found == []


def test_errors_are_raised_with_one_line_and_details() -> None:
    """A line break of our own in a message would look like one in a name."""
    kinds = {kind.__name__ for kind in every_error(errors.M2BuildError)}
    found = [
        f"{name}:{node.lineno}"
        for name, path in MODULES.items()
        for node in nodes(path)
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


def test_rooms_import_each_other_in_one_direction() -> None:
    """Late imports and those for types count as well. `m2build` itself gives rooms its version, and imports none."""
    found = [
        f"{room(name)} is below {room(imported)}, but {name} imports {imported}"
        for name, path in MODULES.items()
        for imported in imports(path)
        if imported in MODULES and imported != "m2build" and ROOMS.index(room(name)) < ROOMS.index(room(imported))
    ]
    assert found == []
    assert {room(name) for name in MODULES} == set(ROOMS)


SHARED = (
    *("delivery", "errors", "evidence", "progress", "documents.suggest", "local.failures", "local.folders"),
    *("local.leftovers", "local.outputs", "local.printable", "local.reading", "local.sizes", "local.targets"),
    *("locking", "oci.reference", "patches", "places.place", "printed", "programs.foreground", "rendering"),
)
"""What the command line shares with the library, besides the face."""


def test_the_command_line_is_a_thin_shell_over_the_face() -> None:
    found = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if name.startswith("m2build.cli")
        for imported in imports(path, run_time_only=True)
        if imported.startswith("m2build.") and not imported.startswith("m2build.cli")
        if imported not in {f"m2build.{module}" for module in SHARED} | own_leaf(name)
    ]
    assert found == []


def own_leaf(command: str) -> set[str]:
    """A capability's own commands use the face of its room."""
    return {f"m2build.{leaf}" for leaf in LEAVES if command in commands_of(leaf)}


def commands_of(leaf: str) -> set[str]:
    """The modules of a leaf's commands: one with its name, unless `COMMANDS` has others."""
    return {f"m2build.cli.{name}" for name in COMMANDS.get(leaf, (leaf,))}


FACES = [
    "m2build",
    "m2build.delivery",
    "m2build.bench",
    "m2build.drift",
    "m2build.evidence",
    "m2build.importing",
    "m2build.locking",
    "m2build.machine",
    "m2build.mounts",
    "m2build.patches",
    "m2build.patches.codemods",
    "m2build.pipelines",
    "m2build.rendering",
    "m2build.report",
    "m2build.running",
    "m2build.testing",
]


@pytest.mark.parametrize("name", FACES)
def test_a_face_has_the_names_in_all(name: str) -> None:
    script = f"import {name} as face; assert dir(face) == sorted(face.__all__), dir(face); print(len(face.__all__))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(run.stdout) <= 28
    face = importlib.import_module(name)
    assert dir(face) == sorted(face.__all__)
    assert [member for member in face.__all__ if not hasattr(face, member)] == []


def test_a_rooms_own_modules_do_not_import_its_face() -> None:
    """It would load late what they need at once, and could lead back to them."""
    found = [
        f"{name} imports {face}"
        for face in FACES[1:]
        for name, path in MODULES.items()
        if name.startswith(f"{face}.") and face in imports(path)
    ]
    assert found == []


def test_the_stability_policy_names_every_face() -> None:
    """Those of `m2build.errors` are its errors; it is no face of names."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    named = re.findall(r"`(m2build[.a-z]*)`", page.partition("Public is what")[2].partition("with the documented")[0])
    assert sorted(named) == sorted([*FACES, "m2build.errors"])


def test_the_picture_of_the_rooms_has_every_arrow_that_is_needed_and_no_other() -> None:
    """Its arrows imply all imports, each arrow is an import, and none of them can be left out."""
    direct = direct_arrows()
    everywhere = ways(arrows())
    assert set(direct) <= arrows()
    assert ways(direct) == everywhere
    assert [arrow for arrow in direct if ways([other for other in direct if other != arrow]) == everywhere] == []


def ways(pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """The transitive closure: which rooms each room reaches, over any number of arrows."""
    found = set(pairs)
    while longer := {(start, end) for start, middle in found for other, end in pairs if other == middle} - found:
        found |= longer
    return found


def test_leaves_are_imported_by_their_command_and_the_face_only() -> None:
    """A capability can be deleted with its folder, its command and its names in the face."""
    found = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        for imported in imports(path)
        if (leaf := room(imported)) in LEAVES
        and room(name) not in {leaf, "session", *BUILT_ON.get(leaf, ())}
        and name not in commands_of(leaf) | {"m2build"}
    ]
    assert found == []


def every_error(kind: type[errors.M2BuildError]) -> Iterator[type[errors.M2BuildError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_error(child)


def test_exit_codes_are_unique_and_documented() -> None:
    codes = {error.__name__: error.exit_code for error in every_error(errors.M2BuildError)}
    assert len(set(codes.values())) == len(codes), codes
    page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    assert [name for name, code in codes.items() if f"| {code} |" not in page] == []


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


def test_an_image_that_was_made_before_is_published_without_what_makes_one() -> None:
    """Codemods, layers, evidence and credentials are loaded where they are needed, which is often nowhere."""
    needed = ["cli.image", "recipes.load", "derivation.remembered", "derivation.parts", "delivery.dispatch"]
    needed += ["registry.access", "registry.pull", "registry.push"]
    heavy = ["libcst", "isal", "zstandard", "jinja2", "cyclonedx", "packageurl", "python_on_whales", "subprocess"]
    heavy += ["m2build.layers.tables", "m2build.layers.roots", "m2build.patches.running", "m2build.cli.plan_text"]
    heavy += ["m2build.evidence", "m2build.registry.credentials", "m2build.registry.login"]
    script = f"import sys, {', '.join(f'm2build.{name}' for name in needed)}; "
    script += f"print([name for name in {heavy!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
