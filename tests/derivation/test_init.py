"""Process 1: a crash of the server is seen, signals arrive, and nothing of the server's start is changed."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.running.stand_in import stand_in
from helpers.servers import free_port
from helpers.support import need_root, need_tool

from m2build.derivation import init
from m2build.derivation.health import probe_command
from m2build.patches.tree import SourceTree
from m2build.recipes.load import load_recipe

INIT = [sys.executable, "-IS", init.__file__]
WAITS = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
"""A process 1 that waits for its own child alone."""
HOW = pytest.mark.parametrize("started_by", [[], INIT], ids=["itself", "init"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sglang_tree: SourceTree) -> list[str]:
    """The command of the stand-in, without its port."""
    folder = stand_in(tmp_path_factory.mktemp("stand-in") / "fake", sglang_tree)
    return ["env", f"PYTHONPATH={folder}", sys.executable, "-m", "sglang.launch_server", "--tp-size", "8"]


def as_process_one(*command: str) -> list[str]:
    """A command in a new pid namespace."""
    need_root("makes a pid namespace")
    return [need_tool("unshare"), "--pid", "--fork", "--mount-proc", "--kill-child", *command]


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[str]]:
    """The stand-in, once it listens."""
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().split()[1:] == [str(port), "--tp-size", "8"]
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("started_by", "code"), [([], 0), (INIT, 128 + signal.SIGKILL)], ids=["itself", "init"])
def test_the_servers_crash_is_a_success_only_without_the_init(
    started_by: list[str], code: int, server: list[str]
) -> None:
    """The release's own `kill_process_tree`; the first case is why there is an init."""
    port = free_port()
    with running(as_process_one(*started_by, *server), port) as process:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/crash", timeout=10).close()
        assert process.wait(timeout=10) == code


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("sleep 60 & kill -KILL $$", 137)]
)
def test_the_exit_code_is_the_commands(script: str, code: int) -> None:
    assert subprocess.run(as_process_one(*INIT, "sh", "-c", script), check=False).returncode == code


@pytest.mark.parametrize(("name", "code"), [("absent", 127), ("plain", 126)])
def test_what_cannot_be_started_is_named_with_a_shells_exit_code(name: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    done = subprocess.run([*INIT, tmp_path / name], capture_output=True, text=True, check=False)
    assert (done.returncode, f"{tmp_path / name}' cannot be started" in done.stderr) == (code, True)


def test_arguments_arrive_byte_for_byte() -> None:
    words = [b"a b", b"", b"--", b"-c", b"$HOME", b"line\nbreak", b"\xff\xfe", "é".encode(), b"--port=1"]
    script = "import os, sys; print([os.fsencode(word) for word in sys.argv[1:]])"
    done = subprocess.run([*INIT, sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert done.stdout == f"{words}\n"


def test_the_command_starts_with_the_signals_that_there_were() -> None:
    """The kernel's own account of what is blocked, ignored and caught; here one is ignored, as under nohup."""
    look = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    outer = "import os, signal, sys; [signal.signal(n, signal.SIG_DFL) for n in (signal.SIGPIPE, signal.SIGXFSZ)]; "
    outer += "signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"

    def seen(command: list[str]) -> str:
        done = subprocess.run([sys.executable, "-c", outer, *command], capture_output=True, text=True, check=True)
        return done.stdout

    assert seen([*INIT, *look]) == seen(look)
    assert re.search(r"SigIgn:\t[0-9a-f]*[13579bdf]\n", seen(look))  # 1 is SIGHUP; the parent may ignore more


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGABRT, signal.SIGWINCH])
def test_a_signal_arrives_once(number: signal.Signals) -> None:
    script = "import signal, sys, time; signal.signal(int(sys.argv[1]), lambda n, _: print(n, flush=True)); "
    script += "print('ready', flush=True); time.sleep(0.2); time.sleep(0.05)"
    command = [*INIT, sys.executable, "-c", script, str(int(number))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == f"{int(number)}\n"
    assert process.returncode == 0


@HOW
def test_sigterm_ends_the_server_cleanly(started_by: list[str], server: list[str]) -> None:
    """As `docker stop` does: to process 1, from outside of its namespace."""
    with running([*started_by, *server], free_port()) as process:
        process.terminate()
        assert process.wait(timeout=5) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "stopped\n"


@pytest.mark.parametrize(
    ("started_by", "zombies"), [([sys.executable, "-IS", "-c", WAITS], 5), (INIT, 0)], ids=["a wrapper", "init"]
)
def test_processes_whose_parents_have_ended_do_not_stay(started_by: list[str], zombies: int) -> None:
    script = "for n in 1 2 3 4 5; do (sleep 0.05 & exec true); done; sleep 0.2; cat /proc/[0-9]*/stat"
    states = subprocess.run(as_process_one(*started_by, "sh", "-c", script), capture_output=True, text=True, check=True)
    assert states.stdout.count(" (sleep) Z 1 ") == zombies
    assert states.stdout.startswith("1 (")


def test_ctrl_c_on_a_terminal_arrives_once() -> None:
    """From the terminal, which sends it to the group in its foreground: that has the command, and not the init."""
    script = "import os, signal, time; signal.signal(signal.SIGINT, lambda *_: print('one', flush=True)); "
    script += "print(os.tcgetpgrp(0) - os.getpid(), os.getpgrp() - os.getpid(), 'ready', flush=True); "
    script += "time.sleep(0.2); time.sleep(0.05)"
    child, terminal = pty.fork()
    if child == 0:
        os.execv(INIT[0], [*INIT, sys.executable, "-c", script])  # noqa: S606 - in this child
    said = b""
    while b"\n" not in said:
        said += os.read(terminal, 100)
    assert said == b"0 0 ready\r\n"
    os.write(terminal, b"\x03")
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(terminal, 1000).count(b"one") == 1
    os.close(terminal)


@pytest.mark.parametrize(
    ("form", "spelling"),
    [
        ("exec $SERVER", "--port {}"),
        ("exec $SERVER", "--port={}"),
        ("exec $SERVER", "--port 1 --po={}"),
        ("exec $INIT $SERVER", "--port 1 --por {}"),
        ("$SERVER & exec $INIT sleep 60", "--port=1 --port {}"),
        ("$OTHER & sleep 0.1; $SERVER & exec sleep 60", "--port {}"),
    ],
    ids=["a word", "joined", "abbreviated", "an init", "another init", "a shared namespace"],
)
def test_the_health_check_finds_the_port_in_every_form(form: str, spelling: str, server: list[str]) -> None:
    """The real probe, in a namespace whose process 1 is the server, an init, or neither; there is another container's
    server in the last one, with a mount namespace of its own."""
    port = free_port()
    probe = probe_command(load_recipe("minimax-m2").select(tp=8))
    mine = f"{' '.join(server)} {spelling.format(port)}"
    other = f"unshare --mount {sys.executable} -c 'import time; time.sleep(60)' sglang.launch_server --port 1"
    script = form.replace("$SERVER", mine).replace("$OTHER", other).replace("$INIT", " ".join(INIT))
    with subprocess.Popen(as_process_one("sh", "-c", script), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().split()[1] == str(port)
            (inside,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            enter = [need_tool("nsenter"), f"--target={inside}", "--pid", "--mount", sys.executable, *probe[1:]]
            environment = {"http_proxy": "http://127.0.0.1:9"}
            done = subprocess.run(enter, env=environment, capture_output=True, text=True, check=False)
        finally:
            process.kill()
    assert done.returncode == 0, done.stderr
