"""Codemods of third parties, installed as pip installs them: a distribution's entry points on the import path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.commands import m2build, refused, succeeds
from helpers.patches.trees import tree_of, write

SERIES = """\
id: theirs
summary: One patch by a codemod of somebody else's
distribution: pkg
patches:
  - id: shout
    summary: Say it louder
    why: Nobody listens.
    codemod: shout
    parameters: {path: pkg/a.py, times: 2}
    releases: ""
    author: Me
    last_update: 2026-11-23
"""
CODEMOD = """\
from dataclasses import dataclass

from m2build.patches.change import FileChange, Finding, Rewrite
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class Shout:
    path: str
    times: int = 1

    def apply(self, tree: SourceTree) -> Rewrite:
        before = tree[self.path]
        after = SourceFile.of(before.content.upper() * self.times, before.mode)
        return Rewrite(Finding.CHANGED, "louder", (FileChange(self.path, before, self.path, after),))


class NotACodemod:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tree_of({"pkg/a.py": "x = 'hello'\n"}), tmp_path / "tree")
    (tmp_path / "theirs.yaml").write_text(SERIES)
    return tmp_path


def install(folder: Path, name: str, entry_points: str, code: str = CODEMOD) -> dict[str, str]:
    """Lay out a distribution as pip does; returns the environment in which it is installed."""
    site = folder / "site"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[m2build.codemods]\n{entry_points}\n")
    return {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


def diff(folder: Path) -> list[str | Path]:
    return ["patch", "diff", "--series", folder / "theirs.yaml", "--source", folder / "tree"]


def test_an_installed_codemod_can_be_named_by_a_series(folder: Path) -> None:
    environment = install(folder, "shouting", "shout = shouting:Shout")
    out = succeeds(*diff(folder), environment=environment)
    assert out.endswith("-x = 'hello'\n+X = 'HELLO'\n+X = 'HELLO'\n")


def test_without_it_the_series_is_refused_with_the_codemods_that_exist(folder: Path) -> None:
    stderr = refused(2, *diff(folder))
    assert "the patch shout names no codemod that is installed: 'shout'" in stderr
    assert "remove-decorator, rename-module" in stderr


@pytest.mark.parametrize(
    ("entry_point", "code", "message"),
    [
        ("shout = shouting:Shout", "import no_such_module\n", "cannot be loaded: ModuleNotFoundError"),
        ("shout = shouting:Shout", "raise SystemExit(0)\n", "cannot be loaded: SystemExit"),
        ("shout = shouting:Whisper", CODEMOD, "cannot be loaded: AttributeError"),
        ("shout = nowhere:Shout", CODEMOD, "cannot be loaded: ModuleNotFoundError"),
        ("shout = shouting:NotACodemod", CODEMOD, "is not a dataclass with an apply method"),
        ("shout = shouting:dataclass", CODEMOD, "is not a dataclass with an apply method"),
    ],
)
def test_one_that_does_not_load_stops_a_series_that_names_it(
    entry_point: str, code: str, message: str, folder: Path
) -> None:
    environment = install(folder, "shouting", entry_point, code)
    stderr = refused(4, *diff(folder), environment=environment)
    assert "the codemod 'shout'" in stderr
    assert message in stderr
    assert "shouting, which registers it under m2build.codemods" in stderr


def test_a_series_that_does_not_name_it_goes_on(folder: Path) -> None:
    """A broken plugin stops only what uses it."""
    (folder / "tree/pkg/m.py").write_text("import torch\n@torch.compile\ndef f(): ...\n")
    text = SERIES.replace("codemod: shout", "codemod: remove-decorator")
    text = text.replace("{path: pkg/a.py, times: 2}", "{module: pkg.m, decorator: torch.compile}")
    (folder / "theirs.yaml").write_text(text)
    environment = install(folder, "shouting", "shout = shouting:Shout", "raise RuntimeError\n")
    assert "+# @torch.compile" in succeeds(*diff(folder), environment=environment)
    assert m2build("patch", "list", environment=environment).returncode == 0


@pytest.mark.parametrize("name", ["shout", "rename-module"])
def test_two_of_one_name_stop_a_series_that_names_it(name: str, folder: Path) -> None:
    environment = install(folder, "shouting", f"{name} = shouting:Shout")
    if name == "shout":
        install(folder, "yelling", "shout = yelling:Shout")
    (folder / "theirs.yaml").write_text(SERIES.replace("codemod: shout", f"codemod: {name}"))
    stderr = refused(4, *diff(folder), environment=environment)
    assert f"two codemods are registered as '{name}'" in stderr
    assert "uninstall one of " in stderr
    assert "shouting" in stderr


@pytest.mark.parametrize(
    "statement",
    [
        "raise ValueError('too loud')",
        "raise SystemExit('too loud')",
        "raise type('Stop', (BaseException,), {})('too loud')",
        "from m2build.errors import UsageError; raise UsageError('too loud')",
        "from m2build.errors import PatchError; raise PatchError('too loud')",
        "return self.apply(tree)",
    ],
    ids=["error", "exit", "base exception", "usage error", "patch error", "recursion"],
)
def test_any_error_is_reported_by_patch_codemod_and_distribution(statement: str, folder: Path) -> None:
    code = CODEMOD.replace("        before = tree[self.path]\n", f"        {statement}\n")
    environment = install(folder, "shouting", "shout = shouting:Shout", code)
    stderr = refused(4, *diff(folder), environment=environment)
    assert "the patch shout stops: the codemod shout of shouting raised " in stderr
    assert ("too loud" in stderr) == ("too loud" in statement)


def test_its_traceback_is_shown_on_demand(folder: Path) -> None:
    code = CODEMOD.replace("        before = tree[self.path]\n", "        raise ValueError('too loud')\n")
    environment = install(folder, "shouting", "shout = shouting:Shout", code)
    run = m2build("--debug", *diff(folder), environment=environment)
    assert run.returncode == 4
    line = 1 + code[: code.index("raise ValueError")].count("\n")
    assert f'shouting.py", line {line}, in apply' in run.stderr


def test_a_constructor_that_breaks_is_reported_too(folder: Path) -> None:
    code = CODEMOD.replace(
        "    def apply", "    def __post_init__(self) -> None:\n        raise OSError('no voice')\n\n    def apply"
    )
    environment = install(folder, "shouting", "shout = shouting:Shout", code)
    stderr = refused(4, *diff(folder), environment=environment)
    assert "the patch shout stops: the codemod shout of shouting raised OSError: no voice" in stderr
    refusing = code.replace("OSError", "ValueError")
    environment = install(folder / "2", "shouting", "shout = shouting:Shout", refusing)
    assert "the patch shout, parameter : Value error, no voice" in refused(2, *diff(folder), environment=environment)


def test_one_that_gives_no_rewrite_is_faulty(folder: Path) -> None:
    code = CODEMOD.replace("        return Rewrite(", "        Rewrite(")
    environment = install(folder, "shouting", "shout = shouting:Shout", code)
    assert "the codemod shout is faulty: it gives None" in refused(4, *diff(folder), environment=environment)


def test_parameters_are_checked_against_its_constructor(folder: Path) -> None:
    environment = install(folder, "shouting", "shout = shouting:Shout")
    series = folder / "theirs.yaml"
    series.write_text(SERIES.replace("times: 2", "time: 2"))
    assert "an unknown parameter: 'time'; did you mean 'times'?" in refused(2, *diff(folder), environment=environment)
    series.write_text(SERIES.replace("times: 2", "times: two"))
    assert "the patch shout, parameter times: " in refused(2, *diff(folder), environment=environment)


@pytest.mark.parametrize(("given", "taken"), [("1", "True"), ("1.0", "True"), ("[2, 1]", "(2, True)")])
def test_a_number_is_never_taken_for_a_switch(given: str, taken: str, folder: Path) -> None:
    """To pydantic `Literal[True]` is what is equal to True."""
    code = CODEMOD.replace("times: int = 1", "times: Literal[2, True] | tuple[Literal[2, True], ...] = 2")
    environment = install(folder, "shouting", "shout = shouting:Shout", f"from typing import Literal\n{code}")
    (folder / "theirs.yaml").write_text(SERIES.replace("times: 2", f"times: {given}"))
    message = f"the patch shout, parameter times: {given} would be read as {taken}"
    assert message in refused(2, *diff(folder), environment=environment)


@pytest.mark.parametrize(
    ("path", "target", "message"),
    [
        ("pkg/a.py", "../outside.py", "'../outside.py' is not a path in a tree"),
        ("pkg/a.py", "/etc/passwd", "'/etc/passwd' is not a path in a tree"),
        ("pkg/b.py", "pkg/b.py", "'pkg/b.py' is not the file that it changes"),
    ],
)
def test_one_that_changes_what_is_not_in_the_tree_is_stopped(
    path: str, target: str, message: str, folder: Path
) -> None:
    faulty = CODEMOD.replace("FileChange(self.path, before, self.path", f"FileChange({path!r}, before, {target!r}")
    environment = install(folder, "theirs", "shout = theirs:Shout", faulty)
    arguments = ("patch", "apply", "--series", "./theirs.yaml", "--source", "dir:tree")
    assert message in refused(4, *arguments, cwd=folder, environment=environment)
    assert sorted(item.name for item in folder.rglob("*.py") if "site" not in item.parts) == ["a.py"]
