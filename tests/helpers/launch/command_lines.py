"""Wrong command lines, and what is said of them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WrongLine:
    """A command line that a server refuses.

    Attributes:
        release: the server's.
        words: the words after the server's command.
        says: what its message and its hint contain.
    """

    release: str
    words: tuple[str, ...]
    says: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.release} {shlex.join(self.words)}"


def wrong_lines() -> list[WrongLine]:
    """The lines of wrong_command_lines.txt."""
    text = (Path(__file__).parent / "wrong_command_lines.txt").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            release, _, rest = line.partition(": ")
            command, _, says = rest.rpartition(" => ")
            words = shlex.split(command)
            words = words[1:] if words[0] == "!" else ["--model-path", "a/b", *words]
            found.append(WrongLine(release, tuple(words), tuple(says.split(" & "))))
    return found


RIGHT = (
    "", "--tp 8", "--tp=8 --ep 8", "--tp-size 8 --tensor-parallel-size 4", "--tp -1", "--port=8000 --host 0.0.0.0",
    "--trust-remote-code", "--trust-rem", "--mem-fraction-static 0.85", "--mem-fraction-static -.5", "--mem-f 1e-3",
    "--served-model-name '' ", "--served-model-name=--x", "--served-model-name '-a b'", "--chat-template 'a b'",
    "--tool-call-parser minimax-m2 --reasoning-parser minimax-append-think", "--preferred-sampling-params {}",
    "--kv-cache-dtype fp8_e4m3 --attention-backend triton", "--context-length 4096", "--dtype bfloat16",
    "--mm-process-config '{\"image\": [1, null]}'", "--forward-hooks '[1, {}]'", "--log-level-http warning",
    "--lora-target-modules q_proj k_proj",
    "--disable-custom-all-reduce --disable-radix", "--max-running-requests 64 --max-run 32", "--revision None",
)  # fmt: skip
"""Command lines after `--model-path a/b` that every release accepts."""


def right_lines() -> list[list[str]]:
    """The same as words."""
    return [["--model-path", "a/b", *shlex.split(line)] for line in RIGHT]
