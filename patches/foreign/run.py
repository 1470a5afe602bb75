"""One run of a libcst codemod on one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.patches.foreign.guard import theirs
from m2build.patches.modules import ModuleFile
from m2build.patches.places import InexactError
from m2build.patches.text import PythonSource

if TYPE_CHECKING:
    import libcst as cst
    from libcst.codemod import Codemod


@dataclass(frozen=True)
class Run:
    """What a run gives.

    Attributes:
        text: the file's text after it; the same text if the codemod changed nothing, or skipped the file.
        warnings: what the codemod warns of, in its order.
    """

    text: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """A codemod and what its instances are made with: one for each file, since instances may keep state."""

    codemod: type[Codemod]
    arguments: Mapping[str, object]

    def run(self, source: PythonSource, module: ModuleFile) -> Run:
        """Run it on one file, which the running Python parses.

        Raises:
            PatchError: the codemod raises something.
            InexactError: libcst does not read the file, or the codemod would change it and libcst does not give it
                back byte for byte.
        """
        from m2build.patches.editing import parsed

        head, body, tail = _parts(source.text)
        tree, written = parsed(body, f"{source.path}:1")
        text, warnings = self._transformed(tree, source.path, module)
        if text == written:
            return Run(source.text, warnings)
        if written != body:
            raise InexactError(f"{source.path}: libcst does not reproduce this file byte for byte")
        return Run(head + text + tail, warnings)

    def _transformed(self, tree: cst.Module, path: str, module: ModuleFile) -> tuple[str, tuple[str, ...]]:
        import libcst as cst
        from libcst.codemod import CodemodContext, SkipFile

        context = CodemodContext(filename=path, full_module_name=module.name, full_package_name=module.package)
        with theirs(self.codemod, path=path):
            try:
                transformed: object = _with_imports(self.codemod(context, **self.arguments), tree)
            except SkipFile:
                transformed = tree
            if not isinstance(transformed, cst.Module):
                raise TypeError(f"it returned {type(transformed).__name__}, not a libcst Module")
            code = transformed.code
        return code, tuple(map(str, context.warnings))


def _with_imports(codemod: Codemod, tree: cst.Module) -> cst.Module:
    """Transform a module, and add and remove the imports that the codemod asks for; commands do that themselves."""
    from libcst.codemod import CodemodCommand
    from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor

    tree = codemod.transform_module(tree)
    if not isinstance(codemod, CodemodCommand):
        for visitor in (AddImportsVisitor, RemoveImportsVisitor):
            if visitor.CONTEXT_KEY in codemod.context.scratch:
                tree = visitor(codemod.context).transform_module(tree)
    return tree


def _parts(text: str) -> tuple[str, str, str]:
    """A text as leading form feeds, what libcst is given, and final carriage returns."""
    body = text.lstrip("\f")
    kept = body.rstrip("\r")
    return text[: len(text) - len(body)], kept, body[len(kept) :]
