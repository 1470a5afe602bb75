"""Running the command line without root's rights on files of another user.

The process keeps root's id, under which the checkout can be read wherever it is. Without these capabilities it has the
rights that a file's mode gives to others (capabilities(7)).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from helpers.support import need_root, need_tool

OWNER = 65534
"""The user and the group that own the files: not root."""
_RIGHTS = ",".join(f"-{right}" for right in ("chown", "dac_override", "dac_read_search", "fowner"))
_HERE = Path(__file__).parents[2]


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    stdout: str
    stderr: str


def without_rights(
    folder: Path, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str]
) -> dict[str, Outcome]:
    """Run commands one after the other in a folder, by one process; what each did, by its name."""
    need_root("gives up rights")
    become = [need_tool("setpriv"), f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}", "--"]
    run = [sys.executable, "-c", "from helpers.cli.another_user import run_all; run_all()"]
    around = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_HERE), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    orders = json.dumps(commands)
    done = subprocess.run(
        [*become, *run], cwd=folder, env=around, input=orders, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name: Outcome(*outcome) for name, outcome in json.loads(done.stdout).items()}


def run_all() -> None:
    """What the process does: commands as JSON from stdin, outcomes as JSON to stdout."""
    json.dump({name: _outcome(words) for name, words in json.load(sys.stdin).items()}, sys.stdout)


def _outcome(words: Sequence[str]) -> Outcome:
    from m2build.cli import main

    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        with out.open("w") as stdout, err.open("w") as stderr, redirect_stdout(stdout), redirect_stderr(stderr):
            code = main([*words])
        return Outcome(code, out.read_text(), err.read_text())
