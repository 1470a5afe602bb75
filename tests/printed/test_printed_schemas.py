"""Every command that prints JSON has a schema, and prints what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner
from helpers.cli.checkouts import checkout, derived, quickly
from helpers.cli.command_tree import WAYS, find
from helpers.snippets import DOCS

from m2build.cli.root import cli

CASES = [
    "base check --lock {folder}/m2build.lock --json",
    "base mirror {base} {host}/mirrors/sglang --json",
    "bench compare document document --fail-if output_throughput<-1% --json",
    "bench show document --json",
    "cache prune --json",
    "cache show --json",
    "check --tp 8 --source {tree} --json",
    "diff {layout}/base:base {layout}/out:tp8 --json",
    "doctor --tp 8 --json",
    "drift --tags rocm --repository {host}/team/sglang --json",
    "flags --source {tree} --json",
    "flags --source {tree} --diff {tree} --json",
    "image --tp 8 --base {layout}/base:base -o {layout}/again --json",
    "image --tp 8 --base {layout}/base:base -o {layout}/never --dry-run --json",
    "image --tp 4 --tp 8 --base {layout}/base:base -o {layout}/never --dry-run --json",
    "inspect {layout}/out:tp8 --json",
    "patch apply --source {tree} -o {folder}/patched --json",
    "patch list --json",
    "patch show disable-rmsnorm-compile --json",
    "patch status --source {tree} --json",
    "patch waiver --source {tree} --format json",
    "rebase {layout}/out:tp8 --old-base {layout}/base:base --base {base} -o {layout}/new --json",
    "rebase {layout}/out:tp8 --old-base {layout}/base:base --base {base} -o {layout}/never --dry-run --json",
    "recipe list --json",
    "recipe show --json",
    "recipe show --tp 8 --json",
    "revert {layout}/out:tp8 --base {layout}/base:base --json",
    "revert {layout}/out:tp8 --base {layout}/base:base -t {host}/stable/sglang --json",
    "size --json",
    "verify {layout}/out:tp8 --base {layout}/base:base --json",
]


def prints_json(command: click.Command) -> bool:
    """Whether an option makes a command print JSON."""
    return any(
        option.name == "as_json" or (isinstance(option.type, click.Choice) and "json" in option.type.choices)
        for option in command.params
    )


PRINTING = [" ".join(way) for way in WAYS if prints_json(find(way))]


@cache
def schema(command: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(quickly(*command.split(), "--schema"))
    return document


def command_of(case: str) -> str:
    return next(command for command in PRINTING if case.startswith(f"{command} "))


@pytest.fixture(scope="module")
def places(stocked: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the cases name: a small image with its base there and in a registry, a checkout and a lock."""
    folder = derived(tmp_path_factory.mktemp("printed"))
    base = f"{stocked}/team/sglang:rocm"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        quickly("lock", "--tp", "8", "--base", base, "--lock", folder / "m2build.lock")
        yield {
            "folder": str(folder),
            "layout": f"oci:{folder}",
            "host": stocked,
            "base": base,
            "tree": f"dir:{checkout(folder / 'tree')}",
        }


def test_every_command_that_prints_json_has_a_schema_and_a_case() -> None:
    assert len(PRINTING) > 20
    assert [
        name for name in PRINTING if "schema" not in {option.name for option in find(tuple(name.split())).params}
    ] == []
    assert set(map(command_of, CASES)) == set(PRINTING)
    _, _, page = (DOCS / "pipelines.md").read_text(encoding="utf-8").partition("## Results as JSON")
    assert [name for name in PRINTING if f"`{name}" not in page] == []


@pytest.mark.parametrize("command", PRINTING)
def test_a_schema_is_sound_and_has_the_commands_name(command: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(command))
    name = "image" if command == "rebase" else command  # which prints what the other prints
    assert schema(command)["$id"] == f"https://m2build.dev/docs/schemas/{name.replace(' ', '-')}/v1"
    assert schema(command)["title"].startswith(f"What m2build {name} prints with ")


@pytest.mark.parametrize("case", CASES)
def test_a_command_prints_what_its_schema_says_and_nothing_else(case: str, places: dict[str, str]) -> None:
    run = CliRunner().invoke(cli, [word.format(**places) for word in case.split()])
    document = json.loads(run.stdout)
    validator = jsonschema.Draft202012Validator(schema(command_of(case)))
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)] == []
    for value in document if isinstance(document, list) else [document]:
        assert not validator.is_valid({**value, "m2build.new": 1})
        assert not validator.is_valid([{**value, "m2build.new": 1}])
