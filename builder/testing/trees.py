"""Trees before and after, and how they differ."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence

from m2build.patches import FileChange, SourceFile, SourceTree

Content = bytes | str | SourceFile
"""A file's bytes, text that becomes UTF-8, or a file with a mode of its own; the mode of the others is 0o644."""


def before_tree(files: Mapping[str, Content]) -> SourceTree:
    """The files as a tree; a tree is returned as it is."""
    return files if isinstance(files, SourceTree) else SourceTree.of(files)


def after_tree(before: SourceTree, files: Mapping[str, Content | None]) -> SourceTree:
    """A tree with other files at some paths, and without those that are None."""
    present = SourceTree.of({path: content for path, content in files.items() if content is not None})
    return before.replaced({path: present.get(path) for path in files})


def check_equal(found: SourceTree, expected: SourceTree, what: str) -> None:
    """Compare a tree with the expected one, by paths, bytes and modes.

    Raises:
        AssertionError: they differ; the message begins with `what`.
    """
    problems = [f"{path} is missing" for path in expected if path not in found]
    problems += [f"{path} is not expected" for path in found if path not in expected]
    for path in (path for path in found if path in expected):
        problems += _differences(path, expected[path], found[path])
    if problems:
        raise AssertionError(message(what, problems))


def check_compiles(changes: Iterable[FileChange]) -> None:
    """Check that every edited Python file compiles in the running version.

    Raises:
        AssertionError: one is not.
    """
    for change in changes:
        if change.after and change.edited and is_python(change.path):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compile(change.after.content, change.path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                raise AssertionError(f"{change.path} does not compile after the change: {error}") from error


def difference(name: str, expected: Sequence[str], found: Sequence[str]) -> list[str]:
    """The lines of a unified diff; none if both are the same."""
    return list(difflib.unified_diff(expected, found, f"{name}, expected", f"{name}, found", lineterm=""))


def message(what: str, lines: Iterable[str]) -> str:
    """The problem, and the details below it."""
    return "\n".join([f"{what}:", *lines])


def is_python(path: str) -> bool:
    """Whether a file is Python source, by its name."""
    return path.endswith((".py", ".pyi"))


def _differences(path: str, expected: SourceFile, found: SourceFile) -> Iterator[str]:
    if expected is found:
        return
    if expected.content != found.content:
        yield from difference(path, _lines(expected.content), _lines(found.content))
    if expected.mode != found.mode:
        yield f"{path} has the mode {found.mode:04o}, expected {expected.mode:04o}"


def _lines(content: bytes) -> list[str]:
    """The lines of a file, with everything visible that editors hide."""
    text = content.decode(errors="backslashreplace").replace("\\", "\\\\")
    *lines, last = text.replace("\r", "\\r").replace("\ufeff", "\\ufeff").split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines
