"""Mistakes in a recipe file: each is refused with its place, and with the nearest valid key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.commands import refused, succeeds
from helpers.recipes.mistakes import STRUCTURE
from helpers.recipes.recipe_texts import SHIPPED, line_of, spoiled

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n" for below, name in zip("abcdef", "bcdefg", strict=True)
)

# As in `STRUCTURE`: mistake -> the file's text, a part of the line that is at fault, and what the message says of it.
SYNTAX = {
    "duplicate key": (f"{SHIPPED}name: again\n", "name: again", "the key 'name' is repeated; it is already at "),
    "duplicate inner key": (spoiled("    gpus: 4\n", "    gpus: 4\n    gpus: 8\n"), "gpus: 8", "is repeated"),
    "merge key": (spoiled("  tp4:", "  <<: {}\n  tp4:"), "<<:", "merge keys (<<) are not used here"),
    "tag of Python's": (spoiled("gpus: 4", "gpus: !!python/name:os.system"), "!!python", "the tag "),
    "tag on a mapping": (spoiled("base:", "base: !mine"), "base:", "the tag '!mine' is not used here"),
    "tag on a list": (spoiled("command: [", "command: !!set ["), "command:", "the tag "),
    "binary": (spoiled("gpus: 4", "gpus: !!binary aGk="), "!!binary", "the tag "),
    "number that is none": (spoiled("gpus: 4", "gpus: !!int four"), "!!int", "'four' is not a valid value"),
    "boolean that is none": (spoiled("gpus: 4", "gpus: !!bool x"), "!!bool", "'x' is not a valid value"),
    "empty number": (spoiled("gpus: 4", "gpus: !!int ''"), "!!int", "'' is not a valid value"),
    "octal or decimal": (spoiled("port: 8000", "port: 010"), "port: 010", "'010' is not a valid value"),
    "base sixty": (spoiled("port: 8000", "port: 1:20"), "port: 1:20", "'1:20' is not a valid value"),
    "yes": (spoiled("code: true", "code: yes"), "code: yes", "'yes' is not a valid value"),
    "not a number": (spoiled("static: 0.85", "static: .nan"), ".nan", "'.nan' is not a valid value"),
    "infinite": (spoiled("static: 0.85", "static: 1.0e+999"), "1.0e+999", "is not a valid value"),
    "thousands of digits": (spoiled("gpus: 4", f"gpus: {'9' * 5000}"), "gpus: 99", "…' is not a valid value"),
    "hexadecimal without end": (spoiled("gpus: 4", f"gpus: 0x{'f' * 5000}"), "gpus: 0x", "is not a valid value"),
    "number as a key": (spoiled("  tp4:", "  4:"), "  4:", "a key must be a string"),
    "list as a key": ("? [a]\n: 1\n", "? [a]", "a key must be a string"),
    "tab": ("name: x\nbase:\n\timage: y\n", "\timage", "not YAML: "),
    "bracket that stays open": ("name: [a\n", "name", "not YAML: "),
    "unknown alias": ("name: *nobody\n", "name", "not YAML: found undefined alias"),
    "two documents": (f"{SHIPPED}---\nname: x\n", "---", "not YAML: "),
    "alias bomb": (BOMB, "a: &a", "expands to more than 20000 values"),
    "alias of itself": ("name: &name [*name]\n", "name", "expands to more than 20000 values"),
    "too deep": (f"name: {'[' * 300}\n", "name", "nested more than 100 levels deep"),
    # From libyaml 0.2.6 on its own limit of 1,000 levels comes first.
    "far too deep": (f"name: {'[' * 300_000}\n", "name", "nest"),
    "NUL": (spoiled("MI300X", "MI300X\0"), "MI300X\0", "U+0000 is not allowed"),
    "empty": ("", "", "the document is empty"),
    "comments only": ("# nothing\n", "", "the document is empty"),
    "list": ("- name: x\n", "- name", "Input should be an object"),
    "text": ("minimax-m2\n", "minimax", "Input should be an object"),
    "extends a number": ("extends: 5\n", "extends", "extends takes a recipe's name or path"),
    "extends nothing": ("extends:\n", "extends", "extends takes a recipe's name or path"),
}  # fmt: skip
CASES = STRUCTURE | SYNTAX


@pytest.mark.parametrize("mistake", CASES)
def test_a_mistake_is_refused_with_its_place(mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, at_fault, problem = CASES[mistake]
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_recipe("mine.yaml")
    message = str(caught.value)
    if mistake != "no models":  # which are two
        assert "\n" not in message, "one mistake, one line"
    assert problem in message
    place = re.match(r"mine\.yaml:(\d+):(\d+): ", message)
    assert place, message
    expected = line_of(text, at_fault) if at_fault else 1
    # An unclosed bracket shows at the end of the file only.
    assert int(place[1]) == (2 if mistake == "bracket that stays open" else expected)
    assert len(message) < 300


@pytest.mark.parametrize("mistake", ["unknown key", "duplicate key", "text for a number", "boolean that is none"])
def test_the_command_exits_with_2_and_says_no_more_than_that(mistake: str, tmp_path: Path) -> None:
    text, _, problem = CASES[mistake]
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    (line,) = refused(2, "recipe", "show", "--recipe", "./mine.yaml", cwd=tmp_path).splitlines()
    assert line.startswith("m2build: ./mine.yaml:")
    assert problem in line


def test_text_that_is_not_utf8_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("name: x\nsummary: Größe\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"mine\.yaml:2:12: not UTF-8 text"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("minimax-m22", "there is no recipe 'minimax-m22'; did you mean 'minimax-m2'?"),
        ("./minimax-m2.yaml", "there is no recipe file './minimax-m2.yaml'"),
        ("mine.yml", "there is no recipe file 'mine.yml'"),
        ("./", "./ is a directory"),
        ("a\0/b", "there is no recipe file"),
        ("", "there is no recipe ''"),
    ],
)
def test_a_missing_recipe(name: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        load_recipe(name)
    assert problem in str(caught.value)
    assert caught.value.hint


def test_harmless_input_is_accepted(tmp_path: Path) -> None:
    """Anchors, dates, a byte-order mark and DOS line ends are unambiguous."""
    text = spoiled("name: minimax-m2", "name: &name minimax-m2").replace("title: MiniMax-M2\n", "title: 2026-01-01\n")
    (tmp_path / "mine.yaml").write_bytes("\ufeff".encode() + text.replace("\n", "\r\n").encode())
    recipe = load_recipe(str(tmp_path / "mine.yaml"))
    assert recipe.models["minimax-m2"].title == "2026-01-01"
    assert "python3 -m sglang.launch_server" in succeeds(
        "recipe", "show", "--recipe", tmp_path / "mine.yaml", "--tp", "4"
    )
