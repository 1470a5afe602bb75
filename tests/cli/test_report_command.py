"""`m2build report` by command: the file that it writes, and what it refuses."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

import pytest
from helpers.cli.checkouts import derived, quickly
from helpers.commands import refused, succeeds


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return derived(tmp_path_factory.mktemp("workshop"))


WORDS = ("report", "oci:out:tp8", "document", "--base", "oci:base:base", "--progress", "quiet")


def test_it_writes_one_page_with_the_same_bytes_each_time(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert succeeds(*WORDS, "-o", "page.html", cwd=workshop) == "page.html\n"
    page = (workshop / "page.html").read_text(encoding="utf-8")
    assert "<strong>Proven.</strong>" in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"""content="default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none';""" in page
    assert "exists already" in refused(2, *WORDS, "-o", "page.html", cwd=workshop)
    monkeypatch.chdir(workshop)
    (workshop / "page.html").write_text("older")
    assert quickly(*WORDS, "-o", "page.html", "--replace") == "page.html\n"
    assert (workshop / "page.html").read_text(encoding="utf-8") == page


def test_it_writes_to_stdout() -> None:
    page = succeeds("report", "document", "-o", "-")
    assert page.startswith("<!doctype html>")
    assert page.endswith("</html>")


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (2, ("absent.jsonl",), "there are no results at absent.jsonl"),
        (2, ("oci:absent",), "absent"),
        (2, ("oci:out:tp8", "--recipe", "minimax-m3"), "no model of the recipe minimax-m3"),
        (2, ("oci:absent", "-o", "base"), "base exists already, and is a directory"),
    ],
)
def test_what_cannot_be_done_is_refused(code: int, words: tuple[str, ...], said: str, workshop: Path) -> None:
    words = words if "-o" in words else (*words, "-o", "new.html")
    assert said in refused(code, "report", *words, cwd=workshop)
    assert not (workshop / "new.html").exists()
