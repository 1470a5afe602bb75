"""A strategic merge patch applied as Kubernetes does it, as far as patches of mounts need it."""

from __future__ import annotations

from typing import Any

_KEYS = {"containers": "name", "volumes": "name", "volumeMounts": "mountPath"}
"""The key that identifies an entry of a list (`patchMergeKey` in the API's types)."""


def merged(document: Any, patch: Any, name: str = "") -> Any:
    """A document with a patch applied: mappings are merged, and so are entries of lists with the same key."""
    if isinstance(patch, dict) and isinstance(document, dict):
        return document | {key: merged(document.get(key), value, key) for key, value in patch.items()}
    if isinstance(patch, list) and isinstance(document, list):
        found = {entry[_KEYS[name]]: entry for entry in document}
        for entry in patch:
            found[entry[_KEYS[name]]] = merged(found.get(entry[_KEYS[name]]), entry)
        return list(found.values())
    return patch


def deployment() -> dict[str, Any]:
    """A small Deployment of the stock image, with a volume of its own and another container."""
    server = {
        "name": "server", "image": "registry.example/sglang:v1",
        "volumeMounts": [{"name": "cache", "mountPath": "/root/.cache"}],
    }  # fmt: skip
    template = {
        "metadata": {"labels": {"app": "server"}},
        "spec": {
            "containers": [{"name": "metrics", "image": "registry.example/metrics:v1"}, server],
            "volumes": [{"name": "cache", "emptyDir": {}}],
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "minimax-m2"},
        "spec": {"selector": {"matchLabels": {"app": "server"}}, "template": template},
    }
