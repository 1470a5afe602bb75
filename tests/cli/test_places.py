"""One grammar of places, in every option and argument: what is read, what is refused, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, store
from helpers.commands import m2build, refused, succeeds
from helpers.registry.registries import run
from hypothesis import given
from hypothesis import strategies as st

from m2build.delivery.destination import Destination
from m2build.errors import UsageError
from m2build.oci.digest import Digest
from m2build.places.place import Place, PlaceKind, registry_place

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout `image`, a folder of sources `tree`, an archive, an empty folder; no test changes them."""
    folder = tmp_path_factory.mktemp("places")
    store(f"oci:{folder}/image:v1")
    store(f"oci:{folder}/UPPER:v1")
    store(f"oci:{folder}/team.example/image:v1")
    store(f"oci-archive:{folder}/file.tar")
    checkout(folder / "tree")
    checkout(folder / "docker")
    checkout(folder / "localhost/tree")
    (folder / "empty").mkdir()
    return folder


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("image2", (PlaceKind.REGISTRY, "image2", None)),
        ("image2:v1", (PlaceKind.REGISTRY, "image2:v1", None)),
        ("localhost:5000/tree", (PlaceKind.REGISTRY, "localhost:5000/tree", None)),
        ("localhost:5000/tree:v1", (PlaceKind.REGISTRY, "localhost:5000/tree:v1", None)),
        ("127.0.0.1:5000/image", (PlaceKind.REGISTRY, "127.0.0.1:5000/image", None)),
        ("docker:5000/image", (PlaceKind.REGISTRY, "docker:5000/image", None)),
        ("docker://image", (PlaceKind.REGISTRY, "image", None)),
        ("./image", (PlaceKind.OCI, "./image", None)),
        ("./image:v1", (PlaceKind.OCI, "./image", "v1")),
        ("../places/x", (PlaceKind.OCI, "../places/x", None)),
        ("/nowhere/at/all:v1", (PlaceKind.OCI, "/nowhere/at/all", "v1")),
        ("./new", (PlaceKind.OCI, "./new", None)),
        ("./empty", (PlaceKind.OCI, "./empty", None)),
        ("./tree", (PlaceKind.DIRECTORY, "./tree", None)),
        (".", (PlaceKind.DIRECTORY, ".", None)),
        ("UPPER", (PlaceKind.OCI, "./UPPER", None)),
        ("UPPER:v1", (PlaceKind.OCI, "./UPPER", "v1")),
        ("image:docker.io/a/b:v1", (PlaceKind.OCI, "./image", "docker.io/a/b:v1")),
        ("oci:image:v1", (PlaceKind.OCI, "image", "v1")),
        (f"oci:image:v1@{DIGEST}", (PlaceKind.OCI, "image", "v1")),
        (f"docker-archive:f.tar:a/b:v1@{DIGEST}", (PlaceKind.DOCKER_ARCHIVE, "f.tar", "a/b:v1")),
        (f"a/b@{DIGEST}", (PlaceKind.REGISTRY, f"a/b@{DIGEST}", None)),
    ],
)
def test_what_can_be_read_in_one_way(
    text: str, read: tuple[PlaceKind, str, str | None], workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop)
    place = Place.parse(text)
    assert (place.kind, place.location, place.tag) == read


TWO_WAYS = {
    "image": ("oci:./image", "docker://image"),
    "image:v1": ("oci:./image:v1", "docker://image:v1"),
    "tree": ("dir:./tree", "docker://tree"),
    "empty": ("oci:./empty", "docker://empty"),
    "team.example/image": ("oci:./team.example/image", "docker://team.example/image"),
    "localhost/tree": ("dir:./localhost/tree", "docker://localhost/tree"),
    "docker": ("dir:./docker", "docker://docker"),
}
COMMANDS = {
    "--base of image": ("image", "--tp", "8", "-o", "oci:./out", "--base", "{}"),
    "--base of render": ("render", "--tp", "8", "-o", "out", "--base", "{}"),
    "--base of mounts": ("mounts", "--tp", "8", "-o", "out", "--base", "{}"),
    "--base of bake": ("bake", "--tp", "8", "-o", "out", "--base", "{}"),
    "--base of push": ("push", "./image", "127.0.0.1:9/a:b", "--base", "{}"),
    "-o": ("image", "--tp", "8", "--base", "oci:./image", "-o", "{}"),
    "push": ("push", "{}", "127.0.0.1:9/a:b"),
    "inspect": ("inspect", "{}"),
    "patch status": ("patch", "status", "--source", "{}"),
    "patch diff": ("patch", "diff", "--source", "{}"),
    "patch apply": ("patch", "apply", "--source", "{}"),
    "patch revert": ("patch", "revert", "--source", "{}"),
    "--source of render": ("render", "--tp", "8", "--unpinned", "-o", "out", "--source", "{}"),
}


