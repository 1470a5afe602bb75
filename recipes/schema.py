"""The recipe's JSON Schema, for editors."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

_EXTENDS: dict[str, JsonValue] = {
    "Recipe": {"description": "The recipe to start from, by name or path.", "type": "string"},
    "Profile": {"description": "The profile of this recipe to start from, by its id.", "type": "string"},
}
"""What can start from another one of its kind, and only says what differs."""

_IN_FULL: dict[str, dict[str, JsonValue]] = {
    "Recipe": {
        "if": {"required": ["sources"], "properties": {"sources": {"minProperties": 1}}},
        "then": {
            "properties": {"series": {"type": "null"}, "base": {"properties": {"source_root": {"type": "null"}}}},
        },
        "else": {
            "required": ["series"],
            "properties": {
                "series": {"type": "string"},
                "base": {"required": ["source_root"], "properties": {"source_root": {"type": "string"}}},
            },
        },
    },
    "SourceRoot": {
        "if": {"properties": {"root": {"const": "auto"}}},
        "then": {"required": ["marker"], "properties": {"marker": {"type": "string"}}},
        "else": {"properties": {"marker": {"type": "null"}}},
    },
}
"""What a full recipe's keys have to do with each other: its folders of sources are named in one of two ways."""


def with_variations(parts: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The schema of recipes: in full, or one that extends another; so are its profiles.

    It holds every model twice: in a variation no key is required, and `null` removes one.

    Args:
        parts: the schemas of a full recipe's models by their names, `Recipe` and `Profile` among them.
    """
    models = {name: closed_schema(part) for name, part in parts.items()}
    variations = {f"{name}Variation": _variation(model) for name, model in models.items()}
    models |= {name: {**keys, **rules} for name, rules in _IN_FULL.items() if isinstance(keys := models[name], dict)}
    models["ProfileInFull"], models["Profile"] = models["Profile"], _either("Profile", "ProfileInFull")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {**models, **variations},
        **_either("Recipe", "Recipe"),
    }


def _either(kind: str, in_full: str) -> dict[str, JsonValue]:
    return {
        "properties": {"extends": _EXTENDS[kind]},
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/{kind}Variation"},
        "else": {"$ref": f"#/$defs/{in_full}"},
    }


def closed_schema(schema: JsonValue) -> JsonValue:
    """The schema with mappings that allow only keys of the given pattern, as the models do."""
    if isinstance(schema, list):
        return [closed_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: closed_schema(value) for key, value in schema.items()}
    return closed | ({"additionalProperties": False} if "patternProperties" in schema else {})


def _variation(schema: JsonValue) -> JsonValue:
    """The schema of a variation: every key is optional, or null."""
    if isinstance(schema, list):
        return [_variation(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed: dict[str, JsonValue] = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties") and isinstance(value, dict):
            changed[key] = {name: {"anyOf": [_variation(inner), {"type": "null"}]} for name, inner in value.items()}
        elif key == "$ref":
            changed[key] = f"{value}Variation"
        elif key not in ("required", "minProperties", "default"):
            changed[key] = _variation(value)
    title = schema.get("title")
    if isinstance(title, str) and title in _EXTENDS and isinstance(properties := changed["properties"], dict):
        properties["extends"] = _EXTENDS[title]
    return changed
