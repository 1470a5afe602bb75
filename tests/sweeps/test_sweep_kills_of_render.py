"""`m2build render`, killed at every changing system call: whole or as it was, and no trace after a rerun."""

from __future__ import annotations

import pytest
from helpers.sweeps.killing import Commands
from helpers.sweeps.kills import Killed, sweep

pytestmark = pytest.mark.sweep

SOURCES = ("--unpinned", "--source", "dir:tree", "-o", "out")
RENDER = ("render", "--tp", "8", *SOURCES)
OTHER = ("--set", "summary=Another")

KILLED = (
    Killed("render", RENDER, 46),
    Killed("render again", (*RENDER, "--replace"), 60, before=((*RENDER, *OTHER),)),
)
CASES = sum(killed.least for killed in KILLED)


@pytest.mark.parametrize("killed", KILLED, ids=lambda killed: killed.name)
def test_a_kill_at_every_changing_call(killed: Killed, killable: Commands) -> None:
    sweep(killed, killable)
