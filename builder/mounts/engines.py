"""Mounts for Docker and podman: a file of `--volume` options, and a Compose fragment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.mounts.model import NO_FILE, check_plain, laid_over
from m2build.rendering.values import pullable_base

OPTIONS = "volumes.txt"
"""One option a line, for `mapfile -t` or `xargs`: values may hold spaces."""
COMPOSE = "compose.yaml"


def volume_options(plan: Plan, folder: Path) -> Mapping[str, bytes]:
    """The `--volume` options of `docker run` and `podman run`, one a line.

    Args:
        plan: what to lay over its base.
        folder: where the files will be; an engine's daemon needs an absolute path.

    Raises:
        UsageError: a path cannot be mounted so.
    """
    laid = laid_over(plan)
    check_plain(laid, ":", "--volume")
    above = str(folder.absolute())
    if ":" in above or not above.isprintable():
        raise UsageError(f"{above!r} cannot be mounted as --volume: its name has a colon", hint="choose another folder")
    lines = (
        f"--volume={one.source if one.source == NO_FILE else f'{above}/{one.source}'}:{one.target}:ro\n" for one in laid
    )
    return {OPTIONS: "".join(lines).encode()}


def compose_fragment(plan: Plan) -> Mapping[str, bytes]:
    """A Compose file with the base, the profile's entrypoint and the mounts; more is added with `-f`.

    Raises:
        UsageError: a path cannot be mounted so, or the base has no name.
    """
    laid = laid_over(plan)
    check_plain(laid, "", "a Compose file")
    volumes = [
        {
            "type": "bind",
            "source": one.source if one.source == NO_FILE else _literal(f"./{one.source}"),
            "target": _literal(one.target),
            "read_only": True,
        }
        for one in laid
    ]
    service = {
        "image": _literal(pullable_base(plan)),
        "entrypoint": [_literal(word) for word in plan.selection.command],
        "command": [],
        "volumes": volumes,
    }
    text = yaml.safe_dump({"services": {"server": service}}, sort_keys=False, allow_unicode=True, width=1000)
    return {COMPOSE: text.encode()}


def _literal(text: str) -> str:
    """A value in which Compose interpolates nothing (Compose specification, "Interpolation")."""
    return text.replace("$", "$$")