@pytest.mark.parametrize("text", TWO_WAYS)
def test_two_readings_are_refused_and_both_are_named(
    text: str, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop)
    with pytest.raises(UsageError) as caught:
        Place.parse(text)
    assert all(spelling in str(caught.value.hint) for spelling in TWO_WAYS[text])
    for spelling in TWO_WAYS[text]:
        assert str(Place.parse(spelling)) == spelling
    assert registry_place(text) == Place(PlaceKind.REGISTRY, text), "a recipe means the same in every folder"


@pytest.mark.parametrize("where", COMMANDS)
def test_the_rule_holds_for_every_option_that_takes_a_place(where: str, workshop: Path) -> None:
    arguments = [word.format("image") for word in COMMANDS[where]]
    shown = refused(2, *arguments, cwd=workshop)
    assert "'image' can be a path or a name in a registry" in shown
    assert "oci:./image" in shown
    assert "docker://image" in shown


@pytest.mark.parametrize("text", ["./file.tar", "file.tar"])
def test_a_file_is_named_with_its_kind(text: str, workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workshop)
    with pytest.raises(UsageError) as caught:
        Place.parse(text)
    assert "oci-archive:./file.tar or docker-archive:./file.tar" in str(caught.value.hint)


def test_a_recipes_base_is_a_name_in_a_registry(workshop: Path) -> None:
    """Also where a folder has that name."""
    shown = refused(
        2, "render", "--tp", "8", "--set", "base.image=image", "--source", "./tree", "-o", "out", cwd=workshop
    )
    assert "docker.io/library/image has no digest" in shown


words = st.text("abcxyz019._-/", min_size=1, max_size=12).filter(lambda word: not word.startswith(("/", ".")))


@given(
    kind=st.sampled_from([PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE]),
    path=words,
    tag=st.none() | st.just("tp8") | st.just("docker.io/a/b:tp8"),
)
def test_what_is_printed_of_an_image_is_a_place_of_it(kind: PlaceKind, path: str, tag: str | None) -> None:
    to = Destination(Place(kind, path, tag), "registry.example/never", "tp8")
    printed = to.published(Digest.parse(DIGEST), Digest.parse(DIGEST))
    read = Place.parse(printed)
    assert (read.kind, read.location, read.digest) == (kind, path, DIGEST)
    assert read.tag == (tag or ("registry.example/never:tp8" if kind is PlaceKind.DOCKER_ARCHIVE else "tp8"))
    assert str(read) == printed


@pytest.mark.parametrize("output", ["oci:out", "oci:./out:x", "./out", "oci-archive:out.tar", "docker-archive:out.tar"])
def test_a_script_can_use_what_is_printed(output: str, workshop: Path, tmp_path: Path) -> None:
    """The name from `-t` is not printed, as that registry has nothing; skopeo accepts the part before the `@`."""
    name = "registry.example/team/m2"
    base = f"oci:{workshop}/image"
    printed = succeeds("image", "--tp", "8", "--base", base, "-t", name, "-o", output, cwd=tmp_path).strip()
    assert not printed.startswith(name)
    assert "manifest    sha256:" in succeeds("inspect", printed, cwd=tmp_path)
    place, _, digest = printed.partition("@")
    inspected = run("skopeo", "inspect", "--format", "{{.Digest}}", place, folder=tmp_path)
    assert output.startswith("docker-archive") or inspected.decode().strip() == digest
    assert m2build("image", "--tp", "8", "--base", base, "-o", f"{place}@{DIGEST}", cwd=tmp_path).returncode == 2


def test_an_image_that_was_replaced_is_not_taken_for_the_one_that_was_printed(workshop: Path, tmp_path: Path) -> None:
    printed = succeeds("image", "--tp", "8", "--base", f"oci:{workshop}/image", "-o", "oci:out:x", cwd=tmp_path).strip()
    succeeds("image", "--tp", "4", "--base", f"oci:{workshop}/image", "-o", "oci:out:x", "--replace", cwd=tmp_path)
    assert "is now another image: sha256:" in refused(2, "inspect", printed, cwd=tmp_path)
    assert "is now another image: sha256:" in refused(2, "push", printed, "127.0.0.1:9/a:b", cwd=tmp_path)
