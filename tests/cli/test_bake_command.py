"""`m2build bake` by command: a folder that bake accepts, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.buildx import Buildx
from helpers.cli.checkouts import checkout, everything
from helpers.commands import refused, succeeds

SOURCES = ("--unpinned", "--source", "dir:tree")
BAKE = ("bake", "--tp", "4", "--tp", "8", *SOURCES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkout(tmp_path / "tree")
    return tmp_path


def test_the_folder_is_usable_as_it_is(folder: Path) -> None:
    (folder / "configuration").mkdir()
    buildx = Buildx.below(folder / "configuration")
    models = ("--model", "minimax-m2.1", "--model", "minimax-m2")
    options = ("-t", "r.example/team", "--cache", "r.example/cache", "--set", "profiles.tp8.flags.port=9000")
    assert succeeds(*BAKE, *models, *options, "-o", "images", cwd=folder) == "images\n"
    bake = buildx.printed(folder / "images")
    assert bake["group"]["images"]["targets"] == [
        f"{model}-{profile}" for model in ("minimax-m2-1", "minimax-m2") for profile in ("tp4", "tp8")
    ]
    for name, target in bake["target"].items():
        assert target["tags"][0].startswith("r.example/team/minimax-m2")
        assert target["cache-to"] == [{"type": "registry", "ref": f"r.example/cache:{name}"}]
        text = (folder / "images" / target["dockerfile"]).read_text()
        assert f"EXPOSE {9000 if name.endswith('tp8') else 8000}/tcp" in text


def test_each_dockerfile_is_what_render_writes(folder: Path) -> None:
    succeeds(*BAKE, "-o", "images", cwd=folder)
    found = everything(folder / "images")
    expected = {"docker-bake.json": found["docker-bake.json"]}
    for tp in ("4", "8"):
        succeeds("render", "--tp", tp, *SOURCES, "-o", f"tp{tp}", cwd=folder)
        rendered = everything(folder / f"tp{tp}")
        expected |= {f"minimax-m2-1-tp{tp}.Dockerfile": rendered.pop("Dockerfile"), **rendered}
    assert found == expected


@pytest.mark.sweep
def test_two_runs_write_the_same_bytes(folder: Path) -> None:
    for number in ("1", "2"):
        succeeds(*BAKE, "-o", f"images{number}", cwd=folder, environment={"PYTHONHASHSEED": number})
    assert everything(folder / "images1") == everything(folder / "images2")


def test_the_time_can_be_chosen(folder: Path) -> None:
    succeeds(*BAKE, "-o", "images", cwd=folder, environment={"SOURCE_DATE_EPOCH": "86400"})
    bake: Any = json.loads((folder / "images" / "docker-bake.json").read_text())
    assert bake["target"]["images"]["args"] == {"SOURCE_DATE_EPOCH": "86400"}
    (image, _) = bake["target"]["images"]["matrix"]["image"]
    assert image["labels"]["org.opencontainers.image.created"] == "1970-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("bake", *SOURCES), "say which profile to use", "tp4 (tensor parallel size 4)"),
        ((*BAKE, "--profile", "tp8"), "tp and profile exclude each other", "tp8 (tensor parallel size 8)"),
        ((*BAKE, "--tp", "8"), "--tp 8 is given twice", "remove or correct one of them"),
        ((*BAKE, "--tp", "3"), "no profile with tensor parallel size 3", "tp8 (tensor parallel size 8)"),
        ((*BAKE, "--modle", "minimax-m2"), "did you mean '--model'", "m2build bake --help"),
        ((*BAKE, "-t", "Team"), "'Team/minimax-m2.1:tp4' is not an image reference", "lower case"),
        ((*BAKE, "--cache", "r.example/c:1"), "is not an image reference", "[REGISTRY/]NAME"),
        ((*BAKE[:-3], *BAKE[-2:]), "has no digest", "--unpinned"),
        ((*BAKE, "--base", "oci:./x"), "not a name in a registry", "--base NAME:TAG"),
        ((*BAKE, "--platform", "amd64"), "the platform 'amd64' is not OS/ARCH", "linux/amd64"),
        ((*BAKE, "--set", "summary=e\u0301"), "docker buildx bake cannot express", "normal form C"),
    ],
)
def test_what_does_not_fit_is_reported(words: tuple[str, ...], message: str, hint: str, folder: Path) -> None:
    shown = refused(2, *words, "-o", "images", cwd=folder)
    assert message in shown
    assert hint in shown
    assert not (folder / "images").exists()


def test_an_output_has_to_be_named(folder: Path) -> None:
    assert "--output" in refused(2, *BAKE, cwd=folder)


def test_what_exists_is_not_overwritten(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "docker-bake.json").write_text("precious")
    assert "images exists already" in refused(2, *BAKE, "-o", "images", cwd=folder)
    assert everything(folder / "images") == {"docker-bake.json": b"precious"}


def test_the_help_says_what_is_written_and_what_overrules_it() -> None:
    shown = " ".join(succeeds("bake", "--help").split())
    words = ("docker-bake.json", "M2BUILD_PREFIX", "M2BUILD_CACHE", "docker buildx bake --push", "[default: m2build]")
    assert [word for word in words if word not in shown] == []
