"""`m2build check`, and what `image`, `render`, `bake` and `mounts` say of launch flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.bases import SERVER_PATH
from helpers.cli.checkouts import checkout, quickly, store
from helpers.commands import m2build, refused, succeeds

WRONG = ("--set", "profiles.tp8.flags.tool-call-parser=minimax")
SAYS = (
    "m2build: SGLang 0.5.7 does not start with the launch flags of minimax-m2, tp8\n"
    "    --tool-call-parser does not take 'minimax'; did you mean minimax-m2?\n"
)
UNPROVABLE = "launch flags not provable for this base: its sources have no sglang/srt/server_args.py\n"
SOURCE = ("--unpinned", "--source", "dir:tree")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkout(tmp_path / "tree")
    return tmp_path


def test_a_profile_is_accepted(folder: Path) -> None:
    command = ("check", "--tp", "8", "--source", f"dir:{folder}/tree")
    first, warning, hint = quickly(*command).splitlines()
    assert first == "SGLang 0.5.7 accepts the launch flags of minimax-m2, tp8"
    assert warning.startswith("warning: up to ROCm 7.2.0, ")
    assert hint.endswith(" [https://github.com/sgl-project/sglang/issues/23580]")
    found = json.loads(quickly(*command, "--json"))
    assert [warning["rule"] for warning in found.pop("warnings")] == ["hip-graph-capture"]
    assert found == {"proven": True, "server": "SGLang 0.5.7", "reason": None, "unjudged": []}


def test_an_image_is_checked_where_the_recipe_says_its_sources_are(folder: Path) -> None:
    store(f"oci:{folder}/base:base")
    assert "accepts" in quickly("check", "--tp", "4", "--source", f"oci:{folder}/base:base")


def test_an_images_own_variables_are_looked_at(folder: Path) -> None:
    legacy = {"Env": ["HSA_ENABLE_IPC_MODE_LEGACY=0", "HSA_ENABLE_IPC_MODE_LEGACY=1"]}
    store(f"oci:{folder}/legacy:base", config=legacy)
    warnings = json.loads(quickly("check", "--tp", "8", "--source", f"oci:{folder}/legacy:base", "--json"))["warnings"]
    assert [warning["rule"] for warning in warnings] == ["hip-graph-capture", "legacy-ipc"]


def test_a_wrong_flag_is_exit_code_6(folder: Path) -> None:
    run = m2build("check", "--tp", "8", *WRONG, "--source", "dir:tree", cwd=folder)
    assert (run.returncode, run.stdout) == (6, "")
    assert run.stderr.startswith(SAYS)


def test_another_server_is_not_provable(folder: Path) -> None:
    (folder / "tree" / SERVER_PATH).unlink()
    command = ("check", "--tp", "8", "--source", f"dir:{folder}/tree")
    assert quickly(*command) == UNPROVABLE
    assert json.loads(quickly(*command, "--json"))["proven"] is False


MAKES = {
    "image": ("image", "--tp", "8", "--base", "dir:tree", "-o", "oci:out"),
    "render": ("render", "--tp", "8", *SOURCE, "-o", "out"),
    "bake": ("bake", "--tp", "4", "--tp", "8", *SOURCE, "-o", "out"),
    "mounts": ("mounts", "--tp", "8", *SOURCE, "-o", "out"),
    "a dry run": ("image", "--tp", "8", "--base", "dir:tree", "-o", "oci:out", "--dry-run"),
}


@pytest.mark.parametrize("makes", MAKES)
def test_nothing_is_made_with_flags_that_the_server_refuses(makes: str, folder: Path) -> None:
    run = m2build(*MAKES[makes], *WRONG, cwd=folder)
    assert (run.returncode, run.stdout) == (6, "")
    assert run.stderr.startswith(SAYS)
    assert [path.name for path in folder.iterdir()] == ["tree"]


def test_a_shape_that_cannot_run_is_refused_as_well(folder: Path) -> None:
    run = m2build(*MAKES["image"], "--set", "profiles.tp8.flags.ep-size=1", cwd=folder)
    assert run.returncode == 6
    assert "    each GPU gets 1536 / 8 = 192 columns of an expert, and FP8 has blocks of 128" in run.stderr
    assert "\n        add ep-size 8 [https://github.com/sgl-project/sglang/issues/23265]\n" in run.stderr


@pytest.mark.parametrize("makes", ["image", "bake"])
def test_with_another_server_the_user_is_told_once(makes: str, folder: Path) -> None:
    (folder / "tree" / SERVER_PATH).unlink()
    run = m2build(*MAKES[makes], cwd=folder)
    assert run.returncode == 0
    assert run.stderr == f"m2build: {UNPROVABLE}"


def test_the_flags_are_those_of_the_patched_sources(folder: Path) -> None:
    """A series may add a flag to the server, as a backport does."""
    wanted = ("--set", "profiles.tp8.flags.new-flag=1")
    refused(6, *MAKES["image"], *wanted, cwd=folder)
    (folder / "mine.yaml").write_text(
        "id: mine\nsummary: A flag\ndistribution: sglang\npatches:\n  - id: add-flag\n    summary: Add a flag\n"
        "    why: To try it.\n    author: Jo\n    last_update: '2026-11-27'\n    releases: '>=0.5'\n"
        "    codemod: replace-text\n"
        f"    parameters:\n      path: {SERVER_PATH}\n"
        "      old: '\"--chunked-prefill-size\", type=int)'\n"
        '      new: \'"--chunked-prefill-size", "--new-flag", type=int)\'\n'
    )
    succeeds(*MAKES["image"], *wanted, "--set", "series=mine.yaml", cwd=folder)
