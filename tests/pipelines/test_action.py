"""The composite action at the repository's root: its names, its schema, and its steps in a fake GitHub job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.checkout import ROOT
from helpers.cli.checkouts import checkout
from helpers.pipelines.jobs import Machine, Step, evaluated
from helpers.pipelines.schemas import problems, shellcheck, vendored
from helpers.registry.registries import docker_registry, run, tag_digest

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
INSTALL, DERIVE = ACTION["runs"]["steps"]
BASE = "pypi:sglang==0.5.7"


def test_github_takes_the_action() -> None:
    assert problems(vendored("github-actions"), ACTION) == []
    assert problems(vendored("github-actions"), {**ACTION, "runs": {"using": "composite"}})


def test_inputs_and_outputs_are_called_as_those_of_docker_build_push_action() -> None:
    assert {"tags", "labels", "annotations", "push", "outputs"} <= ACTION["inputs"].keys()
    assert {"digest", "imageid", "metadata"} <= ACTION["outputs"].keys()
    assert {output["value"] for output in ACTION["outputs"].values()} == {
        f"${{{{ steps.{DERIVE['id']}.outputs.{name} }}}}" for name in ACTION["outputs"]
    }


def test_every_input_goes_through_the_environment() -> None:
    """An expression in a script would be a way to run commands."""
    used = {value for step in (INSTALL, DERIVE) for value in step["env"].values()}
    assert used == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]} | {"${{ github.action_path }}"}
    for step in (INSTALL, DERIVE):
        assert "${{" not in step["run"]
        assert step["run"].startswith("set -euo pipefail\n")
        assert shellcheck(step["run"]) == ""


def derive(machine: Machine, **inputs: str) -> Step:
    """Run the second step with inputs as in a workflow; the others have their defaults."""
    known = {f"inputs.{name}": str(entry.get("default", "")) for name, entry in ACTION["inputs"].items()}
    known |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
    assert known.keys() == {f"inputs.{name}" for name in ACTION["inputs"]}
    return machine.run(DERIVE["run"], evaluated(DERIVE["env"], known))


def test_the_action_installs_its_own_version(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pip = f"mkdir -p {tmp_path}/m2build/bin; ln -s {machine.programs}/pip {tmp_path}/m2build/bin/pip"
    machine.program("python3", pip)
    machine.program("pip", "")
    found = machine.run(INSTALL["run"], evaluated(INSTALL["env"], {"github.action_path": "/actions/m2 build/v1"}))
    assert found.code == 0, found.stderr
    assert machine.calls == [
        f"python3 -m venv {tmp_path}/m2build",
        "pip install --quiet --disable-pip-version-check /actions/m2 build/v1",
    ]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine after the first step, with a command that prints its words."""
    found = Machine(tmp_path)
    (tmp_path / "m2build/bin").mkdir(parents=True)
    (tmp_path / "m2build/bin/m2build").symlink_to(found.programs / "m2build")
    found.program("m2build", 'printf "%s\\n" "$@"')
    return found


def test_lists_become_words(machine: Machine) -> None:
    found = derive(
        machine,
        tags="ghcr.io/team/m2:{profile}, ghcr.io/team/other\n\n  ghcr.io/team/third:1 \n",
        labels="a=1, with comma\nb='two' words\n",
        annotations="manifest:c=$HOME\n",
        push="true",
        profiles="tp4,tp8",
        models="minimax-m2.1",
        base=BASE,
        locked="true",
        sign="cosign:keyless",
        attest="true",
        max_transfer="20GB",
        artifacts="true",
    )
    assert found.code == 0, found.stderr
    assert found.stdout.splitlines() == [
        *("image", "--recipe", "minimax-m2", "--profile", "tp4", "--profile", "tp8", "--model", "minimax-m2.1"),
        *("--base", BASE, "--locked", "-t", "ghcr.io/team/m2:{profile}", "-t", "ghcr.io/team/other"),
        *("-t", "ghcr.io/team/third:1", "--label", "a=1, with comma", "--label", "b='two' words"),
        *("--annotation", "manifest:c=$HOME", "--sign", "cosign:keyless", "--attest"),
        *("--tag-policy", "move", "--max-transfer", "20GB", "--github-artifacts", "--push"),
    ]


def test_without_push_and_outputs_nothing_is_written(machine: Machine) -> None:
    found = derive(machine, tags="ghcr.io/team/m2", profiles="tp8")
    assert found.stdout.splitlines()[-4:] == ["--tag-policy", "move", "--push", "--dry-run"]
    assert "--dry-run" not in derive(machine, profiles="tp8", outputs="oci:./image").stdout


def test_an_input_that_is_neither_true_nor_false_is_refused(machine: Machine) -> None:
    found = derive(machine, profiles="tp8", push="yes")
    assert (found.code, found.stdout) == (2, "::error::the input for --push is true or false, not yes\n")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def test_the_action_publishes_and_says_so(machine: Machine, registry: str) -> None:
    """The real command, from the stand-in base into a registry; crane confirms the digest."""
    machine.real()
    found = derive(
        machine, tags=f"{registry}/team/m2:a,{registry}/team/m2:b", labels="com.example.team=m2 & co",
        profiles="tp8", base=f"dir:{checkout(machine.folder / 'tree')}", push="true", artifacts="true",
    )  # fmt: skip
    assert found.code == 0, found.stderr
    outputs = found.outputs
    assert outputs.keys() == ACTION["outputs"].keys()
    digest = tag_digest(registry, "team/m2", "a")
    assert outputs["digest"] == digest == tag_digest(registry, "team/m2", "b")
    assert outputs["images"].splitlines() == [f"{registry}/team/m2@{digest}"] * 2
    config = json.loads(run("crane", "config", f"{registry}/team/m2@{digest}"))
    assert config["config"]["Labels"]["com.example.team"] == "m2 & co"
    metadata = json.loads(outputs["metadata"])
    assert {one["containerimage.config.digest"] for one in metadata.values()} == {outputs["imageid"]}
    table = found.written["GITHUB_STEP_SUMMARY"]
    assert table.count(f"`{digest}`") == 2
    assert found.written["GITHUB_ARTIFACTS"] == f"oci://{registry}/team/m2@{digest}\n"
