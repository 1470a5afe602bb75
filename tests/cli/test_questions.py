"""Before much is copied to another registry, `m2build` asks at a terminal; --yes, a limit or a pipe need no answer."""

from __future__ import annotations

import io
import sys

import pytest
from helpers.bases import base_image
from helpers.registry.field_registry import field_registry

from m2build.cli import main
from m2build.delivery import publishing
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent


class Keyboard(io.StringIO):
    """A terminal on which an answer is typed."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("base") / "base"
    place = Place(PlaceKind.OCI, str(folder), "v1")
    write_image(base_image(), place, tag="v1", reference="base:v1", replace=False, progress=Silent())
    return f"oci:{folder}:v1"


def sit_down(monkeypatch: pytest.MonkeyPatch, keyboard: io.StringIO) -> None:
    """Make stderr a terminal and stdin a keyboard, with a budget that a small base exceeds."""
    monkeypatch.setattr(publishing, "BUDGET", 100)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)


@pytest.mark.parametrize(
    ("typed", "options", "code", "question"),
    [
        ("y\n", (), 0, True), ("n\n", (), 15, True), ("\n", (), 15, True), ("", (), 15, True),
        ("", ("--yes",), 0, False), ("", ("--max-transfer", "1MB"), 0, False),
        ("y\n", ("--max-transfer", "99"), 15, False), ("y\n", ("--dry-run",), 0, False),
    ],
    ids=["yes", "no", "nothing", "end of input", "--yes", "limit", "low limit", "dry run"],
)  # fmt: skip
def test_at_a_terminal(
    typed: str, options: tuple[str, ...], code: int, *, question: bool, source: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    sit_down(monkeypatch, Keyboard(typed))
    with field_registry() as registry:
        words = ["image", "--tp", "8", "--base", source, "-t", f"{registry.host}/asked", "--push", *options]
        assert main(words) == code
        seen = capsys.readouterr().err
        assert ("go on? [y/N]:" in seen) == question
        assert (f"would be copied to {registry.host}" in seen) == (question or code == 15)
        is_published = code == 0 and "--dry-run" not in options
        assert bool(registry.count("PUT", "manifests")) == is_published


def test_without_a_terminal_there_is_no_question(
    source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_down(monkeypatch, io.StringIO("y\n"))
    with field_registry() as registry:
        assert main(["image", "--tp", "8", "--base", source, "-t", f"{registry.host}/asked", "--push"]) == 15
        assert "--yes, or --max-transfer" in capsys.readouterr().err
        assert registry.count("PUT", "") == 0
