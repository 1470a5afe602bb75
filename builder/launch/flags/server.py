"""All flags of a server, as a value that can be searched, compared and stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from m2build.launch.flags.difference import FlagDifference, difference
from m2build.launch.flags.model import Flag


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

    def matching(self, text: str) -> tuple[Flag, ...]:
        """The flags that a text names: the one of that name, else those whose names contain it.

        >>> flags = ServerFlags("memory", None, "app.py", "calls", (Flag(("--tp-size",), "tp_size"),))
        >>> [flag.names for flag in flags.matching("size")], flags.matching("--port")
        ([('--tp-size',)], ())
        """
        name = f"--{text.lstrip('-').replace('_', '-')}"
        if name in self.by_name:
            return (self.by_name[name],)
        part = name.removeprefix("--")
        return tuple(flag for flag in self.flags if any(part in known for known in flag.names))

    def difference(self, newer: ServerFlags) -> FlagDifference:
        """How another server's flags differ from these; neither the order of names nor the help counts."""
        return difference(self.flags, newer.flags)

    def encoded(self) -> bytes:
        """The flags as JSON, for `decoded`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, data: bytes) -> ServerFlags:
        """The flags that `encoded` gave."""
        values = json.loads(data)
        for flag in values["flags"]:
            flag.update({name: tuple(value) for name, value in flag.items() if isinstance(value, list)})
        values["flags"] = tuple(Flag(**flag) for flag in values["flags"])
        return cls(**{**values, "known_types": tuple(values["known_types"])})
