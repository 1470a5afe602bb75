"""Which files a patch names with globs: those that the standard library's `glob` finds on disk."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from m2build.errors import UsageError
from m2build.patches.globs import glob_pattern

PATHS = [
    "m.py", "n.py", "m.pyi", "a/m.py", "a/b/m.py", "a/b/c/m.py", "a/b/[x].py", "a/b/x.py", "a/b/-.py", "a/b/!.py",
    "a.b/m.py", "b/m.py", "a/mxpy", "a/b/m^.py", "a/.hidden/m.py", "ab/new\nline.py", "ab/é.py",
]  # fmt: skip
GLOBS = [
    "m.py", "*.py", "**/*.py", "**/m.py", "a/**", "a/**/m.py", "a/*/m.py", "**", "*", "a/b/?.py", "a/b/[x].py",
    "a/b/[!x].py", "a/b/[a-z].py", "a/b/[[]x].py", "a/b/[^x].py", "a/b/[]x].py", "a.b/*", "a?b/*", "*/*.py*",
    "**/b/**/*.py", "ab/*", "A/m.py", "a/b/m[", "[!a]*/m.py", "a[/]m.py", "a/b/[!-].py", "a/b/[-x].py", "a/b/[&&x].py",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for path in PATHS:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


@pytest.mark.parametrize("pattern", GLOBS)
def test_a_glob_matches_what_it_finds_on_disk(pattern: str, folder: Path) -> None:
    found = glob.glob(pattern, root_dir=folder, recursive=True, include_hidden=True)  # noqa: PTH207 - it is the judge
    matched = glob_pattern([pattern])
    assert [path for path in PATHS if matched.fullmatch(path)] == [path for path in PATHS if path in found]


def test_several_globs_match_what_any_of_them_matches() -> None:
    matched = glob_pattern(["a/*.py", "m.py"])
    assert [path for path in PATHS if matched.fullmatch(path)] == ["m.py", "a/m.py"]


@pytest.mark.parametrize("pattern", ["/m.py", "", "a//m.py", "../m.py", "./m.py", "a/"])
def test_what_matches_no_path_of_a_tree_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="matches no path of a tree"):
        glob_pattern(["m.py", pattern])


def test_no_glob_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="no files are named"):
        glob_pattern([])
