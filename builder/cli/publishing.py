"""The options for what is allowed in registries: which tags move, and how much is copied."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from m2build.cli.output import confirmed
from m2build.delivery import UNLIMITED, Publishing, TagPolicy
from m2build.errors import UsageError
from m2build.local.sizes import parse_size

Command = TypeVar("Command", bound=Callable[..., Any])


def _size(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """A number of bytes: `256MiB`, `20GB`, `1.5G`, or `unlimited`."""
    if text is None or text == "unlimited":
        return UNLIMITED if text else None
    size = parse_size(text)
    if size is None:
        raise UsageError(f"--max-transfer {text!r} is not a size", hint="write 256MiB, 20GB or unlimited")
    return size


def max_transfer_option(about: str) -> Callable[[Command], Command]:
    """The option `--max-transfer` by itself; what it bounds is up to the command."""
    return click.option("--max-transfer", metavar="SIZE", callback=_size, help=about)


_OPTIONS = (
    click.option(
        "--tag-policy",
        type=click.Choice([str(policy) for policy in TagPolicy]),
        default=str(TagPolicy.MOVE),
        show_default=True,
        help="For a tag in a registry that names another image: move it, and say what it named; or refuse. With same, "
        "no tag is written: each has to name the same image already.",
    ),
    click.option(
        "--max-transfer",
        metavar="SIZE",
        callback=_size,
        help="The most to read of the base's layers, and the most to copy of them into a registry, as in 20GB or "
        "unlimited; default: 256MiB to copy, and any size to read.",
    ),
    click.option("--yes", is_flag=True, help="Copy more to another registry than the base's without asking."),
)


def publishing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `allowed`."""

    @wraps(command)
    def with_publishing(tag_policy: str, max_transfer: float | None, yes: bool, **others: object) -> None:
        command(allowed=Publishing(TagPolicy(tag_policy), max_transfer, _confirm(yes=yes)), **others)

    for option in reversed(_OPTIONS):
        with_publishing = option(with_publishing)
    return with_publishing


def _confirm(*, yes: bool) -> Callable[[str], bool] | None:
    """How to ask: not at all with --yes, and else only at a terminal."""
    if yes:
        return lambda _: True
    is_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    return confirmed if is_terminal else None
