"""An engine's output during a build: reported as progress and, if the build fails, as step, output and reason."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from m2build.errors import EngineError
from m2build.programs.program import Program
from m2build.programs.redaction import redacted
from m2build.progress import Progress

_LONGEST_STEP = 72
"""Characters; a RUN instruction may have thousands."""
_MOST_OUTPUT = 20
"""Lines, the last ones."""
_BUILDKIT_ERROR = re.compile(r"#(\d+) ERROR: (.*)")
_BUILDAH_STEP = re.compile(r"STEP (\d+/\d+): (.*)")
_HINTS = {
    ": FAILED": "the base does not have the files that the patches expect: see `m2build patch status --source BASE`",
    "not supported for the docker driver": "let Docker keep images in containerd's store, or name another --builder",
}
"""The next step, by words in the engine's output."""
_EXIT = re.compile(r"exit (?:code|status):? (\d+)\s*$")


class BuildLog:
    """Reports an engine's lines without secrets, and keeps them in case the build fails."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Report and keep a line, with or without its line break."""
        self._lines.append(redacted(line.rstrip("\r\n"), os.environ))
        self._progress.output(self._lines[-1])

    def failure(self, engine: str) -> EngineError:
        """Why the build failed, from the lines so far."""
        failure = explain(self._lines)
        text = "\n".join([str(failure), *failure.output])
        hint = next((hint for words, hint in _HINTS.items() if words in text), None)
        return EngineError(f"{engine}: {failure}", details=failure.output, hint=hint)


def run_reported(program: Program, arguments: Sequence[str], progress: Progress) -> None:
    """Run an engine's command to its end, and report its output as progress.

    Raises:
        EngineError: it failed; the error explains the output.
    """
    log = BuildLog(progress)
    try:
        for line in program.lines(*arguments):
            log.add(line)
    except EngineError as error:
        raise log.failure(program.name) from error


@dataclass(frozen=True)
class Failure:
    """Why a build failed.

    Attributes:
        step: the instruction, shortened; empty if none had begun.
        output: the last lines that it printed.
        reason: the engine's message.
    """

    step: str
    output: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        """One sentence, without the output."""
        at = f" at {self.step}" if self.step else ""
        return f"the build stopped{at}: {self.reason}"


def explain(lines: Sequence[str]) -> Failure:
    """Explain a failed build from its log, in the plain form of BuildKit or of buildah."""
    errors = [found for line in lines if (found := _BUILDKIT_ERROR.fullmatch(line))]
    if errors:
        return _buildkit(lines, *errors[-1].groups())
    return _buildah(lines)


def _buildkit(lines: Sequence[str], number: str, error: str) -> Failure:
    """Each line begins with its step's number. A step's first line is its name; its output follows a time."""
    own = [line.removeprefix(f"#{number} ") for line in lines if line.startswith(f"#{number} ")]
    printed = [found[1] for line in own if (found := re.fullmatch(r"\d+\.\d+ (.*)", line))]
    return Failure(_short(own[0]), tuple(printed[-_MOST_OUTPUT:]), _reason(error))


def _buildah(lines: Sequence[str]) -> Failure:
    said = [line for line in lines if line.strip()]
    begun = [place for place, line in enumerate(said) if _BUILDAH_STEP.fullmatch(line)]
    errors = [line for line in said if line.lower().startswith("error: ")]
    reason = errors[-1] if errors else (said[-1] if said else "it printed no reason")
    printed = [line for line in said[begun[-1] + 1 :] if line not in errors] if begun else []
    step = said[begun[-1]].removeprefix("STEP ") if begun else ""
    return Failure(_short(step), tuple(printed[-_MOST_OUTPUT:]), _reason(reason))


def _short(step: str) -> str:
    text = " ".join(step.split())
    return text if len(text) <= _LONGEST_STEP else f"{text[: _LONGEST_STEP - 1]}…"


def _reason(error: str) -> str:
    """The engine's message; only the exit code if there is one, as the error names the step already."""
    code = _EXIT.search(error)
    return f"exit code {code[1]}" if code else re.sub(r"(?i)^error: ", "", error)
