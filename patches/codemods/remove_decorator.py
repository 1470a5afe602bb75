"""`RemoveDecorator`: comment out or delete a decorator."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from m2build.documents.arguments import check_fields, typed_arguments
from m2build.errors import UsageError
from m2build.patches.change import FileChange, Finding, Mention, MentionKind, Proof, Rewrite
from m2build.patches.decorators import Commented, Definition, Style, comment_lines, commented_decorators, definitions
from m2build.patches.modules import ModuleFile, check_dotted, module_file
from m2build.patches.names import Names
from m2build.patches.places import InexactError, Place, decorator_line
from m2build.patches.possible import Possible
from m2build.patches.renaming.files import TreeFiles
from m2build.patches.renaming.packages import Packages
from m2build.patches.scopes import Scope
from m2build.patches.text import PythonSource, read_python, reading
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class RemoveDecorator:
    """Remove every use of `decorator` in `module`, or only those within a qualified name such as `Norm.forward`.

    A decorator matches by what its name resolves to (`torch.compile` under any alias), called or bare, on functions,
    methods and classes. Style `comment` puts `# ` before each of its lines, at its own indentation; `delete` takes the
    lines out.

    Other uses of the decorator there (`f = torch.compile(f)`, `c = torch.compile`) are listed as mentions.

    Found `already-applied` (style `comment` only): no use is left, and one stands as a comment where this leaves it.
    Found `done-otherwise`: the decorator is a comment in another form; or what `within` names is there without it, and
    does not use it in another way. Found `absent`: the decorator is not there. Found `target-gone`: the module or the
    qualified name is not there. Found `conflict`: a decorator stands in a statement that libcst cannot edit exactly.

    Raises:
        UsageError: a name is not a dotted Python name, or the style is neither of the two.

    Example:
        >>> tree = SourceTree.of({"app.py": "from torch import compile\\n@compile\\ndef f(): ...\\n"})
        >>> RemoveDecorator("app", "torch.compile", style="delete").apply(tree).changes[0].after.content
        b'from torch import compile\\ndef f(): ...\\n'
    """

    module: str
    decorator: str
    within: str | None = None
    style: Style = "comment"

    def __post_init__(self) -> None:
        check_fields(self)
        for name in (self.module, self.decorator, self.within or self.module):
            check_dotted(name)
        if self.style not in ("comment", "delete"):
            raise UsageError(f"the style {self.style!r} is neither 'comment' nor 'delete'")

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the removal does to `tree`.

        Raises:
            PatchError: the module does not parse, or it is nested too deeply.
        """
        module = self._module(tree)
        if module is None:
            return self._missing(tree)
        with reading(module.path):
            packages = Packages(TreeFiles(tree), self.module)
            found = self.find(read_python(module.path, tree[module.path].content), module, packages)
            try:
                return self._removed(found, tree[module.path]) if found.places else found.nothing_to_do()
            except InexactError as error:
                return Rewrite(Finding.CONFLICT, str(error))

    def find(self, source: PythonSource, module: ModuleFile, packages: Packages | None = None) -> Decorators:
        """Find the decorators that have to go; with the modules of the tree, also what they hand on to this one.

        Raises:
            PatchError: the source does not parse, or it is nested too deeply.
        """
        with reading(source.path):
            return Decorators(self, source, module, packages)

    def _removed(self, found: Decorators, before: SourceFile) -> Rewrite:
        from m2build.patches.decorator_edits import DecoratorEditor
        from m2build.patches.editing import edited

        path = found.module.path
        after = SourceFile.of(edited(found.source, found.syntax, found.places, DecoratorEditor), before.mode)
        again = self.find(read_python(path, after.content), found.module, found.packages)
        again.check_empty()
        done = "commented out" if self.style == "comment" else "deleted"
        where = ", ".join(f"{target.qualname} (line {line})" for target, line in found.uses)
        return Rewrite(
            Finding.CHANGED,
            f"{self.decorator} {done} on {where} in {path}",
            (FileChange(path, before, path, after),),
            tuple(again.other_uses()),
            proof=Proof("find", len(found.uses)),
        )

    def _module(self, tree: SourceTree) -> ModuleFile | None:
        stem = self.module.replace(".", "/")
        return next((module_file(path) for path in (f"{stem}/__init__.py", f"{stem}.py") if path in tree), None)

    def _missing(self, tree: SourceTree) -> Rewrite:
        stem = self.module.replace(".", "/")
        for link in tree.links:
            if f"{stem}/".startswith(f"{link}/") or link in (f"{stem}/__init__.py", f"{stem}.py"):
                return Rewrite(Finding.CONFLICT, f"{link} is a symbolic link")
        return Rewrite(Finding.GONE, f"the module {self.module} does not exist")


