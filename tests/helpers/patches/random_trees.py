"""Random trees, what becomes of them, and how they have moved on elsewhere, for diffs that other tools make of them."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from m2build.patches.tree import SourceFile, SourceTree

Files = dict[str, SourceFile]
"""Path -> file."""

PLAIN = st.sampled_from(["a.py", "b.txt", "pkg/c.py", "pkg/deep/d.py"])
ODD = st.sampled_from(
    ["with space.py", "p q/it's.py", 'quo"te', "tab\there", "back\\slash", "né €.py", "a b/c d", " x"]
)
_COMMON = st.sampled_from(
    [b"\n", b"    pass\n", b"}\n", b"x\r\n", b"\r\n", b"- x\n", b"+++ b/y\n", b"-- \n", b"\x0c\n"]
)
_OWN = st.integers(0, 99).map(lambda number: b"line %d\n" % number)
_LINES = st.lists(_OWN | _OWN | _COMMON, max_size=12) | st.lists(_OWN | _OWN | _COMMON, min_size=20, max_size=40)


@dataclass(frozen=True)
class Case:
    """A tree, the same tree changed, and another one that the difference is to be applied to."""

    old: SourceTree
    new: SourceTree
    target: SourceTree


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """A text, perhaps with Windows' line ends, perhaps without a final one."""
    content = b"".join(draw(_LINES))
    if draw(st.booleans()) and draw(st.booleans()):
        content = content.replace(b"\r", b"").replace(b"\n", b"\r\n")
    return content[:-1] if draw(st.integers(0, 3)) == 0 else content


@st.composite
def _edited(draw: st.DrawFn, content: bytes) -> bytes:
    """The same text with some lines put in, taken away, or in the place of others."""
    lines = content.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(_OWN | _COMMON, max_size=3))
    return b"".join(lines)


@st.composite
def _shifted(draw: st.DrawFn, content: bytes) -> bytes:
    """The same text with some lines of its own put in, mostly far from its end."""
    lines = content.splitlines(keepends=True)
    at = draw(st.integers(0, len(lines) // 2))
    lines[at:at] = draw(st.lists(_OWN, min_size=1, max_size=3))
    return b"".join(lines)


@st.composite
def _files(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Files:
    paths = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    return {path: SourceFile.of(draw(contents()), draw(st.sampled_from([0o644, 0o644, 0o755]))) for path in paths}


@st.composite
def _changed(draw: st.DrawFn, files: Files, names: st.SearchStrategy[str], *, renames: bool) -> Files:
    """Some of the files edited, renamed, deleted, or with another mode, and others made."""
    ways = ["edit", "edit", "edit", "keep", "delete", "mode", *(["rename", "rename"] if renames else [])]
    made: Files = {}
    for path, file in files.items():
        way = draw(st.sampled_from(ways))
        content = draw(_edited(file.content)) if way == "edit" or (way == "rename" and draw(st.booleans())) else None
        after = file if content is None else SourceFile.of(content, file.mode)
        if way == "mode" and renames:
            after = SourceFile.of(file.content, file.mode ^ 0o111)
        if way != "delete":
            made[f"moved/{path}" if way == "rename" else path] = after
    if draw(st.booleans()):
        made.setdefault(f"new/{draw(names)}", SourceFile.of(draw(contents())))
    return made


@st.composite
def cases(draw: st.DrawFn, names: st.SearchStrategy[str], *, renames: bool = True) -> Case:
    """A case; the target is the old tree, the new one, or one of them edited again.

    Args:
        draw: hypothesis' own.
        names: the paths.
        renames: whether files are renamed or change their mode, of which plain diffs know nothing.
    """
    old = draw(_files(names))
    new = draw(_changed(old, names, renames=renames))
    target = dict(draw(st.sampled_from([old, old, old, new])))
    for path in draw(st.lists(st.sampled_from(sorted(target)), max_size=3)) if target else []:
        way = draw(st.sampled_from([_shifted, _shifted, _edited]))
        target[path] = SourceFile.of(draw(way(target[path].content)), target[path].mode)
    kept = {"kept.md": SourceFile.of(b"")}
    return Case(*(SourceTree(files | kept, origin="test") for files in (old, new, target)))
