"""The output of `image inspect`, read for the name that the user means."""

from __future__ import annotations

import json

import pytest

from m2build.errors import EngineError, UsageError
from m2build.places.inspected import Inspected, parse_inspected

ONE, TWO = ("sha256:" + digit * 64 for digit in "12")


def inspected(*tags: str, **members: object) -> Inspected:
    facts = {
        "Architecture": "amd64",
        "Os": "linux",
        "Id": ONE,
        "RootFS": {"Layers": [ONE]},
        "RepoTags": list(tags),
        **members,
    }
    return parse_inspected(json.dumps([facts]))


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("b.example/x:v1", "b.example/x:v1"),
        ("a.example/x:v1", "a.example/x:v1"),
        ("debian", "docker.io/library/debian:latest"),
        ("docker.io/library/debian:latest", "docker.io/library/debian:latest"),
        ("m2build/x:tp8", "localhost/m2build/x:tp8"),
        ("x:v1", "localhost/x:v1"),
    ],
)
def test_of_several_tags_the_one_that_is_meant(wanted: str, name: str) -> None:
    """The same repository in two registries is two names; podman keeps a name without a registry under localhost."""
    image = inspected("a.example/x:v1", "b.example/x:v1", "debian:latest", "localhost/m2build/x:tp8", "localhost/x:v1")
    assert image.name(wanted) == name


@pytest.mark.parametrize("wanted", ["c.example/x:v1", "a.example/x:v2", "a.example/x", "x"])
def test_another_name_is_refused_with_the_names_that_exist(wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        inspected("a.example/x:v1").name(wanted)
    assert "a.example/x:v1" in str(caught.value.hint)


HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize("wanted", [f"sha256:{HEX}", HEX, HEX[:12], f"sha256:{HEX[:12]}", HEX[:4]])
@pytest.mark.parametrize("shown", [f"sha256:{HEX}", HEX], ids=["docker", "podman"])
def test_an_id_is_a_name_as_well(wanted: str, shown: str) -> None:
    """Short or in full; an image without a tag has no name then."""
    assert inspected(Id=shown).name(wanted) is None
    assert inspected("a.example/x:v1", Id=shown).name(wanted) == "a.example/x:v1"
    assert str(inspected(Id=shown).image_id) == f"sha256:{HEX}"


def test_a_tag_that_looks_like_an_id_is_that_tag() -> None:
    assert inspected("deadbeef:latest", Id=f"sha256:{HEX}").name("deadbeef") == "docker.io/library/deadbeef:latest"
    with pytest.raises(UsageError):
        inspected("a.example/x:v1", Id=f"sha256:{HEX}").name("deadbeef")


def test_the_tag_beside_a_digest_is_kept_in_the_name() -> None:
    assert inspected("a.example/x:v2").name(f"a.example/x:v1@{ONE}") == "a.example/x:v1"


def test_the_digest_is_the_engines_own_or_that_of_the_same_repository() -> None:
    name, pulled = "b.example/x:v1", [f"a.example/x@{ONE}", f"b.example/x@{TWO}"]
    assert str(inspected(name, RepoDigests=pulled).digest(name)) == TWO
    assert str(inspected(name, RepoDigests=pulled, Descriptor={"digest": ONE}).digest(name)) == ONE
    assert str(inspected(name, Digest=ONE).digest(name)) == ONE
    assert inspected(name, RepoDigests=[]).digest(name) is None


@pytest.mark.parametrize("text", ["", "[]", "[{}]", "no such image"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        parse_inspected(text)
