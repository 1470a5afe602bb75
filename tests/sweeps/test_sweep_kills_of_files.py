"""Commands that write a file or a small folder, killed at each changing system call: no output is ever half-written."""

from __future__ import annotations

import pytest
from helpers.sweeps.killing import Commands
from helpers.sweeps.kills import Killed, sweep

pytestmark = pytest.mark.sweep

LOCK = ("lock", "--tp", "8", "--base", "oci:base:v1", "--lock", "out", "--update")
IMPORT = ("patch", "import", "--diff", "fix.patch", "--series", "out.yaml")
KILLED = (
    Killed("lock", LOCK, 58, is_cold=True),
    Killed("lock again", LOCK, 8, before=((*LOCK, "--set", "summary=Another"),)),
    Killed("kubernetes", ("kubernetes", "--tp", "8", "--image", "r.example/a:b", "-o", "out"), 24),
    Killed("mounts", ("mounts", "--tp", "8", "--source", "dir:tree", "--unpinned", "-o", "out"), 67),
    Killed(
        "patch import", IMPORT, 14, ("out.yaml", "out/fix.patch"), before=((*IMPORT, "--id", "first"),), is_once=True
    ),
    Killed("recipe new", ("recipe", "new", "mine", "-o", "out"), 7, is_once=True),
)
CASES = sum(killed.least for killed in KILLED)


@pytest.mark.parametrize("killed", KILLED, ids=lambda killed: killed.name)
def test_a_kill_at_every_changing_call(killed: Killed, killable: Commands) -> None:
    sweep(killed, killable)
