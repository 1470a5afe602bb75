"""`m2build image`, mostly on the real SGLang 0.5.7, with other people's tools as judges."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, wheel
from helpers.commands import refused, succeeds
from helpers.servers import free_port, serving
from helpers.support import need_tool, sampled

from m2build.base.open import open_base
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

BASE = "pypi:sglang==0.5.7"
MODELS = "sgl-workspace/sglang/python/sglang/srt/models"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base of a few modules, for tests of what is the same for every base."""
    return f"dir:{checkout(tmp_path_factory.mktemp('small'))}"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both profiles in one layout."""
    folder = tmp_path_factory.mktemp("main") / "out"
    for tp in (4, 8):
        succeeds("image", "--tp", str(tp), "--base", BASE, "-o", f"oci:{folder}")
    return folder


def run(*command: str | Path) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def manifest(layout: Path, tag: str) -> dict[str, object]:
    index = json.loads((layout / "index.json").read_bytes())
    (entry,) = [
        entry for entry in index["manifests"] if entry["annotations"]["org.opencontainers.image.ref.name"] == tag
    ]
    document: dict[str, object] = json.loads(blob(layout, entry["digest"]))
    return document


def listing(root: Path) -> dict[str, tuple[str, int, str]]:
    """Path -> kind, mode and SHA-256 of everything below a folder."""
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
        found[path.relative_to(root).as_posix()] = (stat.filemode(status.st_mode), status.st_uid, content)
    return found


@pytest.fixture(scope="module")
def rootfs(layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("unpacked") / "bundle"
    run(need_tool("umoci"), "unpack", "--image", f"{layout}:tp8", bundle)
    return bundle / "rootfs"


def test_stdout_is_the_name_and_the_digest_that_others_see(small: str, tmp_path: Path) -> None:
    out = succeeds("image", "--tp", "8", "--base", small, "-o", f"oci:{tmp_path / 'out'}")
    name, _, digest = out.removesuffix("\n").partition("@")
    assert name == f"oci:{tmp_path}/out:tp8"
    assert json.loads(run(need_tool("skopeo"), "inspect", f"oci:{tmp_path / 'out'}"))["Digest"] == digest


@pytest.fixture
def podman() -> Iterator[list[str]]:
    """Podman with storage of its own; it refuses a run folder whose path is longer than 50 characters."""
    program = need_tool("podman")
    with tempfile.TemporaryDirectory(prefix="pod", dir="/tmp") as folder:
        yield [program, "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]


@pytest.mark.sweep
def test_podman_takes_the_layout(layout: Path, podman: list[str]) -> None:
    image_id = run(*podman, "pull", "--quiet", f"oci:{layout}:tp8").strip()
    config = manifest(layout, "tp8")["config"]
    assert isinstance(config, dict)
    assert f"sha256:{image_id}" == config["digest"]


def test_crane_carries_the_layout_through_a_registry(small: str, tmp_path: Path) -> None:
    succeeds("image", "--tp", "8", "--base", small, "-o", f"oci:{tmp_path}/out")
    port = free_port()
    server = [need_tool("crane"), "registry", "serve", "--address", f"127.0.0.1:{port}"]
    with serving(server, port, tmp_path / "log") as registry:
        name = f"{registry}/minimax-m2:tp8"
        pushed = run("crane", "push", tmp_path / "out", name).strip()
        assert run("crane", "validate", "--remote", name).startswith("PASS")
    assert pushed.rpartition("@")[2] == json.loads(run(need_tool("skopeo"), "inspect", f"oci:{tmp_path}/out"))["Digest"]


def test_crane_and_podman_take_the_docker_archive(small: str, tmp_path: Path, podman: list[str]) -> None:
    archive = tmp_path / "image.tar"
    succeeds("image", "--tp", "4", "--base", small, "-o", f"docker-archive:{archive}")
    assert "PASS" in run(need_tool("crane"), "validate", "--tarball", archive)
    assert "m2build/minimax-m2.1:tp4" in run(*podman, "load", "--quiet", "-i", archive)


def test_skopeo_takes_the_oci_archive(small: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    digest = succeeds("image", "--tp", "8", "--base", small, "-o", f"oci-archive:{archive}").strip().partition("@")[2]
    assert json.loads(run(need_tool("skopeo"), "inspect", f"oci-archive:{archive}"))["Digest"] == digest


def test_the_image_differs_from_the_base_by_the_patches_and_their_account_only(rootfs: Path, tmp_path: Path) -> None:
    base = open_base(Place.parse(BASE), roots=load_recipe("minimax-m2").roots, platform="linux/amd64").image
    assert base
    place = Place.parse(f"oci:{tmp_path}/base:base")
    write_image(base, place, tag="", reference="", replace=False, progress=Silent())
    run(need_tool("umoci"), "unpack", "--image", f"{tmp_path}/base:base", tmp_path / "bundle")
    before, after = listing(tmp_path / "bundle" / "rootfs"), listing(rootfs)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    account = {path for path in changed if path == "opt" or path.startswith("opt/")}
    assert changed - account == {
        f"{MODELS}/{name}.py"
        for name in ("transformers", "hf_transformers_model", "minimax_m2", "deepseek_ocr", "kimi_linear")
    }
    assert account >= {"opt/m2build/README", "opt/m2build/changeset.json", "opt/m2build/patches/series"}
    assert before[f"{MODELS}/transformers.py"] == after[f"{MODELS}/hf_transformers_model.py"]


def test_every_touched_file_compiles(rootfs: Path) -> None:
    touched = (rootfs / "opt/m2build/after.sha256").read_text().splitlines()
    assert len(touched) == 4
    for line in touched:
        path = rootfs / "sgl-workspace/sglang/python" / line.split("  ")[1]
        compile(path.read_bytes(), str(path), "exec")


def audit(rootfs: Path) -> subprocess.CompletedProcess[str]:
    """The shell lines of the image's own README, with the image unpacked in a folder instead of running."""
    readme = (rootfs / "opt/m2build/README").read_text()
    lines = [line.strip() for line in readme.splitlines() if line.startswith("  ")]
    start = next(number for number, line in enumerate(lines) if line.startswith("audit="))
    script = "\n".join(lines[start:]).replace("root=/", f"root={rootfs}/", 1)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=rootfs / "opt/m2build", env={"PATH": os.environ["PATH"], "HOME": "/nowhere"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_auditor_needs_git_and_sha256sum_only(rootfs: Path, tmp_path: Path) -> None:
    need_tool("git")
    passed = audit(rootfs)
    assert passed.returncode == 0, passed.stderr
    assert passed.stdout.count(": OK") == 8
    tampered = tmp_path / "rootfs"
    shutil.copytree(rootfs, tampered, symlinks=True)
    with (tampered / MODELS / "minimax_m2.py").open("ab") as file:
        file.write(b"\n")
    assert audit(tampered).returncode != 0


def test_profiles_share_every_layer(layout: Path) -> None:
    four, eight = manifest(layout, "tp4"), manifest(layout, "tp8")
    assert four["layers"] == eight["layers"]
    assert four["config"] != eight["config"]


@pytest.mark.parametrize("zlib", sampled(["zlib_ng.zlib_ng", "zlib"], every=2))
def test_the_digest_depends_on_nothing_around(zlib: str, tmp_path: Path, layout: Path) -> None:
    """Another folder, time zone, umask, locale, hash seed and zlib build give the same image."""
    elsewhere = tmp_path / "some where"
    elsewhere.mkdir()
    script = (
        f"import sys, importlib, os; sys.modules['zlib'] = importlib.import_module({zlib!r}); os.umask(0o077); "
        "from m2build.cli import main; sys.exit(main())"
    )
    arguments = ["image", "--tp", "8", "--base", BASE, "-o", "oci:image"]
    environment = os.environ | {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    out = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=elsewhere, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    digest = out.strip().partition("@")[2]
    assert (layout / "blobs" / digest.replace(":", "/")).is_file()


def test_source_date_epoch_is_the_only_time(small: str, tmp_path: Path) -> None:
    environment = {"SOURCE_DATE_EPOCH": "1700000000"}
    succeeds("image", "--tp", "8", "--base", small, "-o", f"oci:{tmp_path}/out", environment=environment)
    inspected = json.loads(run(need_tool("skopeo"), "inspect", f"oci:{tmp_path}/out"))
    assert inspected["Created"] == "2023-11-14T22:13:20Z"


def test_metadata_and_iidfile_agree_with_skopeo(small: str, tmp_path: Path) -> None:
    files: list[str | Path] = ["--metadata-file", tmp_path / "meta.json", "--iidfile", tmp_path / "iid"]
    out = succeeds("image", "--tp", "8", "--base", small, "-o", f"oci:{tmp_path}/out", *files, "--json")
    metadata = json.loads((tmp_path / "meta.json").read_text())
    assert json.loads(out) == metadata
    raw = run(need_tool("skopeo"), "inspect", "--raw", f"oci:{tmp_path}/out")
    assert metadata["containerimage.digest"] == f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}"
    assert metadata["containerimage.descriptor"]["size"] == len(raw)
    assert metadata["containerimage.config.digest"] == (tmp_path / "iid").read_text()
    assert metadata["containerimage.config.digest"] == json.loads(raw)["config"]["digest"]
    assert metadata["m2build.layer"]["digest"] == json.loads(raw)["layers"][-1]["digest"]


def test_dry_run_prints_the_plan_and_writes_nothing(small: str, tmp_path: Path, layout: Path) -> None:
    out = succeeds("image", "--tp", "8", "--base", small, "-o", f"oci:{tmp_path}/out", "--dry-run", cwd=tmp_path)
    assert "entrypoint  python3 -IS /opt/m2build/init python3 -m sglang.launch_server --model-path MiniMaxAI/" in out
    assert list(tmp_path.iterdir()) == []
    plan = json.loads(succeeds("image", "--tp", "8", "--base", BASE, "--engine", "embedded", "--dry-run", "--json"))
    assert (layout / "blobs" / plan["manifest"].replace(":", "/")).is_file()
    assert [patch["outcome"] for patch in plan["changeset"]["patches"]] == ["applied", "applied"]


def test_wheel_and_directory_are_stand_ins_too(small: str, tmp_path: Path) -> None:
    succeeds("patch", "apply", "--source", small, "--series", write_noop(tmp_path), "-o", tmp_path / "tree")
    out = succeeds("image", "--tp", "8", "--base", f"dir:{tmp_path}/tree", "-o", f"oci:{tmp_path}/d", "--json")
    assert json.loads(out)["m2build.base"]["standIn"] == "dir"
    packed = wheel(Path(small.removeprefix("dir:")), tmp_path / "sglang-0.5.7-py3-none-any.whl")
    succeeds("image", "--tp", "8", "--base", f"wheel:{packed}", "-o", f"oci:{tmp_path}/w")
    assert str(tmp_path) not in json.dumps(manifest(tmp_path / "w", "tp8"))


def write_noop(folder: Path) -> Path:
    """A series that changes nothing: it removes a decorator that does not exist."""
    path = folder / "noop.yaml"
    path.write_text(
        "id: noop\nsummary: Nothing\ndistribution: sglang\npatches:\n  - id: none\n    summary: None\n    why: None\n"
        "    codemod: remove-decorator\n    parameters: {module: sglang.srt.models.llama, decorator: torch.nothing}\n"
        "    releases: '>=0'\n    when_absent: not-needed\n    accept: [not-needed]\n    author: Nobody\n"
        "    last_update: '2026-01-01'\n"
    )
    return path


def test_the_error_for_a_checkout_names_the_folder_of_the_sources(tmp_path: Path) -> None:
    package = tmp_path / "checkout" / "python" / "sglang"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")

    def refusal_of(folder: Path) -> str:
        return refused(4, "image", "--tp", "8", "--base", f"dir:{folder}", "-o", f"oci:{tmp_path}/out")

    assert "the sources of sglang are in its folder python: name that folder" in refusal_of(tmp_path / "checkout")
    assert "this looks like the package sglang itself: name the folder that holds it" in refusal_of(package)
    assert not (tmp_path / "out").exists()