class Decorators:
    """The decorators of one file that a removal is for.

    Attributes:
        source: the file's text.
        syntax: the same, parsed.
        module: the file as the import system sees it.
        packages: the modules of its tree, if they are known.
        uses: each definition that has such a decorator, with the line of its `@`.
        places: where their expressions stand.
    """

    def __init__(
        self, wanted: RemoveDecorator, source: PythonSource, module: ModuleFile, packages: Packages | None
    ) -> None:
        self._wanted = wanted
        self.source = source
        self.syntax = source.parse()
        self.module = module
        self.packages = packages
        self._names = Names(self.syntax, module=module.name, package=module.package)
        self._targets = [target for target in definitions(self.syntax) if self._covers(target)]
        found = list(self._find())
        self.uses = [(target, decorator_line(source, expression)) for target, expression in found]
        self.places: list[Place[Style]] = [Place(*source.span(expression), wanted.style) for _, expression in found]

    def _find(self) -> Iterator[tuple[Definition, ast.expr]]:
        for target in self._targets:
            for expression in target.node.decorator_list:
                if self._matches(expression, self._names.scopes[target.node]):
                    yield target, expression

    def check_empty(self) -> None:
        """Hold an edited file to having none left.

        Raises:
            InexactError: it has some.
        """
        for target, line in self.uses:
            where = f"{self.module.path}:{line}"
            raise InexactError(f"{where}: {self._wanted.decorator} is still on {target.qualname} after the edit")

    def nothing_to_do(self) -> Rewrite:
        """Say why there is nothing to do, with what shows it."""
        wanted, path = self._wanted, self.module.path
        if wanted.within is not None and not self._targets:
            return Rewrite(Finding.GONE, f"{path} has no {wanted.within}")
        uses, found = tuple(self.other_uses()), list(self._commented())
        ours = [(target, comment) for target, comment in found if comment.in_place]
        if ours and wanted.style == "comment":
            where = ", ".join(f"{target.qualname} (line {comment.line})" for target, comment in ours)
            return Rewrite(
                Finding.ALREADY_APPLIED, f"{wanted.decorator} is a comment on {where} in {path}", mentions=uses
            )
        detail = f"{path} does not use {wanted.decorator} as a decorator"
        if found:
            target, comment = found[0]
            line, how = comment.line, "it is a comment in another form than this patch writes"
        elif wanted.within is not None:
            target = self._targets[0]
            line, how = target.node.lineno, "it is not there, and nothing shows that it was"
        else:
            return Rewrite(Finding.ABSENT, detail, mentions=uses)
        detail += f"; on {target.qualname} (line {line}) {how}"
        if uses:  # it is at work in another way
            return Rewrite(Finding.ABSENT, detail, mentions=uses)
        there = Mention(path, line, self.source.line(line).strip()[:160], MentionKind.THERE)
        return Rewrite(Finding.OTHERWISE, f"{detail}: `accept: [done-otherwise]` accepts that", mentions=(there,))

    def _commented(self) -> Iterator[tuple[Definition, Commented]]:
        comments = comment_lines(self.source)
        for target in self._targets:
            for comment in commented_decorators(self.source, target.node, comments):
                if self._matches(comment.expression, self._names.scopes[target.node]):
                    yield target, comment

    def other_uses(self) -> Iterator[Mention]:
        """What else the module does with the decorator: calls and aliases, which leave it at work."""
        wanted, possible = self._wanted.decorator, Possible(self._names, self.packages)
        lines: dict[int, str] = {}
        for node in (*self._names.attributes, *self._names.scopes):
            if not isinstance(node, ast.Attribute | ast.Name) or not isinstance(node.ctx, ast.Load):
                continue
            if self._matches(node, None) and self._concerns(node):
                lines.setdefault(node.lineno, f"it uses {wanted} in another way")
        for decorator in (one for target in self._targets for one in target.node.decorator_list):
            for called in (decorator, callee(decorator)):
                if not possible.names_of(called).isdisjoint(_spellings(wanted)):
                    lines.setdefault(called.lineno, f"{ast.unparse(called)} may be {wanted}")
        for line, reason in sorted(lines.items()):
            yield Mention(self.module.path, line, self.source.line(line).strip()[:160], reason=reason)

    def _concerns(self, node: ast.expr) -> bool:
        """Whether a use concerns the definitions that the removal is for: it stands in one, or names one."""
        if self._wanted.within is None:
            return True
        line = self.source.line(node.lineno)
        return any(
            target.node.lineno <= node.lineno <= (target.node.end_lineno or 0)
            or re.search(rf"\b{re.escape(target.qualname)}\b", line)
            for target in self._targets
        )

    def _covers(self, definition: Definition) -> bool:
        within = self._wanted.within
        return within is None or f"{definition.qualname}.".startswith(f"{within}.")

    def _matches(self, decorator: ast.expr, scope: Scope | None) -> bool:
        return not self._names.qualify(callee(decorator), scope).isdisjoint(_spellings(self._wanted.decorator))


def _spellings(decorator: str) -> set[str]:
    return {decorator, f"builtins.{decorator}"}


def callee(expression: ast.expr) -> ast.expr:
    """What a decorator calls, or the decorator itself."""
    return expression.func if isinstance(expression, ast.Call) else expression
