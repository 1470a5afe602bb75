"""The library also logs what it reports: at the right levels, and silently unless the application configures it."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from m2build.progress import Logged

EVERYTHING = """
from m2build.progress import Logged
for progress in (Logged(), Logged()):
    progress.step("step 100 %s")
    progress.transfer("blob", 1, 2)
    progress.output("output")
    progress.notice("notice")
"""


class Noted:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def step(self, message: str) -> None:
        self.calls.append(("step", message))

    def transfer(self, label: str, done: int, total: int) -> None:
        self.calls.append(("transfer", label, done, total))

    def output(self, line: str) -> None:
        self.calls.append(("output", line))

    def notice(self, sentence: str) -> None:
        self.calls.append(("notice", sentence))


def test_each_event_has_its_level_and_is_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    noted = Noted()
    progress = Logged(noted)
    with caplog.at_level(logging.DEBUG, "m2build"):
        progress.step("100 %s")
        progress.transfer("blob", 1, 2)
        progress.output("50 %")
        progress.notice("moved")
    assert caplog.record_tuples == [
        ("m2build", logging.INFO, "100 %s"),
        ("m2build", logging.DEBUG, "50 %"),
        ("m2build", logging.WARNING, "moved"),
    ]
    assert noted.calls == [("step", "100 %s"), ("transfer", "blob", 1, 2), ("output", "50 %"), ("notice", "moved")]


def test_a_log_gets_one_printable_line_and_the_caller_the_text_itself(caplog: pytest.LogCaptureFixture) -> None:
    noted, hostile = Noted(), "reading \x1b[2Ja\nm2build: done\udcff"
    with caplog.at_level(logging.DEBUG, "m2build"):
        for say in (Logged(noted).step, Logged(noted).output, Logged(noted).notice):
            say(hostile)
    assert {record.getMessage() for record in caplog.records} == {r"reading \x1b[2Ja\nm2build: done\udcff"}
    assert {call[1] for call in noted.calls} == {hostile}


def printed(before: str = "") -> tuple[str, str]:
    run = subprocess.run([sys.executable, "-c", before + EVERYTHING], capture_output=True, text=True, check=True)
    return run.stdout, run.stderr


def test_nothing_is_printed_unless_the_application_asks_for_it() -> None:
    assert printed() == ("", "")


def test_an_application_that_asks_for_it_gets_each_message_once() -> None:
    out, err = printed("import logging\nlogging.basicConfig(level='INFO')\n")
    assert out == ""
    assert err.splitlines() == ["INFO:m2build:step 100 %s", "WARNING:m2build:notice"] * 2
