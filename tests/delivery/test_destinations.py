"""Destinations and names of images, from the options of the command line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from m2build.delivery.destinations import Destinations, Goal, parse_goal
from m2build.errors import UsageError
from m2build.places.place import PlaceKind
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection

RECIPE = load_recipe("minimax-m2")
ONE = [RECIPE.select(profile="tp8")]
BOTH = [RECIPE.select(profile=profile) for profile in ("tp4", "tp8")]
MODELS = [RECIPE.select(profile="tp8", model=model) for model in ("minimax-m2.1", "minimax-m2")]


STORE = PlaceKind.DOCKER_DAEMON


def places(goal: Goal, images: Sequence[Selection] = ONE, store: PlaceKind | None = None) -> list[tuple[str, str]]:
    return [(str(to.place), to.reference) for _, to in goal.of(images, store, values)]


def values(selection: Selection) -> dict[str, str | None]:
    return {"model": selection.model_id, "profile": selection.profile_id, "base_tag": "v1.2-rocm", "series": None}


def goal(output: str | None = None, *names: str, push: bool = False) -> Goal:
    return parse_goal(Destinations(output, names, push=push))


@pytest.mark.parametrize(
    ("said", "place", "reference"),
    [
        (goal("oci:out"), "oci:out", "m2build/minimax-m2.1:tp8"),
        (goal("oci:out:v1"), "oci:out:v1", "m2build/minimax-m2.1:tp8"),
        (goal("oci-archive:f", "a/b:c"), "oci-archive:f", "a/b:c"),
        (goal("localhost:5000/a"), "docker://localhost:5000/a:tp8", "localhost:5000/a:tp8"),
        (goal("docker://localhost:5000/a:b"), "docker://localhost:5000/a:b", "localhost:5000/a:b"),
        (goal(None, "localhost:5000/a:b", push=True), "docker://localhost:5000/a:b", "localhost:5000/a:b"),
        (goal("docker-daemon:a"), "docker-daemon:a:tp8", "a:tp8"),
        (goal("containers-storage:localhost/a:b"), "containers-storage:localhost/a:b", "localhost/a:b"),
    ],
)
def test_one_image_with_an_explicit_place(said: Goal, place: str, reference: str) -> None:
    assert places(said) == [(place, reference)]


def test_without_a_place_the_engines_store_or_a_layout() -> None:
    assert places(goal(), store=STORE) == [("docker-daemon:m2build/minimax-m2.1:tp8", "m2build/minimax-m2.1:tp8")]
    assert places(goal(None, "a/b"), store=STORE) == [("docker-daemon:a/b:tp8", "a/b:tp8")]
    assert places(goal()) == [("oci:minimax-m2.1.oci", "m2build/minimax-m2.1:tp8")]
    assert places(goal(None, "localhost:5000/a/b:c")) == [("oci:b.oci", "localhost:5000/a/b:c")]


def test_several_profiles_have_their_own_tags() -> None:
    assert places(goal("oci:out"), BOTH) == [
        ("oci:out", "m2build/minimax-m2.1:tp4"), ("oci:out", "m2build/minimax-m2.1:tp8"),
    ]  # fmt: skip
    assert places(goal(None, "localhost:5000/a", push=True), BOTH) == [
        ("docker://localhost:5000/a:tp4", "localhost:5000/a:tp4"),
        ("docker://localhost:5000/a:tp8", "localhost:5000/a:tp8"),
    ]


def test_several_models_have_their_own_names() -> None:
    assert places(goal(), MODELS, STORE) == [
        ("docker-daemon:m2build/minimax-m2.1:tp8", "m2build/minimax-m2.1:tp8"),
        ("docker-daemon:m2build/minimax-m2:tp8", "m2build/minimax-m2:tp8"),
    ]


@pytest.mark.parametrize(
    ("said", "images"),
    [
        (goal("oci:out:v1"), BOTH),
        (goal("oci-archive:f"), BOTH),
        (goal("docker-archive:f"), BOTH),
        (goal("localhost:5000/a:b"), BOTH),
        (goal(None, "localhost:5000/a:b", push=True), BOTH),
        (goal(None, "a:b"), BOTH),
        (goal(None, "localhost:5000/a", push=True), MODELS),
        (goal("oci:out"), MODELS),
    ],
)
def test_two_images_are_never_put_under_one_name(said: Goal, images: Sequence[Selection]) -> None:
    with pytest.raises(UsageError):
        said.of(images, None, values)


@pytest.mark.parametrize("name", ["a@sha256:" + "0" * 64, "a:b@sha256:" + "0" * 64])
def test_a_digest_is_known_only_after_the_build(name: str) -> None:
    for said in ((name,), (f"docker-daemon:{name}",), (None, name)):
        with pytest.raises(UsageError, match="names a digest"):
            goal(*said)
