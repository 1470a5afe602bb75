"""The report in a real browser: at each size, in both colour schemes and in print, judged by axe-core."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli.checkouts import derived, quickly
from helpers.report.browser import Browser, browser
from helpers.support import lacking

pytestmark = pytest.mark.sweep

VIEWS = {
    "phone": (390, 844, "light", "screen"),
    "phone-dark": (390, 844, "dark", "screen"),
    "narrow": (320, 640, "light", "screen"),
    "tablet": (820, 1180, "dark", "screen"),
    "desktop": (1280, 900, "light", "screen"),
    "desktop-dark": (1280, 900, "dark", "screen"),
    "print": (794, 1123, "light", "print"),
    "print-dark": (794, 1123, "dark", "print"),
}
CASES = 3 * len(VIEWS)
TABLES = Path(__file__).parents[1] / "helpers/serving/document_tables.txt"


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script; the variable AXE_CORE says where its npm package was unpacked."""
    path = Path(os.environ.get("AXE_CORE", "/nonexistent")) / "axe.min.js"
    return path.read_text(encoding="utf-8") if path.exists() else lacking("AXE_CORE is not the folder of axe-core")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An image with runs; one that verify refuses; runs alone."""
    folder = derived(tmp_path_factory.mktemp("pages"))
    base, image = f"oci:{folder}/base:base", f"oci:{folder}/out:tp8"
    other = folder / "other.txt"
    other.write_text(TABLES.read_text(encoding="utf-8").replace("511.05", "450.00"), encoding="utf-8")
    recipe = folder / "mine.yaml"
    recipe.write_text("extends: minimax-m2\nprofiles: {tp8: {flags: {port: 9000}}}\n")
    words = {
        "whole": (image, "document", str(other), str(TABLES)),
        "refused": (image, "--recipe", str(recipe)),
        "runs": (str(other),),
    }
    for name, given in words.items():
        quickly("report", *given, "--base", base, "-o", folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in words}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("name", ["whole", "refused", "runs"])
def test_a_page_is_readable_everywhere_and_asks_for_nothing(
    name: str, tab: Browser, axe: str, pages: dict[str, Path], tmp_path: Path
) -> None:
    """CASES counts a page at a size and in a scheme as one."""
    url = pages[name].as_uri()
    tab.open(url)
    tab.run(f"{axe};0")
    for view, (width, height, scheme, media) in VIEWS.items():
        tab.show(width, height, scheme, media)
        assert tab.run("document.documentElement.scrollWidth") <= width, f"{view}: the page scrolls sideways"
        found = json.loads(tab.run("axe.run({resultTypes: ['violations']}).then(found => JSON.stringify(found))"))
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], view
        assert len(found["passes"]) > 20
        is_dark = tab.run("getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 24, 28)"
        assert is_dark == (scheme == "dark" and media == "screen"), view
        tab.screenshot(tmp_path / f"{view}.png", whole=False)
        assert (tmp_path / f"{view}.png").stat().st_size > 5_000
    assert tab.told == [f"request: {url}"]


def test_the_policy_lets_no_script_run(tab: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """A script that got into the page all the same would not run, and an image would not be fetched."""
    forged = tmp_path / "forged.html"
    text = pages["whole"].read_text(encoding="utf-8")
    bad = "<script>document.title = 'run'</script><img src='http://127.0.0.1:9/x' onerror=\"document.title = 'run'\">"
    forged.write_text(text.replace("<main", f"{bad}<main", 1), encoding="utf-8")
    tab.open(forged.as_uri())
    assert tab.run("document.title").endswith("m2build report")
    asked = tab.told.index("request: http://127.0.0.1:9/x")
    assert "not loaded: csp" in tab.told[asked:]
    assert len([one for one in tab.told if "Content Security Policy" in one]) >= 2


def test_print_opens_what_is_folded_and_a_phone_stacks_both_sides(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["whole"].as_uri())
    folded = "[...document.querySelectorAll('details:not([open]) > dl')].map(one => one.checkVisibility())"
    tab.show(*VIEWS["desktop"])
    assert set(tab.run(folded)) == {False}
    sides = "(() => { const [a, b] = document.querySelectorAll('tr.changed .code'); const [x, y] = [a, b].map(one => "
    sides += "one.getBoundingClientRect()); return [Math.round(y.top - x.top), Math.round(y.left - x.left)]; })()"
    top, left = tab.run(sides)
    assert (top, left > 300) == (0, True)
    tab.show(*VIEWS["phone"])
    top, left = tab.run(sides)
    assert (top > 10, left) == (True, 0)
    tab.show(*VIEWS["print"])
    assert set(tab.run(folded)) == {True}
    assert tab.pdf().startswith(b"%PDF-")


def test_the_keyboard_reaches_the_skip_link_first_and_every_scrolling_box(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["whole"].as_uri())
    tab.show(*VIEWS["phone"])
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert tab.run("document.activeElement.className") == "skip"
    assert tab.run("document.activeElement.getBoundingClientRect().left") >= 0
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    boxes = "[...document.querySelectorAll('*')].filter(one => getComputedStyle(one).overflowX == 'auto'"
    boxes += " && one.scrollWidth > one.clientWidth).map(one => [one.tabIndex, !!one.ariaLabel])"
    assert {tuple(box) for box in tab.run(boxes)} == {(0, True)}
