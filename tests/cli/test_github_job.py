"""`m2build image` and `push` in a GitHub job: what the runner finds in its files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, quickly
from helpers.commands import m2build, refused
from helpers.registry.registries import crane_registry

VARIABLES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ARTIFACTS")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A GitHub job in an empty folder, with sources to derive from; its files hold what earlier steps wrote."""
    monkeypatch.chdir(tmp_path)
    checkout(tmp_path / "tree")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in VARIABLES:
        (tmp_path / name).write_text(f"earlier {name}\n")
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def values(text: str) -> dict[str, str]:
    """The outputs in a file, read by the rules of the runner: everything up to the line with the delimiter."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, between, end = line.partition("<<")
        if between:
            found[name] = "\n".join(iter(lambda: next(lines), end))
    return found


def test_results_are_appended_under_random_delimiters(job: Path) -> None:
    image = ("image", "--tp", "8", "--base", "dir:tree", "-o")
    printed = quickly(*image, "oci:one", "--metadata-file", "meta.json").strip()
    text = (job / "GITHUB_OUTPUT").read_text()
    assert text.startswith("earlier GITHUB_OUTPUT\n")
    found, metadata = values(text), (job / "meta.json").read_text()
    assert found.keys() == {"digest", "imageid", "images", "metadata"}
    assert found["images"] == printed
    assert found["digest"] == printed.partition("@")[2]
    assert found["metadata"] + "\n" == metadata
    assert found["imageid"] == json.loads(metadata)["containerimage.config.digest"]
    quickly(*image, "oci:two")
    delimiters = re.findall(r"<<(.+)", (job / "GITHUB_OUTPUT").read_text())
    assert len(set(delimiters)) == len(delimiters) == 8
    assert all(len(delimiter) > 30 for delimiter in delimiters)
    assert (job / "GITHUB_STEP_SUMMARY").read_text() == (
        "earlier GITHUB_STEP_SUMMARY\n"
        + 2
        * (
            "| image | digest | profile |\n| --- | --- | --- |\n"
            f"| `m2build/minimax-m2.1:tp8` | `{found['digest']}` | `tp8` |\n\n"
        )
    )
    assert (job / "GITHUB_ARTIFACTS").read_text() == "earlier GITHUB_ARTIFACTS\n", "it was not asked for"


def test_several_images_have_no_one_digest_and_are_declared_apart(job: Path) -> None:
    with crane_registry(job) as host:
        image = (
            "image",
            "--tp",
            "4",
            "--tp",
            "8",
            "--base",
            "dir:tree",
            "-t",
            f"{host}/m2",
            "-t",
            f"{host}/{{profile}}",
        )
        quickly(*image, "--push", "--github-artifacts")
        found = values((job / "GITHUB_OUTPUT").read_text())
        assert found.keys() == {"images", "metadata"}
        four, eight = (found["images"].splitlines()[number].partition("@")[2] for number in (0, 2))
        declared = (job / "GITHUB_ARTIFACTS").read_text().splitlines()[1:]
        assert declared == [
            f"oci://{host}/m2:tp4@{four}", f"oci://{host}/tp4@{four}",
            f"oci://{host}/m2:tp8@{eight}", f"oci://{host}/tp8@{eight}",
        ]  # fmt: skip
        line = re.compile(r"oci://(.+)@(sha256:[0-9a-f]{64})")  # CreateArtifactsFileCommand.cs of the runner
        names = [match[1] for each in declared if (match := line.fullmatch(each))]
        assert len(set(names)) == len(declared), "a job can declare a name with one digest only"


def test_push_says_it_too(job: Path) -> None:
    quickly("image", "--tp", "8", "--base", "dir:tree", "-o", "oci:out")
    with crane_registry(job) as host:
        printed = quickly("push", "oci:out", f"{host}/m2:1").strip()
    assert (job / "GITHUB_OUTPUT").read_text().count("images<<") == 2
    assert values((job / "GITHUB_OUTPUT").read_text())["images"] == printed


def test_nothing_is_written_elsewhere_or_without_an_image(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = ("image", "--tp", "8", "--base", "dir:tree")
    quickly(*image, "-o", "oci:one", "--dry-run")
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    quickly(*image, "-o", "oci:one")
    assert {name: (job / name).read_text() for name in VARIABLES} == {name: f"earlier {name}\n" for name in VARIABLES}


def test_artifacts_that_cannot_be_declared_are_refused_first(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = ("image", "--tp", "8", "--base", "dir:tree", "--github-artifacts", "-o", "oci:out")
    assert "declares what is in a registry, and oci:out is not" in refused(2, *image)
    monkeypatch.delenv("GITHUB_ARTIFACTS")
    assert "needs $GITHUB_ARTIFACTS" in refused(2, *image)
    assert not (job / "out").exists()


def test_a_file_that_cannot_be_written_is_a_local_file(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job / "no/folder"))
    image = ("image", "--tp", "8", "--base", "dir:tree", "-o", "oci:out")
    run = m2build(*image)
    assert run.returncode == 16
    assert "no/folder" in run.stderr
    assert run.stdout.startswith("oci:out:tp8@sha256:"), "the image is there, and named"
