"""Hostile recipes, series and overrides, made from a seed."""

from __future__ import annotations

import random
from importlib import resources
from typing import Any

import yaml

RECIPE = resources.files("m2build.recipes").joinpath("minimax-m2.yaml").read_text(encoding="utf-8")
SERIES = resources.files("m2build.patches").joinpath("minimax-m2-rocm.yaml").read_text(encoding="utf-8")

LINES = ["a\nRUN id", "a\r\nRUN id", "a\x85RUN id", "a\u2028RUN id", "# syntax=x", "#", " # x", "a\x0c--- b"]
SHELL = [
    "$(id)",
    "`id`",
    "${PATH}",
    "$HOME",
    '"',
    "'",
    "\\",
    "a\\",
    '"]',
    '" ENV X="y',
    "<<EOF",
    "{{ 7 * 7 }}",
    "{% raw %}",
]
ODD = [
    "\x1b[2J",
    "\x07",
    "\u202egpj",
    "\ufeff",
    "é字😀",
    "\ud800",
    "\0",
    "\t",
    " ",
    "",
    "%s",
    "{0}",
    "x" * 300,
    "x" * 5000,
]
OPTIONS = ["-", "--", "-x", "--port", "--port=1", "-1", "-1e-7", "a b", "a=b", "=", "@x", "*", "true", "1", "01", "1e5"]
PATHS = ["../../etc", "/../x", "//", "/", ".", "..", "/dev/zero", "a/b", "A/b", "null", ">=1", "==*"]
DIFFS = ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "Index: x", "1,2c3", "Bug: x\nOrigin: y"]
INJECTIONS = [*LINES, *SHELL, *ODD, *OPTIONS, *PATHS, *DIFFS]
"""Texts for any place."""
NUMBERS = [
    0, 1, -1, 2, 8, 22, 60, 61, 65535, 65536, 2**31 - 1, 2**31, 9223372036, 9223372037, 2**63, 10**30, 10**3999, 1.0,
    0.0, -0.0, 0.85, -0.5, 1e22, -1e22, 1e-7, -1e-7, 5e-324, 1.7976931348623157e308, float("inf"), float("nan"),
]  # fmt: skip
YAML = [
    "&a ", "*a", "!!int ", "!!str ", "!!binary ", "!x ", "<<: ", "? ", "- ", ": ", "{", "}", "[", "]", "|\n", ">\n",
    "%TAG ! x\n", "---\n", "...\n", "\t", "\x00", "\u2028", "#", "'", '"', "~", "yes", "010", "1:20", "0x1F", ".inf",
    "1_000", "2026-13-99", "extends: minimax-m2\n", "extends: ./mine.yaml\n", "extends: /dev/zero\n", "extends: [a]\n",
]  # fmt: skip
"""Texts with a meaning in some version of YAML."""
KEYS = ["x", "tp-size", "ep-size", "port", "model", "model-path", "host", "tp_size", "X", "-x", "", "por", "a-b", "é"]


def value(dice: random.Random, depth: int = 0) -> Any:
    """Anything that YAML can contain."""
    kind = dice.choice(
        ["text", "text", "texts", "number", "number", "other", *(["list", "mapping"] if depth < 3 else [])]
    )
    if kind == "list":
        return [value(dice, depth + 1) for _ in range(dice.randrange(4))]
    if kind == "mapping":
        return {dice.choice([*INJECTIONS, *KEYS]): value(dice, depth + 1) for _ in range(dice.randrange(4))}
    return {
        "text": dice.choice(INJECTIONS),
        "texts": "".join(dice.choices(INJECTIONS, k=dice.randrange(1, 4))),
        "number": dice.choice(NUMBERS),
        "other": dice.choice([True, False, None]),
    }[kind]


def _dice(kind: str, seed: int) -> random.Random:
    return random.Random(f"{kind} {seed}")  # noqa: S311 - a sweep is the same every time


