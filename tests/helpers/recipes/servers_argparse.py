"""A server's command line, parsed as servers do it: by argparse, with flags of their values' types."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence


class NotReadError(Exception):
    """argparse refused the command line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise NotReadError(message)


_SHIPPED: dict[str, object] = {
    "model-path": "", "tool-call-parser": "", "reasoning-parser": "", "host": "", "tp-size": 8, "ep-size": 8, "port": 1,
    "mem-fraction-static": 0.5, "trust-remote-code": True,
}  # fmt: skip
"""A value of the right kind for each flag of the shipped recipe."""


def read_back(command: Sequence[str], flag: str, value: object) -> object:
    """What a server parses for `--FLAG`, declared with the type of `value`, beside the shipped recipe's flags.

    Raises:
        NotReadError: it does not understand its command line.
    """
    return read_all(command[command.index("--model-path") :], {**_SHIPPED, flag: value})[flag]


def read_all(words: Sequence[str], values: Mapping[str, object]) -> dict[str, object]:
    """The values that a server parses for its flags, declared for these values: a switch, a type, a list.

    Raises:
        NotReadError: it does not understand its command line.
    """
    parser = _Parser(prog="server", add_help=False)
    for flag, value in values.items():
        if isinstance(value, bool):
            parser.add_argument(f"--{flag}", action="store_true")
        elif isinstance(value, list | tuple):
            parser.add_argument(f"--{flag}", nargs="+")
        else:
            parser.add_argument(f"--{flag}", type=type(value))
    parsed = vars(parser.parse_args(words))
    return {flag: _typed(parsed[flag.replace("-", "_")], value) for flag, value in values.items()}


def _typed(read: object, value: object) -> object:
    """Each of several values has its own type here; a server would have one type for all."""
    if isinstance(value, list | tuple) and isinstance(read, list):
        return type(value)(type(item)(text) for item, text in zip(value, read, strict=True))
    return read
