"""Public values are values: equal if they hold the same, short when printed, and whole after a pickle or a copy."""

from __future__ import annotations

import copy
import pickle
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from helpers.evidence.attested import small_plan

import m2build
from m2build import errors, patches
from m2build.locking.made import lock_of
from m2build.patches import FileChange, Finding, Patch, RenameModule, Rewrite, SourceFile, SourceTree

T = TypeVar("T")


def pickled(value: T) -> T:
    other: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - bytes of our own
    return other


@cache
def values() -> dict[str, object]:
    plan = small_plan()
    own = Patch.of(RenameModule("a", "b"), id="own", summary="S", why="W", author="A", last_update="2026-11-27")
    return {
        "base": plan.base,
        "plan": plan,
        "recipe": plan.selection.recipe,
        "selection": plan.selection,
        "changeset": plan.changeset,
        "change": plan.changes[0],
        "lock": lock_of([plan]),
        "series": plan.changeset.series,
        "own patch": own,
        "tree": SourceTree.of({"a.py": "x = 1\n", "b": SourceFile.of(b"", 0o755)}, release="1.0"),
        "file": SourceFile.of(b"x = 1\n"),
        "codemod": RenameModule("a", "b"),
        "rewrite": Rewrite(Finding.CHANGED, "d", (FileChange.created("a.py", SourceFile.of(b"x")),)),
        "place": m2build.Place.parse("oci:images:tp8"),
        "fit": m2build.size("minimax-m2.1")[0],
    }


NAMES = ["base", "plan", "recipe", "selection", "changeset", "change", "lock", "series", "own patch", "tree", "file",
         "codemod", "rewrite", "place", "fit"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_pickle_and_a_copy_are_equal_to_the_value(name: str) -> None:
    value = values()[name]
    for other in (pickled(value), copy.copy(value), copy.deepcopy(value)):
        assert other == value
        assert type(other) is type(value)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_of_a_value_can_be_read(name: str) -> None:
    """And no layer is in it: of the shipped recipe's stand-in that would be megabytes."""
    text = repr(values()[name])
    assert len(text) < 20_000
    assert "\\x00" not in text


def test_trees_of_other_bytes_differ_even_if_all_sizes_are_equal() -> None:
    assert SourceTree.of({"a.py": "x = 1\n"}) == SourceTree.of({"a.py": "x = 1\n"})
    assert SourceTree.of({"a.py": "x = 1\n"}) != SourceTree.of({"a.py": "x = 2\n"})
    assert SourceFile.of(b"x") != SourceFile.of(b"x", 0o755)
    assert hash(SourceFile.of(b"x")) == hash(SourceFile.of(b"x"))
    assert SourceFile.of(b"x") != "x"


def test_a_tree_of_a_folder_is_whole_without_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("a.py")
    tree = patches.from_directory(tmp_path)
    other = pickled(tree)
    (tmp_path / "a.py").unlink()
    assert other["a.py"].content == b"x = 1\n"
    assert (other.origin, dict(other.links)) == (tree.origin, {"link.py": "a.py"})


def test_two_looks_at_an_image_are_equal(tmp_path: Path) -> None:
    place = f"oci:{tmp_path / 'images'}"
    with m2build.Session() as session:
        session.deliver(small_plan(), place, name="small:tag")
    assert m2build.inspect(place) == m2build.inspect(place)


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("m", hint="h", details=["d"]),
        errors.ContentError("m", hint="h", may_pass=True),
        errors.TransportError("m", is_missing=True),
    ],
)
def test_errors_cross_processes_with_all_that_they_say(error: m2build.M2BuildError) -> None:
    other = pickled(error)
    assert type(other) is type(error)
    assert (str(other), vars(other)) == (str(error), vars(error))
