"""The folder of `m2build render` and `m2build bake`: new, unchanged, or replaced with `--replace`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

from m2build import rendering
from m2build.cli.output import result
from m2build.cli.outputs import check_folder
from m2build.cli.paths import PATH

_OPTIONS = (
    click.option("-o", "--output", required=True, type=PATH, help="The folder to write."),
    click.option(
        "--replace", is_flag=True, help="Replace what m2build wrote there before; other files are never overwritten."
    ),
)


def writing_context(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets one argument, `write`: it is called with the files."""

    @wraps(command)
    def with_folder(output: Path, replace: bool, **others: object) -> None:
        from m2build.local.leftovers import remove_all_leftovers

        remove_all_leftovers()
        check_folder(output, ".dockerignore")
        command(write=lambda files: _write(files, output, replace=replace), **others)

    for option in reversed(_OPTIONS):
        with_folder = option(with_folder)
    return with_folder


def _write(context: rendering.Context, folder: Path, *, replace: bool) -> None:
    """Write the folder, and print its name."""
    context.write(folder, replace=replace)
    result(str(folder))
