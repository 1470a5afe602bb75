"""Outputs by command: stdout as an archive or a file, devices and links, and outputs that exist."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers.cli.checkouts import MODELS, checkout, everything, quickly
from helpers.commands import refused
from helpers.support import need_tool, null_device
from helpers.warm import server, warm_program

from m2build.places.place import Place
from m2build.places.transports import read_image

IMAGE = ("image", "--tp", "8", "--base", "dir:tree")
RENDER = ("render", "--tp", "8", "--unpinned", "--source", "dir:tree", "-o", "out")
BAKE = ("bake", "--tp", "4", "--tp", "8", "--unpinned", "--source", "dir:tree", "-o", "out")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with sources in it."""
    checkout(tmp_path / "tree")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(warm_program(Path(folder) / "m2build")), *arguments]
        return subprocess.run(command, pass_fds=[server()], capture_output=True, check=False)


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_an_archive_on_stdout_is_the_only_output(kind: str, folder: Path) -> None:
    """skopeo reads what a pipe got; the name is on stderr, the account in its file."""
    done = run(*IMAGE, "-t", "a/b:v1", "-o", f"{kind}:-", "--metadata-file", "meta")
    assert done.returncode == 0, done.stderr
    (folder / "piped.tar").write_bytes(done.stdout)
    account = json.loads((folder / "meta").read_text())
    digest = account["containerimage.config.digest" if kind == "docker-archive" else "containerimage.digest"]
    name = "a/b:v1" if kind == "docker-archive" else "v1"
    assert done.stderr.decode() == f"{kind}:-:{name}@{digest}\n"
    place = f"{kind}:piped.tar:{name}"
    skopeo = [need_tool("skopeo"), "inspect", "--config", place]
    found = subprocess.run(skopeo, capture_output=True, text=True, check=True)
    image = read_image(Place.parse(f"{kind}:{folder}/piped.tar"), "linux/amd64").image
    assert json.loads(found.stdout)["rootfs"]["diff_ids"] == [str(diff_id) for diff_id in image.config.diff_ids]
    assert sorted(path.name for path in folder.iterdir()) == ["meta", "piped.tar", "tree"]


def test_a_report_file_on_stdout_is_the_only_output(folder: Path) -> None:
    done = run(*IMAGE, "-o", "oci:out", "--metadata-file", "-")
    digest = json.loads(done.stdout)["containerimage.digest"]
    assert (done.returncode, done.stderr.decode()) == (0, f"oci:out:tp8@{digest}\n")
    again = run(*IMAGE, "-o", "oci:out", "--iidfile", "/dev/stdout")
    assert again.stdout.decode() == json.loads(done.stdout)["containerimage.config.digest"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("-o", "oci-archive:-", "--metadata-file", "-"), "--output and --metadata-file would both be on stdout"),
        (("-o", "docker-archive:/dev/stdout", "--json"), "--output and --json would both be on stdout"),
        (("-o", "oci:out", "--iidfile", "/dev/fd/1", "--json"), "--iidfile and --json would both be on stdout"),
    ],
)
def test_two_outputs_on_stdout_are_refused(options: tuple[str, ...], sentence: str, folder: Path) -> None:
    assert sentence in refused(2, *IMAGE, *options)
    assert [path.name for path in folder.iterdir()] == ["tree"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("-o", "docker-archive:a", "--iidfile", "./b/../a"), "--output and --iidfile would both write b/../a"),
        (("-o", "oci:out", "--metadata-file", "a", "--iidfile", "a"), "--metadata-file and --iidfile would both write"),
        (("-o", "oci:out", "--metadata-file", "out/index.json"), "--metadata-file would write into the layout /"),
        (("-o", "oci:out", "--iidfile", "out"), "--iidfile would write into the layout /"),
    ],
)
def test_two_outputs_in_one_file_are_refused(options: tuple[str, ...], sentence: str, folder: Path) -> None:
    """The later one would replace the earlier one, whose place stdout has named."""
    assert sentence in refused(2, *IMAGE, *options)
    assert [path.name for path in folder.iterdir()] == ["tree"]


def test_a_terminal_gets_no_archive_and_that_shows_before_the_base_is_read(folder: Path) -> None:
    ours, terminal = pty.openpty()
    absent = ("image", "--tp", "8", "--base", "dir:absent")
    command = [sys.executable, "-m", "m2build", *absent, "-o", "docker-archive:-"]
    done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    os.close(ours)
    assert done.returncode == 2
    assert b"is a terminal" in done.stderr
    assert b"| docker load" in done.stderr


def test_devices_links_and_pipes_are_what_they_were(folder: Path) -> None:
    null = null_device(folder / "null")
    (folder / "link").symlink_to("meta")
    (folder / "archive").symlink_to("null")
    options = ("--iidfile", "null", "--metadata-file", "link", "-o", "docker-archive:archive")
    quickly(*IMAGE, *options)
    assert null.is_char_device()
    assert (folder / "link").is_symlink()
    assert (folder / "archive").is_symlink()
    assert "containerimage.digest" in json.loads((folder / "meta").read_text())


@pytest.mark.parametrize("command", [RENDER, BAKE], ids=["render", "bake"])
def test_the_same_context_again_is_a_success_and_another_needs_replace(command: tuple[str, ...], folder: Path) -> None:
    assert quickly(*command) == "out\n"
    before = everything(folder / "out")
    inode = (folder / "out").stat().st_ino
    quickly(*command)
    assert (folder / "out").stat().st_ino == inode
    changed = ["--set", "summary=Another"]
    assert "--replace" in refused(2, *command, *changed)
    assert everything(folder / "out") == before
    quickly(*command, *changed, "--replace")
    assert everything(folder / "out") != before
    assert sorted(path.name for path in folder.iterdir()) == ["out", "tree"]


OTHERS = {
    "notes.txt": "mine",
    "account/notes.txt": "mine",
    ".dockerignore": "*\n!notes.txt\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_with_foreign_files_is_never_replaced(name: str, folder: Path) -> None:
    quickly(*RENDER)
    (folder / "out" / name).write_text(OTHERS[name])
    before = everything(folder / "out")
    assert "holds something else" in refused(2, *RENDER, "--replace")
    assert everything(folder / "out") == before


def test_the_working_directory_is_never_replaced_unless_it_is_a_context(folder: Path) -> None:
    before = everything(folder)
    assert "holds something else" in refused(2, *RENDER[:-1], ".", "--replace")
    assert everything(folder) == before


@pytest.mark.parametrize("verb", ["apply", "diff"])
def test_the_same_patched_folder_again_is_a_success(verb: str, folder: Path) -> None:
    command = ("patch", verb, "--source", "dir:tree", "-o", "out")
    quickly(*command)
    before = everything(folder / "out")
    quickly(*command)
    (folder / "tree" / MODELS / "llama.py").write_text("import transformers as other\n")
    if verb == "apply":
        assert "holds something else" in refused(2, *command)
    assert everything(folder / "out") == before
