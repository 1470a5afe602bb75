"""Ctrl-C and its like, at any moment: exit code 130, one line, and nothing half-written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, everything, store
from helpers.commands import succeeds
from helpers.support import sampled_rows

M2BUILD = [sys.executable, "-m", "m2build"]
LINE = "m2build: interrupted; nothing was left half-written\n"
SIZE = 64 << 20


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base whose copy takes long enough to be interrupted."""
    folder = tmp_path_factory.mktemp("base")
    store(f"oci:{folder}/layout:base", bytes(SIZE))
    return f"oci:{folder}/layout:base"


def is_writing(folder: Path) -> bool:
    """Whether anything below the folder has the hidden name of an unfinished output."""
    return any(name.startswith(".") for _, folders, files in os.walk(folder) for name in (*folders, *files))


def stopped_while_writing(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """Start a command, and stop it when it has begun to write into the folder but has not ended."""
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None:
            if is_writing(folder):
                process.send_signal(signal.SIGSTOP)
                return process
            time.sleep(0.001)
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)
    pytest.fail("the command was always faster than we are")


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send the signal, let the process go on, and send more signals, as impatient users do."""
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.001)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", LINE)


@pytest.mark.parametrize(
    ("output", "number"),
    sampled_rows(
        [
            ("oci:{}/out", signal.SIGINT),
            ("oci-archive:{}/out.tar", signal.SIGTERM),
            ("docker-archive:{}/out.tar", signal.SIGINT),
        ],
        every=3,
    ),
)
def test_in_the_middle_of_writing(output: str, number: signal.Signals, base: str, tmp_path: Path) -> None:
    command = [*M2BUILD, "image", "--tp", "8", "--base", base, "-o", output.format(tmp_path)]
    interrupt(stopped_while_writing(command, tmp_path), number)
    assert everything(tmp_path) == {}


def test_in_the_middle_of_adding_to_a_layout(base: str, tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    succeeds("image", "--tp", "4", "--base", f"dir:{tree}", "-o", f"oci:{tmp_path}/out")
    before = everything(tmp_path)
    command = [*M2BUILD, "image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out"]
    interrupt(stopped_while_writing(command, tmp_path), signal.SIGHUP)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("imported", ["m2build.errors", "click.types", "yaml.nodes", "pydantic_core"])
def test_ctrl_c_while_python_is_still_importing(imported: str) -> None:
    """The signal comes when a module has just been imported, early or late."""
    command = [sys.executable, "-X", "importtime", "-m", "m2build", "patch", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stdout
        for line in process.stderr:
            if re.search(rf"\| +{re.escape(imported)}$", line):
                process.send_signal(signal.SIGINT)
                break
        shown = [line for line in process.stderr if not line.startswith("import time:")]
        out = process.stdout.read()
    assert (process.returncode, shown, out) == (130, [LINE], "")


def test_a_job_in_the_background_is_left_alone(tmp_path: Path) -> None:
    """A shell starts `m2build … &` with SIGINT ignored: Ctrl-C is for the foreground job."""
    tree = checkout(tmp_path / "tree")
    command = [*M2BUILD, "patch", "status", "--source", str(tree)]
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, ours)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.startswith("applied ")
