"""What is shown during the work: redrawn on a terminal, line by line elsewhere, or not at all."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, store
from helpers.cli.terminals import on_a_terminal, received_on_a_terminal
from helpers.commands import m2build
from helpers.warm import server, warm_program

from m2build.cli import output
from m2build.cli import progress as module
from m2build.cli.progress import PlainProgress, TerminalProgress, progress
from m2build.errors import M2BuildError

RESULT = re.compile(r"docker-archive:\S+\.tar:m2build/minimax-m2\.1:tp8@sha256:[0-9a-f]{64}\n")


@pytest.fixture(autouse=True)
def _as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("M2BUILD_PROGRESS")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("tree"))


def derive(base: str, out: Path, *options: str) -> list[str]:
    return ["image", "--tp", "8", "--base", base, "-o", f"docker-archive:{out}", *options]


def started(
    *arguments: str, columns: int = 200, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], bytes]:
    """The command, from a warm start, with a pipe for its stdout; and what the terminal received."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(warm_program(Path(folder) / "m2build")), *arguments]
        return on_a_terminal(
            command, stdout=subprocess.PIPE, columns=columns, environment=environment, pass_fds=[server()]
        )


def seen_on_a_terminal(*arguments: str, columns: int = 200) -> tuple[str, str]:
    """What stdout, a pipe, and stderr, a terminal, receive."""
    run, seen = started(*arguments, columns=columns)
    assert run.returncode == 0, seen
    return run.stdout, seen.decode()


def test_a_terminal_sees_percentages_and_a_log_lines(tree: Path, tmp_path: Path) -> None:
    out, seen = seen_on_a_terminal(*derive(f"dir:{tree}", tmp_path / "seen.tar"))
    assert RESULT.fullmatch(out)
    assert seen.startswith("reading layer ")
    assert "\nwriting layer " in seen
    piped = m2build(*derive(f"dir:{tree}", tmp_path / "piped.tar"))
    assert (piped.returncode, piped.stdout) == (0, out.replace("seen.tar", "piped.tar"))
    assert re.fullmatch(r"reading layer [^\n]*\n(writing layer [^\n\r\x1b]*\n)+", piped.stderr), piped.stderr


@pytest.mark.parametrize("how", ["option", "variable"])
def test_progress_can_be_quiet_or_plain(how: str, tree: Path, tmp_path: Path) -> None:
    def run(mode: str) -> tuple[str, str]:
        options = ["--progress", mode] if how == "option" else []
        variable = {"M2BUILD_PROGRESS": mode} if how == "variable" else {}
        run, seen = started(*derive(f"dir:{tree}", tmp_path / f"{mode}.tar", *options), environment=variable)
        assert run.returncode == 0
        return run.stdout, seen.decode()

    out, seen = run("quiet")
    assert RESULT.fullmatch(out)
    assert seen == ""
    seen = run("plain")[1]
    assert len(seen.splitlines()) >= 2
    assert "\x1b" not in seen


def test_what_moves_is_a_percentage_that_ends(tmp_path: Path) -> None:
    store(f"oci:{tmp_path}/base:base")
    command = ["image", "--tp", "8", "--base", f"oci:{tmp_path}/base", "-o", f"oci:{tmp_path}/out"]
    _, seen = seen_on_a_terminal(*command)
    assert "100 % of " in seen
    assert seen.endswith("\r\x1b[K"), "the line of the percentage is cleared at the end"
    (folder := tmp_path / "narrow").mkdir()
    _, seen = seen_on_a_terminal(*command[:-1], f"oci:{folder}/out", columns=12)
    drawn = [part for part in seen.split("\r\x1b[K") if part.startswith("  ")]
    assert drawn
    assert max(map(len, drawn)) == 11, "a line that wraps would not be cleared"


def test_an_error_takes_the_percentage_away() -> None:
    """What the terminal then shows follows a terminal's rules: the cursor goes back, the line is cleared."""

    def lines(ending: Callable[[], None]) -> list[str]:
        def draw() -> None:
            TerminalProgress().transfer("layer", 1, 2)
            ending()

        seen = received_on_a_terminal(draw).decode()
        return [line.rpartition("\r\x1b[K")[2].rstrip("\r") for line in seen.split("\n")]

    assert lines(lambda: output.explain(M2BuildError("it stopped", details=["a"]), "b")) == [
        "m2build: it stopped", "    a", "  b", "",
    ]  # fmt: skip
    assert lines(lambda: output.note("n")) == ["m2build: n", ""]
    assert lines(lambda: output.result("r")) == ["r", ""]
    assert lines(output.clear) == [""]


