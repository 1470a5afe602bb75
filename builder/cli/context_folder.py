"""The folder of `m2build render` and `m2build bake`: a new one, the same again, or another with `--replace`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path

import click

from m2build.cli.output import result
from m2build.errors import UsageError

_OPTIONS = (
    click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write."),
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
        command(write=lambda files: _write(files, output, replace=replace), **others)

    for option in reversed(_OPTIONS):
        with_folder = option(with_folder)
    return with_folder


def _write(files: Mapping[str, bytes], folder: Path, *, replace: bool) -> None:
    """Write the folder, and print its name."""
    from m2build.patches.writing import write_files

    write_files(files, folder, may_replace=lambda there: _is_ours(there) and _may_go(folder, replace=replace))
    result(str(folder))


def _may_go(folder: Path, *, replace: bool) -> bool:
    if not replace:
        hint = "name a new folder, or replace that one with --replace"
        raise UsageError(f"{folder} exists already, and holds another context", hint=hint)
    return True


def _is_ours(folder: Path) -> bool:
    from m2build.rendering.context import holds_contexts_only

    try:
        ignore = (folder / ".dockerignore").read_bytes()
    except OSError:
        return False
    found = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return holds_contexts_only((path.relative_to(folder).as_posix() for path in found), ignore)
