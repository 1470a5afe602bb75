"""Series and codemods as Python values: without a series file, and without entry points."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from helpers.patches.series_files import DECORATOR, series_of
from helpers.patches.trees import read, write
from pydantic import ValidationError

from m2build.errors import PatchError, UsageError
from m2build.patches import (
    Codemod,
    FileChange,
    Finding,
    LibcstCodemod,
    Patch,
    RemoveDecorator,
    Rewrite,
    Series,
    SourceFile,
    SourceTree,
    apply_series,
    apply_to_directory,
    load_series,
    revert_directory,
)

TREE = SourceTree.of({"pkg/a.py": "x = 'hello'\n", "pkg/b.py": "import torch\n@torch.compile\ndef f(): ...\n"})


class Tone(StrEnum):
    LOUD = "loud"


@dataclasses.dataclass(frozen=True)
class Shout:
    """A foreign codemod, which is not registered."""

    path: str = "pkg/a.py"
    times: tuple[int, ...] = (1, 2)
    tone: Tone = Tone.LOUD
    options: dict[str, float | None] = dataclasses.field(default_factory=lambda: {"pause": 0.5, "stop": None})

    def apply(self, tree: SourceTree) -> Rewrite:
        before = tree[self.path]
        if before.content.isupper():
            return Rewrite(Finding.ALREADY_APPLIED, "loud already")
        after = SourceFile.of(before.content.upper(), before.mode)
        return Rewrite(Finding.CHANGED, self.tone, (FileChange(self.path, before, self.path, after),))


def patch_of(codemod: Codemod, **fields: Any) -> Patch:
    given = {"id": "mine", "summary": "Mine", "why": "It has to be.", "author": "Me", "last_update": "2026-11-27"}
    return Patch.of(codemod, **{**given, **fields})


def series(*patches: Patch, **fields: Any) -> Series:
    return Series.of(*patches, **{"id": "mine", "summary": "Mine", "distribution": "pkg", **fields})


def test_an_unregistered_codemod_runs_in_a_series() -> None:
    codemod = Shout()
    changeset = apply_series(
        series(patch_of(codemod), patch_of(RemoveDecorator("pkg.b", "torch.compile"), id="b")), TREE
    )
    assert changeset.checked() is changeset
    assert changeset.results[0].patch.value is codemod
    assert b"-x = 'hello'\n+X = 'HELLO'\n" in changeset.diff()
    assert b"+# @torch.compile\n" in changeset.diff()


def test_accounts_have_its_dotted_name_and_its_fields() -> None:
    changeset = apply_series(series(patch_of(Shout())), TREE)
    name = f"python:{__name__}.Shout"
    parameters = {"path": "pkg/a.py", "times": [1, 2], "tone": "loud", "options": {"pause": 0.5, "stop": None}}
    (entry,) = json.loads(json.dumps(changeset.account()))["patches"]
    assert (entry["codemod"], entry["parameters"]) == (name, parameters)
    assert changeset.series.model_dump(mode="json")["patches"][0]["codemod"] == name
    header = f"X-M2build-Codemod: {name} {json.dumps(parameters, sort_keys=True)}\n"
    assert header.encode() in changeset.patch_files()["0001-mine.patch"]


def test_one_that_is_registered_has_the_name_that_series_files_use() -> None:
    """So that the account of a patch is the same, whether it comes from a file or from Python."""
    patch = patch_of(RemoveDecorator("pkg.b", "torch.compile"))
    assert patch.codemod == "remove-decorator"
    from_file = Patch.model_validate_json(patch.model_dump_json())
    assert type(from_file) is Patch
    assert from_file.value is None
    assert apply_series(series(from_file), TREE).diff() == apply_series(series(patch), TREE).diff()


def test_a_libcst_codemod_has_the_name_that_series_files_use() -> None:
    patch = patch_of(LibcstCodemod("their_codemods.PosixPath", ("**/*.py",), allow=("their_codemods",)))
    assert patch.codemod == "libcst:their_codemods.PosixPath"
    assert patch.parameters == {"files": ["**/*.py"], "spelling": None, "arguments": {}}
    tree = SourceTree.of({"a.py": "import os\nos.path.join\n"})
    from_file = Patch.model_validate_json(patch.model_dump_json())
    changesets = [
        apply_series(series(patch), tree),
        apply_series(series(from_file, allow=["their_codemods"]), tree),
        apply_series(series(from_file), tree, allow=["their_codemods"]),
    ]
    assert len({changeset.diff() for changeset in changesets}) == 1
    assert b"+posixpath.join" in changesets[0].diff()


@pytest.mark.parametrize("name", ["python:os.path", f"python:{__name__}.Shout", "python:x"])
def test_a_series_file_cannot_name_a_class(name: str, tmp_path: Path) -> None:
    """It would be imported, which runs code that the series has not been allowed to run."""
    text = series_of(DECORATOR).model_dump_json().replace('"remove-decorator"', json.dumps(name))
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"mine\.yaml:1:.*: patches\.0\.codemod: String should match pattern"):
        load_series(str(tmp_path / "mine.yaml"))
    with pytest.raises(ValidationError):
        Patch(**{**DECORATOR, "codemod": name})


@dataclasses.dataclass
class Thawed:
    def apply(self, tree: SourceTree) -> Rewrite:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Idle:
    path: str


@dataclasses.dataclass(frozen=True)
class Holds:
    field: object

    def apply(self, tree: SourceTree) -> Rewrite:
        raise NotImplementedError


class Plain:
    def apply(self, tree: SourceTree) -> Rewrite:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("codemod", "message"),
    [
        (Shout, "Shout is a class, and not a codemod's value"),
        (Plain(), "Plain is not a dataclass, and so not a codemod"),
        (Thawed(), "the dataclass Thawed is not frozen, and so not a codemod"),
        (Idle("a"), "Idle has no apply method, and so is not a codemod"),
        ("remove-decorator", "str is not a dataclass, and so not a codemod"),
        (Holds(b"x"), "Holds.field is b'x', which JSON cannot hold"),
        (Holds([{"x": {1}}]), "Holds.field is {1}, which JSON cannot hold"),
        (Holds({1: "x"}), "Holds.field is {1: 'x'}, which JSON cannot hold"),
        (Holds(float("inf")), "Holds.field is inf, which JSON cannot hold"),
        (Holds(Path("x")), "Holds.field is PosixPath('x'), which JSON cannot hold"),
    ],
)
def test_what_is_not_a_codemod_or_not_json_is_refused(codemod: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        patch_of(codemod)
    assert raised.value.message == message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (lambda: patch_of(Shout(), id="M y"), ["the patch 'M y': id: String should match pattern "]),
        (lambda: patch_of(Shout(), releases=">>1"), ["the patch 'mine': releases: '>>1' is not a version specifier "]),
        (lambda: patch_of(Shout(), why="--- x", author=""), ["the patch 'mine': why: the line '--- x' ", "author: "]),
        (lambda: patch_of(Shout(), accept=["conflict"]), ["the patch 'mine': accept: 0: Input should be "]),
        (series, ["the series 'mine': patches: it has no patches; if that is meant, say `stock: true`"]),
        (lambda: series(*[patch_of(Shout())] * 2), ["the series 'mine': two patches have the id 'mine'"]),
        (lambda: series(patch_of(Shout()), allow=["a b"]), ["the series 'mine': allow: 0: String should match "]),
    ],
)
def test_arguments_that_do_not_fit_are_usage_errors(make: Callable[[], object], lines: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        make()
    found = [raised.value.message, *raised.value.details]
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True)), found


def test_a_shipped_series_takes_more_patches() -> None:
    shipped = load_series("minimax-m2-rocm")
    longer = shipped.extended(patch_of(Shout()), id="mine")
    assert [patch.id for patch in longer.patches] == [*(patch.id for patch in shipped.patches), "mine"]
    assert (longer.id, longer.summary, longer.distribution) == ("mine", shipped.summary, "sglang")
    assert shipped.extended(patch_of(Shout()), id="mine", summary="Ours").summary == "Ours"
    with pytest.raises(
        UsageError, match="needs its own id, but 'minimax-m2-rocm' is the id of the series that it extends"
    ):
        shipped.extended(patch_of(Shout()), id=shipped.id)
    with pytest.raises(UsageError, match="two patches have the id 'rename-transformers-module'"):
        shipped.extended(shipped.patches[0], id="mine")


def test_a_longer_series_keeps_what_the_shorter_one_allows() -> None:
    allowing = series(patch_of(Shout()), allow=["libcst"])
    assert allowing.extended(patch_of(Shout(), id="b"), id="longer").codemods.allow == ("libcst",)


class Own(RemoveDecorator):
    """Its code is not m2build's, though most of it is."""


