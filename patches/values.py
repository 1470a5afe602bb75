"""What is made in Python: a codemod as a name and JSON parameters, and values held to their models."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from m2build.documents.shown import shortened
from m2build.errors import UsageError
from m2build.patches.change import Codemod
from m2build.patches.distributions import LIBCST
from m2build.patches.foreign.codemod import LibcstCodemod
from m2build.patches.registry import load_codemods
from m2build.patches.vendored import without_content

ModelType = TypeVar("ModelType", bound=BaseModel)

_HINT = (
    "a codemod is a value of a frozen dataclass with an apply method, such as RemoveDecorator('app', 'torch.compile')"
)


def described(codemod: Codemod) -> tuple[str, dict[str, JsonValue]]:
    """The name and the parameters that a codemod has in accounts.

    Raises:
        UsageError: it is not a value of a frozen dataclass with an `apply` method, or JSON cannot hold one of its
            fields; the message says which.
    """
    kind = type(codemod)
    fields = dict(_fields(codemod))
    if isinstance(codemod, LibcstCodemod):
        return f"{LIBCST}{codemod.codemod}", {name: fields[name] for name in ("files", "spelling", "arguments")}
    return load_codemods().name_of(kind) or f"python:{kind.__module__}.{kind.__qualname__}", fields


def made(model: type[ModelType], what: str, fields: Mapping[str, object], *, context: object = None) -> ModelType:
    """What was given in Python, held to its model.

    Args:
        model: the model.
        what: what it is called in messages.
        fields: the fields.
        context: given to the model's validators.

    Raises:
        UsageError: it does not fit; the message is the first problem, and the details are the others.
    """
    try:
        return model.model_validate(fields, context=context)
    except ValidationError as error:
        first, *others = (
            ": ".join([*map(str, problem["loc"]), problem["msg"].removeprefix("Value error, ")])
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise UsageError(f"{what}: {first}", details=others) from error


def _fields(codemod: object) -> list[tuple[str, JsonValue]]:
    name = type(codemod).__qualname__
    if isinstance(codemod, type):
        raise UsageError(f"{codemod.__qualname__} is a class, and not a codemod's value", hint=_HINT)
    if not dataclasses.is_dataclass(codemod):
        raise UsageError(f"{name} is not a dataclass, and so not a codemod", hint=_HINT)
    if not getattr(type(codemod), "__dataclass_params__").frozen:  # noqa: B009 - typeshed does not know it
        raise UsageError(f"the dataclass {name} is not frozen, and so not a codemod", hint=_HINT)
    if not callable(getattr(codemod, "apply", None)):
        raise UsageError(f"{name} has no apply method, and so is not a codemod", hint=_HINT)
    fields = without_content(type(codemod), (field.name for field in dataclasses.fields(codemod) if field.init))
    return [(field, _as_json(getattr(codemod, field), f"{name}.{field}")) for field in fields]


def _as_json(value: object, where: str) -> JsonValue:
    """A field's value as JSON: tuples become lists, and an enum's members their values.

    Raises:
        UsageError: JSON cannot hold it.
    """
    match value:
        case Enum():
            return _as_json(value.value, where)
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_as_json(item, where) for item in value]
        case Mapping() if all(isinstance(key, str) for key in value):
            return {str(key): _as_json(item, where) for key, item in value.items()}
    raise UsageError(
        f"{where} is {shortened(repr(value))}, which JSON cannot hold",
        hint="a patch is written down with its codemod's fields: use strings, numbers, booleans, None, lists and dicts",
    )
