"""Series: what a document may contain, and the outcome of each patch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.commands import refused, succeeds
from helpers.patches.series_files import DECORATOR, FILES, RENAME, applied, series_of
from helpers.patches.trees import tree_of, write

from m2build.documents.document import load_document
from m2build.documents.validation import validate
from m2build.errors import UsageError
from m2build.patches.loading import load_series
from m2build.patches.series import Series
from m2build.patches.series_text import series_names

TEXT = """\
id: mine
summary: One line
distribution: pkg
patches:
  - id: first
    summary: What changes
    why: |
      Because.
    codemod: rename-module
    parameters: {module: pkg.old, to: pkg.new}
    releases: ">=1,<2"
    author: Me
    last_update: 2026-11-23
"""


def read(text: str) -> Series:
    return validate(load_document(text, name="mine.yaml"), Series)


def test_a_series_document_is_read_whole() -> None:
    series = read(TEXT)
    (patch,) = series.patches
    assert (series.id, series.distribution) == ("mine", "pkg")
    assert (patch.id, patch.why, patch.parameters) == ("first", "Because.\n", {"module": "pkg.old", "to": "pkg.new"})
    assert (patch.references, patch.when_absent, patch.accept, patch.forwarded) == ((), "target-gone", (), "no")
    assert patch.last_update == "2026-11-23"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("summary: What", "sumary: What", r"mine\.yaml:6:5: unknown key 'sumary'; did you mean 'summary'\?"),
        ("distribution: pkg", "distributoin: pkg", r"mine\.yaml:3:1: unknown key 'distributoin'; did you mean 'distri"),
        ("    author: Me\n", "    author: Me\n    author: You\n", r"mine\.yaml:13:5: the key 'author' is repeated"),
        ("    author: Me\n", "", r"mine\.yaml:5:\d+: the key 'author' is missing"),
        ("summary: One line", "summary: [One, line]", r"mine\.yaml:2:1: summary: "),
        ("{module: pkg.old, to: pkg.new}", "[pkg.old]", r"mine\.yaml:10:5: patches\.0\.parameters: "),
        ("author: Me", "author: 7", r"mine\.yaml:12:5: patches\.0\.author: "),
        ("id: first", "id: First One", r"mine\.yaml:5:5: patches\.0\.id: "),
        ('">=1,<2"', "some", r"mine\.yaml:11:5: patches\.0\.releases: 'some' is not a version specifier"),
        ("last_update: 2026-11-23", "last_update: 23.11.2026", r"mine\.yaml:13:5: patches\.0\.last_update: "),
        ("last_update: 2026-11-23", "last_update: 2026-02-30", r"mine\.yaml:13:5: .*: 2026-02-30 is not a valid date"),
        ("last_update: 2026-11-23", "last_update: ٢٠٢٦-11-23", r"patches\.0\.last_update: String should match"),
        ("author: Me", 'author: "a\\u2028b"', r"patches\.0\.author: String should match"),
        ("last_update:", "when_absent: applied\n    last_update:", r"mine\.yaml:13:5: patches\.0\.when_absent: "),
        ("last_update:", "accept: [conflict]\n    last_update:", r"mine\.yaml:13:\d+: patches\.0\.accept\.0: "),
        ("last_update:", "accept: already-applied\n    last_update:", r"mine\.yaml:13:5: patches\.0\.accept: "),
        ("last_update:", "references: [example]\n    last_update:", r"mine\.yaml:13:\d+: patches\.0\.references\.0: "),
        ("Because.", "+++ b/x", r"mine\.yaml:7:5: patches\.0\.why: the line '\+\+\+ b/x' could be taken"),
        ("Because.", "  @@ -1 +1 @@", r"mine\.yaml:7:5: patches\.0\.why: the line .* could be taken"),
        ("Because.", "diff --git a/x b/x", r"patches\.0\.why: the line 'diff --git a/x b/x' could be taken"),
        ("Because.", "5,6c7", r"patches\.0\.why: the line '5,6c7' could be taken"),
        ("patches:", "patches: []\nmore:", r"mine\.yaml:5:1: unknown key 'more'"),
        ("id: mine", "id: [", r"mine\.yaml:\d+:\d+: not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(UsageError, match=message):
        read(TEXT.replace(old, new, 1))


def test_two_patches_of_one_id_are_refused() -> None:
    first = TEXT[TEXT.index("  - id: first") :]
    with pytest.raises(UsageError, match="two patches have the id 'first'"):
        read(TEXT + first)


def test_a_series_needs_a_patch() -> None:
    with pytest.raises(UsageError, match="patches: "):
        read(TEXT[: TEXT.index("patches:")] + "patches: []\n")


def test_shipped_series_are_loaded_by_name_and_typos_get_a_suggestion() -> None:
    assert series_names() == ["minimax-m2-rocm", "minimax-m2-vllm", "sglang-stock", "vllm-stock"]
    series = load_series("minimax-m2-rocm")
    assert [patch.id for patch in series.patches] == ["rename-transformers-module", "disable-rmsnorm-compile"]
    assert series.patch("disable-rmsnorm-compile").codemod == "remove-decorator"
    assert any("issues/16102" in reference for reference in series.patches[1].references)
    with pytest.raises(UsageError, match="there is no series 'minimax-m2-rcom'; did you mean 'minimax-m2-rocm'"):
        load_series("minimax-m2-rcom")
    with pytest.raises(UsageError, match="no patch 'disable-compile'; did you mean 'disable-rmsnorm-compile'"):
        series.patch("disable-compile")


def test_series_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no series file .*none\.yaml"):
        load_series(str(tmp_path / "none.yaml"))
    with pytest.raises(UsageError, match="is a directory, not a series file"):
        load_series(f"{tmp_path}/")
    (tmp_path / "latin.yaml").write_bytes(b"id: \xe9\n")
    with pytest.raises(UsageError, match=r"latin\.yaml:1:5: not UTF-8 text"):
        load_series(str(tmp_path / "latin.yaml"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codemod": "rename-modul"}, "names no codemod that is installed: 'rename-modul'; did you mean 'rename-"),
        ({"parameters": {"modul": "pkg.old", "to": "x"}}, "rename-module an unknown parameter: 'modul'; did you mean"),
        ({"parameters": {"module": "pkg.old"}}, "the patch first, parameter to: "),
        ({"parameters": {"module": "pkg.old", "to": 5}}, "the patch first, parameter to: "),
        ({"parameters": {"module": "pkg.old", "to": "pkg-new"}}, "first: 'pkg-new' is not a dotted Python name"),
        (
            {"codemod": "remove-decorator", "parameters": {"module": "pkg", "decorator": "d", "style": "hide"}},
            "parameter style: ",
        ),
    ],
)  # fmt: skip
def test_codemods_and_parameters_are_checked_by_name_and_type(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        applied(tree_of(FILES), {**RENAME, "id": "first", **change})


def test_a_custom_series_on_a_custom_tree(tmp_path: Path) -> None:
    """`m2build patch … --series ./mine.yaml --source DIR`, as a user runs it."""
    folder = write(tree_of(FILES), tmp_path / "tree")
    document = series_of(RENAME, DECORATOR).model_dump(mode="json")
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump(document))
    out = succeeds("patch", "status", "--source", folder, "--series", mine)
    assert "applied          rename-old" in out
    assert "not rewritten: notes.md:1: pkg.old" in out
    document["patches"][0]["codemod"] = "remove-decorators"
    mine.write_text(yaml.safe_dump(document))
    assert "did you mean 'remove-decorator'?" in refused(2, "patch", "status", "--source", folder, "--series", mine)
