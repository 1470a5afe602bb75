"""Releases that pip fetches: from a folder of wheels instead of an index, and the pinned one for real."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import ClassVar

import pytest
from helpers.commands import refused, succeeds
from helpers.patches.trees import read
from helpers.patches.wheels import MEMBERS, NAME, only_index, wheel
from helpers.registry.http_servers import QuietHandler, serving_with
from helpers.servers import free_port

from m2build.errors import BaseChangedError, StorageError, TransportError, UsageError
from m2build.local.cache import cache_folder
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels as pip's only source, and an own cache."""
    return only_index(tmp_path, monkeypatch)


def test_a_release_is_fetched_once_and_kept(index: Path) -> None:
    (index / NAME).write_bytes(wheel())
    path = fetch_wheel("Demo.PKG==1.2")
    assert path.read_bytes() == wheel()
    assert cache_folder() in path.parents
    assert from_wheel(path).release == "1.2"
    (index / NAME).unlink()
    assert fetch_wheel("demo-pkg==1.2") == path
    assert sorted(read(cache_folder() / "wheels")) == [f"demo-pkg-1.2/{NAME}"]


@pytest.mark.sweep
def test_another_index_is_asked_although_the_first_ones_wheel_is_kept(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the environment names it or a file. Only a pin makes sure that all have the same wheel."""
    (index / NAME).write_bytes(wheel())
    fetch_wheel("demo-pkg==1.2")
    other, content = tmp_path / "other", wheel({**MEMBERS, "demo_pkg/more.py": "x = 1\n"})
    other.mkdir()
    (other / NAME).write_bytes(content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(other))
    assert fetch_wheel("demo-pkg==1.2").read_bytes() == content
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/pip.conf").write_text(f"[global]\nfind-links = {index}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("PIP_CONFIG_FILE", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    assert fetch_wheel("demo-pkg==1.2").read_bytes() == wheel()
    (tmp_path / "pip/pip.conf").write_text(f"[global]\nfind-links = {other}\n")
    assert fetch_wheel("demo-pkg==1.2").read_bytes() == content


def test_an_unreachable_index_differs_from_a_missing_release(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{free_port()}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(TransportError, match=r"pip cannot fetch demo-pkg==1\.2: the package index cannot be reached$"):
        fetch_wheel("demo-pkg==1.2")
    assert list((index.parent / "cache" / "m2build" / "wheels").iterdir()) == []


class Refusing(QuietHandler):
    """An index with one answer to everything; a 200 has a type that is no index's."""

    code: ClassVar[int]

    def serve(self) -> None:
        self.send_response(self.code)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (403, "the package index answers 403"),
        (503, "the package index answers 503"),
        (200, "the package index answers with something that is not a list of files"),
    ],
)
@pytest.mark.usefixtures("index")
def test_an_index_that_refuses_to_answer_differs_from_a_missing_release(
    answer: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with serving_with(type("Handler", (Refusing,), {"code": answer})) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        with pytest.raises(TransportError, match=f"pip cannot fetch demo-pkg==1.2: {reason}$") as caught:
            fetch_wheel("demo-pkg==1.2")
    assert not caught.value.is_missing


def test_what_no_index_has_says_what_to_do(index: Path) -> None:
    with pytest.raises(
        TransportError, match=r"pip cannot fetch demo-pkg==1\.2: No matching distribution found"
    ) as caught:
        fetch_wheel("demo-pkg==1.2")
    assert "give it as wheel:FILE" in str(caught.value.hint)
    assert read(cache_folder()) == {"wheels/": (b"", 0)}
    (index / NAME).write_bytes(wheel())
    fetch_wheel("demo-pkg==1.2")


def test_a_pinned_release_has_to_be_the_pinned_bytes(index: Path) -> None:
    """An index that serves other bytes under the name of the release that the patches were reviewed against."""
    other = {
        name.replace("demo_pkg-1.2", "sglang-0.5.7"): text.replace("demo-pkg", "sglang").replace("1.2", "0.5.7")
        for name, text in MEMBERS.items()
    }
    content = wheel(other)
    (index / "sglang-0.5.7-py3-none-any.whl").write_bytes(content)
    for _ in range(2):
        with pytest.raises(
            BaseChangedError, match=f"its SHA-256 is {hashlib.sha256(content).hexdigest()}, not b77f9e5c"
        ):
            fetch_wheel("sglang==0.5.7")


def test_the_pin_is_that_of_the_published_wheel(sglang_wheel: Path) -> None:
    pins = json.loads(resources.files("m2build.patches").joinpath("pinned.json").read_bytes())
    assert hashlib.sha256(sglang_wheel.read_bytes()).hexdigest() == pins["sglang==0.5.7"]["sha256"]
    assert sglang_wheel.name == pins["sglang==0.5.7"]["filename"]


@pytest.mark.parametrize(
    "text", ["sglang", "sglang>=0.5", "sglang==0.5.*", "sglang==", "==1", "a b==1", "a==1 --pre", "-r==1"]
)
def test_only_one_exact_release_can_be_named(text: str) -> None:
    with pytest.raises(UsageError, match="does not name one release"):
        fetch_wheel(text)


def test_a_cache_that_cannot_be_written(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (index / NAME).write_bytes(wheel())
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="cannot be written: Not a directory") as caught:
        fetch_wheel("demo-pkg==1.2")
    assert "XDG_CACHE_HOME" in str(caught.value.hint)


def test_the_command_line_takes_wheels_and_releases(index: Path, tmp_path: Path) -> None:
    (index / NAME).write_bytes(wheel())
    series = tmp_path / "mine.yaml"
    series.write_text(
        "{id: mine, summary: s, distribution: demo-pkg, patches: [{id: p, summary: s, why: w, codemod: rename-module, "
        "parameters: {module: demo_pkg, to: other}, releases: '==1.2', author: a, last_update: 2026-11-23}]}\n"
    )
    for source in ("pypi:demo-pkg==1.2", f"wheel:{index / NAME}"):
        out = succeeds("patch", "diff", "--series", series, "--source", source)
        assert "rename from demo_pkg/data.txt\nrename to other/data.txt\n" in out
    assert "pip cannot fetch demo-pkg==9" in refused(
        8, "patch", "diff", "--series", series, "--source", "pypi:demo-pkg==9"
    )
    (index / NAME).write_bytes(wheel()[:-30])
    assert "or it is truncated" in refused(5, "patch", "diff", "--series", series, "--source", f"wheel:{index / NAME}")
