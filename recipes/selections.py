"""What several selections of one recipe have in common."""

from __future__ import annotations

from collections.abc import Sequence

from m2build.errors import UsageError
from m2build.recipes.model import Recipe, Selection


def workdirs(selections: Sequence[Selection]) -> tuple[str, ...]:
    """The working directories that images get instead of the base's, relative to the root."""
    found = (selection.settings.workdir for selection in selections)
    return tuple(dict.fromkeys(path.strip("/") for path in found if path))


def common_recipe(selections: Sequence[Selection]) -> Recipe:
    """The recipe of several selections.

    Raises:
        UsageError: they have different recipes, or there are none.
    """
    recipes = {id(selection.recipe): selection.recipe for selection in selections}
    if len(recipes) != 1:
        raise UsageError(f"images are derived from one recipe at a time, and these are of {len(recipes)}")
    return selections[0].recipe
