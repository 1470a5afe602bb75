"""Kubernetes' objects, by its schemas, its security standard, and kustomize."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from helpers.running.baseline import violations
from helpers.support import need_tool

from m2build import load_recipe
from m2build.errors import UsageError
from m2build.patches import write_tree
from m2build.recipes.parts import Health
from m2build.running import Container, Security, render_kubernetes

RECIPE = load_recipe("minimax-m2")
IMAGE = "registry.example/team/minimax-m2:tp4"
FOUR = Container(RECIPE.select(tp=4), IMAGE, arguments=("--log-level", "$(HOME)", "1e3"))
OBJECTS = {
    name.removesuffix(".yaml"): yaml.safe_load(file.content)
    for name, file in render_kubernetes(FOUR, replicas=2).items()
}
POD: dict[str, Any] = OBJECTS["deployment"]["spec"]["template"]["spec"]
(SERVER,) = POD["containers"]


@pytest.mark.parametrize("version", ["1.32", "1.33", "1.34", "1.35", "1.36", "1.37"])
def test_the_last_six_releases_take_every_object(version: str) -> None:
    for name, found in OBJECTS.items():
        if name != "kustomization":
            kubernetes_validate.validate(found, version, strict=True)


def test_pod_security_finds_nothing_to_refuse() -> None:
    assert violations(POD) == []


@pytest.mark.parametrize(
    ("part", "changed", "found"),
    [
        ("pod", {"hostIPC": True}, "hostIPC"),
        ("pod", {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "hostPath"),
        ("pod", {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccompProfile"),
        ("server", {"securityContext": {"privileged": True}}, "privileged"),
        ("server", {"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}, "capabilities"),
        ("server", {"ports": [{"containerPort": 1, "hostPort": 1}]}, "hostPort"),
    ],
)
def test_pod_security_refuses_what_the_published_commands_open(part: str, changed: dict[str, Any], found: str) -> None:
    """The rules of this test do find something."""
    pod = {**POD, **changed} if part == "pod" else {**POD, "containers": [{**SERVER, **changed}]}
    assert violations(pod) == [found]


def test_probes_wait_as_long_as_the_server_may_take() -> None:
    """An hour to start; half a minute for an answer, which takes SGLang up to 21 s; five minutes without any."""
    health = Health()
    for name, failures in {"startupProbe": 120, "readinessProbe": 3, "livenessProbe": 10}.items():
        probe = SERVER[name]
        assert probe["httpGet"] == {"path": "/health", "port": "http"}
        assert (probe["timeoutSeconds"], probe["failureThreshold"]) == (health.timeout, failures)
        assert probe["timeoutSeconds"] >= 22
    assert SERVER["startupProbe"]["periodSeconds"] * SERVER["startupProbe"]["failureThreshold"] >= health.start_period
    assert POD["terminationGracePeriodSeconds"] == 120


def test_an_init_reaps_what_ends() -> None:
    assert POD["shareProcessNamespace"] is True


def test_the_gpus_are_the_profiles_and_two_fill_a_node() -> None:
    assert SERVER["resources"]["limits"] == {"amd.com/gpu": 4}
    assert SERVER["resources"]["requests"]["amd.com/gpu"] == 4
    assert OBJECTS["deployment"]["spec"]["replicas"] * 4 == 8
    assert OBJECTS["deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert OBJECTS["claim"]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_shared_memory_is_memory() -> None:
    (volume,) = [one for one in POD["volumes"] if one["name"] == "shared-memory"]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "32Gi"}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in SERVER["volumeMounts"]


def test_everything_finds_each_other() -> None:
    labels = OBJECTS["deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        OBJECTS["deployment"]["spec"]["selector"]["matchLabels"],
        OBJECTS["budget"]["spec"]["selector"]["matchLabels"],
        OBJECTS["service"]["spec"]["selector"],
    ):
        assert selector.items() <= labels.items()
    (port,) = OBJECTS["service"]["spec"]["ports"]
    assert port["targetPort"] in [one["name"] for one in SERVER["ports"]]
    claims = [one["persistentVolumeClaim"]["claimName"] for one in POD["volumes"] if "persistentVolumeClaim" in one]
    assert claims == [OBJECTS["claim"]["metadata"]["name"]]


def test_arguments_are_texts_in_which_kubernetes_expands_nothing() -> None:
    """`$$(HOME)` is how its API says `$(HOME)`."""
    assert SERVER["args"] == ["--log-level", "$$(HOME)", "1e3"]
    assert b"'1e3'" in render_kubernetes(FOUR)["deployment.yaml"].content


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (("amd.com/gpu.family", ["AI"]), [{"key": "amd.com/gpu.family", "operator": "In", "values": ["AI"]}]),
        (None, None),
    ],
)
def test_the_nodes_are_mi300x_or_what_is_said(nodes: Any, expected: Any) -> None:
    def affinity(files: Any) -> Any:
        pod = yaml.safe_load(files["deployment.yaml"].content)["spec"]["template"]["spec"]
        return pod.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution")

    default = affinity(render_kubernetes(FOUR))["nodeSelectorTerms"][0]["matchExpressions"]
    assert default[0]["key"] == "amd.com/gpu.device-id"
    assert "74a1" in default[0]["values"]
    found = affinity(render_kubernetes(FOUR, nodes=nodes))
    assert (found and found["nodeSelectorTerms"][0]["matchExpressions"]) == expected


def test_kubectl_builds_the_kustomization(tmp_path: Path) -> None:
    """With a change of the user's own on top, as docs/running.md shows it."""
    write_tree(render_kubernetes(FOUR, replicas=2), tmp_path / "serving")
    own = {"resources": ["serving"], "namespace": "llm", "images": [{"name": IMAGE.rpartition(":")[0], "newTag": "v2"}]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    command = [need_tool("kubectl"), "kustomize", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)})
    built = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    assert built.keys() == {"Deployment", "Service", "PersistentVolumeClaim", "PodDisruptionBudget"}
    assert {one["metadata"]["namespace"] for one in built.values()} == {"llm"}
    (server,) = built["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert server == {**SERVER, "image": "registry.example/team/minimax-m2:v2"}


def test_another_security_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="amd-docs would not pass Pod Security's level baseline"):
        render_kubernetes(Container(RECIPE.select(tp=4), IMAGE, Security.AMD_DOCS))


@pytest.mark.parametrize("name", ["minimax-m2", "minimax-m2.5", "minimax-m2.7", "minimax-m3", "minimax-m2-vllm"])
def test_every_shipped_profile_can_be_served(name: str) -> None:
    recipe = load_recipe(name)
    for profile in recipe.profiles:
        container = Container(recipe.select(profile=profile), IMAGE)
        deployment = yaml.safe_load(render_kubernetes(container)["deployment.yaml"].content)
        kubernetes_validate.validate(deployment, "1.37", strict=True)
