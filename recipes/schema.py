"""The recipe's JSON Schema, for editors."""

from __future__ import annotations

import json

from pydantic import JsonValue

from m2build.recipes.model import Recipe

_EXTENDS: JsonValue = {"description": "The recipe to start from, by name or path.", "type": "string"}


def recipe_schema() -> str:
    """The text of `recipe.schema.json`: a full recipe, or one that extends another.

    It holds every model twice: in a variation no key is required, and `null` removes one.

    Example:
        >>> json.loads(recipe_schema())["$schema"]
        'https://json-schema.org/draft/2020-12/schema'
    """
    recipe = Recipe.model_json_schema()
    definitions: dict[str, JsonValue] = recipe.pop("$defs")
    models = {name: _closed(model) for name, model in [*definitions.items(), ("Recipe", recipe)]}
    variations = {f"{name}Variation": _variation(model) for name, model in models.items()}
    document: dict[str, JsonValue] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {**models, **variations},
        "properties": {"extends": _EXTENDS},
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/RecipeVariation"},
        "else": {"$ref": "#/$defs/Recipe"},
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _closed(schema: JsonValue) -> JsonValue:
    """The schema with mappings that allow only keys of the given pattern, as the models do."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
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
    if schema.get("title") == "Recipe" and isinstance(properties := changed["properties"], dict):
        properties["extends"] = _EXTENDS
    return changed
