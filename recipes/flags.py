"""A server's flags: their values, and the words that argparse reads back as the same values.

argparse distinguishes options from values by how a word begins
(https://docs.python.org/3/library/argparse.html#arguments-containing). Values that it would misread are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, WithJsonSchema

from m2build.documents.shown import shown

Flag = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=100)]

_TEXT = r"^([^-\x00\r\n][^\x00\r\n]*|-|-[^-\x00\r\n][^\x00\r\n]*|--[^\x00\r\n]+)?$"
"""A line of text other than `--`, which argparse before Python 3.13 drops."""
_ITEM = r"^([^-\x00\r\n][^\x00\r\n]*|-|-[0-9]+|-[0-9]*\.[0-9]+)?$"
"""A line of text that does not look like an option; argparse reads negative numbers as values."""


def _switch(value: bool) -> bool:  # noqa: FBT001 - pydantic calls it
    if not value:
        raise ValueError("a flag cannot be false: leave it out, or remove an inherited one with null")
    return value


def _text(value: str) -> str:
    if value == "--":
        raise ValueError("argparse drops the value '--'")
    return _line(value, _TEXT)


def _item(value: str) -> str:
    if value.startswith("-") and not re.fullmatch(_ITEM, value):
        raise ValueError(f"{shown(value)} begins with a dash: in a list of values argparse would read it as an option")
    return _line(value, _ITEM)


def _line(value: str, pattern: str) -> str:
    if not re.fullmatch(pattern, value):
        raise ValueError(f"{shown(value)} is not one line of text")
    return value


def _kind(value: object) -> str | None:
    """The tag of a value's branch below."""
    kinds = {bool: "switch", str: "text", int: "number", float: "number", list: "list", tuple: "list"}
    return kinds.get(type(value))


def _one_of(message: str) -> Discriminator:
    """Choose a value's branch by its type alone: to pydantic 1 and 1.0 equal True."""
    return Discriminator(_kind, custom_error_type="kind", custom_error_message=message)


_Switch = Annotated[bool, AfterValidator(_switch), WithJsonSchema({"type": "boolean", "const": True}), Tag("switch")]
_Text = Annotated[str, AfterValidator(_text), WithJsonSchema({"type": "string", "pattern": _TEXT}), Tag("text")]
_Item = Annotated[str, AfterValidator(_item), WithJsonSchema({"type": "string", "pattern": _ITEM}), Tag("text")]
_Number = Annotated[int | Annotated[float, Field(allow_inf_nan=False)], Tag("number")]
_Items = Annotated[
    tuple[Annotated[_Item | _Number, _one_of("Input should be a text or a number")], ...],
    Field(min_length=1),
    Tag("list"),
]

FlagValue = Annotated[
    _Switch | _Text | _Number | _Items, _one_of("Input should be true, a text, a number or a list of texts and numbers")
]
"""True for a switch, a value, or several; each keeps its type, so that 1 stays 1 and 1.0 stays 1.0."""


def flag_words(flag: str, value: FlagValue) -> list[str]:
    """A flag and its value as words of a command line.

    A single value that begins with a dash is joined to its flag by `=`, so that it is not read as an option.

    >>> flag_words("tp-size", 8), flag_words("bias", -0.5), flag_words("cuda-graph-bs", (1, 2))
    (['--tp-size', '8'], ['--bias=-0.5'], ['--cuda-graph-bs', '1', '2'])
    """
    if value is True:
        return [f"--{flag}"]
    if isinstance(value, tuple):
        return [f"--{flag}", *map(_word, value)]
    word = _word(value)
    return [f"--{flag}={word}"] if word.startswith("-") else [f"--{flag}", word]


def is_short_for(given: str, flag: str) -> bool:
    """Whether argparse reads `--GIVEN` as `--FLAG`: the flag itself, or an abbreviation."""
    return bool(given) and flag.startswith(given)


def tensor_parallel_size(words: Sequence[str]) -> int | None:
    """The tensor parallel size that SGLang's argparse reads from a command line; None where it is not a number.

    `--tp-size` and `--tensor-parallel-size` are one option, which `--tp` abbreviates. The last one counts; without any
    the size is 1 (https://github.com/sgl-project/sglang/blob/v0.5.7/python/sglang/srt/server_args.py).

    >>> tensor_parallel_size(["serve", "--tp-size", "8", "--tp=4"]), tensor_parallel_size(["serve"])
    (4, 1)
    """
    size = "1"
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, joined, value = word.partition("=")
        if _is_tensor_parallel(option):
            size = value if joined else following
    try:
        return int(size)
    except ValueError:
        return None


def _is_tensor_parallel(option: str) -> bool:
    given = option.removeprefix("--")
    is_one_options = given != option and len(given) > 1  # `--t` abbreviates several
    return is_one_options and (is_short_for(given, "tp-size") or is_short_for(given, "tensor-parallel-size"))


def _word(value: str | float) -> str:
    word = str(value)
    if isinstance(value, float) and value < 0 and "e" in word:
        return format(Decimal(word), "f")  # argparse reads -1e-07 as an option, and -0.0000001 as a number
    return word
