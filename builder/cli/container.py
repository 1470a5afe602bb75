"""The options for a container of an image; `run`, `compose` and `kubernetes` share them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

import m2build
from m2build import running
from m2build.cli.choosing import base_version_option, choosing
from m2build.cli.output import note
from m2build.cli.paths import PATH

_SPECIFICATIONS = ("/etc/cdi/amd.json", "/var/run/cdi/amd.json")
"""Where AMD's container toolkit writes what it knows of the GPUs (`amd-ctk cdi generate`)."""

arguments_argument = click.argument("arguments", nargs=-1, metavar="[ARGUMENTS]...")
_OPTIONS = (
    click.option(
        "--image", metavar="NAME", help="The image; default: m2build/MODEL:PROFILE, as `m2build image` calls it."
    ),
    click.option(
        "--security",
        type=click.Choice(["strict", "amd-docs", "as-documented"]),
        default="strict",
        show_default=True,
        help="What the container may use of the machine; docs/running.md has a table.",
    ),
    click.option(
        "--devices",
        type=click.Choice(["cdi", "kfd", "none"]),
        help="The GPUs: by AMD's container toolkit, as /dev/kfd and /dev/dri, or none; default: by the toolkit where "
        "its /etc/cdi/amd.json is.",
    ),
    click.option(
        "--cache",
        metavar="DIR",
        type=PATH,
        help="The folder for models; default: $HF_HOME, or ~/.cache/huggingface.",
    ),
    click.option(
        "--address",
        metavar="IP",
        default="127.0.0.1",
        show_default=True,
        help="The address of this machine at which the server is reached; 0.0.0.0 for all of them.",
    ),
    arguments_argument,
)


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose one image of a recipe; the command gets it as one argument, `selection`."""

    @wraps(command)
    def with_selection(
        recipe_name: str,
        tp: int | None,
        profile: str | None,
        model: str | None,
        overrides: tuple[str, ...],
        base_version: str | None,
        **others: object,
    ) -> None:
        recipe = m2build.load_recipe(recipe_name, overrides, base_version)
        command(selection=recipe.select(tp=tp, profile=profile, model=model), **others)

    return choosing(base_version_option(with_selection))


def choosing_container(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for a container, which the command gets as one argument, `container`.

    What its security profile opens is said on stderr.
    """

    @wraps(command)
    def with_container(
        selection: m2build.Selection,
        image: str | None,
        security: str,
        devices: str | None,
        cache: Path | None,
        address: str,
        arguments: tuple[str, ...],
        **others: object,
    ) -> None:
        devices = devices or ("cdi" if any(Path(path).exists() for path in _SPECIFICATIONS) else "kfd")
        folder = str(cache.absolute()) if cache else None
        container = running.Container(selection, image, security, devices, folder, address, arguments)
        if opened := container.rules.opens:
            note(f"--security {security} opens {'; '.join(opened)}")
        command(container=container, **others)

    for option in reversed(_OPTIONS):
        with_container = option(with_container)
    return selecting(with_container)
