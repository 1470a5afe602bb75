"""Mounts for Docker and podman: a file of `--volume` options, and a Compose fragment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from m2build.derivation.plan import Plan
from m2build.documents.yaml_text import yaml_text
from m2build.mounts.model import NO_FILE, Mount, check_spelling, mounts_of
from m2build.rendering.values import pullable_base

OPTIONS = "volumes.txt"
"""Options of `docker run`, one a line, for `mapfile -t`: values may hold spaces."""
COMPOSE = "compose.yaml"
SERVICE = "server"
"""The Compose service that has the mounts."""


def volume_options(plan: Plan, folder: Path) -> Mapping[str, bytes]:
    """The `--volume` options of `docker run` and `podman run`, one a line.

    Args:
        plan: what to lay over its base.
        folder: where the files will be; an engine's daemon needs an absolute path.

    Raises:
        UsageError: a path cannot be mounted so.
    """
    mounts, above = mounts_of(plan), str(folder.absolute())
    check_spelling((above, *(mount.target for mount in mounts)), "--volume", ":")
    lines = (f"--volume={_source(mount, above)}:{mount.target}:ro\n" for mount in mounts)
    return {OPTIONS: "".join(lines).encode()}


def compose_fragment(plan: Plan) -> Mapping[str, bytes]:
    """A Compose file with the base, what its profile is run with, and the mounts.

    Its paths are relative: to its own folder if another file extends or includes it.

    Raises:
        UsageError: a path cannot be mounted so, or the base has no name.
    """
    mounts = mounts_of(plan)
    check_spelling((mount.target for mount in mounts), "a Compose file")
    volumes = [
        {
            "type": "bind",
            "source": _literal(_source(mount, ".")),
            "target": _literal(mount.target),
            "read_only": True,
            "bind": {"create_host_path": False},
        }
        for mount in mounts
    ]
    settings = plan.selection.settings
    service = {
        "image": _literal(pullable_base(plan)),
        "entrypoint": [_literal(word) for word in plan.selection.command],
        "init": True,
        "environment": {name: _literal(value) for name, value in settings.env.items()},
        "working_dir": _literal(settings.workdir or ""),
        "user": _literal(settings.user or ""),
        "volumes": volumes,
    }
    given = {key: value for key, value in service.items() if value}
    return {COMPOSE: yaml_text({"services": {SERVICE: given}}).encode()}


def _source(mount: Mount, folder: str) -> str:
    return mount.source if mount.source == NO_FILE else f"{folder}/{mount.source}"


def _literal(text: str) -> str:
    """A value in which Compose interpolates nothing (Compose specification, "Interpolation")."""
    return text.replace("$", "$$")
