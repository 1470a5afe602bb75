"""A server's command line, read as servers read it: by argparse, with a flag of the type that a value has."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


class NotReadError(Exception):
    """argparse refused the command line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise NotReadError(message)


_OTHERS: dict[str, type] = {
    "model-path": str, "tool-call-parser": str, "reasoning-parser": str, "host": str, "tp-size": int, "ep-size": int,
    "port": int, "mem-fraction-static": float,
}  # fmt: skip
"""The flags of the shipped recipe that take a value."""


def read_back(command: Sequence[str], flag: str, value: object) -> object:
    """What a server finds under `--FLAG`; the flag is declared as for `value`: a switch, a type, or a list.

    Raises:
        NotReadError: it does not understand its command line.
    """
    parser = _Parser(prog="server")
    for other, kind in _OTHERS.items():
        if other != flag:
            parser.add_argument(f"--{other}", type=kind)
    for switch in {"trust-remote-code", *([flag] if isinstance(value, bool) else [])}:
        parser.add_argument(f"--{switch}", action="store_true")
    if isinstance(value, list):
        parser.add_argument(f"--{flag}", nargs="+")
    elif not isinstance(value, bool):
        parser.add_argument(f"--{flag}", type=type(value))
    parsed = vars(parser.parse_args(command[command.index("--model-path") :]))
    read = parsed[flag.replace("-", "_")]
    # Of several values each has its own type here: a server would have one for all of them.
    return [type(item)(text) for item, text in zip(value, read, strict=True)] if isinstance(value, list) else read
