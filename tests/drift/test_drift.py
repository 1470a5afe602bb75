"""Drift over a small package's releases from a folder of wheels, and over SGLang 0.5.7."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml
from helpers.commands import m2build, refused, succeeds
from helpers.drift.releases import RAISED, RELEASES, download, lock_file, publish, series_file
from helpers.patches.trees import tree_of
from helpers.patches.wheels import only_index, wheel
from helpers.snippets import BLOCK, DOCS
from markdown_it import MarkdownIt

from m2build.cli.drift import drift
from m2build.drift import Drift, Need, ReleaseDrift, drift_markdown, series_for, try_releases
from m2build.drift.judging import judged
from m2build.errors import TransportError, UsageError, WouldChangeError
from m2build.local.cache import cache_folder, cache_in
from m2build.locking.files import load_lock
from m2build.patches import Series, SourceTree, apply_series, load_series
from m2build.patches.published import published_releases

WANTED = "demo-pkg>=1"


class Tried(NamedTuple):
    series: Series
    found: Drift
    folder: Path


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """The series on all releases against a lock, once; the folder stays the index, and its cache warm."""
    folder = tmp_path_factory.mktemp("drift")
    with pytest.MonkeyPatch.context() as patched:
        index = only_index(folder, patched)
        for release in RELEASES:
            publish(release, index)
        path = series_file(folder)
        series, lock = load_series(str(path)), load_lock(lock_file(folder))
        with patched.context() as without_pip:
            without_pip.setattr("m2build.patches.pypi._pip_download", download)
            found = try_releases(series, WANTED, lock=lock)
        yield Tried(series, found, folder)


def on(tried: Tried, release: str) -> ReleaseDrift:
    return next(one for one in tried.found.releases if one.release == release)


def test_releases_are_sorted_as_versions_and_pre_releases_left_out(tried: Tried) -> None:
    assert [one.release for one in tried.found.releases] == ["1.0", "1.1", "1.2", "1.3", "1.4", "1.10"]


@pytest.mark.parametrize(
    ("requirement", "releases"),
    [
        ("demo-pkg>1.10", ("2.0rc1",)),
        ("demo-pkg>1.3,!=1.10,<=2.0rc1", ("1.4", "2.0rc1")),
        ("demo-pkg", ("1.3", "1.4", "1.10")),
    ],
)
def test_pre_releases_count_as_pip_counts_them(
    requirement: str, releases: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "demo-pkg (2.0rc1)\nAvailable versions: 2.0rc1, 1.10, 1.4, 1.3, 1.0-of-old\n  INSTALLED: 1.3\n"
    monkeypatch.setattr("m2build.patches.published.run_pip", lambda *_, **__: text)
    assert published_releases(requirement) == releases
    with pytest.raises(UsageError, match=r"no release of demo-pkg is among >=9: the newest is 2\.0rc1"):
        published_releases("demo-pkg>=9")


@pytest.mark.parametrize(
    ("release", "need", "outcomes", "advice"),
    [
        ("1.0", Need.ALL, ["applied", "applied"], "needs all patches"),
        ("1.1", Need.ALL, ["applied", "applied"], "needs all patches"),
        (
            "1.2",
            Need.SOME,
            ["applied", "already-applied"],
            (
                "needs rename-old; raise-limit does not accept already-applied, and stops the series: take it out; "
                "drop now: raise-limit"
            ),
        ),
        ("1.3", Need.UNCLEAR, ["applied", "conflict"], "look first: raise-limit (conflict); needs rename-old"),
        ("1.4", Need.UNCLEAR, [], "look first: the patches could not be tried"),
        ("1.10", Need.NONE, ["already-applied", "already-applied"], "use the stock image; drop now: raise-limit"),
    ],
)
def test_each_release_has_its_outcomes_and_advice(
    release: str, need: Need, outcomes: list[str], advice: str, tried: Tried
) -> None:
    found = on(tried, release)
    assert (found.need, [patch.outcome for patch in found.patches], found.advice) == (need, outcomes, advice)
    assert (found.problem is not None) == (release == "1.4")


def test_importers_offsets_hunks_and_problems_are_shown(tried: Tried) -> None:
    rename, limit = on(tried, "1.1").patches
    assert (rename.importers, rename.files[-1]) == (("demo_pkg/more.py", "demo_pkg/use.py"), "demo_pkg/use.py")
    (offset,) = limit.offsets
    assert (offset.path, offset.line) == ("demo_pkg/limit.py", 4)
    assert offset.text == "the hunk at limit.patch:3 stands 2 lines further down"
    assert (limit.importers, limit.hunks, limit.mentions) == ((), (), ())
    hunks = on(tried, "1.3").patches[1].hunks
    assert [str(hunk.kind) for hunk in hunks][:1] == ["missing"]
    assert "limit = 3" in [hunk.text for hunk in hunks]
    assert on(tried, "1.2").patches[1].drop_now == "the sources have it already"
    assert str(on(tried, "1.4").problem).startswith("the patch rename-old stops: demo_pkg/use.py:2:7 does not parse")


def test_a_lock_shows_what_differs_by_release_and_patch(tried: Tried) -> None:
    found = tried.found
    assert found.locked == "1.0"
    said = {one.release: [str(deviation) for deviation in one.deviations] for one in found.deviating}
    assert said == {
        "1.2": ["raise-limit is already-applied, drop it now; locked: applied"],
        "1.3": ["raise-limit is conflict; locked: applied"],
        "1.4": [f"{name} is not judged; locked: applied" for name in ("rename-old", "raise-limit")],
        "1.10": [
            "rename-old is already-applied; locked: applied",
            "raise-limit is already-applied, drop it now; locked: applied",
        ],
    }
    with pytest.raises(WouldChangeError, match=r"mine does not do on 1\.2, 1\.3, 1\.4, 1\.10 what the lock says"):
        found.checked()
    same = found.model_copy(update={"releases": found.releases[:2]})
    assert same.checked() is same


def test_patches_that_only_one_of_lock_and_series_has_differ(tried: Tried, tmp_path: Path) -> None:
    source = load_lock(lock_file(tmp_path, gone="not-needed")).sources["sources"]
    shorter = tried.series.model_copy(update={"patches": tried.series.patches[:1]})
    changeset = apply_series(shorter, tree_of({"demo_pkg/__init__.py": "", "demo_pkg/old.py": ""}))
    assert [str(deviation) for deviation in judged("1.0", changeset, source).deviations] == [
        "raise-limit is missing; locked: applied",
        "gone is missing; locked: not-needed",
    ]
    assert judged("1.0", changeset, None).deviations == ()


@pytest.mark.parametrize(
    ("drop_when", "need", "advice"),
    [
        ((None, None), Need.ALL, "needs all patches"),
        ((None, ">=1.0"), Need.SOME, "needs rename-old; drop now: raise-limit"),
        ((">=1.0", ">=1.0"), Need.NONE, "use the stock image; drop now: rename-old, raise-limit"),
        ((">1.0", "already-applied"), Need.ALL, "needs all patches"),
    ],
)
def test_a_patch_whose_drop_when_is_reached_is_not_needed_even_if_it_applies(
    drop_when: tuple[str | None, str | None], need: Need, advice: str, tried: Tried
) -> None:
    patches = zip(tried.series.patches, drop_when, strict=True)
    changed = [patch.model_copy(update={"drop_when": when}) for patch, when in patches]
    files = {f"demo_pkg/{name}": text for name, text in {"__init__.py": "", **RELEASES["1.0"]}.items()}
    series, tree = tried.series.model_copy(update={"patches": tuple(changed)}), SourceTree.of(files, release="1.0")
    changeset = apply_series(series, tree)
    assert [str(result.outcome) for result in changeset.results] == ["applied", "applied"]
    found = judged("1.0", changeset, None)
    assert (found.need, found.advice) == (need, advice)


def test_the_json_fits_its_schema_and_is_the_same_each_time(tried: Tried) -> None:
    mine, lock = tried.folder / "mine.yaml", tried.folder / "m2build.lock"
    run = m2build("drift", "--series", mine, "--release", WANTED, "--lock", lock, "--json")
    assert run.returncode == 14
    document = json.loads(run.stdout)
    assert document == tried.found.document()
    schema = json.loads(succeeds("drift", "--schema"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(document)
    del document["releases"][0]["advice"]
    assert not validator.is_valid(document)


def test_the_table_names_each_patch_with_what_was_found(tried: Tried) -> None:
    printed = succeeds("drift", "--series", tried.folder / "mine.yaml", "--release", "demo-pkg~=1.1,<1.4")
    assert printed.startswith(
        "1.1             all      needs all patches\n"
        "    applied         rename-old  files: 3, importers: 2\n"
        "        importer: demo_pkg/more.py\n"
        "        importer: demo_pkg/use.py\n"
        "    applied         raise-limit  files: 1, offsets: 1\n"
        "        at an offset: demo_pkg/limit.py:4: the hunk at limit.patch:3 stands 2 lines further down\n"
        "1.2             some     needs rename-old; "
    )
    assert "differs from the lock" not in printed
    assert "    conflict        raise-limit  of the changes in limit.patch, 1 cannot; " in printed
    assert "        nearest: demo_pkg/limit.py:5: limit = 3\n" in printed


def test_a_difference_from_the_lock_is_exit_code_14_after_the_page(tried: Tried) -> None:
    chosen = ("drift", "--series", tried.folder / "mine.yaml", "--lock", tried.folder / "m2build.lock", "--markdown")
    run = m2build(*chosen, "--release", "demo-pkg==1.3")
    assert run.returncode == 14
    assert run.stderr.startswith(
        "m2build: mine does not do on 1.3 what the lock says\n    1.3: raise-limit is conflict;"
    )
    html = MarkdownIt("commonmark").enable("table").render(run.stdout)
    cells = [f"<td>{cell}</td>\n" for cell in ("1.3", "unclear", "applied", "conflict")]
    assert f"{''.join(cells)}<td><strong>differs from the lock</strong>" in html
    assert "<li>raise-limit: nearest: demo_pkg/limit.py:5: limit = 3.</li>" in html
    assert run.stdout.startswith(
        "# What mine does on demo-pkg==1.3\n\nCompared with the lock, which is of the release 1.0."
    )


def test_a_release_is_never_tried_on_its_local_version_and_a_broken_one_is_a_result(
    tried: Tried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip takes 1.0+rocm for `==1.0` where there is one, and also lists what has no wheel for this Python."""
    index = only_index(tmp_path, monkeypatch)
    publish("1.0", index)
    other = {"demo_pkg/__init__.py": "", "demo_pkg/new.py": "", "demo_pkg/limit.py": RAISED}
    metadata = "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0+rocm\n"
    info = {
        "demo_pkg-1.0+rocm.dist-info/METADATA": metadata,
        "demo_pkg-1.0+rocm.dist-info/WHEEL": "Wheel-Version: 1.0\n",
    }
    (index / "demo_pkg-1.0+rocm-py3-none-any.whl").write_bytes(wheel({**other, **info}))
    (index / "demo_pkg-1.1-py3-none-any.whl").write_bytes(b"<html>")
    (index / "demo_pkg-1.2.tar.gz").write_bytes(b"")
    with cache_in(tmp_path / "cache"):
        found = try_releases(tried.series, WANTED)
    assert {one.release: one.need for one in found.releases} == {
        "1.0": "all", "1.0+rocm": "none", "1.1": "unclear", "1.2": "unclear"
    }  # fmt: skip
    assert [str(one.problem).partition(": ")[2][:25] for one in found.releases[2:]] == [
        "Wheel 'demo-pkg' located ", "No matching distribution "
    ]  # fmt: skip


