"""Shell completion: the scripts are what the shells accept, and bash really completes with ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import succeeds
from support import need_tool

STARTS = {"bash": "_m2build_completion()", "zsh": "#compdef m2build", "fish": "function _m2build_completion"}


@pytest.mark.parametrize(("shell", "start"), STARTS.items())
def test_a_script_for_each_shell(shell: str, start: str) -> None:
    script = succeeds("completion", shell)
    assert script.lstrip().startswith(start)
    assert "_M2BUILD_COMPLETE" in script


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("m2build im", {"image"}),
        ("m2build patch ", {"apply", "diff", "list", "revert", "show", "status"}),
        ("m2build recipe show --js", {"--json"}),
        ("m2build image --progress ", {"auto", "plain", "quiet"}),
        ("m2build completion f", {"fish"}),
        ("m2build nothing-like-it x", set()),
    ],
)
def test_bash_completes(typed: str, offered: set[str], tmp_path: Path) -> None:
    """As pressing the tab key does: the function that the script defines is called with the words of the line."""
    words = typed.split(" ")
    program = f"""
        {succeeds("completion", "bash")}
        COMP_WORDS=({" ".join(word or "''" for word in words)}) COMP_CWORD={len(words) - 1}
        _m2build_completion m2build
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    (tmp_path / "m2build").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m m2build "$@"\n')
    (tmp_path / "m2build").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(
        [need_tool("bash"), "--norc", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert set(run.stdout.split()) == offered
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(("shell", "word", "line"), [("zsh", "1", "image\n"), ("fish", "im", "plain,image")])
def test_the_others_are_answered_too(shell: str, word: str, line: str) -> None:
    asked = {"_M2BUILD_COMPLETE": f"{shell}_complete", "COMP_WORDS": "m2build im", "COMP_CWORD": word}
    assert line in succeeds(environment=asked)
