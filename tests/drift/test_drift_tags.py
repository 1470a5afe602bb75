"""Drift over tagged bases in a registry: which are tried, what that fetches, and what it gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
from helpers.commands import m2build, refused, succeeds
from helpers.drift.bases import ARM, BASES, FOR_ARM, NIGHTLY, base, tagged_bases
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import tag_digest

from m2build import Session, load_recipe
from m2build.delivery import Publishing
from m2build.drift import Drift, ReleaseDrift, drift_markdown, try_tags
from m2build.errors import TransferBudgetError, UsageError
from m2build.patches import load_series

UPSTREAM = "commit 486c7de39f5c6ec8d651c5c0c662e940fccb63e0, https://github.com/sgl-project/sglang/pull/16483"
PATTERN = "v0.5.*-rocm*-mi30x"
SERIES, RECIPE = load_series("minimax-m2-rocm"), load_recipe("minimax-m2")


class Tried(NamedTuple):
    proxy: Proxy
    above: Path
    names: tuple[str, str]
    found: Drift
    steps: list[str]


class Steps:
    """A `Progress` that keeps the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, message: str) -> None:
        self.steps.append(message)

    def transfer(self, label: str, done: int, total: int) -> None: ...
    def output(self, line: str) -> None: ...
    def notice(self, sentence: str) -> None: ...


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """The shipped series on the bases of two repositories, once, with a cold cache that is warm afterwards."""
    folder = tmp_path_factory.mktemp("tags")
    with tagged_bases(folder) as host, fault_proxy(host) as proxy:
        names, progress = (f"{proxy.host}/team/sglang", f"{proxy.host}/team/nightly"), Steps()
        allowed = Publishing(max_transfer=1 << 20)
        session = Session(cache=folder / "m2build", progress=progress, publishing=allowed)
        found = try_tags(SERIES, PATTERN, RECIPE, repositories=names, session=session)
        yield Tried(proxy, folder, names, found, progress.steps)


def on(tried: Tried, tag: str) -> ReleaseDrift:
    return next(one for one in tried.found.releases if one.release.endswith(f":{tag}"))


def layers_fetched(proxy: Proxy) -> list[str]:
    images = [FOR_ARM, *(base(release) for release in (*BASES.values(), "0.5.9.dev3"))]
    configs = {str(image.manifest.config.digest) for image in images}
    digests = [path.rpartition("/")[2] for method, path in proxy.requests if method == "GET" and "/blobs/" in path]
    return [digest for digest in digests if digest not in configs]


def test_matching_tags_are_tried_by_repository_and_in_the_order_of_their_numbers(tried: Tried) -> None:
    sglang, nightly = tried.names
    chosen = [ARM, *(tag for tag in BASES if tag.endswith("-mi30x"))]
    assert [one.release for one in tried.found.releases] == [
        *(f"{sglang}:{tag}" for tag in chosen),
        f"{nightly}:{NIGHTLY}",
    ]
    assert tried.found.requirement == f"{sglang}:{PATTERN}, {nightly}:{PATTERN}"


@pytest.mark.parametrize(
    ("tag", "need", "outcomes"),
    [
        ("v0.5.7-rocm700-mi30x", "all", ["applied", "applied"]),
        ("v0.5.9-rocm720-mi30x", "some", ["applied", "not-needed"]),
        ("v0.5.10-rocm720-mi30x", "some", ["applied", "not-needed"]),
        (NIGHTLY, "some", ["applied", "not-needed"]),
    ],
)
def test_each_base_has_its_outcomes_its_digest_and_the_release_of_its_sources(
    tag: str, need: str, outcomes: list[str], tried: Tried
) -> None:
    found = on(tried, tag)
    assert (found.need, [str(patch.outcome) for patch in found.patches]) == (need, outcomes)
    assert found.patches[0].importers == ("sglang/srt/models/kimi_linear.py",)
    repository = "team/nightly" if tag == NIGHTLY else "team/sglang"
    assert found.digest == tag_digest(tried.proxy.host, repository, tag)
    assert found.version == BASES.get(tag, "0.5.9.dev3")


def test_a_nightly_build_is_judged_by_its_code_and_shows_it(tried: Tried) -> None:
    (rename, norm) = on(tried, NIGHTLY).patches
    assert [str(mention) for mention in norm.relevance] == [
        "not relevant: sglang/srt/models/minimax_m2.py: nothing calls q_norm",
        "not relevant: sglang/srt/models/minimax_m2.py: nothing calls k_norm",
        "not relevant: sglang/srt/models/minimax_m2.py: torch.compile is not on MiniMaxM2RMSNormTP.forward_qk",
    ]
    assert (rename.relevance, rename.upstream) == ((), None)
    (_, needed) = on(tried, "v0.5.7-rocm700-mi30x").patches
    assert [mention.line for mention in needed.relevance] == [9]
    assert needed.upstream == UPSTREAM


def test_bases_that_cannot_be_tried_are_results_with_their_problem(tried: Tried) -> None:
    arm, empty = on(tried, ARM), on(tried, "v0.5.11-rocm720-mi30x")
    assert (arm.need, arm.patches, empty.need, empty.patches) == ("unclear", (), "unclear", ())
    assert "arm64" in str(arm.problem)
    assert "has no sources at /sgl-workspace/sglang/python" in str(empty.problem)
    assert (arm.digest, empty.version) == (None, None)
    assert empty.digest == tag_digest(tried.proxy.host, "team/sglang", "v0.5.11-rocm720-mi30x")


