"""`RemoveDecorator`: a decorator goes, as a comment that stays readable or for good."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from m2build.errors import UsageError
from m2build.patches.change import FileChange, Finding, Rewrite
from m2build.patches.decorators import (
    Definition,
    comment_out,
    commented_decorators,
    decorator_lines,
    definitions,
    delete,
)
from m2build.patches.modules import ModuleFile, check_dotted, module_file
from m2build.patches.names import Names, Scope
from m2build.patches.text import read_python
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class RemoveDecorator:
    """Remove every use of `decorator` in `module`, or only those within a qualified name such as `Norm.forward`.

    A decorator matches by what its name resolves to (`torch.compile` under any alias), called or bare, on functions,
    methods and classes. Style `comment` puts `# ` before each of its lines, at its own indentation; `delete` takes the
    lines out.

    Found `already-applied` (style `comment` only): no use is left, and one stands there as a comment.
    Found `absent`: the module, the qualified name or the decorator is not there.

    Raises:
        UsageError: a name is not a dotted Python name, or the style is neither of the two.
    """

    module: str
    decorator: str
    within: str | None = None
    style: Literal["comment", "delete"] = "comment"

    def __post_init__(self) -> None:
        for name in (self.module, self.decorator, self.within or self.module):
            check_dotted(name)
        if self.style not in ("comment", "delete"):
            raise UsageError(f"the style {self.style!r} is neither 'comment' nor 'delete'")

    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the removal does to `tree`.

        Raises:
            PatchError: the module does not parse.
        """
        module = self._module(tree)
        if module is None:
            return Rewrite(Finding.ABSENT, f"the module {self.module} does not exist")
        if module.path in tree.links:
            return Rewrite(Finding.CONFLICT, f"{module.path} is a symbolic link")
        file = tree[module.path]
        source = read_python(module.path, file.content)
        syntax = source.parse()
        names = Names(syntax, module=module.name, package=module.package)
        targets = [definition for definition in definitions(syntax) if self._covers(definition)]
        found = [
            (target, decorator_lines(source, decorator))
            for target in targets
            for decorator in target.node.decorator_list
            if self._matches(names, decorator, names.scopes[target.node])
        ]
        if found:
            edits = [
                edit
                for _, lines in found
                for edit in (comment_out(source, lines) if self.style == "comment" else [delete(source, lines)])
            ]
            after = SourceFile.of(source.edited(edits), file.mode)
            where = ", ".join(f"{target.qualname} (line {lines.start})" for target, lines in found)
            detail = f"{self.decorator} {self._done} on {where} in {module.path}"
            return Rewrite(Finding.CHANGED, detail, (FileChange(module.path, file, module.path, after),))
        if self.within is not None and not targets:
            return Rewrite(Finding.ABSENT, f"{module.path} has no {self.within}")
        for target in targets if self.style == "comment" else ():
            for decorator in commented_decorators(source, target.node):
                if self._matches(names, decorator, names.scopes[target.node]):
                    detail = f"{self.decorator} is a comment on {target.qualname} in {module.path}"
                    return Rewrite(Finding.ALREADY_APPLIED, detail)
        return Rewrite(Finding.ABSENT, f"{module.path} does not use {self.decorator} as a decorator")

    @property
    def _done(self) -> str:
        return "commented out" if self.style == "comment" else "deleted"

    def _module(self, tree: SourceTree) -> ModuleFile | None:
        stem = self.module.replace(".", "/")
        for path in (f"{stem}/__init__.py", f"{stem}.py"):
            if path in tree or path in tree.links:
                return module_file(path)
        return None

    def _covers(self, definition: Definition) -> bool:
        return self.within is None or f"{definition.qualname}.".startswith(f"{self.within}.")

    def _matches(self, names: Names, decorator: ast.expr, scope: Scope) -> bool:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        return bool({self.decorator, f"builtins.{self.decorator}"} & names.qualify(called, scope))
