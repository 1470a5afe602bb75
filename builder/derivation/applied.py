"""Which series is applied to which folder of sources."""

from __future__ import annotations

from m2build.errors import UsageError
from m2build.patches.loading import load_series
from m2build.patches.series import Series
from m2build.recipes.model import Recipe


def applied_series(recipe: Recipe, series: Series | None = None) -> dict[str, Series]:
    """The series of each folder of sources, by the folder's name.

    Args:
        recipe: names the folders and their series.
        series: the series to apply instead, to the only folder; None for the recipe's own.

    Raises:
        UsageError: one series is given for several folders, or a series does not exist.
    """
    if series is None:
        return {name: load_series(one) for name, one in recipe.series_names.items()}
    if len(recipe.roots) > 1:
        raise UsageError(
            f"one series is given for the {len(recipe.roots)} folders of sources: {', '.join(recipe.roots)}",
            hint="name the series of each in the recipe, as in --set sources.NAME.series=./mine.yaml",
        )
    return dict.fromkeys(recipe.roots, series)
