"""Bad input on the command line: a clear sentence and the next step, the documented exit code, and nothing written."""

from __future__ import annotations

import os
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.cli.checkouts import MODELS, checkout, everything, store, wheel
from helpers.commands import from_cold, m2build

IMAGE = ("image", "--tp", "8", "-o", "oci:out")
TREE = ("--base", "dir:tree")
RENDER = ("render", "--tp", "8", "-o", "context")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sources, images and archives, some of them broken. No test may change it."""
    folder = tmp_path_factory.mktemp("workshop")
    tree = checkout(folder / "tree")
    (checkout(folder / "gone") / MODELS / "transformers.py").unlink()
    (checkout(folder / "conflict") / MODELS / "hf_transformers_model.py").write_text("# somebody else's\n")
    (checkout(folder / "unparsable") / MODELS / "kimi_linear.py").write_text("from sglang.srt.models.transformers (\n")
    for place in ("oci:layout:base", "oci:altered:base", "oci-archive:good.tar", "docker-archive:docker.tar"):
        kind, _, path = place.partition(":")
        store(f"{kind}:{folder}/{path}")
    largest = max((folder / "altered/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    good = (folder / "good.tar").read_bytes()
    (folder / "truncated.tar").write_bytes(good[: len(good) * 2 // 3])
    (folder / "truncated-docker.tar").write_bytes((folder / "docker.tar").read_bytes()[:20_000])
    (folder / "text.tar").write_text("this is not an archive\n")
    with tarfile.open(folder / "stranger.tar", "w") as archive:
        archive.add(tree, "tree")
    whole = wheel(tree, folder / "sglang-0.5.7-py3-none-any.whl").read_bytes()
    (folder / "truncated-0.5.7-py3-none-any.whl").write_bytes(whole[: len(whole) // 2])
    (folder / "precious.txt").write_text("precious")
    (folder / "precious").mkdir()
    (folder / "precious/thesis.tex").write_text("precious")
    return folder


# What was typed -> the exit code, what the sentence says, and a part of the next step.
NAMES: dict[tuple[str, ...], tuple[int, str, str]] = {
    ("imge",): (2, "has no command 'imge'; did you mean 'image'?", "m2build --help"),
    ("patch", "aply"): (2, "`m2build patch` has no command 'aply'; did you mean 'apply'?", "m2build patch --help"),
    ("image", "--tpp", "8"): (2, "no option '--tpp'; did you mean '--tp'?", "m2build image --help"),
    ("--debgu", "recipe", "list"): (2, "no option '--debgu'; did you mean '--debug'?", "m2build --help"),
    ("image", "--tp", "eight"): (2, "'eight' is not a valid whole number", "m2build image --help"),
    ("image", *TREE): (2, "say which profile to use", "tp8 (tensor parallel size 8)"),
    (*IMAGE, *TREE, "--tp", "8"): (2, "--tp 8 is given twice", "remove or correct one of them"),
    (*IMAGE, *TREE, "--load"): (2, "--output and --load exclude each other", "one place at a time"),
    (*IMAGE, *TREE, "--push"): (2, "--output and --push exclude each other", "one place at a time"),
    ("image", "--tp", "8", *TREE, "--push"): (2, "--push needs a name", "-t REGISTRY/NAME:TAG --push"),
    ("image", "--tp", "8", *TREE, "--load"): (2, "no container engine can pull dir:tree", "-o oci:DIR"),
    (*IMAGE, *TREE, "--engine", "dokcer"): (2, "'dokcer' is not one of 'embedded', 'docker', 'podman'", "--help"),
    ("image", "--tp", "8", *TREE, "--load", "--engine", "embedded"): (2, "has no store of its own", "-o oci:DIR"),
    (*IMAGE, *TREE, "--builder", "x", "--engine", "podman"): (2, "--builder needs docker", "--engine docker"),
    ("image", "--tp", "8", *TREE, "-o", "docker-daemon:a:b", "--engine", "podman"): (2, "only docker writes", "docker"),
    (*IMAGE, "--base", "docker-daemon:a:b", "--engine", "podman"): (2, "podman cannot see docker-daemon:a:b", "docker"),
    (*IMAGE, "--base", "docker-daemon:a:b", "--builder", "x"): (2, "the builder x cannot see", "to a registry"),
    ("image", "--tp", "8", *TREE, "-o", "dir:out"): (2, "images cannot be written to dir:out", "oci:DIR"),
    ("image", "--tp", "8", *TREE, "-o", "docker-daemon:a", "-t", "b"): (2, "a name already: leave out --tag", "--push"),
    (*IMAGE, *TREE, "--tp", "4", "--iidfile", "x"): (2, "--iidfile takes one image's id", "--metadata-file"),
    ("image", "--tp", "4", "--tp", "8", *TREE, "-o", "oci:out:v1"): (2, "can hold one image", "leave out the tag"),
    ("image", "--tp", "4", "--tp", "8", *TREE, "-o", "oci-archive:f"): (2, "can hold one image", "or a layout"),
    (*IMAGE, *TREE, "--tp", "4", "-t", "a:b"): (2, "oci:out can hold one image", "leave out the tag"),
    ("push", "nowhere", "UPPER"): (2, "'UPPER' is not an image reference", "lower case"),
    ("push", "./nowhere:v1", "127.0.0.1:9/a:b"): (2, "the directory nowhere does not exist", "check the path"),
    ("push", "oci:nowhere", "127.0.0.1:9/a:b"): (2, "the directory nowhere does not exist", "check the path"),
    ("push", "layout"): (2, "missing argument 'NAME[:TAG]'", "m2build push --help"),
    ("patch", "status"): (2, "missing option '--source'", "m2build patch status --help"),
    ("completion", "csh"): (2, "'csh' is not one of 'bash', 'zsh', 'fish'", "m2build completion --help"),
    (*IMAGE, *TREE, "--recipe", "minimax-m4"): (2, "there is no recipe 'minimax-m4'; did", "./minimax-m4.yaml"),
    (*IMAGE, *TREE, "--base-version", "v0.5.8"): (2, "base version 'v0.5.8'; did you mean 'v0.5.9'?", "it has: v0.5.9"),
    (*IMAGE, *TREE, "--model", "minimax-m3"): (2, "no model 'minimax-m3'; did you mean 'minimax-m2'?", "minimax-m2.1"),
    ("image", "--tp", "16", "-o", "oci:out", *TREE): (2, "no profile with tensor parallel size 16", "tp4 (tensor"),
    ("image", "--profile", "pt8", "-o", "oci:out", *TREE): (2, "no profile 'pt8'; did you mean 'tp8'?", "tp4, tp8"),
    (*IMAGE, *TREE, "--profile", "tp8"): (2, "tp and profile exclude each other", "tensor parallel size 8"),
    (*IMAGE, *TREE, "--set", "series=minimax-m2-rcom"): (2, "did you mean 'minimax-m2-rocm'?", "as a path"),
    (*IMAGE, *TREE, "-t", "Upper/Case"): (2, "'Upper/Case' is not an image reference", "lower case"),
    (*IMAGE, *TREE, "--platform", "linux"): (2, "the platform 'linux' is not OS/ARCH", "linux/amd64"),
    ("recipe", "show", "--model", "minimax-m2"): (2, "say which profile to use", "tp4 (tensor parallel size 4)"),
    ("patch", "show", "disable-rmsnorm"): (2, "did you mean 'disable-rmsnorm-compile'?", "m2build patch list"),
    ("patch", "status", "--source", "dir:tree", "--series", "minimax"): (2, "there is no series 'minimax'", "a path"),
}  # fmt: skip
PLACES: dict[tuple[str, ...], tuple[int, str, str]] = {
    (*IMAGE, "--base", "dir:nowhere"): (2, "nowhere is not a directory", "dir:PATH"),
    (*IMAGE, "--base", "oci:nowhere"): (2, "the directory nowhere does not exist", "check the path"),
    (*IMAGE, "--base", "oci-archive:nowhere.tar"): (2, "the file nowhere.tar does not exist", "check the path"),
    (*IMAGE, "--base", "oci:stranger.tar"): (2, "stranger.tar is not a directory", "oci-archive:FILE"),
    (*IMAGE, "--base", "oci-archive:layout"): (2, "layout is not a file", "oci:DIR"),
    (*IMAGE, "--base", "pypy:sglang==0.5.7"): (2, "did you mean 'pypi:'?", "pypi:NAME==VERSION"),
    (*IMAGE, "--base", "oci-archiv:./layout.tar"): (2, "did you mean 'oci-archive:'?", "oci-archive:FILE"),
    (*IMAGE, "--base", "oci:"): (2, "the place 'oci:' has no path or name", "oci:DIR"),
    (*IMAGE, "--base", "pypi:sglang"): (2, "'sglang' does not name one release", "pypi:sglang==0.5.7"),
    (*IMAGE, "--base", "oci:layout:other"): (2, "no image 'other'", "base"),
    (*IMAGE, "--base", "oci:layout", "--set", "base.source_root=/src"): (4, "no sources at /src", "base.source_root"),
    (*IMAGE, "--base", "dir:gone"): (4, "rename-transformers-module does not apply", "patch show rename-trans"),
    (*IMAGE, "--base", "dir:conflict"): (4, "(conflict)", "patch show rename-transformers-module"),
    (*IMAGE, "--base", "dir:unparsable"): (4, "kimi_linear.py", "fix it"),
    (*IMAGE, "--base", "oci:altered"): (5, "sha256:", "fetch it again"),
    (*IMAGE, "--base", "oci-archive:truncated.tar"): (5, "truncated.tar", "gunzip"),
    (*IMAGE, "--base", "docker-archive:truncated-docker.tar"): (5, "truncated-docker.tar", "gunzip"),
    (*IMAGE, "--base", "oci-archive:text.tar"): (5, "text.tar is not a plain tar archive", "gunzip"),
    (*IMAGE, "--base", "oci-archive:stranger.tar"): (5, "stranger.tar", "fetch it again"),
    (*IMAGE, "--base", "wheel:truncated-0.5.7-py3-none-any.whl"): (5, "truncated-0.5.7-py3-", "fetch it again"),
    (*IMAGE, "--base", "wheel:text.tar"): (5, "text.tar is not a wheel", "fetch it again"),
    ("image", "--tp", "8", "-o", "oci:precious", *TREE): (2, "precious exists already, and is not", "new folder"),
    ("image", "--tp", "8", "-o", "oci-archive:precious.txt", *TREE): (2, "precious.txt exists already", "--replace"),
    ("image", "--tp", "8", "-o", "docker-archive:precious", "--replace", *TREE): (2, "precious exists already", "name"),
    ("image", "--tp", "8", "-o", "oci:layout:base", *TREE): (2, "already has a different image 'base'", "--replace"),
    ("image", "--tp", "8", "-o", "docker-daemon:a/b", *TREE): (2, "no container engine can pull dir:tree", "oci:DIR"),
    ("image", "--tp", "8", "--push", *TREE): (2, "--push needs a name", "--push"),
    (*IMAGE, *TREE, "-t", "localhost:5000/a", "--push"): (2, "--output and --push exclude each other", "at a time"),
    ("image", "--tp", "8", "-o", "localhost:5000/a:b", "-t", "c", *TREE): (2, "is a name already", "--push"),
    (*RENDER, *TREE): (2, "this one is a stand-in made from dir", "--base REGISTRY/NAME:TAG"),
    (*RENDER, "--source", "dir:tree"): (2, "has no digest", "--unpinned"),
    (*RENDER, "--source", "dir:absent", "--unpinned"): (2, "absent is not a directory", "dir:PATH"),
    (*RENDER, *TREE, "--source", "dir:tree"): (2, "is not a name in a registry", "--base NAME:TAG@sha256:"),
    (*RENDER, "--template", "absent.j2"): (2, "there is no template absent.j2", "--template"),
    ("render", "--tp", "8", "--source", "dir:tree", "--unpinned", "-o", "precious"): (2, "exists already", "new"),
    (*IMAGE, *TREE, "--metadata-file", "precious"): (2, "precious exists already, and is a directory", "name a file"),
    (*IMAGE, *TREE, "--iidfile", "precious.txt/iid"): (16, "precious.txt/iid cannot be written: Not a dir", "path"),
    ("patch", "apply", "--source", "wheel:sglang-0.5.7-py3-none-any.whl"): (2, "changes a folder", "-o DIR"),
    ("patch", "revert", "--source", "oci:layout"): (2, "`patch revert` changes a folder", "give a folder"),
    ("patch", "revert", "--source", "./tree"): (4, "holds no record", "version control"),
    ("patch", "apply", "--source", "./gone"): (4, "rename-transformers-module does not apply", "patch show"),
    ("patch", "apply", "--source", "./tree", "-o", "precious"): (2, "precious exists already", "new folder"),
    ("patch", "diff", "--source", "./tree", "-o", "precious"): (2, "precious exists already", "new folder"),
    ("patch", "apply", "--source", "./tree", "--check"): (14, "3 files would change", "without --check"),
}  # fmt: skip


WRONG = b"\xff".decode(errors="surrogateescape")
TEXTS: dict[tuple[str, ...], tuple[int, str, str]] = {
    (*IMAGE, *TREE, "--env", f"A={WRONG}"): (2, r"env.A: '\udcff' is not UTF-8 text", "write it in UTF-8"),
    (*IMAGE, *TREE, "--label", f"{WRONG}=1"): (2, r"labels: '\udcff' is not UTF-8 text", "write it in UTF-8"),
    (*IMAGE, *TREE, "--annotation", f"a={WRONG}"): (2, r"annotations.a: '\udcff' is not UTF-8 text", "in UTF-8"),
    (*IMAGE, *TREE, "--set", f"profiles.tp8.flags.a{WRONG}=1"): (2, r"tp8.flags: 'a\udcff' is not", "in UTF-8"),
}  # fmt: skip
CASES = NAMES | PLACES | TEXTS


@pytest.fixture(scope="module")
def runs(workshop: Path) -> dict[tuple[str, ...], subprocess.CompletedProcess[str]]:
    """All of the commands, run in parallel: they write nothing, so they do not disturb each other."""
    before = everything(workshop)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = dict(zip(CASES, pool.map(lambda typed: m2build(*typed, cwd=workshop), CASES), strict=True))
    assert everything(workshop) == before, "something was written"
    return found


@pytest.mark.parametrize("typed", CASES, ids=" ".join)
def test_bad_input_is_refused(
    typed: tuple[str, ...], runs: dict[tuple[str, ...], subprocess.CompletedProcess[str]]
) -> None:
    code, sentence, step = CASES[typed]
    run = runs[typed]
    assert (run.returncode, run.stdout) == (code, ""), run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == 2, lines
    assert lines[0].startswith("m2build: ")
    assert sentence in lines[0]
    assert lines[1].startswith("  ")
    assert step in lines[1]


def test_debug_shows_where_it_happened(workshop: Path) -> None:
    run = m2build("--debug", *IMAGE, "--base", "dir:nowhere", cwd=workshop)
    assert run.returncode == 2
    assert run.stderr.startswith("Traceback (most recent call last):\n")
    assert run.stderr.splitlines()[-2:] == [
        "m2build: nowhere is not a directory",
        "  give the folder that holds the package, as dir:PATH",
    ]


PLUGIN = """
import dataclasses

