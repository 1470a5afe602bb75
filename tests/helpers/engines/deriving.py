"""Deriving and inspecting images by command, with a test run's engines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helpers.commands import m2build
from helpers.registry.registries import run


def derived(environment: Mapping[str, str], *arguments: str, said: str = "") -> list[str]:
    """The lines that a successful `m2build image` prints; its stderr begins with `said`."""
    done = m2build("image", *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(said), done.stderr
    assert said or not done.stderr, done.stderr
    return done.stdout.splitlines()


def inspected(environment: Mapping[str, str], place: str) -> dict[str, Any]:
    """What `m2build inspect --json` prints for an image."""
    done = m2build("inspect", place, "--json", environment=environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def content_digest(environment: Mapping[str, str], place: str) -> str:
    """The digest of an image's content."""
    return str(inspected(environment, place)["content"]["digest"])


def config(name: str) -> dict[str, Any]:
    """An image's config, as crane reads it from a registry."""
    document: dict[str, Any] = json.loads(run("crane", "config", name))
    return document
