"""Process 1 of a container: it starts the server, hands signals on to it, and exits as the server does.

A server that is process 1 itself cannot end itself with SIGKILL: the kernel ignores that from process 1. SGLang does so
after a crash, then exits with 0, and a crash looks like success. Processes whose parents have ended would stay, too.

Images of m2build have this file in front of their command, as /opt/m2build/init. It needs Python's standard library
only. `launch: {init: false}` in the recipe leaves it out, for containers that get an init when they start
(`docker run --init`); with both, nothing is lost.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_OURS = {signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU}
"""Signals that are about this process; the server gets all others."""


def main(command: list[str]) -> int:
    """Run a command to its end; its exit code, or 128 + N if signal N ended it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, the kernel forgets how processes ended
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    server = os.fork()
    if server == 0:
        _become(command, before)
    while True:
        number = signal.sigwait(signal.valid_signals())
        if number not in _OURS:
            os.kill(server, number)
        elif (code := _reap(server)) is not None:
            return code


def _become(command: list[str], mask: set[signal.Signals] | set[int]) -> None:
    """Replace this process by the command, with the signals that there were."""
    os.setpgid(0, 0)  # in a group of its own, it gets the terminal's Ctrl-C once: from the terminal alone
    with contextlib.suppress(OSError):  # there is no terminal
        os.tcsetpgrp(0, os.getpgrp())
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and the command would, too
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvp(command[0], command)
    except OSError as error:  # the exit codes are those of a shell
        os.write(2, f"{command[0]!a} cannot be started: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _reap(server: int) -> int | None:
    """Take note of all processes that have ended; the server's exit code if it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):  # none is left
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            if ended[0] == server:
                is_killed = os.WIFSIGNALED(ended[1])
                code = 128 + os.WTERMSIG(ended[1]) if is_killed else os.WEXITSTATUS(ended[1])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
