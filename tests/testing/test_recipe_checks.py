"""`m2build.testing` compares series and recipes with the expected results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.patches.series_files import DECORATOR, FILES, RENAME, series_of

from m2build.errors import UsageError
from m2build.patches import FileChange, Finding, Patch, Rewrite, Series, SourceFile, SourceTree, load_series
from m2build.testing import assert_commands, assert_series

START = "python3 -m sglang.launch_server --model-path MiniMaxAI/MiniMax-M2.1"
TP4 = (
    f"{START} --tp-size 4 --tool-call-parser minimax-m2 --reasoning-parser minimax-append-think --host 0.0.0.0 "
    "--trust-remote-code --port 8000 --mem-fraction-static 0.85"
)
TP8 = (
    f"{START} --tp-size 8 --ep-size 8 --tool-call-parser minimax-m2 --trust-remote-code --host 0.0.0.0 "
    "--reasoning-parser minimax-append-think --port 8000 --mem-fraction-static 0.85"
)


@dataclass(frozen=True)
class More:
    """Never has enough."""

    def apply(self, tree: SourceTree) -> Rewrite:
        before = tree["a.py"]
        after = SourceFile.of(before.content + b"more\n")
        return Rewrite(Finding.CHANGED, "more", (FileChange("a.py", before, "a.py", after),))


def test_a_series_and_what_it_does() -> None:
    norm = str(FILES["pkg/norm.py"])
    after = {
        "pkg/old.py": None,
        "pkg/new.py": FILES["pkg/old.py"],
        "pkg/my notes é.py": "from pkg import new as old\r\nfrom pkg.new import value\r\n",
        "pkg/norm.py": norm.replace("@", "# @"),
    }
    changeset = assert_series(series_of(RENAME, DECORATOR), FILES, after)
    assert [str(result.outcome) for result in changeset.results] == ["applied", "applied"]
    with pytest.raises(
        AssertionError, match=r"the series small gives a different tree:\n(?s:.*)\n\+    # @torch\.compile"
    ):
        assert_series(series_of(RENAME, DECORATOR), FILES, {**after, "pkg/norm.py": norm})


def test_a_series_that_does_not_apply_fails() -> None:
    with pytest.raises(AssertionError, match=r"rename-old does not apply to .* \(target-gone\)"):
        assert_series(series_of(RENAME), {"pkg/a.py": ""})


def test_a_series_that_changes_its_own_result_fails() -> None:
    patch = Patch.of(More(), id="more", summary="More", why="More.", author="Me", last_update="2026-11-27")
    series = Series.of(patch, id="more", summary="More", distribution="pkg")
    with pytest.raises(AssertionError, match=r"the series more changes its own result:\n(?s:.*)\n more\n\+more"):
        assert_series(series, {"a.py": ""}, {"a.py": "more\n"})


def test_a_result_that_does_not_compile_fails() -> None:
    patch = Patch.of(More(), id="more", summary="More", why="More.", author="Me", last_update="2026-11-27")
    series = Series.of(patch, id="more", summary="More", distribution="pkg")
    with pytest.raises(AssertionError, match=r"a\.py does not compile after the change"):
        assert_series(series, {"a.py": "so much "}, {"a.py": "so much more\n"})


def test_the_shipped_recipe_on_its_sources(sglang_tree: SourceTree) -> None:
    recipe = assert_commands("minimax-m2", {"tp4": TP4, "tp8": TP8.split()})
    changeset = assert_series(recipe.series_names["sources"], sglang_tree)
    assert changeset.series == load_series("minimax-m2-rocm")
    assert len(changeset.changes) == 4


def test_a_command_line_is_compared_word_by_word() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_commands("minimax-m2", {"tp4": TP4, "tp8": TP8.replace("--tp-size 8", "--tp-size=8")})
    first, *lines = str(raised.value).splitlines()
    assert first == "the profile tp8 of minimax-m2 has a different command line:"
    assert [line for line in lines[2:] if line[0] in "+-"] == ["---tp-size=8", "+--tp-size", "+8"]


def test_every_profile_has_to_be_named() -> None:
    with pytest.raises(AssertionError, match=r"the recipe minimax-m2 has different profiles:\n(?s:.*)\n tp4\n\+tp8$"):
        assert_commands("minimax-m2", {"tp4": TP4})


def test_a_model_can_be_named() -> None:
    commands = {name: command.replace("M2.1", "M2") for name, command in (("tp4", TP4), ("tp8", TP8))}
    assert_commands("minimax-m2", commands, model="minimax-m2")
    with pytest.raises(UsageError, match="has no model 'nothing'"):
        assert_commands("minimax-m2", commands, model="nothing")


def test_a_recipe_has_to_load(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: minimax-m2\nprofile: {}\n")
    with pytest.raises(UsageError, match=r"mine\.yaml:2:1: unknown key 'profile'"):
        assert_commands(str(tmp_path / "mine.yaml"), {})
