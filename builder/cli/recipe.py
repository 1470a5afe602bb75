"""`m2build recipe`: recipes, and the command lines of their profiles."""

from __future__ import annotations

from pathlib import Path

import click

import m2build
from m2build.cli import candidates
from m2build.cli.choosing import base_version_option, choosing
from m2build.cli.groups import Group
from m2build.cli.output import json_option, print_json, result, schema_option, shell_line
from m2build.cli.paths import PATH_TEXT
from m2build.errors import UsageError


def _recipes_schema() -> str:
    from m2build.printed import schema_text

    return schema_text("recipe list", list[m2build.Recipe], mode="validation")


def _shown_schema() -> str:
    from m2build.printed import Selection, schema_text

    return schema_text("recipe show", m2build.Recipe | Selection, mode="validation")


@click.group(cls=Group, epilog="\b\nExamples:\n  m2build recipe list\n  m2build recipe show --tp 8")
def recipe() -> None:
    """Show recipes, and begin your own."""


@recipe.command("list", epilog="\b\nExample:\n  m2build recipe list")
@json_option
@schema_option(_recipes_schema, "--json")
def list_recipes(as_json: bool) -> None:
    """List the shipped recipes, with their profiles and models."""
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
  m2build recipe show --recipe ./mine.yaml --yaml
"""
)
@choosing
@base_version_option
@click.option("--yaml", "as_yaml", is_flag=True, help="Print the whole recipe as YAML, with what it extends.")
@json_option
@schema_option(_shown_schema, "--json")
def show(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base_version: str | None,
    as_yaml: bool,
    as_json: bool,
) -> None:
    """Show a recipe, or the command line of one of its profiles."""
    loaded = m2build.load_recipe(recipe_name, overrides, base_version)
    is_one = tp is not None or profile is not None or model is not None
    if as_yaml and (is_one or as_json):
        raise UsageError("--yaml prints a whole recipe", hint="leave out --json, --tp, --profile and --model")
    if as_yaml:
        result(*loaded.yaml().splitlines())
    elif is_one:
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
        for name, root in loaded.roots.items():
            where = f"/{root.path}" if root.path is not None else f"auto, by {root.marker}"
            result(f"  sources  {where}{f' ({name})' * (len(loaded.roots) > 1)}")
            result(f"  series   {loaded.series_names[name]}")
        _print_choices(loaded)


@recipe.command(
    epilog="""\b
Examples:
  m2build recipe new my-team
  m2build recipe new night --from ./my-team.yaml -o recipes/night.yaml
"""
)
@click.argument("name", metavar="NAME")
@click.option(
    "--from",
    "start",
    metavar="NAME|FILE",
    default="minimax-m2",
    show_default=True,
    shell_complete=candidates.recipes,
    help="The recipe to start from.",
)
@click.option("-o", "--output", type=PATH_TEXT, help="The file to write, - for stdout; default: ./NAME.yaml.")
def new(name: str, start: str, output: str | None) -> None:
    """Write a recipe that starts from another one.

    Comments in it say what to change. It never overwrites a file.
    """
    from m2build.local.failures import storage
    from m2build.local.outputs import new_output
    from m2build.local.targets import output_path

    path = output_path(f"{name}.yaml" if output is None else output)
    text = m2build.load_recipe(start).starter(name, start, folder=Path() if output == "-" else path.parent)
    with storage(path, "written"), new_output(path) as out:
        out.write(text.encode())
    if output != "-":
        result(str(path))


@recipe.command(epilog="\b\nExample:\n  m2build recipe schema > recipe.schema.json")
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    result(*m2build.Recipe.schema_text().splitlines())


def _print_choices(loaded: m2build.Recipe) -> None:
    for name, profile in loaded.profiles.items():
        result(f"  profile  {name}: {profile.summary}")
    for name, model in loaded.models.items():
        default = " (default)" if name == loaded.default_model else ""
        result(f"  model    {name}: {model.repo}{default}")
