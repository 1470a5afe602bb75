"""How often all stays right when a module is renamed: by m2build, by rope, and by libcst's RenameCommand.

    python benchmarks/renames.py
    python benchmarks/renames.py rich flask werkzeug requests attrs jinja2 click

The trees are those of tests/helpers/patches/rename_certain.txt that give a result, which has to be what it was; or
published packages, of which the modules are renamed that tests/helpers/sweeps/renamed.py names, with the sweep's judge.
Run it in the development environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from libcst.codemod import CodemodContext, TransformSuccess, transform_module
from libcst.codemod.commands.rename import RenameCommand
from rope.base.project import Project
from rope.refactor.rename import Rename

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.patches.certain import FORKS, RUN
from helpers.sweeps.packages import broken, fetched_wheels, importable, imported, unpacked
from helpers.sweeps.renamed import LARGE, PACKAGES

from m2build.patches import RenameModule, SourceTree, changed_tree, write_tree
from m2build.patches.modules import Renaming
from m2build.patches.sources import from_wheel


@dataclass(frozen=True)
class Trial:
    """A tree, what is renamed in it, and whether a renamed copy does what it did."""

    tree: SourceTree
    renaming: Renaming
    is_right: Callable[[Path, Path], bool]


def by_m2build(tree: SourceTree, renaming: Renaming, folder: Path) -> bool:
    """Whether something is told."""
    rewrite = RenameModule(renaming.old, renaming.new).apply(tree)
    write_tree(changed_tree(tree, rewrite.changes), folder)
    return bool(rewrite.mentions)


def by_rope(tree: SourceTree, renaming: Renaming, folder: Path) -> bool:
    write_tree(tree, folder)
    project = Project(str(folder), ropefolder=None)
    resource = project.get_resource(file_of(tree, renaming.old).removesuffix("/__init__.py"))
    project.do(Rename(project, resource).get_changes(renaming.new.rpartition(".")[2]))
    project.close()
    return False


def by_libcst(tree: SourceTree, renaming: Renaming, folder: Path) -> bool:
    after: dict[str, str | bytes] = {}
    told = False
    for path, file in tree.items():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
        new_path = renaming.of(module).replace(".", "/") + path[len(module) :] if path.endswith(".py") else path
        after[new_path] = file.content
        if path.endswith(".py"):
            context = CodemodContext(full_module_name=module, full_package_name=package)
            command = RenameCommand(context, old_name=renaming.old, new_name=renaming.new)
            done = transform_module(command, file.content.decode())
            told = told or not isinstance(done, TransformSuccess) or bool(done.warning_messages)
            if isinstance(done, TransformSuccess):
                after[new_path] = done.code
    write_tree(SourceTree.of(after), folder)
    return told


def file_of(tree: SourceTree, module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}.py" if f"{path}.py" in tree else f"{path}/__init__.py"


def small_trees() -> Iterator[Trial]:
    """Each of which Python gives one result."""
    for case in RUN:
        if case.kind != "moves":
            tree = SourceTree.of(case.files)
            yield Trial(tree, Renaming("a.b.old", "a.b.new"), same_result)


def same_result(before: Path, after: Path) -> bool:
    command = [sys.executable, "-I", "-B", "-c", FORKS, str(before), str(after)]
    first, second = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return first == second


def packages(names: Sequence[str], needed: Path) -> Iterator[Trial]:
    """Each module of each, judged by importing all of them."""
    wheels = fetched_wheels()
    for name in names:
        tops, _, modules = PACKAGES[name].partition(":")
        tree = from_wheel(wheels[name])
        for module in modules.split():
            renaming = Renaming(module, f"{module}_zz")
            yield Trial(tree, renaming, partial(same_imports, importable(tree, tops.split()), renaming, needed))


def same_imports(modules: Sequence[str], renaming: Renaming, needed: Path, before: Path, after: Path) -> bool:
    pair = [(renaming.old, renaming.new)]
    then = imported([before, needed], modules, pair)
    now = imported([after, needed], [renaming.of(module) for module in modules], pair)
    return not broken(then, now, renaming, 0)


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        if not sys.argv[1:]:
            compare(list(small_trees()))
            return
        wheels = fetched_wheels()
        needed = unpacked([wheels[name] for name in wheels if name not in LARGE], Path(folder))
        compare(list(packages(sys.argv[1:], needed)))


def compare(trials: Sequence[Trial]) -> None:
    """Let each tool rename each module."""
    print("| tool | right | wrong, and reported | wrong in silence |\n| --- | --- | --- | --- |")
    for name, tool in {"m2build": by_m2build, "rope": by_rope, "libcst": by_libcst}.items():
        right = told = 0
        for trial in trials:
            with tempfile.TemporaryDirectory() as top:
                before, after = Path(top, "before"), Path(top, "after")
                write_tree(trial.tree, before)
                try:
                    says = tool(trial.tree, trial.renaming, after)
                except Exception:  # noqa: BLE001 - a tool that stops has said so
                    told += 1
                    continue
                is_right = trial.is_right(before, after)
                right += is_right
                told += not is_right and says
        print(f"| {name} | {right} | {told} | {len(trials) - right - told} |", flush=True)


if __name__ == "__main__":
    main()
