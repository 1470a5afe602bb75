"""Diffs that a series brings along, through the commands."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.commands import imported, refused, succeeds
from helpers.patches.series_files import DECORATOR
from helpers.patches.trees import read

DIFF = (
    "--- a/python/pkg/app.py\n+++ b/python/pkg/app.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 2\n y = 1\n"
    "--- a/test/test_app.py\n+++ b/test/test_app.py\n@@ -1 +1 @@\n-1\n+2\n"
)


def written(folder: Path, diff: str, **parameters: Any) -> Path:
    """A series with one diff beside it, and a folder of sources."""
    (folder / "src/pkg").mkdir(parents=True)
    (folder / "src/pkg/app.py").write_text("x = 1\ny = 1\n")
    (folder / "fix.patch").write_text(diff)
    fixed = {"file": "fix.patch", "sha256": hashlib.sha256(diff.encode()).hexdigest(), "strip": 2}
    patch = {**DECORATOR, "codemod": "unified-diff", "parameters": {**fixed, "exclude": ["test/**"], **parameters}}
    document = {"id": "mine", "summary": "Mine", "distribution": "pkg", "patches": [patch]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(document))))
    return folder / "src"


def test_a_diff_is_applied_found_again_and_taken_back(tmp_path: Path) -> None:
    source = written(tmp_path, DIFF)
    before = read(source)
    chosen = ("--source", source, "--series", tmp_path / "mine.yaml")
    assert succeeds("patch", "apply", *chosen) == (
        "applied          drop-compile\n"
        "    1 change made in 1 file; 1 file of the diff left out\n"
        "    pkg/app.py\n"
        "    left out: test/test_app.py: excluded; changed at fix.patch:7\n"
    )
    assert (source / "pkg/app.py").read_text() == "x = 2\ny = 1\n"
    assert succeeds("patch", "status", *chosen).startswith("already-applied  drop-compile\n    1 change there already;")
    assert succeeds("patch", "revert", *chosen) == "pkg/app.py\n"
    assert read(source) == before


def test_a_conflict_says_what_each_hunk_comes_to(tmp_path: Path) -> None:
    source = written(tmp_path, DIFF)
    (source / "pkg/app.py").write_text("x = 3\ny = 1\n")
    before = read(source)
    said = refused(4, "patch", "apply", "--source", source, "--series", tmp_path / "mine.yaml")
    assert (
        "    missing: pkg/app.py: the hunk at fix.patch:3: its lines are not the beginning of the file, where" in said
    )
    assert "    nearest: pkg/app.py:1: x = 3\n" in said
    assert read(source) == before


@pytest.mark.parametrize(
    ("diff", "parameters", "message"),
    [
        (DIFF[:-3], {}, "fix.patch:9: the hunk is to have 1 lines before and 1 after it, and ends at line 11 with 1 "),
        ("<!doctype html>\n", {}, "fix.patch:1: this is a page of a website (HTML), not a diff"),
        (DIFF.replace("python/pkg", "python/.."), {}, "fix.patch:1: '../app.py' is not a path in a source tree"),
        (DIFF, {"sha256": "0" * 64}, "'fix.patch' is not the file that the series pins"),
        (DIFF, {"exclude": ["**"]}, "fix.patch: all files of the diff are excluded"),
        (DIFF, {"strip": "2"}, "parameter strip: Input should be a valid integer"),
        (DIFF, {"content": ""}, "an unknown parameter: 'content'"),
    ],
)
def test_bad_diffs_end_before_anything_is_written(
    diff: str, parameters: dict[str, Any], message: str, tmp_path: Path
) -> None:
    source = written(tmp_path, diff, **parameters)
    before = read(source)
    assert message in refused(2, "patch", "apply", "--source", source, "--series", tmp_path / "mine.yaml")
    assert read(source) == before


def test_diffs_load_no_parser_of_python_and_nothing_for_networks_and_images(tmp_path: Path) -> None:
    source = written(tmp_path, DIFF)
    loaded = imported("patch", "apply", "--source", source, "--series", tmp_path / "mine.yaml")
    assert "m2build.patches.diffs.trying" in loaded
    heavy = {"libcst", "urllib3", "ssl", "http.client", "jinja2", "cyclonedx", "packageurl", "python_on_whales", "isal"}
    ours = {f"m2build.{name}" for name in ("registry", "layers", "derivation", "recipes", "engines", "evidence")}
    assert loaded & (heavy | ours) == set()
