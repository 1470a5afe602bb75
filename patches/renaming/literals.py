"""Strings in Python source: what is known of their value, and the same spelling with another end."""

from __future__ import annotations

import ast
import io
import re
import tokenize

from m2build.patches.modules import ModuleFile
from m2build.patches.text import parser

_LITERAL = re.compile(r"[rRuUfF]{0,2}('''|\"\"\"|'|\")(.*)\1", re.DOTALL)


def known_text(node: ast.expr, module: ModuleFile) -> str | None:
    """The value of a string that is put together of literals, `__name__` and `__package__`; None if it is not known."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return {"__name__": module.name, "__package__": module.package}.get(name)
        case ast.FormattedValue(value=ast.Name() as inner, conversion=-1, format_spec=None):
            parts: list[ast.expr] = [inner]
        case ast.JoinedStr(values=values):
            parts = values
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [left, right]
        case _:
            return None
    return _joined([known_text(part, module) for part in parts])


def uses_in(value: object, last: str) -> list[ast.Attribute]:
    """The dotted uses of a name in a string, if it is an expression."""
    if not isinstance(value, str) or last not in value or len(value) > 1000:  # longer ones are prose
        return []
    try:
        with parser():
            nodes = list(ast.walk(ast.parse(value.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == last]


def _joined(parts: list[str | None]) -> str | None:
    return None if None in parts else "".join(part or "" for part in parts)


def respelled(code: str, old: str, new: str) -> tuple[int, int, str] | None:
    """How the code of a string whose value is `old` has to be spelled for the value `new`.

    Returns:
        the beginning and the end of the one literal in the code that changes, and its new code; None if more than one
        would have to, or one with escapes or braces.

    >>> respelled('"a.b." "old"', "a.b.old", "a.b.new")
    (7, 12, '"new"')
    """
    start, after = _difference(old, new)
    grown = len(new) - len(old)
    end = len(old)
    for literal in reversed(_literals(code)):
        first = max(literal.start(2), literal.start(2) + literal[2].rfind("}") + 1)
        begin = end - (literal.end(2) - first)
        if begin < 0 or code[first : literal.end(2)] != old[begin:end]:
            return None
        if begin <= start:
            kept = literal[0][: first - literal.start()], literal[0][literal.end(2) - literal.start() :]
            changed = f"{kept[0]}{new[begin : end + grown]}{kept[1]}"
            return (literal.start(), literal.end(), changed) if after <= end else None
        end = begin
    return None


def _difference(old: str, new: str) -> tuple[int, int]:
    """Where the two begin to differ, and where in the first one they go on alike."""
    start, after = 0, len(old)
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    while after > start and after + len(new) - len(old) > start and old[after - 1] == new[after - 1 - len(old)]:
        after -= 1
    return start, after


def _literals(code: str) -> list[re.Match[str]]:
    """The literals in an expression, as matches with their contents as the second group."""
    whole = _LITERAL.fullmatch(code)
    if whole is not None and whole[1] not in whole[2]:
        return [whole]
    lines = [0]
    for line in code.split("\n"):
        lines.append(lines[-1] + len(line) + 1)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({code})").readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    found = []
    for token in tokens:
        (row, column), end = token.start, token.end
        start = lines[row - 1] + column - (row == 1)
        match = _LITERAL.fullmatch(code, start, lines[end[0] - 1] + end[1] - (end[0] == 1))
        found += [match] if token.type == tokenize.STRING and match else []
    return found
