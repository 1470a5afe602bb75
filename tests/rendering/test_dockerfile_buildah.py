"""buildah builds the rendered context: its image has the embedded engine's content and configuration."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.rendering.dockerfiles import NAME, plan_for, with_texts
from helpers.rendering.roots import base_with, content, tampered, unpacked
from helpers.support import need_root, need_tool, sampled

from m2build.derivation.image import build
from m2build.labels import is_withdrawn
from m2build.oci.image import Image
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.rendering.context import render

CONFIG: dict[str, Any] = {
    "Env": ["PATH=/usr/bin:/bin", "HOME=/nowhere", "X=y"],
    "Labels": {"maintainer": "x", "a": "b", "dev.m2build.old": "1"},
    "User": "app", "Cmd": ["/bin/sh"], "WorkingDir": "/tmp", "Shell": ["/bin/bash", "-euxo", "pipefail", "-c"],
    "ExposedPorts": {"22/tcp": {}}, "StopSignal": "SIGINT",
}  # fmt: skip


class Buildah:
    """buildah with its own storage, which has the base under the name in the Dockerfile."""

    def __init__(self, folder: Path) -> None:
        need_root("sets owners and changes roots")
        self._folder = folder
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._storage = ["--root", f"{folder}/s", "--runroot", f"{folder}/r", "--storage-driver", "vfs"]

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [need_tool("buildah"), *self._storage, *arguments]
        # The base is in the storage: a pull, or anything else that asks a registry, fails.
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), **proxies}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert not check or run.returncode == 0, run.stdout + run.stderr
        return run

    def add(self, image: Image) -> None:
        place = Place(PlaceKind.OCI, str(self._folder / "base"), "v1")
        write_image(image, place, tag="", reference="", replace=False, progress=Silent())
        store = f"containers-storage:[vfs@{self._folder}/s+{self._folder}/r]{NAME}"
        policy = f"--policy={self._folder}/policy.json"
        command = [need_tool("skopeo"), policy, "copy", "--quiet", f"oci:{self._folder}/base:v1", store]
        subprocess.run(command, check=True, capture_output=True)

    def build(self, context: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        options = ["--isolation=chroot", "--format=docker", "--pull-never", "--identity-label=false", "--tag=result"]
        policy = f"--signature-policy={self._folder}/policy.json"
        return self("bud", *options, policy, str(context), check=check)


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    folder = tmp_path / "buildah"
    folder.mkdir()
    run = Buildah(folder)
    yield run
    run("umount", "--all", check=False)
    run("rm", "--all", check=False)


def write(context: dict[str, bytes], folder: Path) -> Path:
    for path, data in context.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def config_of(document: dict[str, Any]) -> dict[str, Any]:
    """The members that are set in an image's config; engines write unset ones differently."""
    return {key: value for key, value in document.items() if value and key not in {"Hostname", "Image"}}


@pytest.mark.parametrize("tool", sampled(["git", "patch"], every=2))
def test_buildah_builds_the_embedded_engines_image(tool: str, buildah: Buildah, tmp_path: Path) -> None:
    base = base_with(tool, config=CONFIG)
    plan = plan_for(base)
    buildah.add(base)
    context = write(dict(render(plan)), tmp_path / "context")
    (context / "account" / "litter").write_bytes(b"what an editor left")
    buildah.build(context)
    container = buildah("from", "--pull-never", "result").stdout.strip()
    found = content(Path(buildah("mount", container).stdout.strip()))
    assert found == content(unpacked(build(plan), tmp_path))
    expected = config_of(json.loads(build(plan).config.raw)["config"])
    ours = config_of(json.loads(buildah("inspect", "--type=image", "result").stdout)["Docker"]["config"])
    withdrawn = {key for key, value in ours["Labels"].items() if not value}
    assert withdrawn == {key for key in CONFIG["Labels"] if is_withdrawn(key)}
    ours["Labels"] = {key: value for key, value in ours["Labels"].items() if value}
    assert ours == expected


@pytest.mark.sweep
def test_buildah_stops_at_one_altered_byte(buildah: Buildah, tmp_path: Path) -> None:
    """The Dockerfile is pinned to its base; here it is changed to another one."""
    plan = plan_for(base_with("git", config=CONFIG))
    altered = base_with("git", config=CONFIG, extra=[tampered()])
    buildah.add(altered)
    context = write(dict(render(plan)), tmp_path / "context")
    run = buildah.build(context, check=False)
    assert run.returncode != 0
    old, new = (str(digest) for digest in (plan.base.manifest_digest, altered.manifest.digest))
    (context / "Dockerfile").write_text((context / "Dockerfile").read_text().replace(old, new))
    run = buildah.build(context, check=False)
    assert run.returncode != 0
    assert "sglang/srt/models/kimi_linear.py: FAILED" in run.stdout
    assert "result" not in buildah("images").stdout


@pytest.mark.sweep
def test_values_with_quotes_reach_buildahs_config(buildah: Buildah, tmp_path: Path) -> None:
    """buildah has a parser of its own."""
    base = base_with("git", config={"Env": ["PATH=/usr/bin:/bin", "x=NO"]})
    odd = "a \"b\" 'c' \\d \\\\ $x ${x:-y} `id` # é😀 \\"
    plan = with_texts(plan_for(base), f"{odd} summary", odd, f"{odd}\nflag")
    buildah.add(base)
    buildah.build(write(dict(render(plan)), tmp_path / "context"))
    found = json.loads(buildah("inspect", "--type=image", "result").stdout)["Docker"]["config"]
    expected = json.loads(build(plan).config.raw)["config"]
    assert odd in expected["Labels"]["org.opencontainers.image.title"]
    assert (found["Labels"], found["Entrypoint"]) == (expected["Labels"], expected["Entrypoint"])
