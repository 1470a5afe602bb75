"""The steps of workflows, run as the platforms' runners do, with programs that stand in for others."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from helpers.support import need_tool
from helpers.warm import server, warm_program

_EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")
_ASSIGNED = re.compile(r"^(\w+)<<(\S+)\n(.*?)\n\2$", re.MULTILINE | re.DOTALL)
FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ARTIFACTS")


@dataclass(frozen=True)
class Step:
    """A finished step: its exit code, its streams, and what it wrote for the runner."""

    code: int
    stdout: str
    stderr: str
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, str]:
        text = self.written["GITHUB_OUTPUT"]
        plain = dict(re.findall(r"^(\w+)=(.*)$", _ASSIGNED.sub("", text), re.MULTILINE))
        return {**plain, **{name: value for name, _, value in _ASSIGNED.findall(text)}}


@dataclass(frozen=True)
class Machine:
    """Where steps run: a checkout, and programs that are found before all others."""

    folder: Path

    @property
    def programs(self) -> Path:
        path = self.folder / "programs"
        path.mkdir(exist_ok=True)
        return path

    def program(self, name: str, script: str) -> None:
        """A program that stands in for another; `calls` gets a line for each call."""
        path = self.programs / name
        log = self.programs / "calls"
        path.write_text(f'#!/bin/bash\nprintf "%s\\n" "${{0##*/}} $*" >> {log}\n{script}\n')
        path.chmod(0o755)

    def real(self, *, without: tuple[str, ...] = ()) -> None:
        """This checkout's `m2build`; `without` names options that it is called without."""
        drop = "; ".join(f'[ "$word" = "{option}" ] && continue' for option in without) or ":"
        keep = f'words=(); for word in "$@"; do {drop}; words+=("$word"); done'
        warm_program(self.folder / "warm-m2build")
        self.program("m2build", f'{keep}\nexec {self.folder}/warm-m2build "${{words[@]}}"')

    @property
    def calls(self) -> list[str]:
        path = self.programs / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, script: str, environment: Mapping[str, str] | None = None) -> Step:
        """Run a step's script as GitHub's runner runs `shell: bash`."""
        files = {name: self.folder / name for name in FILES}
        for file in files.values():
            file.write_text("")
        own = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))},
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_ACTIONS": "true",
            **{name: str(file) for name, file in files.items()},
            **(environment or {}),
        }
        path = self.folder / "step.sh"
        path.write_text(script)
        command = [need_tool("bash"), "--noprofile", "--norc", "-eo", "pipefail", str(path)]
        done = subprocess.run(
            command, cwd=self.folder, env=own, pass_fds=[server()], capture_output=True, text=True, check=False
        )
        return Step(done.returncode, done.stdout, done.stderr, {name: file.read_text() for name, file in files.items()})


def evaluated(values: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """The `env` of a step, with what its expressions mean; one that is not known has no value, as for the runner."""
    return {name: _EXPRESSION.sub(lambda found: known.get(found[1], ""), str(value)) for name, value in values.items()}


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of a workflow; PyYAML, of version 1.1, takes the key `on` for a truth value."""
    return [{"on" if key is True else key: value for key, value in one.items()} for one in yaml.safe_load_all(text)]


def scripts(value: object) -> Iterator[str]:
    """All shell scripts of a workflow, of whichever platform."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("run", "script") and isinstance(item, str):
                yield item
            elif key in ("script", "before_script") and isinstance(item, list):
                yield "".join(item)
            else:
                yield from scripts(item)
    elif isinstance(value, list):
        for item in value:
            yield from scripts(item)
