"""The examples of docs/moving.md run, in order, on small bases."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import ROOT, base_image
from helpers.cli.checkouts import quickly, store
from helpers.images import file, image, tar
from helpers.registry.registries import docker_registry, run, tag_digest, upload
from helpers.snippets import BLOCK, DOCS, run_snippets
from helpers.verification.forgery import gunzipped

from m2build import locking
from m2build.oci.image import read_blob

NEWER = tar(file(f"{ROOT}/sglang/_version.py", b"__version__ = '0.5.8'\n"))
PUBLISHED = "lmsysorg/sglang:v0.5.7-rocm700-mi30x"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's `registry.example`, with a newer base."""
    base = base_image()
    layers = [gunzipped(read_blob(base.blobs, layer)) for layer in base.manifest.layers]
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "sglang", image(*layers, NEWER), "newer")
        yield host


def test_the_commands_run(registry: str, stocked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tag moves to the image on the new base, which is the one that deriving from it gives."""
    monkeypatch.chdir(tmp_path)
    published = f"{stocked}/team/sglang:rocm"
    quickly("image", "--tp", "8", "--base", published, "-t", f"{registry}/minimax-m2:tp8", "--push")
    page = (DOCS / "moving.md").read_text(encoding="utf-8")
    lines = [line for language, code in BLOCK.findall(page) if language == "sh" for line in code.splitlines()]
    assert len(lines) == 6
    printed = []
    for line in lines:
        program, *words = shlex.split(line.replace(PUBLISHED, published).replace("registry.example", registry))
        assert program == "m2build"
        printed.append(quickly(*words))
    moved, _, same, copied, mirrored, locked = printed
    fresh = quickly("image", "--tp", "8", "--base", f"{registry}/sglang:newer", "-o", "oci:fresh:tp8")
    assert moved.rpartition("@")[2] == fresh.rpartition("@")[2]
    assert tag_digest(registry, "minimax-m2", "tp8") == moved.strip().rpartition("@")[2]
    assert b"PASS" in run("crane", "validate", "--remote", f"{registry}/minimax-m2:tp8")
    digest = locking.load_lock("m2build.lock").base.digest
    assert same.splitlines() == [f"same    {published}", f"locked  {digest}"]
    assert copied == f"{registry}/mirrors/sglang@{digest}\n"
    assert mirrored.splitlines()[2] == f"mirror  {registry}/mirrors/sglang:rocm"
    assert tag_digest(registry, "minimax-m2", "locked") == locked.strip().rpartition("@")[2]


def test_the_python_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store("oci:base:base")
    store("oci:newer:base", NEWER)
    quickly("image", "--tp", "8", "--base", "oci:base", "-o", "oci:images:tp8")
    ((expected, printed),) = run_snippets("moving.md")
    assert printed == expected
