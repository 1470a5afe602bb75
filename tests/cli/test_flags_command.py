"""`m2build flags`: a server's flags as a reference, and how two servers differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.bases import SERVER_PATH
from helpers.cli.checkouts import checkout, quickly
from helpers.commands import refused


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return checkout(tmp_path / "tree")


def test_all_flags_are_listed_one_a_line(tree: Path) -> None:
    lines = quickly("flags", "--source", f"dir:{tree}").splitlines()
    assert len(lines) == 13
    assert lines[:2] == ["--model-path, --model TEXT (required)", "--host TEXT (default: 127.0.0.1)"]
    assert "--trust-remote-code" in lines
    assert "--tool-call-parser {minimax-m2|qwen25}" in lines


@pytest.mark.parametrize("name", ["ep", "--ep-size", "expert_parallel_size"])
def test_a_flag_is_shown_by_any_of_its_names(name: str, tree: Path) -> None:
    shown = quickly("flags", "--source", f"dir:{tree}", "--", name)
    assert shown == "--expert-parallel-size, --ep-size, --ep INT (default: 1)\n"


def test_a_word_finds_flags_with_their_help(tree: Path) -> None:
    path = tree / SERVER_PATH
    text = path.read_text()
    path.write_text(text.replace('"--reasoning-parser", type=str,', '"--reasoning-parser", help="What\\n  it reads.",'))
    assert quickly("flags", "parser", "--source", f"dir:{tree}").splitlines() == [
        "--tool-call-parser {minimax-m2|qwen25}",
        "--reasoning-parser {minimax-append-think|qwen3}",
        "    What it reads.",
    ]


def test_a_flag_as_json_has_all_its_attributes(tree: Path) -> None:
    (flag,) = json.loads(quickly("flags", "port", "--source", f"dir:{tree}", "--json"))
    assert flag == {
        "names": ["--port"], "dest": "port", "action": "store", "type": "int", "nargs": None, "const": None,
        "default": 30000, "choices": None, "required": False, "help": None, "retired": None, "unknown": [],
    }  # fmt: skip


def test_a_difference_has_what_is_new_gone_and_changed(tree: Path, tmp_path: Path) -> None:
    newer = checkout(tmp_path / "newer")
    path = newer / SERVER_PATH
    text = path.read_text().replace("default=30000", "default=8000").replace('"qwen25"', '"qwen3"')
    path.write_text(text.replace("--served-model-name", "--name").replace('"--ep-size", "--ep"', '"--ep-size"'))
    command = ("flags", "--source", f"dir:{tree}", "--diff", f"dir:{newer}")
    assert quickly(*command).splitlines() == [
        "- --served-model-name TEXT",
        "+ --name TEXT",
        "~ --port: default: 30000 -> 8000",
        "~ --expert-parallel-size: without the name --ep",
        "~ --tool-call-parser: without the choice qwen25; with the choice qwen3",
    ]
    found = json.loads(quickly(*command, "--json"))
    assert [flag["names"] for flag in found["removed"]] == [["--served-model-name"]]
    assert found["changed"][0] == {"name": "--port", "differences": ["default: 30000 -> 8000"]}
    assert quickly("flags", "--source", f"dir:{tree}", "--diff", f"dir:{tree}") == ""


def test_what_cannot_be_shown_is_refused(tree: Path) -> None:
    source = ("--source", f"dir:{tree}")
    assert "no flag 'tp-sise'; did you mean 'tp-size'?" in refused(2, "flags", "tp-sise", *source)
    assert "NAME and --diff exclude each other" in refused(2, "flags", "tp", *source, "--diff", f"dir:{tree}")
    (tree / SERVER_PATH).unlink()
    assert "cannot be read: its sources have no sglang/srt/server_args.py" in refused(2, "flags", *source)
