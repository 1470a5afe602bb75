"""`m2build render`: the Dockerfile and its build context, to build with a container engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

import m2build
from m2build import rendering
from m2build.cli.choosing import base_version_option, choosing
from m2build.cli.context_folder import writing_context
from m2build.cli.groups import Command
from m2build.cli.paths import PATH
from m2build.cli.progress import progress_option
from m2build.cli.rendered_base import RenderedBase, choosing_base
from m2build.cli.settings import Given, setting
from m2build.errors import StorageError, UsageError
from m2build.local.reading import UnfitFileError, read_given

_MAXIMUM_TEMPLATE = 1 << 20
"""Bytes; the shipped one has four thousand."""


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Read the base in its registry, and pin it to its digest.
  m2build render --tp 8 -o ./context
  # Without a network: give the sources; the build checks them.
  m2build render --tp 8 --unpinned --source pypi:sglang==0.5.7 -o ./context
  # Build it.
  docker build --tag minimax-m2:tp8 ./context
""",
)
@choosing
@base_version_option
@setting
@choosing_base
@click.option("--template", type=PATH, help="Your own template for the Dockerfile.")
@writing_context
@progress_option
def render(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base_version: str | None,
    given: Given,
    base: RenderedBase,
    template: Path | None,
    write: Callable[[rendering.Context], None],
    progress_mode: str,
) -> None:
    """Write a Dockerfile and its build context that produce the same image as `m2build image`.

    The build needs no network except for the base, and checks every touched file before and after. The base needs a
    POSIX shell, the coreutils, and git or GNU patch.
    """
    text = _template(template)
    recipe = m2build.load_recipe(recipe_name, overrides, base_version)
    selection = recipe.select(tp=tp, profile=profile, model=model, **given)
    with base.session(progress_mode) as session:
        plan = session.plan(selection, base.find(session, recipe))
    write(m2build.render(plan, text, name=str(template)))


def _template(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return read_given(path, _MAXIMUM_TEMPLATE).decode()
    except UnfitFileError as error:
        problem = f"the template {path} {error.strerror}"
        raise UsageError(problem, hint="give a text file after --template") from error
    except FileNotFoundError as error:
        raise UsageError(f"there is no template {path}", hint="check the path after --template") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the template {path} is not UTF-8 text", hint="save it as UTF-8") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
