"""Running another program: for its answer, its lines as they come, or its output as a stream."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import IO, cast

from m2build.errors import EngineError
from m2build.local.temporary import temporary_file, temporary_place
from m2build.programs.redaction import redacted

_SECONDS = 60
"""For questions that an engine answers at once, but not if its SSH connection is dead."""
_MOST_SAID = 1 << 16
"""Bytes of stderr, the last ones, in which to look for a reason."""
_LONGEST_REASON = 1000
"""Characters of a reason in a message."""
_PATIENCE = 10
"""Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Program:
    """Another program's command, found on PATH.

    Attributes:
        name: the command.
        environment: its environment variables, PATH among them; None for this process's own.
    """

    name: str
    environment: Mapping[str, str] | None = None

    def ask(self, *arguments: str, seconds: float | None = _SECONDS) -> str:
        """Run it to its end; what it prints on stdout.

        Raises:
            EngineError: it is missing, fails, or takes more than `seconds`.
        """
        try:
            run = subprocess.run(
                [self.name, *arguments],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False, env=self.environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"`{self._called(arguments)}` did not answer within {seconds} s") from error
        except OSError as error:
            raise self._missing(error) from error
        if run.returncode != 0:
            raise self._failed(arguments, run.stderr)
        return run.stdout.decode(errors="replace")

    def lines(self, *arguments: str) -> Iterator[str]:
        """What it prints on stdout and stderr, line by line. It is ended when the iteration stops.

        Raises:
            EngineError: it is missing, or fails; its lines say why.
        """
        with self._started(arguments, stderr=subprocess.STDOUT) as process:
            for line in _output(process):
                yield line.decode(errors="replace").rstrip("\r\n")
            if process.wait() != 0:
                raise EngineError(f"`{self._called(arguments)}` failed with exit code {process.returncode}")

    @contextmanager
    def stream(
        self, *arguments: str, to_the_end: bool = True, stdin: IO[bytes] | None = None
    ) -> Iterator[BufferedReader]:
        """What it writes to stdout; with `to_the_end`, the block must read all of it.

        Args:
            arguments: its words after the command's name.
            to_the_end: whether it has to end by itself, and succeed.
            stdin: a file that it reads on stdin; None for nothing.

        Raises:
            EngineError: it is missing, or fails.
        """
        with (
            temporary_file(temporary_place(), 0o600) as (_, said),
            self._started(arguments, stderr=said, stdin=stdin) as process,
        ):
            yield _output(process)
            if to_the_end and self._waited(process, arguments) != 0:
                said.seek(max(0, said.seek(0, os.SEEK_END) - _MOST_SAID))
                raise self._failed(arguments, said.read())

    def _waited(self, process: subprocess.Popen[bytes], arguments: tuple[str, ...]) -> int:
        """The exit code of a program that has written all."""
        try:
            return process.wait(_SECONDS)
        except subprocess.TimeoutExpired as error:
            problem = f"`{self._called(arguments)}` wrote all, and did not end within {_SECONDS} s"
            raise EngineError(problem) from error

    @contextmanager
    def _started(
        self, arguments: tuple[str, ...], *, stderr: int | IO[bytes], stdin: IO[bytes] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        command = [self.name, *arguments]
        given = subprocess.DEVNULL if stdin is None else stdin
        try:
            process = subprocess.Popen(
                command, stdin=given, stdout=subprocess.PIPE, stderr=stderr, env=self.environment
            )
        except OSError as error:
            raise self._missing(error) from error
        with process:
            try:
                yield process
            finally:
                end(process)

    def _called(self, arguments: tuple[str, ...]) -> str:
        return self._redacted(" ".join([self.name, *arguments[:2]]))

    def _missing(self, error: OSError) -> EngineError:
        return EngineError(f"{self.name} cannot be started: {error.strerror}")

    def _failed(self, arguments: tuple[str, ...], stderr: bytes) -> EngineError:
        said = [line for line in stderr[-_MOST_SAID:].decode(errors="replace").splitlines() if line.strip()]
        reason = self._redacted(said[-1]) if said else "it printed no reason"
        cut = "…" if len(reason) > _LONGEST_REASON else ""
        return EngineError(f"`{self._called(arguments)}` failed: {reason[:_LONGEST_REASON]}{cut}")

    def _redacted(self, text: str) -> str:
        return redacted(text, os.environ if self.environment is None else self.environment)


def _output(process: subprocess.Popen[bytes]) -> BufferedReader:
    return cast("BufferedReader", process.stdout)  # it was started with a buffered pipe


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that is still running: SIGTERM, and after a while SIGKILL."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
