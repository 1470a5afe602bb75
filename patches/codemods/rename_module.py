"""`RenameModule`: rename a module or a package, and rewrite every importer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from m2build.documents.arguments import check_fields, typed_arguments
from m2build.errors import PatchError, StorageError, UsageError
from m2build.patches.change import FileChange, Finding, Mention, MentionKind, Proof, Rewrite, changed_tree
from m2build.patches.modules import ModuleFile, Renaming, check_dotted, compiled_file, files_of, module_file, split
from m2build.patches.places import InexactError
from m2build.patches.renaming.concern import Concern
from m2build.patches.renaming.evidence import check_successor, find_evidence, find_obstacle
from m2build.patches.renaming.files import TreeFiles
from m2build.patches.renaming.flow import Sort
from m2build.patches.renaming.mentions import find_mentions, mention
from m2build.patches.renaming.packages import Packages
from m2build.patches.renaming.references import References, find_references
from m2build.patches.text import read_python
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class RenameModule:
    """Rename the module or package `module` to `to`, and rewrite every importer in the tree.

    Rewritten are absolute and relative imports, dotted uses, aliases, types in quotes, and module strings given to
    `importlib.import_module`, `__import__`, `getattr` and `mock.patch`; bindings are kept. What can only be the module
    is edited. What may be the module, and what else names it (other strings, comments, files that are not Python), is
    listed as a mention. `to` may stand in another package, which must exist.

    Found `already-applied`: only the new name exists, and no file has anything to rewrite; the mentions say what
    imports the new name, and what still spells the old one.
    Found `target-gone`: neither name exists. Found `conflict`: both do, the module is compiled, or an importer reaches
    the module in a way that cannot be rewritten exactly.

    Raises:
        UsageError: a name is not a dotted Python name, or one name lies inside the other.

    Example:
        >>> tree = SourceTree.of({"app/__init__.py": "", "app/old.py": "", "use.py": "import app.old as old\\n"})
        >>> rewrite = RenameModule("app.old", "app.new").apply(tree)
        >>> rewrite.detail, rewrite.changes[1].after.content
        ('app.old renamed to app.new; 1 importer rewritten', b'import app.new as old\\n')
    """

    module: str
    to: str

    def __post_init__(self) -> None:
        check_fields(self)
        check_dotted(self.module)
        check_dotted(self.to)
        if f"{self.module}.".startswith(f"{self.to}.") or f"{self.to}.".startswith(f"{self.module}."):
            raise UsageError(f"cannot rename {self.module} to {self.to}: one lies inside the other")

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the renaming does to `tree`.

        Raises:
            PatchError: a file that may import the module does not parse.
        """
        renaming = Renaming(self.module, self.to)
        moving = frozenset(files_of(tree, self.module))
        arrived = next(files_of(tree, self.to), None) or compiled_file(tree, self.to)
        if obstacle := find_obstacle(tree, renaming, moving, arrived):
            return Rewrite(Finding.CONFLICT, f"{self.module} cannot be renamed: {obstacle}")
        if not moving and arrived is None:
            return Rewrite(Finding.GONE, f"neither {self.module} nor {self.to} exists")
        work = _Work(tree, renaming, moving)
        if moving and work.is_taken():
            package, last = split(self.to)
            return Rewrite(
                Finding.CONFLICT, f"{self.module} cannot be renamed: the package {package} binds {last} itself"
            )
        try:
            work.run()
        except InexactError as error:
            return Rewrite(Finding.CONFLICT, str(error), mentions=tuple(work.unsure()))
        mentions = tuple(work.mentions())
        if not work.changes:
            evidence = tuple(find_evidence(tree, self.to, arrived or ""))
            detail = f"{self.to} exists, {self.module} does not, and no file has an import of it to rewrite"
            return Rewrite(Finding.ALREADY_APPLIED, detail, mentions=(*evidence, *mentions))
        importers = sum(change.old_path not in moving for change in work.changes)
        done = f"{self.module} renamed to {self.to}" if moving else f"{self.to} exists already"
        detail = f"{done}; {importers} importer{'' if importers == 1 else 's'} rewritten"
        return Rewrite(Finding.CHANGED, detail, tuple(work.changes), mentions, work.proof())


