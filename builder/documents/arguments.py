"""Arguments of public functions: one of another type is a `TypeError` that names it, before anything is done.

Annotations are compared by the names of classes. So nothing has to be imported to check a call, and public modules stay
light: most of their annotations are imported for type checkers alone.
"""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache, wraps
from pathlib import PurePath
from typing import Any, TypeVar, cast

from m2build.documents.shown import shortened

Function = TypeVar("Function", bound=Callable[..., Any])

PROTOCOLS = {
    "PathLike": ("__fspath__",),
    "Progress": ("step", "transfer", "output", "notice"),
    "Signer": ("sign",),
}
"""The methods by which a value fits a protocol."""
ALIASES = {
    "Absence": "str",
    "Accepted": "str",
    "Codemod": "object",
    "Content": "bytes | str | SourceFile",
    "JsonValue": "object",
    "Style": "str",
}
"""Annotations that are short for others."""
_ANYTHING = frozenset({"object", "Any"})
_SMALL = 1_000
"""Items that are looked at one by one; of more the first ones show what they are."""


def typed_arguments(function: Function) -> Function:
    """Check the arguments of a public function by its annotations.

    Raises:
        TypeError: from the function, if an argument is of another type.
    """
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    others = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else ""  # its *arguments

    @wraps(function)
    def checked(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the function
        given = [*zip(positional, arguments, strict=False), *options.items()]
        given += [(others, value) for value in arguments[len(positional) :] if others]
        for name, value in given:
            wanted = function.__annotations__.get(name)
            if wanted is not None and not fits(value, wanted):
                raise _another_type(_called(function, arguments), name, value, wanted)
        return function(*arguments, **options)

    return cast("Function", checked)


def check_fields(value: object) -> None:
    """Check the fields of a dataclass by their annotations.

    Raises:
        TypeError: one is of another type.
    """
    kind = type(value)
    for base in reversed(kind.__mro__):
        for name, wanted in vars(base).get("__annotations__", {}).items():
            if name in vars(value) and not fits(vars(value)[name], wanted):
                raise _another_type(kind.__name__, name, vars(value)[name], wanted)


def _called(function: Callable[..., object], arguments: tuple[object, ...]) -> str:
    """What users call a function: with its class, the one that they see."""
    first = function.__code__.co_varnames[:1]
    if first not in (("self",), ("cls",)):
        return function.__name__
    kind = arguments[0] if isinstance(arguments[0], type) else type(arguments[0])
    return kind.__name__ if function.__name__ == "__init__" else f"{kind.__name__}.{function.__name__}"


def _another_type(owner: str, name: str, value: object, wanted: str) -> TypeError:
    advice = ""
    if isinstance(value, PurePath) and "str" in wanted:
        advice = f"; write str({name})"
    elif isinstance(value, str) and "Path" in wanted:
        advice = f"; write Path({name})"
    return TypeError(f"{owner}: {name} is {shortened(repr(value))}, expected {_in_words(wanted)}{advice}")


def fits(value: object, annotation: str) -> bool:
    """Whether a value is of the type that an annotation, as it is written, names."""
    return any(_is_one(value, choice) for choice in _split(annotation, "|"))


def _is_one(value: object, choice: str) -> bool:
    name, _, inner = choice.partition("[")
    name = name.rpartition(".")[2]
    if name in ALIASES:
        return fits(value, ALIASES[name])
    if name in PROTOCOLS:
        return not isinstance(value, type) and all(callable(getattr(value, part, None)) for part in PROTOCOLS[name])
    if inner and name != "Literal":
        return _is_collection(value, name, _split(inner.removesuffix("]"), ","))
    return _is_plain(value, name)


def _is_plain(value: object, name: str) -> bool:
    """Whether it is of a class of that name; True is not a number, and a whole number is a number."""
    if name in _ANYTHING or (name == "None" and value is None):
        return True
    if isinstance(value, bool):
        return name == "bool"
    name = {"Literal": "str", "float": "int" if isinstance(value, int) else name}.get(name, name)
    return any(base.__name__ == name for base in value.__class__.__mro__)


def _is_collection(value: object, name: str, parts: tuple[str, ...]) -> bool:
    """Whether it is a collection of that kind. A text is none of texts: its letters are hardly what is meant."""
    if name == "type":
        return isinstance(value, type)
    if name == "tuple" and parts[1:] != ("...",):
        return isinstance(value, (list, tuple)) and len(value) == len(parts) and all(map(fits, value, parts))
    if name in ("list", "tuple"):
        return isinstance(value, (list, tuple)) and _items_fit(value, parts[0])
    if isinstance(value, (str, bytes)) or not isinstance(value, getattr(abc, name)):
        return False
    if isinstance(value, Mapping) and len(parts) == 2 and name == "Mapping":
        return _items_fit(value, parts[0]) and (type(value) is not dict or _items_fit(value.values(), parts[1]))
    return not isinstance(value, (tuple, list, set, frozenset, dict)) or _items_fit(value, parts[0])


def _items_fit(items: Collection[object] | Iterable[object], annotation: str) -> bool:
    return all(fits(item, annotation) for _, item in zip(range(_SMALL), items, strict=False))


@cache
def _split(text: str, separator: str) -> tuple[str, ...]:
    """The parts of an annotation, split at its own separators and not at those within brackets."""
    parts, depth, start = [], 0, 0
    for found in re.finditer(rf"[\[\]]|{re.escape(separator)}", text):
        depth += {"[": 1, "]": -1}.get(found[0], 0)
        if found[0] == separator and not depth:
            parts.append(text[start : found.start()].strip())
            start = found.end()
    return (*parts, text[start:].strip())


def _in_words(annotation: str) -> str:
    *first, last = _split(ALIASES.get(annotation, annotation), "|")
    return f"{', '.join(first)} or {last}" if first else last
