"""`LibcstCodemod`: a codemod that was written for libcst, on the files that a patch names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import JsonValue

from m2build.documents.arguments import check_fields, typed_arguments
from m2build.errors import PatchError
from m2build.patches.change import FileChange, Finding, Mention, MentionKind, Proof, Rewrite
from m2build.patches.foreign.arguments import constructor_arguments
from m2build.patches.foreign.load import load_libcst_codemod
from m2build.patches.foreign.run import Recipe
from m2build.patches.globs import glob_pattern
from m2build.patches.modules import ModuleFile, module_file
from m2build.patches.places import InexactError
from m2build.patches.text import PythonSource, read_python, reading
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class LibcstCodemod:
    """Run a libcst codemod, a `CodemodCommand` or a `ContextAwareTransformer`, on each file by itself.

    It is run a second time on each file that it changes, and that has to change nothing.

    Found `absent`: it changes no file. What that means is for the patch to say (`when_absent`).
    Found `conflict`: its second run changes something, its result is not Python, libcst does not give a file back byte
    for byte, or a file that is named without a glob is a symbolic link.

    Attributes:
        codemod: the class, as `package.module.Class`.
        files: globs over the paths of the tree; of the files that match, those that end in `.py` or `.pyi` are meant.
        spelling: only files whose text holds this word are parsed, or None for all.
        arguments: what the class is made with, besides the context; the defaults are those of its `add_args`.
        allow: the packages that may be imported.

    Raises:
        UsageError: the class cannot be used, or not with these arguments; or a glob is invalid.
        PatchError: importing its module fails.

    Example:
        >>> tree = SourceTree.of({"app.py": "def f(x: 'int'): ...\\n"})
        >>> command = "libcst.codemod.commands.strip_strings_from_types.StripStringsCommand"
        >>> rewrite = LibcstCodemod(command, files=("**/*.py",), allow=("libcst",)).apply(tree)
        >>> rewrite.changes[0].after.content.splitlines()[-1]
        b'def f(x: int): ...'
    """

    codemod: str
    files: tuple[str, ...]
    spelling: str | None = None
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    allow: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        _ = self._recipe, self._pattern

    @cached_property
    def _recipe(self) -> Recipe:
        loaded = load_libcst_codemod(self.codemod, self.allow)
        return Recipe(loaded, constructor_arguments(loaded, self.arguments))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return glob_pattern(self.files)

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the codemod does to `tree`.

        Raises:
            PatchError: a concerned file does not parse, or the codemod raises something.
        """
        link = next((path for path in self.files if path in tree.links), None)
        if link:
            return Rewrite(Finding.CONFLICT, f"{link} is a symbolic link")
        changes: list[FileChange] = []
        mentions: list[Mention] = []
        try:
            for module, file in self._concerned(tree):
                after, warnings = self._transformed(module, file)
                mentions += [
                    Mention(module.path, None, " ".join(text.split())[:160], MentionKind.WARNING) for text in warnings
                ]
                if after is not file:
                    changes.append(FileChange(module.path, file, module.path, after))
        except InexactError as error:
            return Rewrite(Finding.CONFLICT, str(error))
        if not changes:
            return Rewrite(Finding.ABSENT, f"{self.codemod} has nothing to change", mentions=tuple(mentions))
        count = f"{len(changes)} file{'' if len(changes) == 1 else 's'}"
        detail = f"{count} changed by {self.codemod}"
        return Rewrite(Finding.CHANGED, detail, tuple(changes), tuple(mentions), Proof("run", len(changes)))

    def _concerned(self, tree: SourceTree) -> Iterator[tuple[ModuleFile, SourceFile]]:
        word = re.compile(rf"(?<!\w){re.escape(self.spelling)}(?!\w)") if self.spelling else None
        for path, file in tree.items():
            module = module_file(path) if self._pattern.fullmatch(path) else None
            if not module or (self.spelling and not file.may_spell(self.spelling.encode())):
                continue
            if not word or word.search(read_python(path, file.content).text):
                yield module, file

    def _transformed(self, module: ModuleFile, file: SourceFile) -> tuple[SourceFile, tuple[str, ...]]:
        """The file after the codemod, which is the very same if nothing changes, and the codemod's warnings."""
        source = read_python(module.path, file.content)
        with reading(module.path):
            # libcst crashes where the running Python refuses to parse: what is nested too deeply for any of them.
            source.parse()
            run = self._recipe.run(source, module)
            if run.text == source.text:
                return file, run.warnings
            after = SourceFile.of(source.encoded(run.text), file.mode)
            self._check(read_python(module.path, after.content), module)
            return after, run.warnings

    def _check(self, source: PythonSource, module: ModuleFile) -> None:
        try:
            source.parse()
        except PatchError as error:
            raise InexactError(f"the result of {self.codemod} is not Python: {error}") from error
        if self._recipe.run(source, module).text != source.text:
            raise InexactError(f"{module.path}: {self.codemod} changes its own result when it is run again")
