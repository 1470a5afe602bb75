"""Where a tree still names a module that was renamed: strings, comments, and files that are not Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from m2build.errors import StorageError
from m2build.patches.change import Mention, MentionKind
from m2build.patches.modules import SUFFIXES, Renaming, split
from m2build.patches.renaming.folding import folded
from m2build.patches.tree import MOST_SEARCHED, SourceFile, SourceTree

_LARGEST = 1 << 20
"""Bytes; of a larger file only that it names the module is listed, and not each line."""
_OVERLAP = 1 << 10
"""Bytes of a piece that are searched again with the next one."""


@dataclass(frozen=True)
class _Spellings:
    """How text may spell the module.

    Attributes:
        last: its last name, without which no file is searched.
        words: its dotted name and its path, of which a file has to hold one.
        named: both of them as whole words, also in regular expressions; the file's own name in quotes; and what pickle
            writes as text.
        stored: its dotted name in binary data, where the byte before it may be its length.
        imported: an import of it, in a file that is not Python.
    """

    last: bytes
    words: tuple[bytes, ...]
    named: re.Pattern[bytes]
    stored: re.Pattern[bytes]
    imported: re.Pattern[bytes]

    @classmethod
    def of(cls, module: str) -> _Spellings:
        parent, last = split(module)
        path = module.replace(".", "/")
        in_patterns = [module.replace(".", f"{slashes}.") for slashes in ("\\", "\\\\")]
        words = tuple(map(str.encode, (module, path, f"{last}.py", *in_patterns))) if parent else (module.encode(),)
        spelled = [rf"(?<![\w.]){re.escape(module)}(?!\w)", rf"(?<!\w){re.escape(path)}(?=\.pyi?\b|/)"]
        in_pattern = r"\\{1,2}\.".join(map(re.escape, module.split(".")))
        others = [
            rf"(?<!\w){in_pattern}(?!\w)",
            rf"['\"]{re.escape(last)}\.pyi?['\"]",
            rf"(?<=c){re.escape(module)}(?:$|\\n)",
        ]
        name, origin = re.escape(last), rf"(?:\.[\w.]*|{re.escape(parent)})" if parent else r"\."
        return cls(
            last.encode(),
            words,
            re.compile("|".join([*spelled, *(others if parent else ())]).encode()),
            re.compile(b"|".join([*(one.encode() for one in spelled), *_stored(module)])),
            re.compile(
                rf"(?m)^[ \t>]*from[ \t]+(?:\.[\w.]*\b{name}[ \t]+c?import\b"
                rf"|{origin}[ \t]+c?import[ \t]+(?:\([^)]*?|[^\r\n(]*?)\b{name}\b)".encode()
            ),
        )


def _stored(module: str) -> Iterator[bytes]:
    """A name as marshal and pickle write it: behind its length in one byte or four, or as the line `cNAME`."""
    length, name = len(module.encode()), re.escape(module.encode())
    if length < 256:
        yield re.escape(bytes([length])) + b"(?:\0\0\0)?" + name
    yield b"c" + name + b"\n"


def find_mentions(tree: SourceTree, renaming: Renaming) -> Iterator[Mention]:
    """Every line of the changed tree that still spells the old module's dotted name or path.

    For a top-level module, whose name is a word, the lines of each file are folded.
    """
    spellings = _Spellings.of(renaming.old)
    found = [*_in_files(tree, spellings), *_in_files(tree.beside, spellings)]
    yield from found if "." in renaming.old else folded(found, renaming.old)
    yield from _links(tree)


def _in_files(files: Mapping[str, SourceFile], spellings: _Spellings) -> Iterator[Mention]:
    for path, file in files.items():
        try:
            yield from _in_file(path, file, spellings)
        except StorageError as error:
            yield Mention(path, None, str(error), MentionKind.NOT_SEARCHED)


def _in_file(path: str, file: SourceFile, spellings: _Spellings) -> Iterator[Mention]:
    if file.size > MOST_SEARCHED:
        yield Mention(path, None, f"a file of {file.size:,} bytes", MentionKind.NOT_SEARCHED)
        return
    if file.size > _LARGEST and file.pieces is not None:
        yield from _in_pieces(path, file, spellings)
        return
    content = file.content
    if spellings.last not in content:  # this alone rules nearly every file out
        return
    named = any(word in content for word in spellings.words)
    if b"\0" in content or file.size > _LARGEST:
        if named and len(spellings.words) > 1 and spellings.stored.search(content):
            yield _as_a_whole(path, spellings)
        return
    if named:
        for number, line in enumerate(content.splitlines(), 1):
            if spellings.named.search(line):
                yield mention(path, number, line)
    if not path.endswith(SUFFIXES) and b"import" in content:
        yield from _imports(path, content, spellings)


def _imports(path: str, content: bytes, spellings: _Spellings) -> Iterator[Mention]:
    """Imports in a file that is not Python, such as Cython's or a script's, which spell the module in parts."""
    lines = content.splitlines()
    for number in sorted({len(content[: it.start()].splitlines()) for it in spellings.imported.finditer(content)}):
        if not spellings.named.search(lines[number]):
            yield mention(path, number + 1, lines[number])


def _in_pieces(path: str, file: SourceFile, spellings: _Spellings) -> Iterator[Mention]:
    """A file that is too large to be loaded at once."""
    end = b""
    for piece in file.pieces() if file.pieces else ():
        seen = end + piece
        if any(word in seen for word in spellings.words) and spellings.stored.search(seen):
            yield _as_a_whole(path, spellings)
            return
        end = seen[-_OVERLAP:]


def _as_a_whole(path: str, spellings: _Spellings) -> Mention:
    return Mention(path, None, f"a compiled or large file, which holds {spellings.words[0].decode()}")


def _links(tree: SourceTree) -> Iterator[Mention]:
    """Links out of the tree, behind which there may be files that import the module."""
    for path, target in tree.links.items():
        is_module = path.endswith(SUFFIXES) or "." not in path.rpartition("/")[2]
        if is_module and _leads_out(path, target):
            yield Mention(path, None, f"a symbolic link to {target}, out of the sources", MentionKind.NOT_SEARCHED)


def _leads_out(path: str, target: str) -> bool:
    if target.startswith("/"):
        return True
    depth = path.count("/")
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def mention(path: str, number: int, line: bytes, reason: str | None = None) -> Mention:
    """The mention of one line, cut to what a person wants to see."""
    return Mention(path, number, line.decode(errors="replace").strip()[:160], reason=reason)