def test_a_series_is_portable_if_all_code_in_it_is_ours() -> None:
    ours = patch_of(RemoveDecorator("pkg.b", "torch.compile"))
    assert series(ours).is_portable
    assert load_series("minimax-m2-rocm").extended(ours, id="mine").is_portable
    assert not series(ours, allow=["libcst"]).is_portable


@pytest.mark.parametrize(
    "codemod",
    [
        Shout(),
        Own("pkg.b", "torch.compile"),
        LibcstCodemod("their_codemods.PosixPath", ("*.py",), allow=("their_codemods",)),
    ],
)
def test_a_series_with_code_of_others_is_not_portable(codemod: Codemod) -> None:
    assert not series(patch_of(codemod)).is_portable
    assert not load_series("minimax-m2-rocm").extended(patch_of(codemod), id="mine").is_portable


def test_series_files_are_portable_unless_they_name_or_allow_libcst_codemods() -> None:
    assert series_of(DECORATOR).is_portable
    named = {**DECORATOR, "codemod": "libcst:a.B"}
    assert not series_of(named).is_portable
    allowing = {**series_of(DECORATOR).model_dump(), "codemods": {"allow": ("libcst",)}}
    assert not Series.model_validate(allowing).is_portable


@dataclasses.dataclass(frozen=True)
class Raises:
    kind: str

    def apply(self, tree: SourceTree) -> Rewrite:
        if self.kind == "recursion":
            return self.apply(tree)
        raise {"error": ValueError, "exit": SystemExit, "ours": UsageError}[self.kind]("too loud")


