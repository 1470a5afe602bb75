"""`RenameModule` as a libcst command."""

from __future__ import annotations

import argparse
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodContext, VisitorBasedCodemodCommand

from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.commands.file import check_read_whole, module_of, source_of
from m2build.patches.editing import check_complete
from m2build.patches.modules import ModuleFile, Renaming, module_file
from m2build.patches.renaming.edits import RenamingEditor
from m2build.patches.renaming.files import FolderFiles
from m2build.patches.renaming.packages import Packages
from m2build.patches.renaming.references import find_references


class RenameModuleCommand(RenamingEditor, VisitorBasedCodemodCommand):
    """Rewrites one file for a module's new name. Moving the module's own file is left to the user, with a warning."""

    DESCRIPTION = "Follow a module to its new name: imports, dotted uses, module strings."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        """Add the codemod's parameters."""
        arg_parser.add_argument("--module", required=True, help="the module's old dotted name")
        arg_parser.add_argument("--to", required=True, help="its new dotted name")

    def __init__(self, context: CodemodContext, module: str, to: str) -> None:
        """Take the codemod's parameters.

        Raises:
            UsageError: they do not fit.
        """
        VisitorBasedCodemodCommand.__init__(self, context)
        codemod = RenameModule(module, to)
        self._renaming = Renaming(codemod.module, codemod.to)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """Find, edit, find again.

        Raises:
            InexactError: the file cannot follow exactly, or libcst has not read all of it.
        """
        module = module_of(self.context)
        moved = self._moved(module)
        source, packages = source_of(tree, module.path), self._packages()
        found = find_references(source, module, self._renaming, new_package=moved.package, packages=packages)
        self.prepare(source, found.places, 0, len(source.text))
        after = super().transform_module_impl(tree)
        check_read_whole(self.context, tree, after)
        check_complete(self, module.path)
        result = source_of(after, moved.path)
        again = find_references(result, moved, self._renaming, new_package=moved.package, packages=packages)
        again.check_empty()
        for line, reason in again.unrewritten:
            self.warn(f"line {line} is not rewritten: {result.line(line).strip()} ({reason})")
        return after

    def _moved(self, module: ModuleFile) -> ModuleFile:
        """The file after the renaming, which for one of the module's own is at another path."""
        if self._renaming.of(module.name) == module.name:
            return module
        path = self._renaming.path(module.path)
        self.warn(f"{module.path} is a file of {self._renaming.old}: move it to {path}")
        return module_file(path) or module

    def _packages(self) -> Packages:
        """What the modules export, as they are on disk."""
        manager = self.context.metadata_manager
        return Packages(FolderFiles(Path(manager.root_path if manager else ".")), self._renaming.old)