@pytest.mark.parametrize("command", ["status", "diff", "apply"])
def test_patch_commands_report_what_they_read(command: str, tmp_path: Path) -> None:
    store(f"oci:{tmp_path}/base:base")
    for mode, printed in (("quiet", ""), ("plain", "reading layer ")):
        options = ["-o", str(tmp_path / mode)] if command == "apply" else []
        run = m2build(
            "patch",
            command,
            "--source",
            f"oci:{tmp_path}/base",
            "--progress",
            mode,
            *options,
            environment={"XDG_CACHE_HOME": str(tmp_path / "cache" / mode)},
        )
        assert run.returncode == 0
        assert run.stderr[: len("reading layer ")] == printed


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_log_has_a_line_every_ten_seconds_and_one_at_the_end(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """20 GB in 200 s, in steps of 1 MB."""
    log = PlainProgress()
    for done in range(0, 20_000_000_001, 1_000_000):
        log.transfer("0123456789ab", done, 20_000_000_000)
        clock.now += 0.01
    lines = capsys.readouterr().err.splitlines()
    assert 20 <= len(lines) <= 21
    assert lines[0] == "  0123456789ab 1.00 GB of 20.00 GB in 10 s, 100.0 MB/s, 3 min 10 s left"
    assert lines[-1] == "  0123456789ab 20.00 GB in 200 s, 100.0 MB/s"


def test_a_terminal_sees_one_bar_for_all_blobs_with_rate_and_time_left(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = TerminalProgress()
    shown.transfer("one", 0, 300_000_000)
    clock.now += 2
    shown.transfer("two", 100_000_000, 100_000_000)
    clock.now += 2
    shown.transfer("one", 100_000_000, 300_000_000)
    clock.now += 0.05
    shown.transfer("one", 100_000_001, 300_000_000)
    clock.now += 100
    shown.transfer("one", 110_000_000, 300_000_000)
    shown.transfer("one", 300_000_000, 300_000_000)
    clock.now += 1
    shown.transfer("three", 1, 2)
    drawn = capsys.readouterr().err.split("\r")
    assert drawn == [
        "  one [--------------------] 0 % of 300.0 MB",
        "  2 blobs [#####---------------] 25 % of 400.0 MB, 50.0 MB/s, 6 s left",
        "  2 blobs [##########----------] 50 % of 400.0 MB, 50.0 MB/s, 4 s left",
        "  2 blobs [##########----------] 52 % of 400.0 MB, 2.0 MB/s, 1 min 34 s left",
        "  2 blobs [####################] 100 % of 400.0 MB, 3.8 MB/s, 0 s left",
        "  three [##########----------] 50 % of 0.0 MB",
    ]
    output.clear()


def test_a_log_has_no_line_for_fast_transfers(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    log = PlainProgress()
    for number in range(100):
        for done in (0, 1_000_000, 2_000_000):
            log.transfer(f"layer {number}", done, 2_000_000)
    log.transfer("nothing", 0, 0)
    assert capsys.readouterr().err == ""
    for done in (0, 200_000_000):
        log.transfer("at once", done, 200_000_000)
    assert capsys.readouterr().err == "  at once 200.0 MB in 0 s\n"


def test_several_transfers_share_the_ten_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    log = PlainProgress()
    for _ in range(60):
        clock.now += 1
        for label in "abcd":
            log.transfer(label, 1_000_000, 2_000_000)
    assert len(capsys.readouterr().err.splitlines()) == 6


@pytest.mark.parametrize("mode", ["auto", "plain", "quiet"])
def test_a_notice_is_shown_in_every_mode(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    progress(mode).notice("podman is too old\x1b[2J")
    assert capsys.readouterr().err == "m2build: podman is too old\\x1b[2J\n"


@pytest.mark.parametrize("shown", [TerminalProgress(), PlainProgress()])
def test_output_of_an_engine_cannot_look_like_ours(shown: TerminalProgress | PlainProgress) -> None:
    def say() -> None:
        shown.output("m2build: forged\r\x1b[1A")
        shown.output("a\tb")
        shown.step("m2build: forged\nm2build: forged")
        shown.transfer("\x1b[2J\u202e", 0, 10)
        shown.notice("\x1b[2J")

    seen = received_on_a_terminal(say).decode().replace("\r\x1b[K", "\n").replace("\r\n", "\n")
    assert re.findall(r"^m2build:.*", seen, re.MULTILINE) == ["m2build: \\x1b[2J"]
    assert set(re.findall(r"[^\n -~]", seen)) == set()