@pytest.mark.parametrize("kind", ["error", "exit", "ours", "recursion"])
def test_any_error_of_a_value_is_reported_by_patch_codemod_and_origin(kind: str) -> None:
    with pytest.raises(PatchError) as raised:
        apply_series(series(patch_of(Raises(kind))), TREE)
    start = f"the patch mine stops: the codemod python:{__name__}.Raises of the module {__name__} raised "
    assert raised.value.message.startswith(start)
    assert raised.value.__cause__ is not None
    assert raised.value.exit_code == 4


@dataclasses.dataclass(frozen=True)
class Contradicts:
    def apply(self, tree: SourceTree) -> Rewrite:
        return dataclasses.replace(Shout().apply(tree), finding=Finding.ABSENT)


def test_one_that_changes_what_it_does_not_find_is_faulty() -> None:
    with pytest.raises(PatchError, match=r"Contradicts is faulty: it reports 'absent', and yet changes files"):
        apply_series(series(patch_of(Contradicts())), TREE)


def test_a_folder_is_patched_and_reverted(tmp_path: Path) -> None:
    folder = write(TREE, tmp_path)
    before = read(folder)
    made = series(patch_of(Shout()))
    assert [change.path for change in apply_to_directory(made, folder).changes] == ["pkg/a.py"]
    assert (folder / "pkg/a.py").read_text() == "X = 'HELLO'\n"
    assert [str(result.outcome) for result in apply_series(made, TREE).results] == ["applied"]
    with pytest.raises(PatchError, match=r"does not apply to .* \(already-applied\): loud already"):
        apply_to_directory(made, folder)
    assert revert_directory("mine", folder) == ("pkg/a.py",)
    assert read(folder) == before


def test_a_folder_is_patched_with_codemods_that_are_given(tmp_path: Path) -> None:
    """By a mapping of names, and by packages that the caller allows."""
    folder = write(TREE, tmp_path)
    named = series_of({**DECORATOR, "codemod": "shout", "parameters": {}})
    assert apply_to_directory(named, folder, codemods={"shout": Shout}).changes
    revert_directory(named, folder)
    (folder / "pkg/a.py").write_text("import os\nos.path.join\n")
    foreign = {"codemod": "libcst:their_codemods.PosixPath", "parameters": {"files": ["**/*.py"]}}
    with pytest.raises(UsageError, match="does not allow it"):
        apply_to_directory(series_of({**DECORATOR, **foreign}), folder)
    assert apply_to_directory(series_of({**DECORATOR, **foreign}), folder, allow=["their_codemods"]).changes
