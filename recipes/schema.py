"""The recipe's JSON Schema, for editors."""

from __future__ import annotations

import json

from m2build.recipes.model import Recipe


def schema_text() -> str:
    """The schema as it stands in `recipe.schema.json`: a recipe in full, or what differs from the one it extends."""
    schema = Recipe.model_json_schema()
    schema["properties"]["extends"] = {
        "description": "The recipe to start from, by name or path; then every other key is optional.",
        "type": "string",
    }
    required = schema.pop("required")
    schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
