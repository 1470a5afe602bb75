"""Mounts for Kubernetes: a ConfigMap with a key a file, each mounted by `subPath`."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from m2build.derivation.plan import Plan
from m2build.documents.yaml_text import yaml_text
from m2build.errors import UsageError
from m2build.mounts.model import Mount, check_spelling, mounts_of
from m2build.patches.tree import SourceFile

CONFIG_MAP = "configmap.yaml"
PATCH = "patch.yaml"
LARGEST = 1 << 20
"""Bytes of all values of one ConfigMap (Kubernetes, "ConfigMaps": 1 MiB)."""
_LONGEST_NAME = 253
"""Characters of a ConfigMap's name (Kubernetes, "Object Names and IDs": DNS subdomain names)."""
CONTAINER = "server"
"""The container that the patch is for; a strategic merge patch finds it by its name."""
VOLUME = "m2build"
"""The volume that the patch adds."""
_NO_BYTECODE = "m2build-no-bytecode"


def config_map(plan: Plan) -> Mapping[str, bytes]:
    """A ConfigMap with the files, and a strategic merge patch that mounts them.

    Raises:
        UsageError: the files are too large, a file has to go, or a path cannot be mounted so.
    """
    mounts = mounts_of(plan)
    check_spelling((mount.target for mount in mounts), "a mountPath", ":")
    files: dict[str, SourceFile] = {}
    added: list[JsonValue] = []
    for number, mount in enumerate(mounts):
        if mount.file is not None:
            files[f"{number:04}"] = mount.file
            added.append(_mounted(VOLUME, mount, subPath=f"{number:04}"))
        elif mount.is_folder:
            added.append(_mounted(_NO_BYTECODE, mount))
        else:
            raise UsageError(
                f"{mount.target} has to go, and a ConfigMap cannot hide a file of the image",
                hint="use --form image-volume, or derive an image",
            )
    size = sum(len(file.content) for file in files.values())
    if size > LARGEST:
        raise UsageError(
            f"the files have {size:,} bytes, and a ConfigMap holds {LARGEST:,}",
            hint="use --form image-volume, or derive an image",
        )
    values = {key: b64encode(file.content).decode() for key, file in files.items()}
    name = _name("-".join(source.changeset.series.id for source in plan.sources), values)
    document: JsonValue = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "immutable": True,
        "binaryData": {**values},
    }
    items: list[JsonValue] = [{"key": key, "path": key, "mode": file.mode & 0o555} for key, file in files.items()]
    volumes: list[JsonValue] = [{"name": VOLUME, "configMap": {"name": name, "items": items}}]
    if any(mount.is_folder for mount in mounts):
        volumes.append({"name": _NO_BYTECODE, "emptyDir": {}})
    return {CONFIG_MAP: yaml_text(document).encode(), PATCH: merge_patch(volumes, added)}


def merge_patch(volumes: Sequence[JsonValue], mounts: Sequence[JsonValue]) -> bytes:
    """A strategic merge patch for whatever has a pod template, such as a Deployment."""
    container: JsonValue = {"name": CONTAINER, "volumeMounts": list(mounts)}
    pod: JsonValue = {"containers": [container], "volumes": list(volumes)}
    return yaml_text({"spec": {"template": {"spec": pod}}}).encode()


def _mounted(volume: str, mount: Mount, **more: str) -> JsonValue:
    return {"name": volume, "mountPath": mount.target, "readOnly": True, **more}


def _name(series: str, values: Mapping[str, str]) -> str:
    """A name with the content's digest: an immutable ConfigMap cannot change, and pods restart for a new name."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]
    start = f"m2build-{series}"[: _LONGEST_NAME - len(digest) - 1].rstrip("-")
    return f"{start}-{digest}"