def test_a_tag_that_is_gone_when_it_is_read_is_a_result_too(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are tried nevertheless."""
    gone, there = "v0.5.6-rocm650-mi30x", "v0.5.7-rocm700-mi30x"
    monkeypatch.setattr(Session, "tags", lambda *_: (gone, there))
    session = Session(cache=tried.above / "m2build", publishing=Publishing(max_transfer=0))
    found = try_tags(SERIES, PATTERN, RECIPE, repositories=tried.names[:1], session=session)
    missing, tried_one = found.releases
    assert (missing.need, missing.digest) == ("unclear", None)
    assert str(missing.problem).endswith(f"{gone} does not exist")
    assert tried_one == on(tried, there)


def test_what_will_be_fetched_is_said_first_and_each_layer_is_fetched_once(tried: Tried) -> None:
    fetched = layers_fetched(tried.proxy)
    assert len(fetched) == len(set(fetched)) == 5
    images = [base(release) for release in ("0.5.7", "0.5.9", "0.5.10", None, "0.5.9.dev3")]
    size = sum({layer.digest: layer.size for image in images for layer in image.manifest.layers}.values())
    (said,) = [step for step in tried.steps if "at most" in step]
    assert said == f"reading 5 bases: {size / 1e6:.1f} MB of their layers at most"
    assert tried.steps.index(said) < min(n for n, step in enumerate(tried.steps) if step.startswith("reading layer"))


def test_more_than_is_allowed_is_refused_before_a_layer_is_fetched(tried: Tried, tmp_path: Path) -> None:
    before = len(layers_fetched(tried.proxy))
    session = Session(cache=tmp_path, publishing=Publishing(max_transfer=250_000))
    with pytest.raises(TransferBudgetError, match=r"reading 5 bases fetches up to 0\.3 MB .*, and 0\.2 MB are allowed"):
        try_tags(SERIES, PATTERN, RECIPE, repositories=tried.names, session=session)
    assert len(layers_fetched(tried.proxy)) == before


def test_with_a_warm_cache_nothing_is_fetched_and_the_result_is_the_same(tried: Tried) -> None:
    before = len(layers_fetched(tried.proxy))
    session = Session(cache=tried.above / "m2build", publishing=Publishing(max_transfer=0))
    found = try_tags(SERIES, PATTERN, RECIPE, repositories=[*tried.names, tried.names[0]], session=session)
    assert found == tried.found
    assert len(layers_fetched(tried.proxy)) == before


def test_the_command_prints_json_or_a_table(tried: Tried) -> None:
    words = ["drift", "--tags", PATTERN, *(word for name in tried.names for word in ("--repository", name))]
    environment = {"XDG_CACHE_HOME": str(tried.above)}
    document = json.loads(succeeds(*words, "--json", environment=environment))
    assert document == tried.found.document()
    jsonschema.Draft202012Validator(json.loads(Drift.schema_text())).validate(document)
    table = succeeds(*words, environment=environment)
    assert f"{tried.names[0]}:v0.5.9-rocm720-mi30x some     needs rename-transformers-module (release 0.5.9)\n" in table
    assert "        not relevant: sglang/srt/models/minimax_m2.py: nothing calls q_norm\n" in table
    assert f"        needed until: {UPSTREAM}\n" in table
    page = drift_markdown(tried.found)
    assert f"is needed until this change upstream: {UPSTREAM}.\n" in page


def test_a_lock_of_one_base_shows_which_tags_differ(tried: Tried, tmp_path: Path) -> None:
    place = f"{tried.names[0]}:v0.5.7-rocm700-mi30x"
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    lock = tmp_path / "m2build.lock"
    locked = m2build("lock", "--tp", "8", "--base", place, "--lock", lock, environment=environment)
    assert locked.returncode == 0, locked.stderr
    words = ("drift", "--repository", tried.names[0], "--lock", lock)
    run = m2build(*words, "--tags", "v0.5.[79]-rocm*-mi30x", environment=environment)
    assert run.returncode == 14
    assert "v0.5.9-rocm720-mi30x: disable-rmsnorm-compile is not-needed; locked: applied" in run.stderr
    assert "v0.5.7-rocm700-mi30x:" not in run.stderr.replace("trying", "")
    assert succeeds(*words, "--tags", "v0.5.7-*-mi30x", environment=environment)


def test_the_commands_bound_is_exit_code_15_with_the_way_to_allow_more(tried: Tried, tmp_path: Path) -> None:
    words = ("drift", "--tags", PATTERN, "--repository", tried.names[0], "--max-transfer", "1kB")
    said = refused(15, *words, environment={"XDG_CACHE_HOME": str(tmp_path)})
    assert "--max-transfer 1GB" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tags", "v*", "--release", "sglang"), "--release and --tags exclude each other"),
        (("--release", "sglang", "--repository", "team/sglang"), "--repository is for --tags"),
        (("--tags", "v*", "--repository", "team/sglang:v1"), "is an image, not a repository"),
        (("--tags", "v*", "--repository", "Team"), "is not an image reference"),
        (("--tags", "v*", "--max-transfer", "much"), "--max-transfer 'much' is not a size"),
    ],
)
def test_the_command_refuses(words: tuple[str, ...], message: str) -> None:
    assert message in refused(2, "drift", *words)


def test_a_pattern_that_no_tag_matches_is_refused(tried: Tried) -> None:
    with pytest.raises(UsageError, match=r"none of the 8 tags of .*/team/sglang, .*/team/nightly matches 'v9\*'"):
        try_tags(SERIES, "v9*", RECIPE, repositories=tried.names)