@dataclasses.dataclass(frozen=True)
class Broken:
    module: str

    def apply(self, tree):
        return 1 // 0
"""


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_programming_error_is_reported_as_one(debug: list[str], tmp_path: Path) -> None:
    """A bug in m2build: exit code 1, traceback on request."""
    mistake = "import m2build.recipes.load\nm2build.recipes.load.recipe_names = lambda: 1 // 0\n"
    (tmp_path / "sitecustomize.py").write_text(mistake)
    run = from_cold(*debug, "recipe", "list", environment={"PYTHONPATH": str(tmp_path)})
    assert (run.returncode, run.stdout) == (1, "")
    *traceback, sentence, step = run.stderr.splitlines()
    assert sentence == "m2build: internal error: ZeroDivisionError: integer division or modulo by zero"
    assert "m2build --debug" in step
    assert bool(traceback) == bool(debug)
    assert any("ZeroDivisionError" in line for line in traceback) == bool(debug)


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_an_error_in_a_foreign_codemod_is_reported_as_its_own(debug: list[str], workshop: Path, tmp_path: Path) -> None:
    """A foreign codemod, installed as a distribution, divides by zero: exit code 4, traceback on request."""
    (tmp_path / "broken_codemod.py").write_text(PLUGIN)
    metadata = tmp_path / "broken_codemod-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-codemod\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[m2build.codemods]\nbroken = broken_codemod:Broken\n")
    (tmp_path / "mine.yaml").write_text(
        "id: mine\nsummary: Mine\ndistribution: sglang\npatches:\n  - id: broken\n    summary: Broken\n    why: None\n"
        "    codemod: broken\n    parameters: {module: sglang}\n    releases: '>=0'\n    author: Somebody\n"
        "    last_update: '2026-01-01'\n"
    )
    command = [*debug, "patch", "status", "--source", f"{workshop}/tree", "--series", f"{tmp_path}/mine.yaml"]
    run = m2build(*command, environment={"PYTHONPATH": str(tmp_path)})
    assert (run.returncode, run.stdout) == (4, "")
    *traceback, sentence, _ = run.stderr.splitlines()
    assert all(name in sentence for name in ("the patch broken", "broken-codemod", "ZeroDivisionError")), sentence
    assert bool(traceback) == bool(debug)
    assert ("    return 1 // 0" in traceback) == bool(debug)
