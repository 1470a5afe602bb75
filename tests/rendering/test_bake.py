"""The folder for `docker buildx bake`, as buildx itself reads it."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import base_image
from helpers.buildx import Buildx
from helpers.plans import with_results
from helpers.rendering.dockerfiles import instructions, labels_of, plan_for, with_texts
from helpers.support import in_shares
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.rendering.bake import literal, render_bake
from m2build.rendering.context import render

PLANS = (plan_for(profile="tp4"), plan_for(profile="tp8"))
NAMES = ("minimax-m2-1-tp4", "minimax-m2-1-tp8")
SNIPPETS = [*"${}%\"'\\,=:~\n\r\t", "${", "%{", "$${", "%%{", "${x}", "%{if true}"]
LETTERS = st.characters(exclude_categories=["Cs", "Cn"])
TEXT = st.lists(st.one_of(st.sampled_from(SNIPPETS), LETTERS, st.sampled_from("ab\u0301\u0338\ufeff")), max_size=12)
TEXTS = st.lists(TEXT.map("".join), min_size=1, max_size=60)
PROBE = """
import hashlib, sys
sys.path[:0] = {path!r}
from helpers.rendering.dockerfiles import plan_for
from m2build.rendering.bake import render_bake
files = render_bake([plan_for(profile="tp4"), plan_for(profile="tp8")], prefix="a", cache="b/c")
print([(path, hashlib.sha256(data).hexdigest()) for path, data in files.items()])
"""


@pytest.fixture(scope="module")
def buildx(tmp_path_factory: pytest.TempPathFactory) -> Buildx:
    return Buildx.below(tmp_path_factory.mktemp("buildx"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both profiles, with the defaults."""
    return write(render_bake(PLANS, prefix="m2build"), tmp_path / "images")


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def with_model(plan: Plan, model: str) -> Plan:
    return replace(plan, selection=replace(plan.selection, model_id=model))


def annotations_of(target: Mapping[str, Any]) -> dict[str, str]:
    """The annotations of a manifest, parsed as ParseAnnotations does in buildx, util/buildflags/export.go."""
    found = {}
    for annotation in target["annotations"]:
        key, _, value = annotation.partition("=")
        levels, _, name = key.partition(":")
        assert "manifest" in levels.split(",")
        found[name] = value
    return found


def test_a_target_matches_its_plan(buildx: Buildx, folder: Path) -> None:
    bake = buildx.printed(folder)
    assert bake["group"]["default"]["targets"] == ["images"]
    assert bake["group"]["images"]["targets"] == list(NAMES)
    assert tuple(bake["target"]) == NAMES
    for name, plan in zip(NAMES, PLANS, strict=True):
        target = bake["target"][name]
        assert target["labels"] == plan.labels
        assert annotations_of(target) == plan.annotations
        assert target["tags"] == [f"m2build/minimax-m2.1:{plan.selection.profile_id}"]
        assert target["args"] == {"SOURCE_DATE_EPOCH": str(plan.created)}
        assert target["platforms"] == ["linux/amd64"]
        assert (target["context"], target["dockerfile"]) == (".", f"{name}.Dockerfile")
        assert not {"cache-from", "cache-to", "output"} & target.keys()


def test_the_labels_are_those_of_the_dockerfile(buildx: Buildx, tmp_path: Path) -> None:
    base = base_image(config={"Labels": {"maintainer": "them", "keep": "this"}})
    plan = plan_for(base)
    folder = write(render_bake([plan], prefix="m2build"), tmp_path / "images")
    (target,) = buildx.printed(folder)["target"].values()
    written = labels_of(instructions({"Dockerfile": (folder / target["dockerfile"]).read_bytes()}))
    assert written == {**target["labels"], "maintainer": ""}


def test_the_folder_has_the_contexts_and_the_file_for_bake() -> None:
    files = render_bake(PLANS, prefix="m2build")
    expected = {path: data for path, data in render(PLANS[0]).items() if path != "Dockerfile"}
    expected |= {f"{name}.Dockerfile": render(plan)["Dockerfile"] for name, plan in zip(NAMES, PLANS, strict=True)}
    assert {path: data for path, data in files.items() if path != "docker-bake.json"} == expected
    assert list(files) == sorted(files)
    assert not hasattr(files, "__setitem__")


