"""What refers to an image in a layout: read by other tools, and not taken for an image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.registry.registries import run

from m2build.errors import UsageError
from m2build.oci.artifact import Artifact
from m2build.oci.image import read_blob
from m2build.places.files import FolderFiles
from m2build.places.layout import read_layout, write_layout
from m2build.places.layout_referrers import attach_local, describe_local, local_referrers
from m2build.progress import Silent

IMAGE = base_image()
SUBJECT = IMAGE.manifest.descriptor
NOTE = "application/vnd.example.note+json"


def note(text: bytes = b"{}") -> Artifact:
    return Artifact.of(NOTE, text, SUBJECT, annotations={"com.example": "note"})


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    write_layout(IMAGE, tmp_path / "layout", "1", replace=False, progress=Silent())
    return tmp_path / "layout"


def index(layout: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads((layout / "index.json").read_bytes())
    return found


def test_oras_finds_it_and_skopeo_still_reads_the_image(layout: Path, tmp_path: Path) -> None:
    assert attach_local(layout, [note()], Silent()) == 1
    found = json.loads(run("oras", "discover", "--oci-layout", f"{layout}:1", "--format", "json"))
    assert [entry["digest"] for entry in found["referrers"]] == [str(note().manifest.digest)]
    assert found["referrers"][0]["artifactType"] == NOTE
    run("skopeo", "copy", f"oci:{layout}:1", f"oci:{tmp_path / 'copy'}:1")


def test_again_nothing_changes(layout: Path) -> None:
    attach_local(layout, [note()], Silent())
    before = (layout / "index.json").read_bytes()
    assert attach_local(layout, [note()], Silent()) == 0
    assert attach_local(layout, [note(), note(b"[]")], Silent()) == 1
    assert json.loads(before)["manifests"] == index(layout)["manifests"][:-1]


def test_what_others_have_attached_is_found_too(layout: Path) -> None:
    run("oras", "attach", "--oci-layout", "--artifact-type", "text/x-oras", f"{layout}:1", "--annotation", "a=b")
    attach_local(layout, [note(b'"ours"')], Silent())
    found = list(local_referrers(FolderFiles(layout), SUBJECT.digest, "it"))
    assert [artifact.artifact_type for artifact in found] == ["text/x-oras", NOTE]
    assert read_blob(found[1].blobs, found[1].manifest.layers[0]) == b'"ours"'
    assert list(local_referrers(FolderFiles(layout), note().manifest.digest, "it")) == []


@pytest.mark.parametrize("tag", ["1", None])
def test_the_image_is_the_only_one_as_before(layout: Path, tag: str | None) -> None:
    attach_local(layout, [note(), note(b"[]")], Silent())
    assert read_layout(FolderFiles(layout), tag, "linux/amd64", "it").digest == SUBJECT.digest


def test_another_image_in_the_layout_leaves_them(layout: Path) -> None:
    attach_local(layout, [note()], Silent())
    write_layout(base_image(how="plain"), layout, "2", replace=False, progress=Silent())
    assert [artifact.manifest.digest for artifact in local_referrers(FolderFiles(layout), SUBJECT.digest, "it")] == [
        note().manifest.digest
    ]


def test_the_subject_is_described_as_the_index_has_it(layout: Path) -> None:
    assert describe_local(layout, SUBJECT.digest) == SUBJECT


def test_a_folder_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not an OCI layout"):
        attach_local(tmp_path, [note()], Silent())


def test_a_damaged_blob_is_written_anew(layout: Path) -> None:
    attach_local(layout, [note()], Silent())
    path = layout / "blobs" / "sha256" / note().manifest.layers[0].digest.hex
    path.write_bytes(b"xx")
    attach_local(layout, [note()], Silent())
    assert path.read_bytes() == b"{}"
