"""Documents within the bound in bytes, but made to cost memory, time or a screen full of messages."""

from __future__ import annotations

from helpers.recipes.recipe_texts import SHIPPED


def many(line: str, count: int = 19_000) -> str:
    """So many lines, numbered."""
    return "".join(line.format(number) for number in range(count))


def _flags(lines: str) -> str:
    return SHIPPED.replace("      tp-size: 4\n", lines, 1)


_MODELS = many("  m{}: {{repo: a/b, title: x}}\n", 6_000)
_BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
    for below, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
HOSTILE = {
    "unknown keys": SHIPPED + many("zz{}: 1\n"),
    "unknown keys of a hundred letters": SHIPPED + many("z{:099}: 1\n", 9_000),
    "flags that are none": _flags(many("      A{}: null\n")),
    "flags without values": _flags(many("      a{}: null\n")),
    "mappings for values": _flags(f"      tp-size: [{'{},' * 19_000}]\n"),
    "more flags than a line takes": _flags(many("      a{}: 1\n")),
    "empty profiles": SHIPPED + many("  p{}: {{}}\n"),
    "models by the thousand": SHIPPED.replace("models:\n", "models:\n" + _MODELS),
    "a long title": SHIPPED.replace("title: MiniMax-M2.1", f"title: {'x' * 900_000}"),
    "a long command": SHIPPED.replace("command: [", f"command: [{'python3, ' * 15_000}"),
    "keys to remove": "extends: minimax-m2\n" + many("zz{}: null\n"),
    "empty lists": f"a: [{'[],' * 300_000}]",
    "anchors": f"a: [{many('&a{} 1,', 90_000)}]",
    "aliases": f"a: &a 1\nb: [{'*a,' * 300_000}]",
    "an alias bomb": _BOMB,
    "an alias of itself": "a: &a [*a, *a]\n",
    "merge keys": f"a: &a {{{many('k{}: 1,', 5_000)}}}\nb: {{<<: [{'*a,' * 5_000}]}}\n",
    "tag directives": many("%TAG !a{}! tag:x,\n", 40_000) + "---\na: 1\n",
    "tag directives on one line": many("%TAG !a{}! tag:x,\u2028", 40_000) + "---\na: 1\n",
    "brackets": "[" * 500_000,
    "braces": "{" * 1_000_000,
    "dashes": "- " * 500_000,
    "question marks": "? " * 500_000,
    "colons": "a" + ": b" * 300_000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(1_400)),
    "documents": "--- a\n" * 150_000,
    "comments": "#\n" * 500_000,
    "line ends": "\r" * 1_000_000,
    "byte-order marks": "\ufeff" * 300_000,
    "digits": f"gpus: {'1' * 1_000_000}\n",
    "digits of a fraction": f"gpus: 0.{'1' * 1_000_000}\n",
    "base sixty": f"gpus: 1{':1' * 500_000}\n",
    "underscores": f"gpus: 1{'_1' * 500_000}\n",
    "a date with blanks": f"gpus: 2001-01-01{' ' * 900_000}T\n",
    "escapes": 'a: "' + "\\n" * 500_000 + '"\n',
    "a folded text": "a: >\n" + "  x\n" * 250_000,
    "a tag": f"a: !{'%41' * 300_000} x\n",
    "an anchor": f"a: &{'x' * 1_000_000} 1\n",
    "a long key": f"? {'k' * 1_000_000}\n: 1\n",
    "a key of many letters": "extends: minimax-m2\n? " + "".join(map(chr, range(0x4E00, 0x9E00))) * 12 + "\n: null\n",
    "a long name": f"extends: {'x' * 1_000_000}\n",
    "a path of many folders": f"extends: ./{'x/' * 300_000}\n",
    "a path to climb": f"extends: ./{'../' * 300_000}\n",
    "a specifier": "id: x\nsummary: x\ndistribution: x\npatches: [{releases: '" + ">=1," * 200_000 + "'}]\n",
    "patches": "id: x\nsummary: x\ndistribution: x\npatches:\n" + many("- {{}}\n"),
}  # fmt: skip
"""What it is -> the document."""
