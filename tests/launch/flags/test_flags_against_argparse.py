"""What is read from SGLang's sources is what argparse has of the real `add_cli_args`, flag for flag."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.launch.releases import ATTRIBUTES, flags_of, pin_of, recorded, recorded_pin

from m2build.launch.flags.model import Flag
from m2build.launch.flags.server import ServerFlags

COUNTS = {"0.5.7": 313, "0.5.14": 420, "0.5.20": 494}
STYLES = {"0.5.7": "calls", "0.5.14": "fields", "0.5.20": "namespaces"}


def as_argparse_has_it(flag: Flag) -> dict[str, Any]:
    found = {name: getattr(flag, name) for name in ATTRIBUTES}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


@pytest.mark.parametrize("release", COUNTS)
def test_the_flags_are_those_of_the_real_parser(release: str) -> None:
    """The record is of these very sources; `pytest --sweep` makes it anew, and holds six releases to it."""
    assert pin_of(release) == recorded_pin(release)
    real = {tuple(flag["names"]): flag for flag in recorded(release)}
    ours = {flag.names: flag for flag in flags_of(release).flags}
    assert len(real) == COUNTS[release]
    assert ours.keys() == real.keys()
    wrong = [
        (names, name, real[names][name], value)
        for names, flag in ours.items()
        for name, value in as_argparse_has_it(flag).items()
        if name not in flag.unknown and repr(value) != repr(real[names][name])
    ]
    assert wrong == []


@pytest.mark.parametrize(("release", "unknown"), [("0.5.7", 0), ("0.5.14", 1), ("0.5.20", 1)])
def test_next_to_nothing_is_unknown(release: str, unknown: int) -> None:
    """A variable decides one choice of --sampling-backend when the server runs."""
    found = [(flag.names, flag.unknown) for flag in flags_of(release).flags if flag.unknown]
    assert found == [(("--sampling-backend",), ("choices",))] * unknown


@pytest.mark.parametrize("release", COUNTS)
def test_a_server_is_stored_and_read_back(release: str) -> None:
    server = flags_of(release)
    assert server.style == STYLES[release]
    assert (server.release, server.source) == (release, "sglang/srt/server_args.py")
    assert ServerFlags.decoded(server.encoded()) == server
