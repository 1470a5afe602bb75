"""The ConfigMap and the patches, as Kubernetes reads them."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from dataclasses import replace
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from helpers.bases import ROOT
from helpers.images import file, folder
from helpers.mounts.merging import deployment, merged
from helpers.mounts.planned import VOLUME, adding, deleting, document, planned, written

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.mounts.kubernetes import LARGEST
from m2build.patches import RenameModule, SourceTree
from m2build.patches.codemods.replace_text import ReplaceText

FILES = {"pkg/__init__.py": b"", "pkg/a.py": b"x = 1\n", "pkg/old.py": b"y = 1\n"}
EDIT, SCRIPT = ReplaceText("pkg/a.py", "1", "2"), adding("pkg/it's $(new)/run é.sh", b"#!/bin/sh\n", "0755")
CACHE = f"{ROOT}/pkg/__pycache__"
BYTECODE = (folder(CACHE), file(f"{CACHE}/a.cpython-310.pyc", b"\x6f"), file(f"{CACHE}/old.cpython-310.pyc", b"\x6f"))


def pod(plan: Plan, form: str) -> dict[str, Any]:
    """The pod of a Deployment with the patch."""
    return pod_of(written(plan, form))


def pod_of(files: SourceTree) -> dict[str, Any]:
    """The same, by the files that were written."""
    found = merged(deployment(), document(files, "patch.yaml"))
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def seen(plan: Plan) -> dict[str, tuple[bytes, int]]:
    """What the container has at the mounted paths: bytes and mode."""
    files = written(plan, "configmap")
    config_map: Any = document(files, "configmap.yaml")
    spec = pod_of(files)
    (_, server), (own, added) = spec["containers"], spec["volumes"]
    assert own["name"] == "cache"
    assert added["configMap"]["name"] == config_map["metadata"]["name"]
    items = {item["path"]: item for item in added["configMap"]["items"]}
    mounts = [mount for mount in server["volumeMounts"] if mount["name"] == added["name"]]
    assert all(mount["readOnly"] for mount in mounts)
    found = {mount["mountPath"].removeprefix(f"/{ROOT}/"): items[mount["subPath"]] for mount in mounts}
    return {path: (b64decode(config_map["binaryData"][item["key"]]), item["mode"]) for path, item in found.items()}


def test_the_container_has_the_files_of_the_config_map() -> None:
    """Old bytecode is empty there: Python takes it for damaged."""
    assert seen(planned(FILES, EDIT, SCRIPT, extra=BYTECODE)) == {
        "pkg/a.py": (b"x = 2\n", 0o444),
        "pkg/it's $(new)/run é.sh": (b"#!/bin/sh\n", 0o555),
        "pkg/__pycache__/a.cpython-310.pyc": (b"", 0o444),
    }


def test_a_folder_of_old_bytecode_is_empty() -> None:
    spec = pod(planned(FILES, EDIT, extra=BYTECODE[:2]), "configmap")
    (mount,) = [mount for mount in spec["containers"][1]["volumeMounts"] if mount["mountPath"] == f"/{CACHE}"]
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == mount["name"]]
    assert volume == {"name": mount["name"], "emptyDir": {}}
    assert mount["readOnly"], "or the bytecode of several folders would be in one"


def test_what_the_deployment_has_already_stays() -> None:
    metrics, server = pod(planned(FILES, EDIT), "configmap")["containers"]
    assert metrics == {"name": "metrics", "image": "registry.example/metrics:v1"}
    assert server["image"] == "registry.example/sglang:v1"
    assert server["volumeMounts"][0] == {"name": "cache", "mountPath": "/root/.cache"}


@pytest.mark.parametrize("version", ["1.30", "1.33", "1.37"])
def test_kubernetes_takes_the_config_map_and_the_patched_deployment(version: str) -> None:
    files = written(planned(FILES, EDIT, SCRIPT, extra=BYTECODE[:2]), "configmap")
    kubernetes_validate.validate(document(files, "configmap.yaml"), version, strict=True)
    kubernetes_validate.validate(merged(deployment(), document(files, "patch.yaml")), version, strict=True)


@pytest.mark.parametrize("version", ["1.33", "1.37"])
def test_kubernetes_takes_the_image_volume(version: str) -> None:
    files = written(planned(FILES, EDIT), "image-volume")
    kubernetes_validate.validate(merged(deployment(), document(files, "patch.yaml")), version, strict=True)


def test_kubernetes_before_image_volumes_would_refuse_them() -> None:
    files = written(planned(FILES, EDIT), "image-volume")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(merged(deployment(), document(files, "patch.yaml")), "1.30", strict=True)


def test_the_image_volume_mounts_folders_of_an_image_by_digest() -> None:
    plan = planned({**FILES, "other/a.py": b"x = 1\n"}, EDIT, ReplaceText("other/a.py", "1", "2"))
    spec = pod(plan, "image-volume")
    index: Any = document(written(plan, "image-volume"), "image/index.json")
    (descriptor,) = index["manifests"]
    image = {"reference": f"{VOLUME}@{descriptor['digest']}", "pullPolicy": "IfNotPresent"}
    assert spec["volumes"][1] == {"name": "m2build", "image": image}
    assert spec["containers"][1]["volumeMounts"][1:] == [
        {"name": "m2build", "mountPath": f"/{ROOT}/{path}", "readOnly": True, "subPath": f"{ROOT}/{path}"}
        for path in ("other", "pkg")
    ]


def test_the_name_of_the_config_map_follows_its_content() -> None:
    """An immutable ConfigMap cannot change: other content needs another name."""

    def name(content: bytes) -> str:
        made: Any = document(written(planned(FILES, adding("pkg/n.py", content)), "configmap"), "configmap.yaml")
        assert made["immutable"] is True
        return str(made["metadata"]["name"])

    assert name(b"a") == name(b"a") != name(b"b")
    assert name(b"a").startswith("m2build-small-")


@pytest.mark.parametrize("ids", [["a" * 80] * 3, ["a" * 80, "b" * 80, f"{'c' * 71}-{'d' * 8}"], ["small"]])
def test_the_name_of_the_config_map_is_one_that_kubernetes_takes(ids: list[str]) -> None:
    """A DNS subdomain name of RFC 1123: at most 253 characters, the last of which is a letter or a digit."""
    plan = planned(FILES, EDIT)
    (source,) = plan.sources
    series = [source.changeset.series.model_copy(update={"id": one}) for one in ids]
    sources = tuple(replace(source, changeset=replace(source.changeset, series=one)) for one in series)
    name = _name_of(replace(plan, sources=sources))
    assert len(name) <= 253
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert name.startswith(f"m2build-{ids[0]}-")


def _name_of(plan: Plan) -> str:
    made: Any = document(written(plan, "configmap"), "configmap.yaml")
    return str(made["metadata"]["name"])


def test_a_config_map_holds_a_mebibyte_and_no_byte_more() -> None:
    half = bytes(LARGEST // 2)
    assert LARGEST == 1024 * 1024
    exact = planned(FILES, adding("pkg/a.bin", half), adding("pkg/b.bin", half))
    assert sum(len(content) for content, _ in seen(exact).values()) == LARGEST
    more = planned(FILES, adding("pkg/a.bin", half), adding("pkg/b.bin", half + b"x"))
    with pytest.raises(UsageError, match="the files have 1,048,577 bytes, and a ConfigMap holds 1,048,576") as caught:
        written(more, "configmap")
    assert caught.value.hint is not None
    assert "--form image-volume" in caught.value.hint


@pytest.mark.parametrize(
    "codemod", [RenameModule("pkg.old", "pkg.new"), deleting("pkg/old.py", b"y = 1\n")], ids=["renamed", "deleted"]
)
def test_a_file_that_goes_is_refused_with_the_reason(codemod: Any) -> None:
    with pytest.raises(UsageError, match=f"/{ROOT}/pkg/old.py has to go, and a ConfigMap cannot hide") as caught:
        written(planned(FILES, codemod), "configmap")
    assert (caught.value.exit_code, "--form image-volume" in (caught.value.hint or "")) == (2, True)


@pytest.mark.parametrize(
    ("form", "path"), [("configmap", "pkg/a:b"), ("image-volume", "pkg/a:b/c"), ("configmap", "\n")]
)
def test_names_that_kubernetes_cannot_mount_are_refused(form: str, path: str) -> None:
    with pytest.raises(UsageError, match=r"has the character '.+', which a mountPath cannot hold"):
        written(planned(FILES, adding(path, b"")), form)


def test_a_colon_in_a_file_of_an_image_volume_is_fine() -> None:
    """Only its folder is mounted by name."""
    content = hashlib.sha256(b"").hexdigest()
    files = written(planned(FILES, adding("pkg/a:b", b"")), "image-volume")
    assert f"{content}  pkg/a:b\n".encode() in files["account/after.sha256"].content
