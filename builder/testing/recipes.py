"""Checks of a series and of a recipe."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from m2build.documents.arguments import typed_arguments
from m2build.errors import PatchError
from m2build.patches import Changeset, Series, apply_series, changed_tree, load_series
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe
from m2build.testing.trees import Content, after_tree, before_tree, check_compiles, check_equal, difference, message


@typed_arguments
def assert_series(
    series: Series | str,
    before: Mapping[str, Content],
    after: Mapping[str, Content | None] | None = None,
) -> Changeset:
    """Check that a series applies to sources, and what it does to them.

    Checked are that every patch passes, that every Python file that changes compiles, that a second run changes
    nothing, and, where `after` is given, that the tree is `before` with those files, to the byte.

    Args:
        series: the series; a shipped one by its id, or your own by its path. `Recipe.series_names` holds such names.
        before: the sources: path -> content, or a `SourceTree` from a folder or a wheel.
        after: the files that differ afterwards: path -> content, or None for a path that is gone.

    Raises:
        AssertionError: one of these does not hold.
        UsageError: there is no such series, or it does not fit.
        PatchError: a codemod raises something, or a file that may be concerned does not parse.

    Example:
        >>> changeset = assert_series(
        ...     "minimax-m2-rocm",
        ...     {
        ...         "sglang/__init__.py": "__version__ = '0.5.9'",
        ...         "sglang/srt/models/transformers.py": "",
        ...     },
        ...     {"sglang/srt/models/transformers.py": None, "sglang/srt/models/hf_transformers_model.py": ""},
        ... )
        >>> [str(result.outcome) for result in changeset.results]
        ['applied', 'not-needed']
    """
    series = load_series(series) if isinstance(series, str) else series
    tree = before_tree(before)
    changeset = apply_series(series, tree)
    try:
        changeset.checked()
    except PatchError as error:
        raise AssertionError(str(error)) from error
    result = changed_tree(tree, changeset.changes)
    if after is not None:
        expected = after_tree(tree, after)
        check_equal(result, expected, f"the series {series.id} gives a different tree")
    check_compiles(changeset.changes)
    again = apply_series(series, result)
    if again.changes:
        raise AssertionError(message(f"the series {series.id} changes its own result", [again.diff().decode()]))
    return changeset


@typed_arguments
def assert_commands(
    recipe: Recipe | str, commands: Mapping[str, str | Sequence[str]], *, model: str | None = None
) -> Recipe:
    """Check that a recipe loads, and the command lines with which its profiles start the server.

    Args:
        recipe: the recipe; a shipped one by its name, or your own by its path.
        commands: the command line of every profile, by the profile's id: one text as in a shell, or its words.
        model: the model's id; by default the recipe's default model.

    Returns:
        The recipe.

    Raises:
        AssertionError: a command line or the profiles differ.
        UsageError: there is no such recipe or model, or the recipe does not fit.

    Example:
        >>> assert_commands("minimax-m2", {})
        Traceback (most recent call last):
        AssertionError: the recipe minimax-m2 has different profiles:
        --- profiles, expected
        +++ profiles, found
        @@ -0,0 +1,2 @@
        +tp4
        +tp8
    """
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    if recipe.profiles.keys() != commands.keys():
        found = difference("profiles", sorted(commands), sorted(recipe.profiles))
        raise AssertionError(message(f"the recipe {recipe.name} has different profiles", found))
    for profile, command in commands.items():
        words = shlex.split(command) if isinstance(command, str) else list(command)
        found = difference("words", words, list(recipe.select(profile=profile, model=model).command))
        if found:
            raise AssertionError(message(f"the profile {profile} of {recipe.name} has a different command line", found))
    return recipe
