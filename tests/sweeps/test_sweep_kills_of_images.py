"""`m2build image`, killed at every changing system call: outputs stay whole, and the next run leaves no trace of it."""

from __future__ import annotations

import pytest
from helpers.sweeps.killing import Commands
from helpers.sweeps.kills import Killed, sweep

pytestmark = pytest.mark.sweep

TP4 = ("image", "--base", "oci:base", "--tp", "4")
TP8 = ("image", "--base", "oci:base", "--tp", "8")
REPORT = ("--iidfile", "iid", "--metadata-file", "meta")

KILLED = (
    Killed("a new layout, with a cold cache", (*TP8, "-o", "oci:out"), 90, is_cold=True),
    Killed("a new layout", (*TP8, "-o", "oci:out"), 50, before=((*TP8, "-o", "oci:warm"),)),
    Killed("a second image", (*TP8, "-o", "oci:out"), 20, before=((*TP4, "-o", "oci:out"),)),
    Killed("another image", (*TP8, "-o", "oci:out:v1", "--replace"), 20, before=((*TP4, "-o", "oci:out:v1"),)),
    Killed(
        "an archive and its account", (*TP8, *REPORT, "-o", "oci-archive:out"), 24, ("out", "iid", "meta"),
        before=((*TP8, "-o", "oci:warm"),),
    ),
    Killed(
        "another archive", (*TP8, "-o", "oci-archive:out", "--replace"), 10, before=((*TP4, "-o", "oci-archive:out"),)
    ),
    Killed("a Docker archive", (*TP8, "-o", "docker-archive:out"), 18, before=((*TP4, "-o", "oci:warm"),)),
    Killed(
        "another Docker archive, by a link", (*TP8, "-o", "docker-archive:link", "--replace"), 18,
        before=((*TP4, "-o", "docker-archive:out"),),
    ),
    Killed("a Docker archive on stdout", (*TP8, "-o", "docker-archive:-"), 20, (), before=((*TP4, "-o", "oci:warm"),)),
)  # fmt: skip
CASES = sum(killed.least for killed in KILLED)


@pytest.mark.parametrize("killed", KILLED, ids=lambda killed: killed.name)
def test_a_kill_at_every_changing_call(killed: Killed, killable: Commands) -> None:
    sweep(killed, killable)
