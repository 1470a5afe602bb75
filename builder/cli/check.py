"""`m2build check`: whether a base's server accepts a profile's launch flags, without making an image."""

from __future__ import annotations

import click

import m2build
from m2build.cli.choosing import base_version_option, choosing
from m2build.cli.groups import Command
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.cli.served import Served, choosing_served


def _schema() -> str:
    from m2build.printed import LaunchProof, schema_text

    return schema_text("check", LaunchProof)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # The recipe's own base, from its registry.
  m2build check --tp 8
  # Another release, before its image is there.
  m2build check --tp 8 --source pypi:sglang==0.5.9
  m2build check --recipe ./mine.yaml --profile night --source oci:./sglang
""",
)
@choosing
@base_version_option
@choosing_served
@json_option
@schema_option(_schema, "--json")
def check(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base_version: str | None,
    served: Served,
    as_json: bool,
) -> None:
    """Check that a base's server accepts a profile's launch flags, and can run with them.

    The command line is parsed by the flags that the base's own sources define; nothing of them is run. What the server
    would refuse ends with exit code 6. Where the flags cannot be read, as those of another server than SGLang, the
    output says "not provable" and why. `image`, `render`, `bake` and `mounts` check the same, with the patches applied.
    """
    recipe = m2build.load_recipe(recipe_name, overrides, base_version)
    selection = recipe.select(tp=tp, profile=profile, model=model)
    base = served.read(recipe)
    proof = m2build.check_launch(selection, *base.trees, variables=base.variables)
    if as_json:
        print_json(proof.document())
        return
    if proof.is_proven:
        result(f"{proof.server} accepts the launch flags of {recipe.name}, {selection.profile_id}")
    result(*proof.notices)
    for warning in proof.warnings:
        result(f"warning: {warning.message}", f"    {warning.hint} [{warning.source}]")
