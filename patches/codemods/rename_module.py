"""`RenameModule`: rename a module or a package, and rewrite every importer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from m2build.errors import UsageError
from m2build.patches.change import FileChange, Finding, Mention, Proof, Rewrite, changed_tree
from m2build.patches.modules import SUFFIXES, ModuleFile, Renaming, check_dotted, files_of, module_file, split
from m2build.patches.places import InexactError
from m2build.patches.renaming.concern import Concern
from m2build.patches.renaming.mentions import find_exports, find_mentions, mention
from m2build.patches.renaming.references import References, find_references
from m2build.patches.renaming.shadows import shadows
from m2build.patches.text import read_python
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class RenameModule:
    """Rename the module or package `module` to `to`, and rewrite every importer in the tree.

    Rewritten are absolute and relative imports, dotted uses, aliases, and exact module strings given to
    `importlib.import_module`, `__import__` and `mock.patch`; bindings are kept. What else names the old module (other
    strings, comments, files that are not Python) is listed as a mention. `to` may stand in another package, which must
    exist.

    Found `already-applied`: only the new name exists, and no file imports the old one.
    Found `absent`: neither name exists. Found `conflict`: both do, or an importer reaches the module in a way that
    cannot be rewritten exactly.

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
        check_dotted(self.module)
        check_dotted(self.to)
        if f"{self.module}.".startswith(f"{self.to}.") or f"{self.to}.".startswith(f"{self.module}."):
            raise UsageError(f"cannot rename {self.module} to {self.to}: one lies inside the other")

    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the renaming does to `tree`.

        Raises:
            PatchError: a file that may import the module does not parse.
        """
        moving = frozenset(files_of(tree, self.module))
        arrived = next(files_of(tree, self.to), None)
        if obstacle := self._obstacle(tree, moving, arrived):
            return Rewrite(Finding.CONFLICT, f"{self.module} cannot be renamed: {obstacle}")
        if not moving and arrived is None:
            return Rewrite(Finding.ABSENT, f"neither {self.module} nor {self.to} exists")
        work = _Work(tree, Renaming(self.module, self.to), moving)
        try:
            work.run()
        except InexactError as error:
            return Rewrite(Finding.CONFLICT, str(error))
        if not work.changes:
            return Rewrite(Finding.ALREADY_APPLIED, f"{self.to} exists, and no file imports {self.module}")
        importers = sum(change.old_path not in moving for change in work.changes)
        done = f"{self.module} renamed to {self.to}" if moving else f"{self.to} exists already"
        detail = f"{done}; {importers} importer{'' if importers == 1 else 's'} rewritten"
        return Rewrite(Finding.CHANGED, detail, tuple(work.changes), tuple(work.mentions()), work.proof())

    def _obstacle(self, tree: SourceTree, moving: frozenset[str], arrived: str | None) -> str | None:
        package = split(self.to)[0]
        ends = [f"{name.replace('.', '/')}{end}/" for name in (self.module, self.to) for end in ("", *SUFFIXES)]
        link = next((link for link in tree.links if f"{link}/".startswith(tuple(ends))), None)
        if link:
            return f"{link} is a symbolic link"
        if moving and arrived:
            return f"{self.to} exists already ({arrived})"
        if moving and package and package.replace(".", "/") not in tree.folders:
            return f"the package {package} does not exist"
        return None


class _Work:
    """One run of the codemod over one tree."""

    def __init__(self, tree: SourceTree, renaming: Renaming, moving: frozenset[str]) -> None:
        self._tree = tree
        self._renaming = renaming
        self._moving = moving
        self._shadowed = _shadowed(tree, renaming)
        self._unrewritten: list[tuple[str, int]] = []
        self._found = 0
        self.changes: list[FileChange] = []

    def run(self) -> None:
        """Find all changes."""
        concerned = Concern(self._renaming)
        for path, file in self._tree.items():
            moves = path in self._moving
            module = module_file(path)
            after = file
            if module is None or not (moves or file.may_spell(concerned.word)):
                pass
            elif concerned(path, file.content, moves=moves):
                after = self._edited(module, file)
            if moves or after is not file:
                new_path = self._renaming.path(path) if moves else path
                self.changes.append(FileChange(path, file, new_path, after))

    def _edited(self, module: ModuleFile, file: SourceFile) -> SourceFile:
        """The file after its references have followed the module: find, edit, find again."""
        new_path = self._renaming.path(module.path) if module.path in self._moving else module.path
        new_module = module_file(new_path) or module
        found = self._find(file, module, new_module)
        if found.places:
            file = SourceFile.of(_rewritten(found), file.mode)
            self._found += len(found.places)
            found = self._find(file, new_module, new_module)
            found.check_empty()
        self._unrewritten += [(new_path, line) for line in found.unrewritten]
        return file

    def _find(self, file: SourceFile, module: ModuleFile, new_module: ModuleFile) -> References:
        source = read_python(module.path, file.content)
        return find_references(source, module, self._renaming, new_package=new_module.package, shadowed=self._shadowed)

    def proof(self) -> Proof:
        """What the second search of each edited file has shown."""
        return Proof("find", self._found)

    def mentions(self) -> Iterator[Mention]:
        """What is left for a person to look at, once all changes are found; each line once, in order."""
        after = changed_tree(self._tree, self.changes)
        seen = [*find_mentions(after, self._renaming), *([] if self._shadowed else find_exports(after, self._renaming))]
        found = {(item.path, item.line): item for item in seen}
        for path, line in self._unrewritten:
            found[path, line] = mention(path, line, after[path].content.splitlines()[line - 1])
        yield from (found[key] for key in sorted(found))


def _rewritten(found: References) -> bytes:
    from m2build.patches.editing import edited
    from m2build.patches.renaming.edits import RenamingEditor

    return edited(found.importer.source, found.importer.syntax, found.places, RenamingEditor)


def _shadowed(tree: SourceTree, renaming: Renaming) -> bool:
    """Whether the parent package's `__init__` binds the module's last name to something that is not the module."""
    parent, last = split(renaming.old)
    path = f"{parent.replace('.', '/')}/__init__.py"
    if not parent or path not in tree or last.encode() not in tree[path].content:
        return False
    return shadows(read_python(path, tree[path].content), renaming)
