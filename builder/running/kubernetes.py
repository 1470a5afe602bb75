"""Kubernetes' objects for a container: a Deployment, a Service, a claim for the models, and a disruption budget.

They pass Pod Security's level `baseline` (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from m2build.documents.arguments import typed_arguments
from m2build.documents.yaml_text import ascii_yaml
from m2build.errors import UsageError
from m2build.patches.tree import SourceFile, SourceTree
from m2build.running.model import GRACE, SHARED_MEMORY, TOKEN, Container
from m2build.running.security import Security

CONTAINER = "server"
"""As in the patches of `m2build mounts`, which find it by this name."""
SECRET = "huggingface"  # noqa: S105 - its name; with the key `token`, and optional
MI300X = ("amd.com/gpu.device-id", ("74a1", "74a9", "74b5", "74bd"))
"""The label that AMD's node labeller sets, with the ids of MI300X as a whole and as virtual functions (amdgpu.ids of
libdrm; ROCm/k8s-device-plugin, docs/user-guide/installation.md)."""
_GPU = "amd.com/gpu"
_STORAGE = "300Gi"
"""For 230 GB of weights."""
_MEMORY = "96Gi"
"""64 GiB for the processes of eight ranks, and the shared memory, which counts as memory."""
_INT32 = 2**31 - 1
"""The largest number of a probe."""
_LIVE_FAILURES, _READY_FAILURES = 10, 3
"""How often /health may fail in a row: kernels that are compiled for a first request take more than half a minute."""


@typed_arguments
def render_kubernetes(
    container: Container, *, replicas: int = 1, nodes: tuple[str, Sequence[str]] | None = MI300X
) -> SourceTree:
    """The objects as YAML files, with a `kustomization.yaml`.

    Args:
        container: what to run. Its image has to be one that the cluster can pull; devices come from AMD's device
            plugin.
        replicas: how many pods; two with 4 GPUs each fill a node of 8.
        nodes: a label of the nodes, and the values that it may have; None for any node with GPUs.

    Raises:
        UsageError: the server would not be reachable, or the security profile is another one.
    """
    container.check_reachable()
    if container.security != Security.STRICT:
        raise UsageError(f"the security profile {container.security} would not pass Pod Security's level baseline")
    documents = {
        "deployment.yaml": _object(container, "apps/v1", "Deployment", _deployment(container, replicas, nodes)),
        "service.yaml": _object(container, "v1", "Service", _service(container)),
        "claim.yaml": _object(container, "v1", "PersistentVolumeClaim", _claim(replicas)),
        "budget.yaml": _object(container, "policy/v1", "PodDisruptionBudget", _budget(container)),
    }
    kustomization: dict[str, JsonValue] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(documents),
    }
    files = {**documents, "kustomization.yaml": kustomization}
    return SourceTree(
        {name: SourceFile.of(ascii_yaml(one).encode()) for name, one in files.items()}, origin="kubernetes"
    )


def _object(container: Container, version: str, kind: str, spec: dict[str, JsonValue]) -> dict[str, JsonValue]:
    metadata: JsonValue = {"name": container.name, "labels": _labels(container)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _deployment(container: Container, replicas: int, nodes: tuple[str, Sequence[str]] | None) -> dict[str, JsonValue]:
    return {
        "replicas": replicas,
        "selector": {"matchLabels": _labels(container)},
        # A new pod needs the GPUs of an old one.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": {"metadata": {"labels": _labels(container)}, "spec": _pod(container, nodes)},
    }


def _service(container: Container) -> dict[str, JsonValue]:
    ports: JsonValue = [{"name": "http", "port": container.selection.port, "targetPort": "http"}]
    return {"selector": _labels(container), "ports": ports}


def _claim(replicas: int) -> dict[str, JsonValue]:
    return {
        "accessModes": ["ReadWriteOnce" if replicas == 1 else "ReadWriteMany"],
        "resources": {"requests": {"storage": _STORAGE}},
    }


def _budget(container: Container) -> dict[str, JsonValue]:
    return {"maxUnavailable": 1, "selector": {"matchLabels": _labels(container)}}


def _labels(container: Container) -> dict[str, JsonValue]:
    return {"app.kubernetes.io/name": container.name, "app.kubernetes.io/managed-by": "m2build"}


def _pod(container: Container, nodes: tuple[str, Sequence[str]] | None) -> dict[str, JsonValue]:
    spec: dict[str, JsonValue] = {
        # Process 1 is then Kubernetes' own, which reaps what has ended.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"key": _GPU, "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [_server(container)],
        "volumes": [
            {"name": "models", "persistentVolumeClaim": {"claimName": container.name}},
            {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": f"{SHARED_MEMORY}Gi"}},
        ],
    }
    return spec if nodes is None else {"affinity": _affinity(*nodes), **spec}


def _affinity(label: str, values: Sequence[str]) -> dict[str, JsonValue]:
    expression: JsonValue = {"key": label, "operator": "In", "values": list(values)}
    terms: JsonValue = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def _server(container: Container) -> dict[str, JsonValue]:
    token: JsonValue = {"secretKeyRef": {"name": SECRET, "key": "token", "optional": True}}
    variables: list[JsonValue] = [{"name": name, "value": value} for name, value in container.variables.items()]
    arguments: list[JsonValue] = [_literal(word) for word in container.arguments]
    return {
        "name": CONTAINER,
        "image": container.reference,
        **({"args": arguments} if arguments else {}),
        "env": [{"name": TOKEN, "valueFrom": token}, *variables],
        "ports": [{"name": "http", "containerPort": container.selection.port}],
        "resources": {
            "requests": {"cpu": "8", "memory": _MEMORY, _GPU: container.selection.profile.gpus},
            "limits": {_GPU: container.selection.profile.gpus},
        },
        "securityContext": {"allowPrivilegeEscalation": False},
        **_probes(container),
        "volumeMounts": [
            {"name": "models", "mountPath": container.models},
            {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - the container's own
        ],
    }


def _probes(container: Container) -> dict[str, JsonValue]:
    """Start-up, readiness and liveness, with the time-out that the recipe's health check has (`recipes.parts.Health`).

    Kubernetes' default of one second fails a healthy server: /health alone sleeps that long.
    """
    health = container.selection.recipe.health
    probe: dict[str, JsonValue] = {
        "httpGet": {"path": health.path, "port": "http"},
        "periodSeconds": min(health.interval, _INT32),
        "timeoutSeconds": health.timeout,
    }
    start = min(max(1, -(-health.start_period // health.interval)), _INT32)
    failures: Mapping[str, int] = {
        "startupProbe": start,
        "readinessProbe": _READY_FAILURES,
        "livenessProbe": _LIVE_FAILURES,
    }
    return {name: {**probe, "failureThreshold": count} for name, count in failures.items()}


def _literal(text: str) -> str:
    """An argument in which Kubernetes expands nothing: `$$(NAME)` stays `$(NAME)`."""
    return text.replace("$(", "$$(")