@pytest.mark.sweep
def test_two_renderings_are_equal_in_any_process() -> None:
    script = PROBE.format(path=sys.path)
    runs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu"))
    }  # fmt: skip
    assert len(runs) == 1
    assert "docker-bake.json" in runs.pop()


def test_every_pair_of_profile_and_model_is_a_target(buildx: Buildx, tmp_path: Path) -> None:
    plans = [with_model(plan, model) for model in ("minimax-m2.1", "minimax-m2") for plan in PLANS]
    bake = buildx.printed(write(render_bake(plans, prefix="r.example:5000"), tmp_path / "images"))
    assert bake["group"]["images"]["targets"] == [*NAMES, "minimax-m2-tp4", "minimax-m2-tp8"]
    found = {target["tags"][0]: target["labels"]["dev.m2build.model"] for target in bake["target"].values()}
    assert found == {
        f"r.example:5000/{model.lower().partition('/')[2]}:{profile}": model
        for model in ("MiniMaxAI/MiniMax-M2", "MiniMaxAI/MiniMax-M2.1")
        for profile in ("tp4", "tp8")
    }


def test_the_variables_override_the_rendered_defaults(buildx: Buildx, folder: Path, tmp_path: Path) -> None:
    bake = buildx.printed(folder, M2BUILD_PREFIX="r.example/team", M2BUILD_CACHE="r.example:5000/cache")
    for target in bake["target"].values():
        assert target["tags"][0].startswith("r.example/team/minimax-m2.1:tp")
    caches = {name: {"type": "registry", "ref": f"r.example:5000/cache:{name}"} for name in NAMES}
    assert caches_of(bake) == {name: (list(caches.values()), [caches[name]]) for name in NAMES}
    cached = write(render_bake(PLANS, prefix="m2build", cache="r.example:5000/cache"), tmp_path / "cached")
    assert caches_of(buildx.printed(cached)) == caches_of(bake)
    assert caches_of(buildx.printed(cached, M2BUILD_CACHE="")) == dict.fromkeys(NAMES, ([], []))


def caches_of(bake: Mapping[str, Any]) -> dict[str, tuple[list[Any], list[Any]]]:
    """The caches that each target reads and writes."""
    return {name: (target.get("cache-from", []), target.get("cache-to", [])) for name, target in bake["target"].items()}


def test_the_time_is_the_plans_whatever_the_environment_has(buildx: Buildx, folder: Path) -> None:
    bake = buildx.printed(folder, SOURCE_DATE_EPOCH="7")
    assert {target["args"]["SOURCE_DATE_EPOCH"] for target in bake["target"].values()} == {str(PLANS[0].created)}
    assert PLANS[0].created != 7


def test_attestations_can_be_turned_on(buildx: Buildx, folder: Path) -> None:
    """By default there are none: the tag would name an index, not the image."""
    plain = [{"type": "provenance", "disabled": True}, {"type": "sbom", "disabled": True}]
    assert [target["attest"] for target in buildx.printed(folder)["target"].values()] == [plain] * 2
    asked = buildx.printed(folder, "--provenance=mode=max", "--sbom=true")
    attest = [{"type": "provenance", "mode": "max"}, {"type": "sbom"}]
    assert [target["attest"] for target in asked["target"].values()] == [attest] * 2


