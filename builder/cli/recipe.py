"""`m2build recipe`: recipes, and the command lines of their profiles."""

from __future__ import annotations

import click

import m2build
from m2build.cli.choosing import choosing
from m2build.cli.groups import Group
from m2build.cli.output import json_option, print_json, result, shell_line


@click.group(cls=Group, epilog="\b\nExamples:\n  m2build recipe list\n  m2build recipe show --tp 8")
def recipe() -> None:
    """Show recipes."""


@recipe.command("list", epilog="\b\nExample:\n  m2build recipe list")
@json_option
def list_recipes(as_json: bool) -> None:
    """List the recipes that come with m2build, with their profiles and models."""
    recipes = [m2build.load_recipe(name) for name in m2build.recipe_names()]
    if as_json:
        print_json([entry.model_dump(mode="json") for entry in recipes])
        return
    for entry in recipes:
        result(f"{entry.name}  {entry.summary}")
        _print_choices(entry)


@recipe.command(
    epilog="""\b
Examples:
  m2build recipe show
  m2build recipe show --tp 8 --model minimax-m2
  m2build recipe show --recipe ./mine.yaml --json
"""
)
@choosing
@json_option
def show(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show a recipe, or the command line of one of its profiles."""
    loaded = m2build.load_recipe(recipe_name, overrides)
    if tp is not None or profile is not None or model is not None:
        selection = loaded.select(tp=tp, profile=profile, model=model)
        if as_json:
            known = {"command": list(selection.command), "port": selection.port, "title": selection.title}
            print_json({**known, **selection.settings.model_dump(mode="json")})
        else:
            result(shell_line(selection.command))
    elif as_json:
        print_json(loaded.model_dump(mode="json"))
    else:
        result(f"{loaded.name}: {loaded.summary}")
        result(f"  base     {loaded.base.image} ({loaded.base.platform})")
        result(f"  sources  {loaded.base.source_root}")
        result(f"  series   {loaded.series}")
        _print_choices(loaded)


@recipe.command(epilog="\b\nExample:\n  m2build recipe schema > recipe.schema.json")
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    result(*m2build.recipe_schema().splitlines())


def _print_choices(loaded: m2build.Recipe) -> None:
    for name, profile in loaded.profiles.items():
        result(f"  profile  {name}: {profile.summary}")
    for name, model in loaded.models.items():
        default = " (default)" if name == loaded.default_model else ""
        result(f"  model    {name}: {model.repo}{default}")
