"""`m2build doctor`: what this machine lacks to derive an image and to serve with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

import m2build
from m2build import machine
from m2build.cli.choosing import choosing
from m2build.cli.groups import Command
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.errors import LaunchError


def _schema() -> str:
    from m2build.printed import schema_text

    return schema_text("doctor", list[machine.Diagnosis])


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build doctor --tp 8
  m2build doctor --recipe minimax-m2.5 --profile tp2ep2 --json
  # In a script: exit code 6 if there is a problem.
  m2build doctor --tp 4 --strict
""",
)
@choosing
@click.option("--strict", is_flag=True, help="End with exit code 6 if a check finds a problem.")
@json_option
@schema_option(_schema, "--json")
def doctor(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    strict: bool,
    as_json: bool,
) -> None:
    """Check this machine: engine, credentials, disks, GPUs, kernel.

    Each problem comes with its fix. Nothing is changed, and nothing goes over the network. Without --tp or --profile,
    the recipe's first profile counts.
    """
    recipe = m2build.load_recipe(recipe_name, overrides)
    chosen = profile if tp is not None or profile is not None else next(iter(recipe.profiles))
    found = m2build.doctor(recipe.select(tp=tp, profile=chosen, model=model))
    if as_json:
        print_json([diagnosis.document() for diagnosis in found])
    else:
        result(*_lines(found))
    problems = [diagnosis.check for diagnosis in found if diagnosis.state == "problem"]
    if strict and problems:
        raise LaunchError(
            f"this machine is not ready: {', '.join(problems)}", hint="each problem's fix is printed above"
        )


def _lines(found: Sequence[machine.Diagnosis]) -> Iterator[str]:
    for diagnosis in found:
        yield f"{diagnosis.state:8} {diagnosis.check:15} {diagnosis.message}"
        for name, text in (("fix", diagnosis.fix), ("see", diagnosis.source)):
            if text:
                yield f"{'':24} {name}: {text}"
