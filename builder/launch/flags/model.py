"""Flags as values: what argparse would know of each, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property


class NotProvableError(Exception):
    """The sources define flags in a way that is not understood; the text says which, and where."""


@dataclass(frozen=True)
class Flag:
    """One flag.

    Attributes:
        names: its option strings, in the order of its definition, `--no-X` of a boolean flag included.
        dest: the attribute that its value is stored in.
        action: `store`, `store_true`, `store_false`, `store_const`, `append`, `boolean` (`--x` and `--no-x`), or the
            name of a class of the server.
        type: what converts a value, by its name: `int`, `json.loads`, or a function of the server; None for text.
        nargs: how many values it takes: None for one, 0 for none, a number, `?`, `*` or `+`.
        const: what it stores if it is given without a value.
        default: its value if it is not given.
        choices: the only values that it takes; None for any.
        required: whether the server refuses to start without it.
        help: what the server says of it.
        retired: the error with which the server refuses it, if it always does.
        unknown: the attributes above that the sources leave to run time, or that are not understood; these are None.
    """

    names: tuple[str, ...]
    dest: str
    action: str = "store"
    type: str | None = None
    nargs: str | int | None = None
    const: object = None
    default: object = None
    choices: tuple[object, ...] | None = None
    required: bool = False
    help: str | None = None
    retired: str | None = None
    unknown: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """All of its names, as argparse writes them in errors: `--tp-size/--tensor-parallel-size`."""
        return "/".join(self.names)


@dataclass(frozen=True)
class ServerFlags:
    """All flags of a server.

    Attributes:
        origin: the sources that they were read from.
        release: the server's release, or None if the sources do not say.
        source: the file that defines them, for messages.
        style: how the sources define them: `calls`, `fields` or `namespaces`.
        flags: the flags, in the order of their definition.
        known_types: the server's own functions that convert values and are known here.
    """

    origin: str
    release: str | None
    source: str
    style: str
    flags: tuple[Flag, ...]
    known_types: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Flag]:
        """The flags by each of their names, dashes included."""
        return {name: flag for flag in self.flags for name in flag.names}

    @property
    def title(self) -> str:
        """What to call the server in messages."""
        return f"SGLang {self.release}" if self.release else f"the server in {self.origin}"

    def encoded(self) -> bytes:
        """The flags as JSON, for `decoded`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, data: bytes) -> ServerFlags:
        """The flags that `encoded` gave."""
        values = json.loads(data)
        for flag in values["flags"]:
            flag.update({name: tuple(flag[name]) for name in _TUPLES if flag[name] is not None})
        values["flags"] = tuple(Flag(**flag) for flag in values["flags"])
        return cls(**{**values, "known_types": tuple(values["known_types"])})


_TUPLES = ("names", "choices", "unknown")
