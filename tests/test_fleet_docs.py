"""The commands of docs/fleet.md run as written, and BuildKit and Kubernetes accept its files.

Nothing is built here, and there is no cluster: for a command that needs one, the test checks what it would pass to it.
"""

from __future__ import annotations

import base64
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from helpers.buildx import Buildx
from helpers.cli.command_tree import members
from helpers.fleet_page import BLOCKS, DOCS, PAGE, Session, run_page

from m2build.cli.root import cli

pytestmark = pytest.mark.sweep

CONFIGURATION = (DOCS / "fleet" / "buildkitd.toml").read_text(encoding="utf-8")
WORKER = {"gc", "reservedSpace", "maxUsedSpace", "minFreeSpace", "max-parallelism"}
"""Keys of `[worker.oci]` that buildkitd knows; it says nothing of one that it does not know.

https://github.com/moby/buildkit/blob/v0.25.2/cmd/buildkitd/config/config.go, OCIConfig and GCConfig.
"""
REGISTRY = {"mirrors", "http", "insecure", "ca"}
"""Keys of a registry, of https://github.com/moby/buildkit/blob/v0.25.2/util/resolver/config/config.go."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return run_page(tmp_path_factory.mktemp("fleet"))


def test_every_command_was_run(session: Session) -> None:
    """So that a block that is marked as something else, or never reached, is noticed."""
    assert len(BLOCKS) == PAGE.count("\n```\n")
    asked = {tuple(call[:3]) for call in session.calls if call[0] != "kubectl"}
    assert asked >= {("docker", "buildx", "create"), ("docker", "buildx", "bake"), ("m2build", "bake", "--tp")}
    assert len(session.of("kubectl")) == 4


def test_the_commands_of_m2build_are_accepted(session: Session) -> None:
    """click reads each: an option that does not exist, or is missing, raises."""
    for name, *words in session.of("m2build"):
        members(cli)[name].make_context(name, words)


def test_the_cluster_gets_the_configuration_and_spreads(session: Session) -> None:
    fleet = session.builder("fleet")
    (node,) = fleet["Nodes"]
    assert fleet["Driver"] == "kubernetes"
    assert node["DriverOpts"]["loadbalance"] == "random"
    assert tomllib.loads(base64.b64decode(node["Files"]["buildkitd.toml"]).decode()) == tomllib.loads(CONFIGURATION)


@pytest.mark.parametrize(
    ("option", "message"),
    [("loadbalance=sometimes", "invalid loadbalance"), ("replica=3", "invalid driver option replica")],
)
def test_buildx_would_refuse_a_wrong_option(option: str, message: str, session: Session) -> None:
    """The check works: buildx reads the options when it creates the builder, without any cluster."""
    buildx = Buildx(session.folder / "configuration")
    run = buildx.run(
        "create", "--name=wrong", "--driver=kubernetes", f"--driver-opt={option}", cwd=session.folder, check=False,
        environment={"KUBECONFIG": str(session.folder / "cluster.yaml")},
    )  # fmt: skip
    assert run.returncode != 0
    assert message in run.stderr


def test_the_nodes_show_certificates(session: Session) -> None:
    fleet = session.folder / "docs" / "fleet"
    for number in (0, 1):
        builder = session.builder(f"node{number}")
        (node,) = builder["Nodes"]
        assert builder["Driver"] == "remote"
        host = node["Endpoint"].removeprefix("tcp://").removesuffix(":1234")
        assert host == f"buildkitd-{number}.buildkitd.fleet.svc"
        assert {Path(path) for path in node["DriverOpts"].values()} == {*(fleet / "client").iterdir()}
        for side in ("daemon", "client"):
            verify = ["openssl", "verify", "-CAfile", "ca.pem", "-verify_hostname", host, f"{side}/cert.pem"]
            assert subprocess.run(verify, cwd=fleet, capture_output=True, text=True, check=True).stdout.endswith("OK\n")


def test_every_target_is_built_once_by_the_node_whose_turn_it_is(session: Session) -> None:
    target = "minimax-m2-1-tp{}"
    turns = [("fleet", 4), ("fleet", 8), ("node0", 4), ("node1", 8)]
    assert session.of("docker", "buildx", "bake", "--builder") == [
        [builder, "--push", "--metadata-file", f"{target.format(tp)}.json", target.format(tp)] for builder, tp in turns
    ]


def documents() -> list[Any]:
    return list(yaml.safe_load_all((DOCS / "fleet" / "buildkitd.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_the_manifest_is_what_kubernetes_takes(version: str) -> None:
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_kubernetes_would_refuse_a_wrong_key() -> None:
    _, stateful_set = documents()
    stateful_set["spec"]["template"]["spec"]["containers"][0]["arg"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful_set, "1.37", strict=True)


def test_the_manifest_finds_what_the_commands_make(session: Session) -> None:
    service, stateful_set = documents()
    pod = stateful_set["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert service["metadata"]["name"] == stateful_set["spec"]["serviceName"] == stateful_set["metadata"]["name"]
    assert service["spec"]["selector"] == stateful_set["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert stateful_set["spec"]["replicas"] == len(session.of("docker", "buildx", "create", "--name", "node0")) + 1
    made = {(kind, name): source for kind, name, source in created(session)}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert made["configmap", volumes["config"]["configMap"]["name"]] == "buildkitd.toml"
    folder = session.folder / "docs" / "fleet" / made["secret", volumes["tls"]["secret"]["secretName"]]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    files = {f"{mounts['config']}/buildkitd.toml", *(f"{mounts['tls']}/{path.name}" for path in folder.iterdir())}
    assert {word.partition("=")[2] for word in container["args"] if not word.startswith("--addr=")} == files


def created(session: Session) -> Iterator[tuple[str, str, str]]:
    """What kubectl was asked to create from files: kind, name and source."""
    for words in session.of("kubectl", "-n", "fleet", "create"):
        kind, *rest = [word for word in words if word != "generic"]
        name, source = rest
        yield kind, name, source.removeprefix("--from-file=")


def commented(text: str) -> str:
    """The file with its commented examples as active settings."""
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


def test_buildkitd_knows_every_key() -> None:
    plain, whole = tomllib.loads(CONFIGURATION), tomllib.loads(commented(CONFIGURATION))
    registries: Mapping[str, Mapping[str, object]] = whole.pop("registry")
    assert plain == whole
    assert plain.keys() == {"worker"}
    assert plain["worker"].keys() == {"oci"}
    assert plain["worker"]["oci"].keys() <= WORKER
    assert registries.keys() == {"docker.io", "registry.example:5000"}
    assert {key for registry in registries.values() for key in registry} <= REGISTRY


def test_the_disk_holds_what_the_garbage_collection_leaves() -> None:
    """buildkitd's GB are Kubernetes' Gi (its log says so of its policies)."""
    worker = tomllib.loads(CONFIGURATION)["worker"]["oci"]
    _, stateful_set = documents()
    (claim,) = stateful_set["spec"]["volumeClaimTemplates"]
    asked = claim["spec"]["resources"]["requests"]["storage"]
    assert gigabytes(worker["maxUsedSpace"]) + gigabytes(worker["minFreeSpace"]) <= gigabytes(asked)


def gigabytes(text: str) -> int:
    return int(text.removesuffix("GB").removesuffix("Gi"))


def test_relative_links_have_targets() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    assert links != []
    assert [link for link in links if not (DOCS / link).exists()] == []
