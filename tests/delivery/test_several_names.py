"""Several names and registries in one call: each with its own credentials; what failed half-way is completed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, refused, succeeds
from helpers.registry.faultproxy import FOREVER, Rule, fault_proxy
from helpers.registry.registries import (
    call,
    crane_registry,
    docker_config,
    docker_registry,
    htpasswd,
    logged_in,
    run,
    tag_digest,
)

BASE = base_image()
BOTH = ("image", "--tp", "4", "--tp", "8")
MODELS = ("--model", "minimax-m2.1", "--model", "minimax-m2")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("closed")
    with docker_registry(folder, auth=htpasswd(folder)) as host:
        yield host


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another implementation, which never mounts."""
    with crane_registry(tmp_path_factory.mktemp("other")) as host:
        yield host


def base(host: str) -> tuple[str, str]:
    return "--base", f"{host}/team/sglang:rocm"


def test_two_registries_with_different_credentials(stocked: str, closed: str, other: str, tmp_path: Path) -> None:
    names = (f"{closed}/a/{{model}}:{{profile}}", f"{other}/bb:{{base_tag}}-{{model}}-{{profile}}")
    command = ("image", "--tp", "8", *base(stocked), "-t", names[0], "-t", names[1], "--push")
    environment = logged_in(tmp_path, closed)
    anonymous = docker_config(tmp_path / "none", {})
    assert f"{closed}/a/minimax-m2.1 cannot be written" in refused(8, *command, environment=anonymous)
    assert call("GET", f"http://{other}/v2/bb/tags/list")[0] == 404, "nothing was sent anywhere"
    lines = succeeds(*command, environment=environment).splitlines()
    assert [line.partition("@")[0] for line in lines] == [f"{closed}/a/minimax-m2.1", f"{other}/bb"]
    digest = lines[0].partition("@")[2]
    assert tag_digest(other, "bb", "rocm-minimax-m2.1-tp8") == digest == lines[1].partition("@")[2]
    assert b"PASS" in run("crane", "validate", "--remote", f"{other}/bb:rocm-minimax-m2.1-tp8")
    name = f"{closed}/a/minimax-m2.1:tp8"
    assert run("crane", "digest", name, environment=environment | {"PATH": "/usr/bin"}).decode().strip() == digest


def test_names_in_one_call_share_what_was_sent(stocked: str, tmp_path: Path) -> None:
    """To a registry without the base: what the first name got is mounted for the others."""
    with docker_registry(tmp_path) as empty, fault_proxy(empty) as proxy:
        said = json.loads(
            succeeds("image", "--tp", "8", *base(stocked), "-t", f"{proxy.host}/one", "-t", f"{proxy.host}/two:x",
                     "-t", f"{proxy.host}/two:y", "--push", "--json")
        )  # fmt: skip
        moved = [account["m2build.transfer"] for account in said.values()]
    blobs = len(BASE.manifest.layers) + 2
    assert [(one["uploaded"], one["mounted"], one["existing"]) for one in moved] == [
        (blobs, 0, 0), (0, blobs, 0), (0, 0, blobs),
    ]  # fmt: skip


def test_what_was_published_before_a_failure_is_reported_and_a_rerun_completes(
    stocked: str, other: str, tmp_path: Path
) -> None:
    with fault_proxy(other, Rule("PUT", "/manifests/tp4", times=FOREVER, status=403)) as proxy:
        names = (f"{stocked}/half/way", f"{proxy.host}/half/way")
        command = [*BOTH, *base(stocked), "-t", names[0], "-t", names[1], "--push"]
        command += ["--metadata-file", str(tmp_path / "metadata.json")]
        run = m2build(*command)
        digest = tag_digest(stocked, "half/way", "tp4")
        assert run.returncode == 8
        metadata = json.loads((tmp_path / "metadata.json").read_text())
        assert {name: account["containerimage.digest"] for name, account in metadata.items()} == {
            f"{names[0]}:tp4": digest
        }
        assert run.stdout == f"{names[0]}@{digest}\n"
        proxy.rules = []
        again = succeeds(*command)
        assert json.loads((tmp_path / "metadata.json").read_text()).keys() == {
            f"{name}:{tp}" for name in names for tp in ("tp4", "tp8")
        }
        assert len(again.splitlines()) == 4
        assert tag_digest(other, "half/way", "tp4") == digest


def test_models_and_profiles_have_distinct_names(stocked: str) -> None:
    lines = succeeds(
        *BOTH, *MODELS, *base(stocked), "-t", f"{stocked}/fleet:{{model}}-{{profile}}", "--push"
    ).splitlines()
    assert len({line.partition("@")[2] for line in lines}) == 4
    tags = json.loads(call("GET", f"http://{stocked}/v2/fleet/tags/list")[2])["tags"]
    assert sorted(tags) == ["minimax-m2-tp4", "minimax-m2-tp8", "minimax-m2.1-tp4", "minimax-m2.1-tp8"]


def test_one_images_id_under_several_names(stocked: str, tmp_path: Path) -> None:
    names = ("-t", f"{stocked}/id:a", "-t", f"{stocked}/id:b")
    succeeds("image", "--tp", "8", *base(stocked), *names, "--push", "--iidfile", tmp_path / "id")
    assert (tmp_path / "id").read_text().startswith("sha256:")
    assert "--iidfile takes one image's id" in refused(
        2, *BOTH, *base(stocked), "-t", f"{stocked}/id:{{profile}}", "--push", "--iidfile", tmp_path / "id"
    )


def test_grammar_is_checked_before_the_network() -> None:
    said = refused(2, "image", "--tp", "8", "-t", "registry.invalid/a:{profle}", "--push")
    assert said.splitlines()[0].endswith("there is no field 'profle'; did you mean 'profile'?")
