"""Real shells on a terminal, with m2build's completion, and the command lines that result from keys."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from helpers.commands import succeeds
from helpers.support import need_tool

_PROMPT = "@ready@"
_START: Mapping[str, tuple[str, ...]] = {
    "bash": ("--norc", "--noprofile", "-i"),
    "zsh": ("-f", "-i"),
    "fish": ("--no-config", "--interactive"),
}
_FIRST: Mapping[str, str] = {
    "bash": "bind 'set enable-bracketed-paste off'; PS1=@rea''dy@",
    "zsh": "unset zle_bracketed_paste; PS1=@rea''dy@",
    "fish": "function fish_prompt; echo -n @rea''dy@; end; function fish_title; end",
}
_SECONDS = 30


class Shell:
    """A running shell, in which `m2build` records its arguments."""

    def __init__(self, primary: int, noted: Path) -> None:
        self._primary = primary
        self._noted = noted
        self._seen = ""

    def runs(self, keys: str) -> list[str]:
        """Press these keys and Enter; return the arguments that `m2build` got."""
        self._noted.unlink(missing_ok=True)
        self.send(f"{keys}\r")
        deadline = time.monotonic() + _SECONDS
        while not self._noted.exists():
            assert time.monotonic() < deadline, f"{keys!r} ran nothing: {self._seen!r}"
            self._read()
        self.wait()
        return self._noted.read_text().split("\0")[:-1]

    def send(self, keys: str) -> None:
        """Press keys."""
        self._seen = ""
        os.write(self._primary, keys.encode())

    def wait(self) -> str:
        """Wait for the prompt; return what was printed before it."""
        deadline = time.monotonic() + _SECONDS
        while _PROMPT not in self._seen:
            assert time.monotonic() < deadline, f"no prompt: {self._seen!r}"
            self._read()
        return self._seen

    def _read(self) -> None:
        if select.select([self._primary], [], [], 0.02)[0]:
            self._seen += os.read(self._primary, 1 << 16).decode(errors="replace")


@contextmanager
def shell(name: str, folder: Path, home: Path) -> Iterator[Shell]:
    """Start a shell in a folder, with the completion script that `m2build completion` prints."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "m2build"
    asked = f'[ -n "$_M2BUILD_COMPLETE" ] && exec "{sys.executable}" -m m2build "$@"'
    noting = f"printf '%s\\0' \"$@\" > '{home}/noting' && mv '{home}/noting' '{home}/noted'"
    program.write_text(f"#!/bin/sh\n{asked}\n{noting}\n")
    program.chmod(0o755)
    (home / "script").write_text(succeeds("completion", name))
    (home / ".zshrc").touch()
    before = "autoload -U compinit && compinit -u -D; " if name == "zsh" else ""
    environment = {
        **os.environ,
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    primary, secondary = pty.openpty()
    command = [need_tool("setsid"), "--ctty", need_tool(name), *_START[name]]
    with subprocess.Popen(
        command, stdin=secondary, stdout=secondary, stderr=secondary, cwd=folder, env=environment
    ) as process:
        os.close(secondary)
        running = Shell(primary, home / "noted")
        try:
            running.send(f"{before}source '{home}/script'; {_FIRST[name]}\r")
            running.wait()
            yield running
        finally:
            process.kill()
            process.wait()
            os.close(primary)
