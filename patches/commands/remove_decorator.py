"""`RemoveDecorator` as a libcst command."""

from __future__ import annotations

import argparse

import libcst as cst
from libcst.codemod import CodemodContext, SkipFile, VisitorBasedCodemodCommand

from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.commands.file import check_read_whole, module_of, source_of
from m2build.patches.decorator_edits import DecoratorEditor
from m2build.patches.decorators import Style
from m2build.patches.editing import check_complete


class RemoveDecoratorCommand(DecoratorEditor, VisitorBasedCodemodCommand):
    """Removes a decorator from one module; files of other modules are skipped."""

    DESCRIPTION = "Remove a decorator, matched by what its name resolves to."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        """Add the codemod's parameters."""
        arg_parser.add_argument("--module", required=True, help="dotted name of the module; other files are skipped")
        arg_parser.add_argument("--decorator", required=True, help="what the decorator resolves to: torch.compile")
        arg_parser.add_argument("--within", help="only within this qualified name, such as Norm.forward")
        arg_parser.add_argument("--style", choices=["comment", "delete"], default="comment", help="default: comment")

    def __init__(
        self, context: CodemodContext, module: str, decorator: str, within: str | None = None, style: Style = "comment"
    ) -> None:
        """Take the codemod's parameters.

        Raises:
            UsageError: they do not fit.
        """
        VisitorBasedCodemodCommand.__init__(self, context)
        self._codemod = RemoveDecorator(module, decorator, within, style)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """Find, edit, find again.

        Raises:
            SkipFile: the file is another module.
            InexactError: the result still has the decorator, or libcst has not read all of the file.
        """
        module = module_of(self.context)
        if module.name != self._codemod.module:
            raise SkipFile(f"this is the module {module.name or 'on stdin'}, not {self._codemod.module}")
        source = source_of(tree, module.path)
        found = self._codemod.find(source, module)
        self.prepare(source, found.places, 0, len(source.text))
        after = super().transform_module_impl(tree)
        check_read_whole(self.context, tree, after)
        check_complete(self, module.path)
        self._codemod.find(source_of(after, module.path), module).check_empty()
        return after
