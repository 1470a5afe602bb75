"""The preset for Renovate finds the bases of recipes and of locks, and compares tags as they are meant.

Renovate's own `renovate-config-validator` accepts the preset; docs/renovate.md says how to run it.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import pytest
from helpers.snippets import DOCS

from m2build.locking.model import HEADER

PRESET = json.loads((DOCS / "renovate/preset.json").read_text())
RECIPES, LOCKS = PRESET["customManagers"]
DIGEST = f"sha256:{'0a' * 32}"
LOCK = f"""\
{HEADER}version: 1
m2build: 0.1.0
recipe: minimax-m2
base:
  image: registry.example:5000/lmsysorg/sglang:v0.5.7-rocm700-mi30x
  digest: {DIGEST}
  manifest: {DIGEST}
"""


def expression(text: str) -> re.Pattern[str]:
    """An expression in JavaScript's spelling."""
    return re.compile(text.replace("(?<", "(?P<"))


def found(manager: dict[str, Any], text: str) -> list[dict[str, str | None]]:
    """What a manager reads in a file."""
    (pattern,) = manager["matchStrings"]
    return [match.groupdict() for match in expression(pattern).finditer(text)]


@pytest.mark.parametrize("name", ["minimax-m2", "minimax-m2.5", "minimax-m2.7", "minimax-m3", "minimax-m2-vllm"])
def test_the_base_of_each_shipped_recipe_is_found_and_no_other_image(name: str) -> None:
    text = resources.files("m2build.recipes").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    image = re.search(r"^base:\n(?:  .*\n)*?  image: (\S+)$", text, re.MULTILINE)
    assert image
    assert [f"{one['depName']}:{one['currentValue']}" for one in found(RECIPES, text)] == [image[1]]


@pytest.mark.parametrize(
    ("text", "value", "digest"),
    [
        ("name: a\nbase:\n  platform: linux/amd64\n  # moved\n  image: 'a/b:v1'\nmodels:\n", "v1", None),
        (f"base:\n  image: r.example:5000/a/b:v0.5.7@{DIGEST}\n", "v0.5.7", DIGEST),
        (f'base: # here\n    image: "a/b:v2@{DIGEST}"', "v2", DIGEST),
    ],
)
def test_recipes_are_read_as_people_write_them(text: str, value: str, digest: str | None) -> None:
    (one,) = found(RECIPES, text)
    assert (one["currentValue"], one["currentDigest"]) == (value, digest)


def test_an_image_elsewhere_in_a_recipe_is_not_touched() -> None:
    assert found(RECIPES, "bases:\n  v1:\n    image: a/b:v1\nextends: x\n") == []


def test_the_lock_has_its_tag_and_its_digest() -> None:
    assert found(LOCKS, LOCK) == [
        {
            "depName": "registry.example:5000/lmsysorg/sglang",
            "currentValue": "v0.5.7-rocm700-mi30x",
            "currentDigest": DIGEST,
        }
    ]


@pytest.mark.parametrize("manager", PRESET["customManagers"], ids=["recipes", "locks"])
def test_tags_are_compared_by_release_within_one_family_of_gpus(manager: dict[str, Any]) -> None:
    kind, _, pattern = manager["versioningTemplate"].partition(":")
    assert kind == "regex"
    read = expression(pattern).match

    def version(tag: str) -> tuple[list[int], str]:
        match = read(tag)
        assert match, tag
        numbers = [int(match[part] or 0) for part in ("major", "minor", "patch", "build")]
        return numbers, match["compatibility"] or ""

    tags = ["v0.5.7-rocm700-mi30x", "v0.5.9-rocm720-mi30x", "v0.5.10.post1-rocm720-mi30x", "v0.5.16-rocm720-mi30x"]
    assert sorted(tags, key=version) == tags
    assert {version(tag)[1] for tag in tags} == {"mi30x"}
    assert version("v0.5.9-rocm720-mi35x")[1] == "mi35x"
    assert version("v0.23.0") == ([0, 23, 0, 0], "")
    assert [read(tag) for tag in ("latest", "v0.5.9-rocm720-mi30x-20260101", "dev-mi30x", "v0.5.9-cu130")] == [None] * 4


@pytest.mark.parametrize(
    ("manager", "path", "is_read"),
    [
        (RECIPES, "recipes/mine.yaml", True),
        (RECIPES, "deploy/recipes/mine.yml", True),
        (RECIPES, "recipes/m2build.lock", False),
        (LOCKS, "recipes/m2build.lock", True),
        (LOCKS, "m2build.lock", True),
        (LOCKS, "my-m2build.lock", False),
    ],
)
def test_the_files_are_found(manager: dict[str, Any], path: str, is_read: bool) -> None:  # noqa: FBT001 - a column
    (pattern,) = manager["managerFilePatterns"]
    assert bool(re.search(pattern.strip("/"), path)) is is_read
