"""From registry to registry by command: what is sent, what other tools find there, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import MODELS, ROOT, base_image, sources
from helpers.commands import imported, refused, succeeds
from helpers.images import file, folder, hardlink, image, tar
from helpers.registry.registries import (
    crane_registry,
    docker_config,
    docker_registry,
    htpasswd,
    logged_in,
    run,
    tag_digest,
    upload,
    upload_manifest,
)
from helpers.servers import free_port

from m2build.oci.image import Image
from m2build.oci.media_types import DOCKER, OCI, MediaTypes

BASE = base_image()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/sglang", BASE, "rocm")
        yield host


def derive(host: str, target: str, *more: str | Path, base: str = "team/sglang:rocm") -> dict[str, object]:
    """Derive and push; the result as `--json` prints it."""
    arguments = ("image", "--tp", "8", "--base", f"{host}/{base}", "-t", target, "--push", "--json")
    document: dict[str, object] = json.loads(succeeds(*arguments, *more))
    return document


@pytest.mark.parametrize("target", ["alpha/sglang:tp8", "beta/minimax-m2:tp8"])
def test_within_one_registry_only_new_blobs_are_sent(target: str, host: str) -> None:
    source = target.partition("/")[0] + "/sglang"
    upload(host, source, BASE, "rocm")
    transfer = derive(host, f"{host}/{target}", base=f"{source}:rocm")["m2build.transfer"]
    assert isinstance(transfer, dict)
    layers = len(BASE.manifest.layers)
    assert transfer["uploaded"] == 2, "the overlay and the config"
    assert transfer["existing"] + transfer["mounted"] == layers
    assert transfer["mounted"] == (0 if target.startswith(f"{source}:") else layers)
    assert 0 < transfer["bytes"] < 64 * 1024
    again = derive(host, f"{host}/{target}", base=f"{source}:rocm")["m2build.transfer"]
    assert again == {"existing": layers + 2, "mounted": 0, "uploaded": 0, "bytes": 0}


def test_other_tools_agree_with_what_was_pushed(host: str) -> None:
    name = f"{host}/judged/minimax-m2"
    arguments = ("image", "--tp", "8", "--base", f"docker://{host}/team/sglang:rocm", "-o", f"docker://{name}")
    printed = succeeds(*arguments).strip()
    digest = printed.removeprefix(f"{name}@")
    assert run("crane", "digest", f"{name}:tp8").decode().strip() == digest
    assert b"PASS" in run("crane", "validate", "--remote", f"{name}:tp8")
    described = json.loads(run("oras", "manifest", "fetch", "--plain-http", "--descriptor", f"{name}:tp8"))
    assert described["digest"] == digest
    inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{name}:tp8"))
    assert inspected["Digest"] == digest
    assert inspected["Layers"][:-1] == [str(layer.digest) for layer in BASE.manifest.layers]
    assert inspected["Labels"]["org.opencontainers.image.base.name"] == f"{host}/team/sglang:rocm"
    assert inspected["Labels"]["org.opencontainers.image.base.digest"] == str(BASE.manifest.digest)
    status = succeeds("patch", "status", "--source", f"docker://{printed}")
    assert status.count("already-applied") == 2


@pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])
def test_the_platforms_image_is_chosen_from_an_index_with_attestations(types: MediaTypes, host: str) -> None:
    base, other = base_image(types), base_image(types, architecture="arm64")
    repository, entries = f"multi/{'oci' if types is OCI else 'docker'}", []
    for sample, platform in ((other, "linux/arm64"), (base, "linux/amd64"), (other, "unknown/unknown")):
        upload(host, repository, sample)
        system, architecture = platform.split("/")
        members = {"platform": {"os": system, "architecture": architecture}}
        entries.append(sample.manifest.descriptor.to_json() | members)
    document = json.dumps({"schemaVersion": 2, "mediaType": types.index, "manifests": entries}).encode()
    upload_manifest(host, repository, "rocm", document, types.index)
    index = tag_index(host, repository, "rocm")
    name = f"{host}/{repository}:tp8"
    derive(host, name, base=f"{repository}:rocm")
    labels = json.loads(run("crane", "config", name))["config"]["Labels"]
    assert labels["org.opencontainers.image.base.digest"] == index
    assert labels["dev.m2build.base.manifest"] == str(base.manifest.digest)
    assert json.loads(run("crane", "manifest", name))["mediaType"] == types.manifest


def tag_index(host: str, repository: str, tag: str) -> str:
    return run("crane", "digest", f"{host}/{repository}:{tag}").decode().strip()


def test_from_one_registry_to_another_everything_is_sent_once(host: str, tmp_path: Path) -> None:
    with crane_registry(tmp_path) as other:
        first = derive(host, f"{other}/minimax-m2:tp8")["m2build.transfer"]
        second = derive(host, f"{other}/minimax-m2:tp8")["m2build.transfer"]
        assert b"PASS" in run("crane", "validate", "--remote", f"{other}/minimax-m2:tp8")
    blobs = len(BASE.manifest.layers) + 2
    assert isinstance(first, dict)
    assert (first["uploaded"], first["existing"]) == (blobs, 0)
    assert second == {"existing": blobs, "mounted": 0, "uploaded": 0, "bytes": 0}


def test_a_layout_goes_to_a_registry_and_a_registry_to_a_layout(host: str, tmp_path: Path) -> None:
    base = ("image", "--tp", "8", "--base", f"{host}/team/sglang:rocm")
    first = succeeds(*base, "-o", f"oci:{tmp_path}/layout", "-t", f"{host}/some/m2").strip()
    second = succeeds(*base, "-t", f"{host}/some/m2", "--push").strip()
    assert (first.partition("@")[0], second.partition("@")[0]) == (f"oci:{tmp_path}/layout:tp8", f"{host}/some/m2")
    assert first.partition("@")[2] == second.partition("@")[2]
    assert run("crane", "digest", f"{host}/some/m2:tp8").decode().strip() == second.partition("@")[2]


def many_layers(types: MediaTypes) -> Image:
    """Forty layers: the sources, the same path again and again, hidden and opaque folders, a hard link."""
    models = sources(uid=7)
    stir = [
        tar(
            file(f"{MODELS}/noise.py", b"%d" % number),
            file(f"{MODELS}/old{number}.py", b"import sglang.srt.models.transformers\n"),
            *([file(f"{MODELS}/.wh.old{number - 1}.py")] if number else []),
        )
        for number in range(36)
    ]
    top = [
        tar(file(f"{MODELS}/.wh.old35.py"), folder(f"{ROOT}/gone"), file(f"{ROOT}/gone/x.py", b"import (")),
        tar(folder(f"{ROOT}/gone"), file(f"{ROOT}/gone/.wh..wh..opq")),
        tar(hardlink(f"{MODELS}/linked.py", f"{MODELS}/kimi_linear.py")),
    ]
    return image(tar(*models), *stir, *top, types=types)


@pytest.mark.parametrize("types", [OCI, pytest.param(DOCKER, marks=pytest.mark.sweep)], ids=["oci", "docker"])
def test_many_layers_are_merged_as_unpackers_merge_them(types: MediaTypes, host: str, tmp_path: Path) -> None:
    base = many_layers(types)
    repository = f"many/{'oci' if types is OCI else 'docker'}"
    upload(host, repository, base, "rocm")
    result = derive(host, f"{host}/{repository}:tp8", base=f"{repository}:rocm")
    assert result["m2build.patches"] == [
        {"id": "rename-transformers-module", "outcome": "applied"},
        {"id": "disable-rmsnorm-compile", "outcome": "applied"},
    ]
    run("skopeo", "copy", "--src-tls-verify=false", f"docker://{host}/{repository}:tp8", f"oci:{tmp_path}/l:x")
    run("umoci", "unpack", "--image", f"{tmp_path}/l:x", str(tmp_path / "bundle"))
    models = tmp_path / "bundle" / "rootfs" / MODELS
    assert b"hf_transformers_model" in (models / "linked.py").read_bytes()
    assert (models / "linked.py").read_bytes() == (models / "kimi_linear.py").read_bytes()
    assert (models / "noise.py").read_bytes() == b"35"
    assert sorted(path.name for path in models.glob("*transformers*")) == ["hf_transformers_model.py"]
    assert (models / "hf_transformers_model.py").stat().st_uid == 7


def test_the_base_is_read_once(host: str, tmp_path: Path) -> None:
    """The second run does not request its layers: here they are gone."""
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    with docker_registry(tmp_path) as fleeting:
        upload(fleeting, "sglang", BASE, "rocm")
        arguments = ("image", "--tp", "8", "--base", f"{fleeting}/sglang:rocm", "--engine", "embedded", "--dry-run")
        first = succeeds(*arguments, environment=environment)
        for path in (tmp_path / "data").rglob("blobs/sha256/*/*/data"):
            if path.parent.name in {layer.digest.hex for layer in BASE.manifest.layers}:
                path.unlink()
        assert succeeds(*arguments, environment=environment) == first


def test_render_reads_the_base_and_pins_it(host: str, tmp_path: Path) -> None:
    arguments = ("render", "--tp", "8", "--base", f"{host}/team/sglang:rocm")
    succeeds(*arguments, "-o", tmp_path / "pinned")
    succeeds(*arguments, "-o", tmp_path / "again")
    succeeds(*arguments, "-o", tmp_path / "open", "--unpinned")
    lines = (tmp_path / "pinned" / "Dockerfile").read_text().splitlines()
    assert f"FROM {host}/team/sglang:rocm@{BASE.manifest.digest}" in lines
    left_open = (tmp_path / "open" / "Dockerfile").read_text()
    assert f"FROM {host}/team/sglang:rocm\n" in left_open
    assert '"dev.m2build.base.unpinned"="true"' in left_open
    assert str(BASE.manifest.digest) not in left_open
    first, second = (sorted((tmp_path / name).rglob("*")) for name in ("pinned", "again"))
    assert [path.read_bytes() for path in first if path.is_file()] == [
        path.read_bytes() for path in second if path.is_file()
    ]


def test_a_base_pinned_by_hand_is_not_read(tmp_path: Path) -> None:
    tree = unpacked_sources(tmp_path / "tree")
    base = f"registry.invalid/sglang:rocm@{BASE.manifest.digest}"
    succeeds("render", "--tp", "4", "--base", base, "--source", f"dir:{tree}", "-o", tmp_path / "context")
    dockerfile = (tmp_path / "context" / "Dockerfile").read_text()
    assert f"FROM {base}\n" in dockerfile
    assert "dev.m2build.base.manifest" not in dockerfile


def unpacked_sources(folder: Path) -> Path:
    for info, content in sources():
        if info.isreg():
            path = folder / Path(info.name).relative_to(ROOT)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


REFUSED = {
    "unreachable": ("127.0.0.1:{closed}/sglang:rocm", "cannot be reached", "check the name"),
    "unresolvable": ("registry.invalid/sglang:rocm", "does not resolve", "check the name"),
    "no such tag": (
        "{host}/team/sglang:absent",
        "{host}/team/sglang:absent does not exist",
        "check the name and the tag",
    ),
    "no such repository": ("{host}/absent/sglang:rocm", "{host}/absent/sglang:rocm does not exist", "check the name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_missing_base_gives_one_clear_error(name: str, host: str) -> None:
    facts = {"host": host, "closed": str(free_port())}
    base, message, hint = (text.format(**facts) for text in REFUSED[name])
    stderr = refused(8, "image", "--tp", "8", "--base", base, "-t", f"{host}/never:tp8", "--push")
    first, second = stderr.splitlines()
    assert message in first
    assert hint in second
    assert tag_digest(host, "never", "tp8") is None


def test_a_platform_that_the_base_lacks_is_reported(host: str) -> None:
    arguments = ("image", "--tp", "8", "--base", f"{host}/team/sglang:rocm", "--platform", "linux/arm64", "--dry-run")
    assert "is an image for linux/amd64, not for linux/arm64" in refused(2, *arguments)


@pytest.mark.parametrize("credentials", ["none", "wrong"])
def test_errors_about_wrong_credentials_do_not_show_them(credentials: str, host: str, tmp_path: Path) -> None:
    with docker_registry(tmp_path, auth=htpasswd(tmp_path)) as closed:
        environment = (
            docker_config(tmp_path / "c", {})
            if credentials == "none"
            else logged_in(tmp_path / "c", closed, password="guess-4711")  # noqa: S106
        )
        arguments = ("image", "--tp", "8", "--base", f"{host}/team/sglang:rocm", "-t", f"{closed}/a:b", "--push")
        stderr = refused(8, *arguments, environment=environment)
        assert f"{closed}/a" in stderr
        assert "docker login" in stderr
        assert "guess-4711" not in stderr
        succeeds(*arguments, environment=logged_in(tmp_path / "right", closed))


def test_a_copy_starts_without_what_only_recipes_need(host: str) -> None:
    """Its start-up is a part of what is compared with crane."""
    found = imported("push", f"docker://{host}/team/sglang:rocm", f"{host}/copied:1")
    assert tag_digest(host, "copied", "1") == str(BASE.manifest.digest)
    assert "m2build.registry.push" in found
    assert {name.partition(".")[0] for name in found} & {"pydantic", "yaml", "libcst"} == set()
