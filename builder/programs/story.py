"""What an engine says while it builds: passed on, and if the build fails, told as the step, its output, the reason."""

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
    ": FAILED": "the base has other files than the patches are for: `m2build patch status --source BASE` says more",
    "not supported for the docker driver": "let Docker keep images in containerd's store, or name another --builder",
}
"""What to do next, by words in what the engine said."""
_EXIT = re.compile(r"exit (?:code|status):? (\d+)\s*$")


class Story:
    """Passes an engine's lines on, without the secrets in them, and remembers them in case the build fails."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lines: list[str] = []

    def hear(self, line: str) -> None:
        """A line of the engine's, with or without its end."""
        self._lines.append(redacted(line.rstrip("\r\n"), os.environ))
        self._progress.output(self._lines[-1])

    def failure(self, engine: str) -> EngineError:
        """Why the build failed, after what has been heard."""
        failure = explain(self._lines)
        told = "\n".join([str(failure), *failure.output])
        hint = next((hint for words, hint in _HINTS.items() if words in told), None)
        return EngineError(f"{engine}: {failure}", details=failure.output, hint=hint)


def run_told(program: Program, arguments: Sequence[str], progress: Progress) -> None:
    """Run an engine's command to its end, and pass on what it says.

    Raises:
        EngineError: it failed, told after what it has said.
    """
    story = Story(progress)
    try:
        for line in program.lines(*arguments):
            story.hear(line)
    except EngineError as error:
        raise story.failure(program.name) from error


@dataclass(frozen=True)
class Failure:
    """Why a build has failed.

    Attributes:
        step: the instruction, shortened, or nothing if none had begun.
        output: what it printed, the last lines.
        reason: what the engine says.
    """

    step: str
    output: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        """One sentence, without the output."""
        at = f" at {self.step}" if self.step else ""
        return f"the build stopped{at}: {self.reason}"


def explain(lines: Sequence[str]) -> Failure:
    """Read a failed build's log, in the plain form of BuildKit's progress or of buildah's."""
    errors = [found for line in lines if (found := _BUILDKIT_ERROR.fullmatch(line))]
    if errors:
        return _buildkit(lines, *errors[-1].groups())
    return _buildah(lines)


def _buildkit(lines: Sequence[str], number: str, error: str) -> Failure:
    """Every line begins with its step's number, its name first, what it prints after its time."""
    own = [line.removeprefix(f"#{number} ") for line in lines if line.startswith(f"#{number} ")]
    printed = [found[1] for line in own if (found := re.fullmatch(r"\d+\.\d+ (.*)", line))]
    return Failure(_short(own[0]), tuple(printed[-_MOST_OUTPUT:]), _reason(error))


def _buildah(lines: Sequence[str]) -> Failure:
    said = [line for line in lines if line.strip()]
    begun = [place for place, line in enumerate(said) if _BUILDAH_STEP.fullmatch(line)]
    errors = [line for line in said if line.lower().startswith("error: ")]
    reason = errors[-1] if errors else (said[-1] if said else "it said nothing")
    printed = [line for line in said[begun[-1] + 1 :] if line not in errors] if begun else []
    step = said[begun[-1]].removeprefix("STEP ") if begun else ""
    return Failure(_short(step), tuple(printed[-_MOST_OUTPUT:]), _reason(reason))


def _short(step: str) -> str:
    text = " ".join(step.split())
    return text if len(text) <= _LONGEST_STEP else f"{text[: _LONGEST_STEP - 1]}…"


def _reason(error: str) -> str:
    """The engine's words; of a step that ended with an exit code, that code: the message names the step already."""
    code = _EXIT.search(error)
    return f"exit code {code[1]}" if code else re.sub(r"(?i)^error: ", "", error)
