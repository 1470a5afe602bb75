"""The text of a new recipe that starts from another one."""

from __future__ import annotations

import os
from os import PathLike
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from m2build.documents.shown import shown
from m2build.documents.yaml_text import yaml_text
from m2build.errors import UsageError
from m2build.recipes.values import Id, is_path

if TYPE_CHECKING:
    from m2build.recipes.model import Recipe


def starter_text(recipe: Recipe, name: str, start: str, folder: str | PathLike[str]) -> str:
    """As `Recipe.starter`."""
    try:
        TypeAdapter(Id).validate_python(name, strict=True)
    except ValidationError as error:
        hint = "lower-case letters and digits, with full stops, dashes or underscores between them, as in my-team"
        raise UsageError(f"{shown(name)} cannot be a recipe's name", hint=hint) from error
    *_, last = recipe.profiles
    changed = {"extends": last, "summary": f"{recipe.profiles[last].summary}, on another port", "flags": {"port": 9000}}
    extends = os.path.join(os.curdir, os.path.relpath(start, os.path.realpath(folder))) if is_path(start) else start  # noqa: PTH118
    return "\n".join([
        f"# Starts from {extends}: mappings are merged, other values replaced, and null removes a key.",
        "# Take the # from the lines that you want, and change them. The result, as one recipe:",
        f"#     m2build recipe show --yaml --recipe ./{name}.yaml",
        "# For an editor that checks as you type: m2build recipe schema > recipe.schema.json, and as the first line",
        "#     # yaml-language-server: $schema=recipe.schema.json",
        yaml_text({"extends": extends, "name": name, "summary": recipe.summary}),
        "# Another copy of the base, such as a mirror's.",
        _offered({"base": {"image": recipe.base.image}}),
        "# Variables and labels of the image. No credentials: the container gets them when it starts.",
        _offered({"env": {"HF_HOME": "/models"}, "labels": {"com.example.team": "serving"}}),
        f"# The model that is served unless --model says another one of: {', '.join(recipe.models)}.",
        _offered({"default_model": recipe.default_model}),
        f"# Profiles: {', '.join(recipe.profiles)}. One can start from another and say only what differs.",
        _offered({"profiles": {f"{last}-mine": changed}}),
    ])  # fmt: skip


def _offered(values: dict[str, object]) -> str:
    return "".join(f"#{line}\n" for line in yaml_text(values).splitlines())
