"""How many small trees stay right when a module is renamed: by m2build, by rope, and by libcst's RenameCommand.

The trees are those of tests/helpers/patches/rename_certain.txt that give a result, which has to be what it was.
Run it in the development environment: python benchmarks/renames.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from libcst.codemod import CodemodContext, TransformSuccess, transform_module
from libcst.codemod.commands.rename import RenameCommand
from rope.base.project import Project
from rope.refactor.rename import Rename

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.patches.certain import FORKS, RUN, Case

from m2build.patches import SourceTree, changed_tree, write_tree

Tree = Mapping[str, str | bytes]


def by_m2build(files: Tree, folder: Path) -> bool:
    """Whether something is told."""
    tree = SourceTree.of(files)
    rewrite = Case("", "follows", "", {}).rename.apply(tree)
    write_tree(changed_tree(tree, rewrite.changes), folder)
    return bool(rewrite.mentions)


def by_rope(files: Tree, folder: Path) -> bool:
    write_tree(SourceTree.of(files), folder)
    project = Project(str(folder), ropefolder=None)
    project.do(Rename(project, project.get_file("a/b/old.py")).get_changes("new"))
    project.close()
    return False


def by_libcst(files: Tree, folder: Path) -> bool:
    after: dict[str, str | bytes] = {}
    told = False
    for path, content in files.items():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
        context = CodemodContext(full_module_name=module, full_package_name=package)
        command = RenameCommand(context, old_name="a.b.old", new_name="a.b.new")
        done = transform_module(command, str(content))
        after[path.replace("a/b/old.py", "a/b/new.py")] = done.code if isinstance(done, TransformSuccess) else content
        told = told or not isinstance(done, TransformSuccess) or bool(done.warning_messages)
    write_tree(SourceTree.of(after), folder)
    return told


def main() -> None:
    """Print a table."""
    cases = [case for case in RUN if case.kind != "moves"]
    tools: dict[str, Callable[[Tree, Path], bool]] = {
        "m2build": by_m2build,
        "rope": by_rope,
        "libcst": by_libcst,
    }
    print("| tool | right | wrong and told | wrong in silence |\n| --- | --- | --- | --- |")
    for name, tool in tools.items():
        right = told = 0
        for case in cases:
            with tempfile.TemporaryDirectory() as top:
                before, after = Path(top, "before"), Path(top, "after")
                write_tree(SourceTree.of(case.files), before)
                try:
                    says = tool(case.files, after)
                except Exception:  # noqa: BLE001 - a tool that stops has said so
                    told += 1
                    continue
                command = [sys.executable, "-I", "-B", "-c", FORKS, str(before), str(after)]
                first, second = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
                right += first == second
                told += first != second and says
        print(f"| {name} | {right} | {told} | {len(cases) - right - told} |")


if __name__ == "__main__":
    main()
