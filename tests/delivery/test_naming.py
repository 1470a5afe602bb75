"""Names with fields, which give the images of one call names of their own; and several names for each image."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from m2build.delivery.destinations import Destinations, parse_goal
from m2build.delivery.dispatch import name_values
from m2build.delivery.naming import check_name, filled
from m2build.errors import UsageError
from m2build.patches.loading import load_series
from m2build.places.place import Place, PlaceKind
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection

RECIPE = load_recipe("minimax-m2")
ALL = [RECIPE.select(profile=tp, model=model) for model in ("minimax-m2.1", "minimax-m2") for tp in ("tp4", "tp8")]
BASE = Place.parse("docker://registry.example/sglang:v0.5.7-rocm700")
HOST = "localhost:5000"


def names(*given: str, images: list[Selection] = ALL, base: str = str(BASE)) -> list[str]:
    goal = parse_goal(Destinations(names=given, push=True))
    return [to.reference for _, to in goal.of(images, None, name_values(Place.parse(base), None))]


def test_fields_tell_images_apart() -> None:
    digest = names("x:{series}", images=ALL[:1])[0].removeprefix("x:")
    assert len(digest) == 12
    assert names(f"{HOST}/{{model}}:{{base_tag}}-{{profile}}-p{{series}}") == [
        f"{HOST}/{one.model_id}:v0.5.7-rocm700-{one.profile_id}-p{digest}" for one in ALL
    ]
    assert names("a/{profile}", images=ALL[:2]) == ["a/tp4:tp4", "a/tp8:tp8"], "without a tag: the profile's id"


def test_the_series_digest_changes_with_the_series() -> None:
    series = load_series("minimax-m2-rocm")
    other = series.model_copy(update={"patches": series.patches[:1]})
    assert name_values(BASE, other)(ALL[0])["series"] != name_values(BASE, None)(ALL[0])["series"]
    assert name_values(BASE, series)(ALL[0]) == name_values(BASE, None)(ALL[0])


def test_each_image_gets_each_name() -> None:
    assert names(f"{HOST}/a", "ghcr.io/b:{profile}", f"{HOST}/a:x-{{profile}}", images=ALL[:2]) == [
        f"{HOST}/a:tp4", "ghcr.io/b:tp4", f"{HOST}/a:x-tp4",
        f"{HOST}/a:tp8", "ghcr.io/b:tp8", f"{HOST}/a:x-tp8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "tag"),
    [
        ("oci:./d:v1", "v1"), ("oci-archive:f:v2", "v2"), ("docker-archive:f:host/n:v3", "v3"),
        ("docker-daemon:n:v4", "v4"),
        ("host:5000/n:v5@sha256:" + "0" * 64, "v5"), ("host:5000/n", None), ("oci:./d", None),
        ("pypi:sglang==0.5.7", None), ("docker-archive:f", None),
    ],
)  # fmt: skip
def test_the_tag_of_the_base(base: str, tag: str | None) -> None:
    if tag:
        assert names("a:{base_tag}", images=ALL[:1], base=base) == [f"a:{tag}"]
    else:
        with pytest.raises(UsageError, match="asks for the tag of the base, and there is none"):
            names("a:{base_tag}", images=ALL[:1], base=base)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a:{profil}", "there is no field 'profil'"), ("a:{}", "there is no field"),
        ("a:{profile!r}", "there is no field"),
        ("a:{profile:>9}", "there is no field"), ("a:{profile", "an unmatched brace"),
        ("a:profile}", "an unmatched brace"), ("a:{{profile}}", "an unmatched brace"),
        ("A/{profile}", "is not an image reference"), ("a:-{profile}", "is not an image reference"),
        ("a:{profile}@sha256:" + "0" * 64, "names a digest"), ("u:p@host/{model}", "holds a user name"),
    ],
)  # fmt: skip
def test_grammar_is_checked_before_anything_is_known(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_name(name)
    with pytest.raises(UsageError, match=words):
        parse_goal(Destinations(names=["fine", name]))


def test_a_value_that_makes_no_reference() -> None:
    values: Mapping[str, str | None] = {"base_tag": "with space"}
    with pytest.raises(UsageError, match="'a:with space' is not an image reference"):
        filled("a:{base_tag}", values)


@pytest.mark.parametrize("given", [("a:{profile}",), ("a", "a:{profile}"), ("a:b", "a:b")])
def test_no_name_is_given_twice(given: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="can hold one image of that name"):
        names(*given, images=ALL if len(given) == 1 else ALL[:1])


def test_without_a_registry_several_names_are_several_places() -> None:
    def places(to: Destinations, store: PlaceKind | None) -> list[str]:
        return [str(to.place) for _, to in parse_goal(to).of(ALL[:1], store, name_values(BASE, None))]

    assert places(Destinations(names=["a", "b/c:d"]), PlaceKind.DOCKER_DAEMON) == [
        "docker-daemon:a:tp4", "docker-daemon:b/c:d",
    ]  # fmt: skip
    assert places(Destinations(names=["a", "b/c:d"]), None) == ["oci:a.oci", "oci:c.oci"]
    assert places(Destinations("docker://h:1/{model}:{profile}"), None) == ["docker://h:1/minimax-m2.1:tp4"]
