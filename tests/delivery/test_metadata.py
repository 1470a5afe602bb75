"""What docker/metadata-action writes for bake is taken over: names, labels, annotations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.buildx import Buildx
from helpers.commands import m2build, refused, succeeds
from helpers.registry.registries import run, tag_digest

from m2build.delivery import Metadata, read_metadata
from m2build.errors import UsageError

OCI = "org.opencontainers.image."
TAGS = {"tags": ["localhost:5000/team/m2:main", "localhost:5000/team/m2:sha-1234567"]}
LABELS = {
    "labels": {
        f"{OCI}created": "2026-01-02T03:04:05.678Z", f"{OCI}description": "", f"{OCI}licenses": "Apache-2.0",
        f"{OCI}revision": "9f2c" * 10, f"{OCI}source": "https://github.com/team/m2", f"{OCI}title": "m2",
        f"{OCI}url": "https://github.com/team/m2", f"{OCI}version": "main",
    }
}  # fmt: skip
OURS = ("created", "description", "title", "version")
KEPT = {key: value for key, value in LABELS["labels"].items() if not key.endswith(OURS)}


def bake(folder: Path, name: str, **members: Any) -> Path:
    """A bake file as the action writes it."""
    path = folder / name
    path.write_text(json.dumps({"target": {"docker-metadata-action": members}}, indent=2))
    return path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    arguments = {"args": {"DOCKER_META_IMAGES": "localhost:5000/team/m2", "DOCKER_META_VERSION": "main"}}
    return bake(tmp_path, "bake.json", **TAGS, **LABELS, **arguments)


def test_names_labels_and_what_is_left_out(whole: Path) -> None:
    assert read_metadata(whole) == Metadata(tuple(TAGS["tags"]), KEPT, {}, tuple(f"{OCI}{key}" for key in OURS))
    assert read_metadata() == Metadata()


def test_the_manifests_annotations_are_taken_and_an_indexs_are_not(tmp_path: Path) -> None:
    file = bake(tmp_path, "a.json", annotations=[
        f"manifest:{OCI}source=https://a/b?c=d", f"index:{OCI}source=https://a/b?c=d", "index:only.index=x",
        "index,manifest:both=1", "plain=2", f"manifest:{OCI}title=m2",
    ])  # fmt: skip
    found = read_metadata(file)
    assert found.annotations == {f"{OCI}source": "https://a/b?c=d", "both": "1", "plain": "2"}
    assert found.left_out == ("only.index", f"{OCI}title")


def test_the_files_of_the_actions_several_outputs_add_up(tmp_path: Path) -> None:
    files = [
        bake(tmp_path, "tags.json", **TAGS), bake(tmp_path, "labels.json", **LABELS),
        bake(tmp_path, "more.json", labels={f"{OCI}revision": "later"}, tags=TAGS["tags"][:1]),
    ]  # fmt: skip
    found = read_metadata(*files)
    assert found.names == tuple(TAGS["tags"])
    assert found.labels == KEPT | {f"{OCI}revision": "later"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a JSON object with one target"), (b"[]", "with one target"), (b"{}", "with one target"),
        (b'{"target": {"a": {}, "b": {}}}', "with one target"), (b'{"target": {"a": 1}}', "with one target"),
        (b"[" * 100_000, "with one target"), (b"\xff", "with one target"),
        (b'{"target": {"a": {"tags": "x"}}}', "its tags are not a list of strings"),
        (b'{"target": {"a": {"tags": [1]}}}', "its tags are not a list of strings"),
        (b'{"target": {"a": {"labels": ["x=y"]}}}', "its labels are not an object of strings"),
        (b'{"target": {"a": {"labels": {"x": [1]}}}}', "its labels are not an object of strings"),
        (b'{"target": {"a": {"annotations": ["manifest:x"]}}}', "its annotation 'manifest:x' is not KEY=VALUE"),
        (b'{"target": {"a": {"annotations": [""]}}}', "its annotation '' is not KEY=VALUE"),
        (b'{"target": {"a": {"annotations": ["layer:x=y"]}}}', "for annotations there is no level 'layer'"),
        (b" " * ((1 << 20) + 1), "cannot be read: "),
    ],
)  # fmt: skip
def test_what_is_no_such_file(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_metadata(tmp_path / "f.json")


def test_null_is_what_is_not_there_as_for_buildx(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text('{"target": {"a": {"tags": null, "labels": {"x": null, "y": "1"}, "annotations": null}}}')
    assert read_metadata(path) == Metadata(labels={"y": "1"})


@pytest.mark.parametrize("name", ["missing", ".", "/dev/zero"])
def test_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: "):
        read_metadata(tmp_path / name)


def test_buildx_reads_such_a_file_the_same_way(whole: Path, tmp_path: Path) -> None:
    """The judge of the format: what it prints of the target."""
    printed = Buildx.below(tmp_path).run("bake", "--print", "-f", whole, "docker-metadata-action", cwd=tmp_path).stdout
    target = json.loads(printed)["target"]["docker-metadata-action"]
    assert tuple(target["tags"]) == read_metadata(whole).names
    assert target["labels"] == LABELS["labels"]


def test_an_image_with_source_and_revision_under_the_actions_names(stocked: str, tmp_path: Path) -> None:
    names = [f"{stocked}/meta/m2:main", f"{stocked}/meta/m2:sha-1"]
    file = bake(tmp_path, "bake.json", tags=names, **LABELS, annotations=[f"manifest:{OCI}source=https://a/b"])
    command = ("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", "--metadata-from", file, "--push")
    done = m2build(*command, "--label", f"{OCI}revision=mine", "-t", f"{stocked}/meta/m2:{{profile}}")
    left_out = ", ".join(f"{OCI}{key}" for key in OURS)
    assert (done.returncode, done.stderr) == (0, f"m2build: the image does not get these of {file}: {left_out}\n")
    assert len(done.stdout.splitlines()) == 3
    digests = {tag_digest(stocked, "meta/m2", tag) for tag in ("main", "sha-1", "tp8")}
    assert digests == {done.stdout.split("@")[1].split()[0]}
    labels = json.loads(run("crane", "config", names[0]))["config"]["Labels"]
    assert {key: labels[key] for key in KEPT} == KEPT | {f"{OCI}revision": "mine"}
    assert labels[f"{OCI}title"] == "MiniMax-M2.1, tp8"
    manifest = json.loads(run("crane", "manifest", names[0]))
    assert manifest["annotations"][f"{OCI}source"] == "https://a/b"


def test_source_and_revision_can_be_set_by_hand_and_claimed_labels_cannot(stocked: str, tmp_path: Path) -> None:
    base = ("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", "-o", f"oci:{tmp_path}/out")
    pair = (f"{OCI}source=https://github.com/team/m2", f"{OCI}revision=1234")
    succeeds(*base, *(word for text in pair for word in ("--label", text, "--annotation", text)))
    assert "m2build itself sets it" in refused(2, *base, "--label", f"{OCI}version=1")
