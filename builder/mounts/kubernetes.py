"""Mounts for Kubernetes: a ConfigMap with a key a file, mounted by `subPath`; or a volume that is an image."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence

import yaml
from pydantic import JsonValue

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.mounts.model import Laid, check_plain, laid_over

CONFIG_MAP = "configmap.yaml"
PATCH = "mounts-patch.yaml"
LARGEST = 1 << 20
"""Bytes of all values of one ConfigMap (Kubernetes, "ConfigMaps": 1 MiB)."""
CONTAINER = "server"
"""The container that the patch is for; a strategic merge patch finds it by its name."""
_VOLUME = "m2build"


def config_map(plan: Plan) -> Mapping[str, bytes]:
    """A ConfigMap with the files, and a strategic merge patch that mounts them.

    Raises:
        UsageError: the files are too large, a path has to go, or a path cannot be mounted so.
    """
    laid = laid_over(plan)
    check_plain(laid, ":", "a ConfigMap")
    for one in laid:
        if one.file is None:
            raise UsageError(
                f"{one.target} has to go, and a ConfigMap cannot hide a file of the image",
                hint="use --form image-volume, or derive an image",
            )
    size = sum(len(one.file.content) for one in laid if one.file)
    if size > LARGEST:
        raise UsageError(
            f"the files have {size:,} bytes, and a ConfigMap holds {LARGEST:,}",
            hint="use --form image-volume, or derive an image",
        )
    keys = {one: f"{number:04}" for number, one in enumerate(laid)}
    values = {keys[one]: one.file.content for one in laid if one.file}
    name = _name(plan, values)
    volume: dict[str, JsonValue] = {
        "name": _VOLUME,
        "configMap": {"name": name, "items": [_item(keys[one], one) for one in laid]},
    }
    mounts: list[JsonValue] = [
        {"name": _VOLUME, "mountPath": one.target, "subPath": keys[one], "readOnly": True} for one in laid
    ]
    document: JsonValue = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "immutable": True,
        "binaryData": {key: b64encode(content).decode() for key, content in values.items()},
    }
    return {CONFIG_MAP: dumped(document), PATCH: dumped(merge_patch([volume], mounts))}


def merge_patch(volumes: Sequence[JsonValue], mounts: Sequence[JsonValue]) -> JsonValue:
    """A strategic merge patch for a Deployment, StatefulSet or Job."""
    container: JsonValue = {"name": CONTAINER, "volumeMounts": list(mounts)}
    return {"spec": {"template": {"spec": {"containers": [container], "volumes": list(volumes)}}}}


def dumped(document: JsonValue) -> bytes:
    """A document as YAML."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000).encode()


def _item(key: str, one: Laid) -> JsonValue:
    mode = 0o555 if one.file and one.file.mode & 0o111 else 0o444
    return {"key": key, "path": key, "mode": mode}


def _name(plan: Plan, values: Mapping[str, bytes]) -> str:
    """A name with the content's digest, as an immutable ConfigMap cannot change (kustomize does the same)."""
    digest = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:10]
    series = re.sub(r"[^a-z0-9-]", "-", plan.changeset.series.id)[:40].strip("-")
    return f"m2build-{series}-{digest}"
