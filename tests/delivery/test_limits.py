"""Budgets and tag policies of `image` and `push`, before a layer of the base is read; and what `--dry-run` says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, refused, succeeds
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import access, crane_registry, tag_digest, upload

from m2build.delivery import Publishing, TagPolicy
from m2build.delivery.destination import Destination
from m2build.delivery.surroundings import Surroundings
from m2build.delivery.target import target_of
from m2build.errors import UsageError
from m2build.places.place import Place, PlaceKind
from m2build.progress import Silent

BASE = base_image()
IMAGE = ("image", "--tp", "8")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[str]:
    """A registry that has nothing yet; its repositories share blobs."""
    with crane_registry(tmp_path) as host:
        yield host


@pytest.fixture
def cold(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which nothing has been read before."""
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def base(host: str) -> tuple[str, str]:
    return "--base", f"{host}/team/sglang:rocm"


def layers_read(proxy: Proxy) -> list[str]:
    digests = {str(layer.digest) for layer in BASE.manifest.layers}
    return [path for method, path in proxy.requests if method == "GET" and path.rpartition("/")[2] in digests]


def test_to_another_registry(proxy: Proxy, other: str, cold: Mapping[str, str]) -> None:
    command = (*IMAGE, *base(proxy.host), "-t", f"{other}/far", "--push")
    said = refused(15, *command, "--max-transfer", "100", environment=cold)
    assert f"would be copied to {other}; the limit is 0.0 MB" in said
    assert layers_read(proxy) == []
    assert tag_digest(other, "far", "tp8") is None
    assert succeeds(*command, "--max-transfer", "1MiB").startswith(f"{other}/far@")
    assert succeeds(*command, "--max-transfer", "0").startswith(f"{other}/far@"), "nothing of the base is missing now"


@pytest.mark.parametrize("command", ["image", "push"])
def test_within_a_registry_that_mounts_nothing(command: str, stocked: str) -> None:
    with fault_proxy(stocked, Rule("POST", "mount=", status=405)) as proxy:
        name = f"{proxy.host}/within/{command}"
        source = f"{proxy.host}/team/sglang:rocm"
        words = {
            "image": (*IMAGE, "--base", source, "-t", name, "--push"),
            "push": ("push", f"docker://{source}", f"{name}:tp8", "--base", source),
        }[command]
        said = refused(15, *words, "--max-transfer", "100", "--yes")
        assert "which mounts none of them from team/sglang" in said
        assert f"push into the base's own repository, {proxy.host}/team/sglang:TAG" in said
        assert tag_digest(stocked, f"within/{command}", "tp8") is None
        assert proxy.seen("PUT") == []
        succeeds(*words, "--max-transfer", "unlimited")


def test_a_dry_run_says_that_it_would_stop(stocked: str, other: str) -> None:
    command = (*IMAGE, *base(stocked), "-t", f"{other}/dry", "--push", "--dry-run")
    assert json.loads(succeeds(*command, "--json"))["refusal"] is None
    lines = succeeds(*command, "--max-transfer", "100").splitlines()
    assert lines[-1].startswith("stops       0.0 MB in 3 blobs would be copied to ")
    states = [line for line in lines if line.startswith("copy ")]
    assert states[0] == f"copy        {BASE.manifest.layers[0].digest} ({BASE.manifest.layers[0].size} bytes)"
    assert len(states) == len(BASE.manifest.layers) + 2
    assert "refusal" not in lines[-2]


@pytest.mark.parametrize("size", ["1e3", "-1", "20 GB", "much", "", "1XB", "9" * 20])
def test_a_size_that_is_none(size: str) -> None:
    assert "is not a size" in refused(2, *IMAGE, "--max-transfer", size)


@pytest.mark.parametrize(("policy", "code"), [("refuse", 2), ("same", 2), ("move", 0)])
def test_a_tag_of_another_image(policy: str, code: int, stocked: str, cold: Mapping[str, str]) -> None:
    """Before a layer is read: it is no image of this recipe."""
    upload(stocked, f"policy/{policy}", BASE, "tp8")
    with fault_proxy(stocked) as proxy:
        words = (*IMAGE, *base(proxy.host), "-t", f"{stocked}/policy/{policy}", "--push", "--tag-policy", policy)
        run = m2build(*words, environment=cold)
        assert run.returncode == code, run.stderr
        assert str(BASE.manifest.digest) in run.stderr, "it is named in each case"
        is_moved = tag_digest(stocked, f"policy/{policy}", "tp8") != str(BASE.manifest.digest)
        assert is_moved == (policy == "move")
        assert bool(layers_read(proxy)) == (policy == "move")


def test_the_same_derivation_again_is_a_success_under_each_policy(stocked: str) -> None:
    words = (*IMAGE, *base(stocked), "-t", f"{stocked}/again", "--push", "--tag-policy")
    assert "does not exist" in refused(2, *words, "same")
    first = succeeds(*words, "refuse")
    assert {succeeds(*words, policy) for policy in ("refuse", "same", "move")} == {first}
    dry = json.loads(succeeds(*words, "refuse", "--dry-run", "--json"))
    assert dry["refusal"] is None


def test_an_image_of_the_recipe_that_differs_is_refused_before_any_image_is_sent(stocked: str) -> None:
    """Its labels fit, so only the digest shows it; the first image of the call is not sent either."""
    one = ("image", "--tp", "8", *base(stocked), "-t", f"{stocked}/differs:{{profile}}", "--push")
    first = succeeds(*one).strip().partition("@")[2]
    both = ("image", "--tp", "4", *one[1:], "--tag-policy", "refuse", "--env", "HF_HOME=/models")
    said = refused(2, *both)
    assert f"{stocked}/differs:tp8 names {first}, and would name sha256:" in said
    assert tag_digest(stocked, "differs", "tp4") is None
    dry = json.loads(succeeds(*both, "--dry-run", "--json"))
    assert [document["refusal"] is None for document in dry] == [True, False]


@pytest.mark.parametrize("policy", TagPolicy)
def test_a_container_engines_image_has_no_digest_yet(policy: TagPolicy, stocked: str) -> None:
    """So a tag that exists stays, unless it may move."""
    around = Surroundings(access(), {}, Silent(), publishing=Publishing(policy))
    place = Place(PlaceKind.REGISTRY, f"{stocked}/team/sglang:rocm")
    to = Destination(place, f"{stocked}/team/sglang", "rocm")
    target = target_of(to, around, holders=[place.location], platform="linux/amd64", may_replace=False)
    if policy is TagPolicy.MOVE:
        target.check_tag(None)
    else:
        with pytest.raises(UsageError, match="the image's digest is not known before it is built"):
            target.check_tag(None)


def test_each_layer_of_the_base_is_asked_for_once_in_the_target(proxy: Proxy) -> None:
    succeeds(*IMAGE, *base(proxy.host), "-t", f"{proxy.host}/once", "--push")
    asked = [path.rpartition("/")[2] for method, path in proxy.requests if method == "HEAD" and "/once/blobs/" in path]
    layers = [str(layer.digest) for layer in BASE.manifest.layers]
    assert sorted(digest for digest in asked if digest in layers) == sorted(layers)
