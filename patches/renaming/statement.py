"""Rewriting one import statement with libcst, so that its comments, parentheses and spacing stay.

Only the statement is given to libcst: it parses some 0.1 s a thousand lines, and everything outside the statement is
untouched by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from m2build.errors import PatchError

if TYPE_CHECKING:
    import libcst as cst


@dataclass(frozen=True)
class NewImport:
    """What an import statement is to become.

    Attributes:
        module: how the `from` part is to be spelled, leading dots included; None leaves it.
        names: position of an imported name -> what it is called now, followed by ` as OLD` where its binding has to be
            kept and the statement does not say `as` already.
        own: position of an imported name -> the statement of its own that it needs instead.
    """

    module: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    own: Mapping[int, str] = field(default_factory=dict)


def rewrite_import(statement: str, new: NewImport, separator: str) -> str:
    """The source of one import statement after `new`.

    Args:
        statement: exactly one `import` or `from … import`, without its indentation.
        new: what changes.
        separator: what stands between two statements.

    Raises:
        PatchError: libcst does not read the statement.
    """
    import libcst as cst

    try:
        module = cst.parse_module(statement)
    except cst.ParserSyntaxError as error:
        raise PatchError(f"libcst does not read the statement {statement!r}") from error
    line = cst.ensure_type(module.body[0], cst.SimpleStatementLine)
    old = line.body[0]
    changed = (
        _import(old, new) if isinstance(old, cst.Import) else _import_from(cst.ensure_type(old, cst.ImportFrom), new)
    )
    kept = [] if changed is None else [module.with_changes(body=[line.with_changes(body=[changed])]).code]
    return separator.join([*new.own.values(), *kept])


def _import(node: cst.Import, new: NewImport) -> cst.Import:
    names = [_renamed(alias, new.names.get(position)) for position, alias in enumerate(node.names)]
    return node.with_changes(names=names)


def _import_from(node: cst.ImportFrom, new: NewImport) -> cst.ImportFrom | None:
    """The statement after the change, or None if no name is left in it."""
    import libcst as cst

    if isinstance(node.names, cst.ImportStar):
        return _from(node, new.module)
    names = [_renamed(alias, new.names.get(i)) for i, alias in enumerate(node.names) if i not in new.own]
    if not names:
        return None
    if new.own and node.rpar is None:
        names[-1] = names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return _from(node.with_changes(names=names), new.module)


def _renamed(alias: cst.ImportAlias, new: str | None) -> cst.ImportAlias:
    import libcst as cst

    if new is None:
        return alias
    name, _, binding = new.partition(" as ")
    asname = cst.AsName(cst.Name(binding)) if binding and alias.asname is None else alias.asname
    return alias.with_changes(name=cst.parse_expression(name), asname=asname)


def _from(node: cst.ImportFrom, spelled: str | None) -> cst.ImportFrom:
    import libcst as cst

    if spelled is None:
        return node
    dotted = spelled.lstrip(".")
    space = cst.SimpleWhitespace(" ")
    needs_space_before = not spelled.startswith(".") and node.whitespace_after_from.empty
    needs_space_after = bool(dotted) and node.whitespace_before_import.empty
    return node.with_changes(
        relative=[cst.Dot()] * (len(spelled) - len(dotted)),
        module=cst.parse_expression(dotted) if dotted else None,
        whitespace_after_from=space if needs_space_before else node.whitespace_after_from,
        whitespace_before_import=space if needs_space_after else node.whitespace_before_import,
    )