def test_text_of_others_begins_no_line_of_a_page_and_names_nobody(tried: Tried) -> None:
    hostile = "x\n# Done\r\n @everyone | <b> \u202e`y`"
    release = on(tried, "1.4").model_copy(update={"problem": hostile, "release": hostile, "advice": hostile})
    page = drift_markdown(tried.found.model_copy(update={"releases": (release,), "requirement": hostile}))
    assert page.count("\n# ") == 0
    assert "@everyone" not in page
    assert "\u202e" not in page
    assert not {"html_inline", "html_block"} & {token.type for token in MarkdownIt().parse(page)}
    assert "<b>" not in MarkdownIt().render(page)


def test_a_page_tells_problems_and_patches_to_drop(tried: Tried) -> None:
    page = drift_markdown(tried.found)
    assert "| 1.4 | unclear |  |  | **differs from the lock**; look first: the patches could not be tried |\n" in page
    assert "- **Drop raise-limit now:** the sources have it already.\n" in page
    assert "- rename-old rewrites importers: `demo_pkg/use.py`.\n" in page


def test_four_threads_use_the_callers_cache(tried: Tried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them wait for each other: with fewer, the barrier would break."""
    used, together = set[Path](), threading.Barrier(4)

    def fetch(release: str) -> Path:
        used.add(cache_folder())
        together.wait(timeout=30)
        return next(tried.folder.glob(f"index/demo_pkg-{release.partition('==')[2]}-*.whl"))

    monkeypatch.setattr("m2build.drift.run.fetch_wheel", fetch)
    monkeypatch.setattr("m2build.drift.run.published_releases", lambda _: ("1.0", "1.1", "1.2", "1.3"))
    with cache_in(tmp_path):
        found = try_releases(tried.series, WANTED)
    assert used == {tmp_path}
    assert [one.need for one in found.releases] == [on(tried, one.release).need for one in found.releases]


def test_one_thread_parses_at_a_time(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython's parser is not safe in several threads."""
    busy, alone, parse = threading.Lock(), list[bool](), ast.parse

    def parse_alone(text: str, **how: Any) -> ast.AST:
        is_alone = busy.acquire(blocking=False)
        alone.append(is_alone)
        time.sleep(0.02)
        if is_alone:
            busy.release()
        found: ast.AST = parse(text, **how)
        return found

    with monkeypatch.context() as patched:  # pytest shows a failure by means of the parser
        patched.setattr(ast, "parse", parse_alone)
        patched.setattr("m2build.drift.run.published_releases", lambda _: ("1.0", "1.1", "1.2", "1.3"))
        try_releases(tried.series, WANTED)
    assert len(alone) > 4
    assert all(alone)


def test_what_cannot_be_asked_is_refused(tried: Tried) -> None:
    with pytest.raises(TransportError, match="pip cannot fetch the list of releases of no-such-pkg: No matching"):
        published_releases("no-such-pkg>=1")
    for text in ("demo-pkg[all]", "demo-pkg>=1; python_version>'3'", "demo-pkg @ https://example.org/x.whl", "a b"):
        with pytest.raises(UsageError, match="is not a name with a version specifier"):
            published_releases(text)
    other = tried.series.model_copy(update={"id": "other"})
    with pytest.raises(UsageError, match=r"several series patch demo-pkg; there is mine for Demo\.pkg, other for Demo"):
        series_for(WANTED, [tried.series, other])
    with pytest.raises(UsageError, match="the lock has no sources with the series other: it has mine"):
        try_releases(other, WANTED, lock=load_lock(tried.folder / "m2build.lock"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no releases are given"),
        (("--release", "sglang", "--json", "--markdown"), "--json and --markdown exclude each other"),
        (
            ("--release", "sglang", "--series", "mine", "--recipe", "minimax-m2"),
            "--series and --recipe exclude each other",
        ),
        (
            ("--release", "vllm>=0.9", "--recipe", "minimax-m2"),
            "no series patches vllm; there is minimax-m2-rocm for sg",
        ),
        (("--release", "sglang", "--lock", "absent.lock"), "there is no lock absent.lock"),
    ],
)
def test_the_command_refuses(words: tuple[str, ...], message: str) -> None:
    assert message in refused(2, "drift", *words)


def blocks() -> dict[str, str]:
    """The examples on the page: of GitHub and of GitLab."""
    github, gitlab = [
        block for language, block in BLOCK.findall((DOCS / "drift.md").read_text("utf-8")) if language == "yaml"
    ]
    return {"github-workflows": github, "gitlab-ci": gitlab}


@pytest.mark.parametrize("service", ["github-workflows", "gitlab-ci"])
def test_the_jobs_on_the_page_fit_the_services_schemas(service: str) -> None:
    vendored = resources.files("check_jsonschema.builtin_schemas.vendor").joinpath(f"{service}.json")
    schema = json.loads(vendored.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    job = yaml.safe_load(blocks()[service])
    job |= {"on": job.pop(True)} if True in job else {}  # YAML 1.1 reads the key as a truth value
    assert [error.message for error in validator.iter_errors(job)] == []
    first = next(iter(job))
    assert not validator.is_valid({**job, first: 7})


@pytest.mark.parametrize("service", ["github-workflows", "gitlab-ci"])
@pytest.mark.parametrize(("code", "ends"), [(0, 0), (14, 0), (8, 1)])
def test_the_jobs_on_the_page_go_on_with_0_and_14_only(service: str, code: int, ends: int, tmp_path: Path) -> None:
    """Both services run a script in bash with `-e`; the command itself is one that click accepts."""
    document = yaml.safe_load(blocks()[service])
    if service == "gitlab-ci":
        script = document["drift"]["script"][1]
    else:
        (script,) = [step["run"] for step in document["jobs"]["drift"]["steps"] if step.get("id") == "drift"]
    for name, ending in {"m2build": f"echo page\nexit {code}", "curl": "exit 0"}.items():
        (tmp_path / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {name}-words\n{ending}\n')
        (tmp_path / name).chmod(0o755)
    variables = {"DRIFT_TOKEN": "t0ken", "CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_PROJECT_ID": "7"}
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_OUTPUT": "output", **variables}
    run = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, env=environment, check=False)
    assert run.returncode == ends
    assert (tmp_path / "drift.md").read_text() == "page\n"
    name, *words = (tmp_path / "m2build-words").read_text().splitlines()
    assert name == drift.name
    drift.make_context(name, words)
    if service == "github-workflows":
        assert (tmp_path / "output").read_text() == f"code={code}\n"
    elif code == 14:
        posted = (tmp_path / "curl-words").read_text().splitlines()
        assert posted[-1] == "https://gitlab.example/api/v4/projects/7/issues"
        assert {"PRIVATE-TOKEN: t0ken", "description=<drift.md"} <= set(posted)
    else:
        assert not (tmp_path / "curl-words").exists()
