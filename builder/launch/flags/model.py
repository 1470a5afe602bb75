"""One flag as a value: what argparse would know of it, and what could not be read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from m2build import printed

_TYPES: Mapping[str, str] = {
    "str": "TEXT",
    "nullable_str": "TEXT",
    "int": "INT",
    "human_readable_int": "INT",
    "float": "NUMBER",
    "json.loads": "JSON",
    "json_list_type": "JSON",
}


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
        default: its value if it is not given, a tuple for a list; `argparse.SUPPRESS` if it has none then.
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

    @property
    def description(self) -> str:
        """The flag on one line: its names, what it takes, its default.

        >>> Flag(("--tp-size", "--tp"), "tp_size", type="int", default=1).description
        '--tp-size, --tp INT (default: 1)'
        """
        about = "; ".join(self._remarks())
        return " ".join([", ".join(self.names), *filter(None, [self.takes])]) + (f" ({about})" if about else "")

    @property
    def takes(self) -> str:
        """Its values in a few words: `INT`, `{auto|slow}`, `TEXT ...`; nothing for a switch.

        >>> Flag(("--urls",), "urls", nargs="+").takes
        'TEXT ...'
        """
        if self.nargs == 0:
            return ""
        if self.choices is not None:
            word = "{" + "|".join(str(choice) for choice in self.choices if choice is not None) + "}"
        elif "choices" in self.unknown:
            word = "CHOICE"
        else:
            word = _TYPES.get(self.type or "str", "TEXT")
        if isinstance(self.nargs, int):
            return " ".join([word] * self.nargs)
        return {"?": f"[{word}]", "*": f"[{word} ...]", "+": f"{word} ..."}.get(self.nargs or "", word)

    @property
    def default_text(self) -> str:
        """Its default in words."""
        if "default" in self.unknown:
            return "decided at run time"
        if self.default is None or self.default == argparse.SUPPRESS:
            return "none"
        values = self.default if isinstance(self.default, tuple) else [self.default]
        return " ".join(map(str, values)) or "empty"

    def document(self) -> printed.Flag:
        """The flag as JSON: its attributes; without a default, null."""
        values = asdict(self) | ({"default": None} if self.default == argparse.SUPPRESS else {})
        return cast("printed.Flag", values)

    def _remarks(self) -> Iterator[str]:
        if self.required:
            yield "required"
        if self.retired is not None:
            yield f"refused: {self.retired}"
        if "choices" in self.unknown:
            yield "choices decided at run time"
        if self.nargs != 0 and self.default_text != "none":
            yield f"default: {self.default_text}"
        if self.nargs == 0 and self.default is True:
            yield "on by default"
