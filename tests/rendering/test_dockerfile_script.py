"""The script of a rendered Dockerfile, run by a real shell with real tools in its own root file system."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.bases import MODELS, ROOT, sources
from helpers.images import file, folder, image, tar
from helpers.patches.series_files import file_series
from helpers.rendering.dockerfiles import instructions, only, plan_for
from helpers.rendering.roots import base_with, content, tampered, tools, unpacked
from helpers.support import need_tool, sampled
from helpers.two_roots import kernels, planned, selection_of

from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.oci.image import Image
from m2build.patches.tree import SourceTree
from m2build.rendering.context import render


def run_script(context: Mapping[str, bytes], root: Path) -> subprocess.CompletedProcess[str]:
    """Copy and run, as an engine does; the copy has the modes that a checkout or an archive may give it."""
    for path, data in context.items():
        if path.startswith("account/"):
            target = root / "opt/m2build" / path.removeprefix("account/")
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(0o700 if target.suffix else 0o602)
    command = [need_tool("chroot"), str(root), "/bin/sh", "-c", only(instructions(context), "RUN").value[0]]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, umask=0o077)


def compare(plan: Plan, folder: Path) -> None:
    """The script's result is the embedded engine's image."""
    (folder / "ours").mkdir()
    (folder / "theirs").mkdir()
    expected = content(unpacked(build(plan), folder / "ours"))
    assert plan.base.image
    root = unpacked(plan.base.image, folder / "theirs")
    before = content(root)
    run = run_script(render(plan), root)
    assert run.returncode == 0, run.stderr
    found = content(root)
    assert found == expected
    assert found != before


@pytest.mark.parametrize(("tool", "uid"), [("git", 0), ("git", 1000), ("patch", 1000)])
def test_the_script_gives_the_embedded_engines_result(tool: str, uid: int, tmp_path: Path) -> None:
    """In a repository of its own user, git would skip every patch silently."""
    compare(plan_for(base_with(tool, uid=uid)), tmp_path)


def package_base(*names: str) -> Image:
    """The module is a package here, and its folder is removed; one path has a space, quotes and a dollar."""
    package = f"{MODELS}/transformers"
    above = [folder("/".join(MODELS.split("/")[:depth])) for depth in range(1, len(MODELS.split("/")) + 1)]
    odd = f'{MODELS}/it\'s a "$HOME".py'
    entries = [
        *above, file(f"{ROOT}/sglang/_version.py", b"__version__ = '0.5.7'\n"), folder(package, mode=0o700),
        file(f"{package}/__init__.py", b"def maybe_prefix(): ...\n", mode=0o4755, uid=5, gid=6),
        folder(f"{package}/__pycache__"), file(f"{package}/__pycache__/__init__.cpython-310.pyc", b"x"),
        file(odd, b"from sglang.srt.models.transformers import maybe_prefix", mode=0o600, uid=7),
    ]  # fmt: skip
    minimax = (
        b"import torch\nfrom a import get_compiler_backend\n\n\nclass MiniMaxM2RMSNormTP:\n"
        b"    @torch.compile(dynamic=True, backend=get_compiler_backend())\n    def forward(self): ...\n"
        b"    def use(self): self.q_norm()\n"
    )
    return image(tar(*tools(*names)), tar(*entries, file(f"{MODELS}/minimax_m2.py", minimax)), how="plain")


@pytest.mark.parametrize("tool", sampled(["git", "patch"], every=2))
def test_removed_folders_odd_names_and_modes(tool: str, tmp_path: Path) -> None:
    compare(plan_for(package_base(tool)), tmp_path)


@pytest.mark.parametrize("tool", sampled(["git", "patch"], every=2))
@pytest.mark.parametrize("kinds", sampled([("add", "delete", "replace"), ("add",), ("delete",)], every=3), ids="-".join)
def test_new_and_deleted_files(tool: str, kinds: tuple[str, ...], tmp_path: Path) -> None:
    """Also alone, when there is nothing to be checked before the first patch, or after the last."""
    above = [folder("/".join(ROOT.split("/")[:depth])) for depth in range(1, len(ROOT.split("/")) + 1)]
    entries = [
        *above, folder(f"{ROOT}/pkg"), file(f"{ROOT}/pkg/__init__.py", b"__version__ = '1.5'\n", uid=5),
        file(f"{ROOT}/pkg/old.py", b"value = 1\n"), folder(f"{ROOT}/pkg/__pycache__"),
        file(f"{ROOT}/pkg/__pycache__/old.cpython-310.pyc", b"x"),
    ]  # fmt: skip
    base = image(tar(*tools(tool)), tar(*entries), how="plain")
    compare(plan_for(base, series=file_series("pkg", *kinds)), tmp_path)


@pytest.mark.parametrize("tool", sampled(["git", "patch"], every=2))
def test_sources_in_several_folders(tool: str, tmp_path: Path) -> None:
    base = image(tar(*tools(tool), folder("opt")), tar(*sources(uid=7)), tar(*kernels()), how="plain")
    compare(planned(selection_of(tmp_path), base), tmp_path)


@pytest.mark.sweep
def test_sglang_itself(sglang_tree: SourceTree, tmp_path: Path) -> None:
    entries = [file(f"{ROOT}/{path}", source.content) for path, source in sglang_tree.items()]
    folders = [folder(f"{ROOT}/{path}") for path in sorted(sglang_tree.folders)]
    compare(plan_for(image(tar(*tools("git")), tar(*folders, *entries), how="plain")), tmp_path)


@pytest.mark.parametrize("tool", ["git", "patch"])
def test_one_altered_byte_stops_it_before_any_patch(tool: str, tmp_path: Path) -> None:
    context = render(plan_for(base_with(tool)))
    root = unpacked(base_with(tool, extra=[tampered()]), tmp_path)
    before = content(root)
    run = run_script(context, root)
    assert run.returncode != 0
    assert "sglang/srt/models/kimi_linear.py: FAILED" in run.stdout
    assert {path: seen for path, seen in content(root).items() if not path.startswith("opt/m2build")} == before


def test_an_altered_patch_is_detected(tmp_path: Path) -> None:
    base = base_with("git")
    context = dict(render(plan_for(base)))
    (name,) = [path for path in context if path.endswith("-rename-transformers-module.patch")]
    assert b"+from sglang.srt.models.hf_transformers_model import" in context[name]
    context[name] = context[name].replace(b"+from sglang.srt", b"+from  sglang.srt")
    run = run_script(context, unpacked(base, tmp_path))
    assert run.returncode != 0
    assert "sglang/srt/models/kimi_linear.py: FAILED" in run.stdout


def test_a_base_without_git_and_patch_is_reported(tmp_path: Path) -> None:
    base = base_with()
    root = unpacked(base, tmp_path)
    before = content(root)
    run = run_script(render(plan_for(base)), root)
    assert run.returncode == 1
    assert "neither git nor GNU patch" in run.stderr
    assert {path: seen for path, seen in content(root).items() if not path.startswith("opt/m2build")} == before
