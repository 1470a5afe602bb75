"""JSON Schemas of what commands print."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue, TypeAdapter

if TYPE_CHECKING:
    from typing_extensions import TypeForm


def schema_text(
    command: str, kind: TypeForm[object], *, mode: Literal["serialization", "validation"] = "serialization"
) -> str:
    """The JSON Schema of what a command prints, as text.

    Args:
        command: the command, as in `base check`.
        kind: the type of what it prints: of this module, a dataclass whose attributes are the keys, a pydantic model,
            or a list or union of these. What a docstring says of its attributes explains the keys.
        mode: `validation` for models that leave out what is not set.

    Example:
        >>> from m2build.printed import CacheUsage
        >>> json.loads(schema_text("cache show", CacheUsage))["title"]
        'What m2build cache show prints with --json'
    """
    head: dict[str, JsonValue] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://m2build.dev/docs/schemas/{command.replace(' ', '-')}/v1",
        "title": f"What m2build {command} prints with --json",
    }
    described = _explained(TypeAdapter[object](kind).json_schema(mode=mode))
    return json.dumps({**head, **described, **head}, indent=2) + "\n"


def _explained(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A schema in which objects have no other keys, and in which keys are explained as their class's docstring does."""
    explained = {key: _inner(value) for key, value in schema.items()}
    properties = explained.get("properties")
    if not isinstance(properties, dict):
        return explained
    about, _, attributes = str(schema.get("description", "")).partition("\n\nAttributes:\n")
    for name, text in _attributes(attributes).items():
        if isinstance(key := properties.get(name), dict):
            key["description"] = text
    if about:
        explained["description"] = about.partition("\n\n")[0].replace("\n", " ")
    return {"additionalProperties": False} | explained


def _inner(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_inner(item) for item in value]
    return _explained(value) if isinstance(value, dict) else value


def _attributes(text: str) -> dict[str, str]:
    """The attributes of a docstring, by name: `name: text`, with further lines indented."""
    found, name = dict[str, str](), ""
    for line in inspect.cleandoc(text.partition("\n\n")[0]).splitlines():
        if line.startswith(" "):
            found[name] += f" {line.strip()}"
        else:
            name, _, found[name] = line.partition(": ")
    return found
