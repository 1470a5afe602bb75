"""`m2build bake` and patched folders, killed at every changing system call: whole or as before, and no trace later."""

from __future__ import annotations

import pytest
from helpers.sweeps.killing import Commands
from helpers.sweeps.kills import Killed, sweep

pytestmark = pytest.mark.sweep

SOURCES = ("--unpinned", "--source", "dir:tree", "-o", "out")
BAKE = ("bake", "--tp", "4", "--tp", "8", *SOURCES)
OTHER = ("--set", "summary=Another")
PATCH = ("--source", "dir:tree", "-o", "out")

KILLED = (
    Killed("bake", BAKE, 56),
    Killed("bake again", (*BAKE, "--replace"), 70, before=((*BAKE, *OTHER),)),
    Killed("patches", ("patch", "diff", *PATCH), 17),
    Killed("a patched tree", ("patch", "apply", *PATCH), 40),
)
CASES = sum(killed.least for killed in KILLED)


@pytest.mark.parametrize("killed", KILLED, ids=lambda killed: killed.name)
def test_a_kill_at_every_changing_call(killed: Killed, killable: Commands) -> None:
    sweep(killed, killable)
