"""The libcst transformer that gives a module its new name; comments, parentheses and spacing stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import libcst as cst

from m2build.patches.editing import Editor
from m2build.patches.places import Place
from m2build.patches.renaming.importer import Expression, LastName, New, NewImport
from m2build.patches.text import PythonSource

_Expression = TypeVar("_Expression", cst.Attribute, cst.Name, cst.SimpleString, cst.FormattedString)
_Statements = cst.FlattenSentinel[cst.BaseSmallStatement]
_Lines = cst.FlattenSentinel[cst.SimpleStatementLine]


class RenamingEditor(Editor[New]):
    """Rewrites the imports, uses and strings at the given places."""

    def prepare(self, source: PythonSource, places: Iterable[Place[New]], start: int, end: int) -> None:
        """Set out to visit a part of a source."""
        super().prepare(source, places, start, end)
        self._put_before: dict[cst.CSTNode, int] = {}

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """Rewrite a dotted use."""
        new = self.taken(original_node)
        if isinstance(new, LastName):
            return updated_node.with_changes(attr=updated_node.attr.with_changes(value=new.name))
        return _replaced(updated_node, new)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """Rewrite a use of a top-level package."""
        return _replaced(updated_node, self.taken(original_node))

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.BaseExpression:
        """Rewrite a module string."""
        return _replaced(updated_node, self.taken(original_node))

    def leave_FormattedString(
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        """Rewrite a module string that is put together."""
        return _replaced(updated_node, self.taken(original_node))

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        """Rewrite the modules of an `import`."""
        new = self.taken(original_node)
        return _import(updated_node, new) if isinstance(new, NewImport) else updated_node

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | _Statements:
        """Rewrite a `from … import`; what needs a statement of its own goes before it, or in its place."""
        new = self.taken(original_node)
        if not isinstance(new, NewImport):
            return updated_node
        kept = _import_from(updated_node, new)
        own = [_statement(code) for code in new.own.values()]
        *before, last = own if kept is None else [*own, kept]
        self._put_before[original_node] = len(before)
        return cst.FlattenSentinel([*before, last.with_changes(semicolon=updated_node.semicolon)])

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | _Lines:
        """Give what was put before the first statement of a line a line of its own."""
        count = self._put_before.get(original_node.body[0], 0)
        if count == 0:
            return updated_node
        end = cst.TrailingWhitespace(newline=self.newline)
        lines = [cst.SimpleStatementLine([added], trailing_whitespace=end) for added in updated_node.body[:count]]
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        return cst.FlattenSentinel(
            [*lines, updated_node.with_changes(body=updated_node.body[count:], leading_lines=[])]
        )


def _replaced(node: _Expression, new: New | None) -> cst.BaseExpression:
    """The new expression in the parentheses of the old one."""
    if not isinstance(new, Expression):
        return node
    return cst.parse_expression(new.code).with_changes(lpar=node.lpar, rpar=node.rpar)


def _statement(code: str) -> cst.BaseSmallStatement:
    return cst.ensure_type(cst.parse_statement(code), cst.SimpleStatementLine).body[0]


def _import(node: cst.Import, new: NewImport) -> cst.Import:
    names = [_renamed(alias, new.names.get(position)) for position, alias in enumerate(node.names)]
    return node.with_changes(names=names)


def _import_from(node: cst.ImportFrom, new: NewImport) -> cst.ImportFrom | None:
    """The statement after the change, or None if no name is left in it."""
    if isinstance(node.names, cst.ImportStar):
        return _from(node, new.module)
    names = [_renamed(alias, new.names.get(i)) for i, alias in enumerate(node.names) if i not in new.own]
    if not names:
        return None
    if new.own and node.rpar is None:
        names[-1] = names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return _from(node.with_changes(names=names), new.module)


def _renamed(alias: cst.ImportAlias, new: str | None) -> cst.ImportAlias:
    if new is None:
        return alias
    name, _, binding = new.partition(" as ")
    asname = cst.AsName(cst.Name(binding)) if binding and alias.asname is None else alias.asname
    return alias.with_changes(name=cst.parse_expression(name), asname=asname)


def _from(node: cst.ImportFrom, spelled: str | None) -> cst.ImportFrom:
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