class _Work:
    """One run of the codemod over one tree."""

    def __init__(self, tree: SourceTree, renaming: Renaming, moving: frozenset[str]) -> None:
        self._tree = tree
        self._renaming = renaming
        self._moving = moving
        self._packages = Packages(TreeFiles(tree), renaming.old)
        self._unrewritten: list[tuple[str, SourceFile, int, str]] = []
        self._unread: list[Mention] = []
        self._found = 0
        self.changes: list[FileChange] = []

    def is_taken(self) -> bool:
        """Whether the new package binds the new name to something, which users of the one would take for the other."""
        package, last = split(self._renaming.new)
        return bool(package) and self._packages.values(package, last) != {Sort.UNBOUND}

    def run(self) -> None:
        """Find all changes."""
        concerned = Concern(self._renaming)
        for path, file in self._tree.items():
            moves = path in self._moving
            module = module_file(path)
            after = file
            if module is None or not self._may_spell(path, file, concerned.word, moves=moves):
                pass
            elif concerned(path, file.content, moves=moves):
                after = self._edited(module, file)
            elif concerned.may_import_beside(path, file.content):
                self._list(module, file)
            if moves or after is not file:
                new_path = self._renaming.path(path) if moves else path
                self.changes.append(FileChange(path, file, new_path, after))

    def _may_spell(self, path: str, file: SourceFile, word: bytes, *, moves: bool) -> bool:
        """Whether a file has to be looked at; one that cannot be read is mentioned, unless it has to move."""
        if moves:
            return True
        try:
            return file.may_spell(word) and bool(file.content)
        except StorageError as error:
            self._unread.append(Mention(path, None, str(error), MentionKind.NOT_SEARCHED))
            return False

    def _edited(self, module: ModuleFile, file: SourceFile) -> SourceFile:
        """The file after its references have followed the module: find, edit, find again."""
        new_path = self._renaming.path(module.path) if module.path in self._moving else module.path
        new_module = module_file(new_path) or module
        found = self._find(file, module, new_module)
        if found.places:
            if not self._moving:
                check_successor(found.importer)
            file = SourceFile.of(_rewritten(found), file.mode)
            self._found += len(found.places)
            found = self._find(file, new_module, new_module)
            found.check_empty()
        self._unrewritten += [(new_path, file, line, reason) for line, reason in found.unrewritten]
        return file

    def _list(self, module: ModuleFile, file: SourceFile) -> None:
        """List what a file imports that shows at run time only; one that does not parse imports nothing."""
        with contextlib.suppress(PatchError):
            found = self._find(file, module, module)
            self._unrewritten += [(module.path, file, line, reason) for line, reason in found.unrewritten]

    def _find(self, file: SourceFile, module: ModuleFile, new_module: ModuleFile) -> References:
        source = read_python(module.path, file.content)
        return find_references(source, module, self._renaming, new_package=new_module.package, packages=self._packages)

    def proof(self) -> Proof:
        """What the second search of each edited file has shown."""
        return Proof("find", self._found)

    def unsure(self) -> Iterator[Mention]:
        """What may be the module and was left alone."""
        for path, file, line, reason in self._unrewritten:
            yield mention(path, line, file.content.splitlines()[line - 1], reason)

    def mentions(self) -> Iterator[Mention]:
        """What is left for a person to look at, once all changes are found; each line once, in order."""
        named = find_mentions(changed_tree(self._tree, self.changes), self._renaming)
        found = {(item.path, item.line or 0): item for item in (*self._unread, *named, *self.unsure())}
        yield from (found[key] for key in sorted(found))


def _rewritten(found: References) -> bytes:
    from m2build.patches.editing import edited
    from m2build.patches.renaming.edits import RenamingEditor

    return edited(found.importer.source, found.importer.syntax, found.places, RenamingEditor)