@in_shares(15)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
@example(["${x}", "$${x}", "$$${x}", "%{ if true }", "%%{", "${", "$${", "%%%{", '"', "\\", "${~x~}", "\n", "<<E", ""])
@example(["\r$${x}", "\n$${x}", "\t${x}", "\x00", "\x85%{"])
@example(["\u0338", "a\u0338", "\ufeff", "a\ufeff", "e\u0301", "\u00e9", "\u1100\u1161"])
def test_any_value_comes_out_exactly_or_is_refused(
    buildx: Buildx, tmp_path: Path, share: int, texts: list[str]
) -> None:
    said = {}
    for text in texts:
        try:
            said[text] = literal(text), literal(f"key={text}")
        except UsageError:
            assert unicodedata.normalize("NFC", f"key={text}") != f"key={text}" or text[:1] == "\ufeff" or "\r" in text
    labels = {f"a{number}": label for number, (label, _) in enumerate(said.values())}
    values = {"labels": labels, "annotations": [annotation for _, annotation in said.values()]}
    target = {"name": "${item.name}", "matrix": {"item": [{"name": "only", **values}]}}
    refer = {key: f"${{item.{key}}}" for key in values}
    (tmp_path / "docker-bake.json").write_text(json.dumps({"target": {"matrix": {**target, **refer}}}))
    found = buildx.printed(tmp_path, "matrix")["target"]["only"]
    assert list(said) == [found["labels"][name] for name in labels]
    assert [f"key={text}" for text in said] == found["annotations"]


@in_shares(5)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT.map("".join), TEXT.map("".join))
@example("${x} %{y} $${z}, \"a\" \\ 'b'", "%%{")
@example("\u0338", "b")
def test_a_recipes_texts_reach_bake_unchanged(
    buildx: Buildx, tmp_path: Path, share: int, summary: str, title: str
) -> None:
    plan = with_texts(PLANS[1], summary, title, "x")
    try:
        files = render_bake([plan], prefix="m2build")
    except UsageError as error:
        assert "a Dockerfile cannot express" in str(error) or "bake cannot express" in str(error)  # noqa: PT017
        return
    (target,) = buildx.printed(write(files, tmp_path / "images"))["target"].values()
    assert target["labels"] == plan.labels
    assert annotations_of(target) == plan.annotations


@pytest.mark.parametrize("text", ["e\u0301", "\ufeffa", "=\u0338"])
def test_what_bake_would_change_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="bake cannot express") as caught:
        render_bake([with_texts(PLANS[0], text, "a", "b")], prefix="m2build")
    assert "normal form C" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("prefix", "cache", "message"),
    [
        ("Team", None, "'Team/minimax-m2.1:tp4' is not an image reference"),
        ("a b", None, "is not an image reference"),
        ("", None, "is not an image reference"),
        ("${x}", None, "is not an image reference"),
        ("r.example/team:1", None, "is not an image reference"),
        ("m2build", "r.example/Cache", "'r.example/Cache:minimax-m2-1-tp4' is not an image reference"),
        ("m2build", "r.example/cache:1", "'r.example/cache:1:minimax-m2-1-tp4' is not an image reference"),
        ("m2build", f"a@sha256:{'0' * 64}", "is not an image reference"),
        ("m2build", "a,mode=max", "is not an image reference"),
    ],
)
def test_invalid_names_are_refused(prefix: str, cache: str | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        render_bake(PLANS, prefix=prefix, cache=cache)
    assert message in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "other",
    [
        replace(PLANS[1], created=PLANS[1].created + 1),
        with_results(PLANS[1], PLANS[1].changeset.results[:1]),
    ],
    ids=["another time", "another changeset"],
)
def test_plans_of_different_derivations_are_refused(other: Plan) -> None:
    with pytest.raises(UsageError, match="differ in changeset, platform or time"):
        render_bake([PLANS[0], other], prefix="m2build")


def test_targets_of_one_name_are_refused() -> None:
    recipe = PLANS[0].selection.recipe
    recipe = recipe.model_copy(update={"models": {**recipe.models, "minimax-m2-1": recipe.models["minimax-m2"]}})
    other = with_model(replace(PLANS[0], selection=replace(PLANS[0].selection, recipe=recipe)), "minimax-m2-1")
    with pytest.raises(UsageError, match="2 plans have 1 different targets of bake: minimax-m2-1-tp4"):
        render_bake([PLANS[0], other], prefix="m2build")
    with pytest.raises(UsageError, match="0 plans have 0 different targets"):
        render_bake([], prefix="m2build")