def _ways(data: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value of a document."""
    inner = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    return [found for key, one in inner for found in [(*way, key), *_ways(one, (*way, key))]]


def _changed(dice: random.Random, text: str) -> str:
    """A document in which some values, or all texts, are replaced."""
    data = yaml.safe_load(text)
    ways = _ways(data)
    if dice.random() < 0.3:
        word = dice.choice(INJECTIONS)
        chosen = [way for way in ways if isinstance(_at(data, way), str)]
        news: list[Any] = [f"{_at(data, way)}{word}" for way in chosen]
    else:
        chosen = dice.sample(ways, dice.randrange(1, 4))
        news = [value(dice) for _ in chosen]
    for way, new in zip(chosen, news, strict=True):
        holder = _at(data, way[:-1])
        if isinstance(holder, dict) or (
            isinstance(holder, list) and isinstance(way[-1], int) and way[-1] < len(holder)
        ):
            holder[way[-1]] = new
    return _text(dice, data)


def _at(data: Any, way: tuple[Any, ...]) -> Any:
    for key in way:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):  # another change has taken it away
            return None
    return data


def _text(dice: random.Random, data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=dice.random() < 0.5, width=10**9)


def _torn(dice: random.Random, text: str) -> str:
    """A document whose text was mangled."""
    for _ in range(dice.randrange(1, 5)):
        start = dice.randrange(len(text))
        end = min(len(text), start + dice.choice([0, 0, 1, 5, 40]))
        text = text[:start] + dice.choice([*YAML, *INJECTIONS, text[start:end] * 2]) + text[end:]
    return text


def _flags(dice: random.Random) -> str:
    """A variation whose flags have values of every kind."""
    names = KEYS if dice.random() < 0.25 else KEYS[:3]
    flags = {dice.choice(names): value(dice, dice.choice([2, 3, 3])) for _ in range(dice.randrange(1, 4))}
    return _text(dice, {"extends": "minimax-m2", "profiles": {dice.choice(["tp4", "tp8", "tp8"]): {"flags": flags}}})


def hostile_recipe(seed: int) -> str:
    """A recipe's text."""
    dice = _dice("recipe", seed)
    return dice.choice([_changed, _changed, _torn])(dice, RECIPE) if seed % 2 else _flags(dice)


def hostile_series(seed: int) -> str:
    """A series's text."""
    dice = _dice("series", seed)
    return dice.choice([_changed, _changed, _torn])(dice, SERIES) if seed % 2 else _worded(dice)


def _worded(dice: random.Random) -> str:
    """The series with other texts in what ends up in the headers of patch files."""
    data = yaml.safe_load(SERIES)
    for patch in data["patches"]:
        key = dice.choice(["summary", "why", "why", "author", "forwarded"])
        patch[key] = "".join(dice.choices([*LINES, *SHELL, *ODD, *DIFFS, "words\n", "words "], k=dice.randrange(1, 4)))
    return _text(dice, data)


def hostile_overrides(seed: int) -> list[str]:
    """Values for `--set`."""
    dice = _dice("override", seed)
    ways = [".".join(f'"{key}"' if "." in key else key for key in way) for way in _string_ways()]
    texts = [*INJECTIONS, *YAML, *map(str, NUMBERS), "true", "false", "'1'", '"01"', "[1, 2]", "[-x, 1]", "{a: 1}"]
    keys = [
        *ways,
        "profiles.tp8.flags.x",
        "profiles.tp8.flags.dp-size",
        "profiles.tp9.gpus",
        "a..b",
        "",
        '"',
        '""',
        "extends",
    ]
    return [f"{dice.choice(keys)}={dice.choice(texts)}" for _ in range(dice.randrange(1, 4))]


def _string_ways() -> list[tuple[str, ...]]:
    return [way for way in _ways(yaml.safe_load(RECIPE)) if all(isinstance(key, str) for key in way)]
