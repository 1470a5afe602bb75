"""Files: the content that recipe and base give beside the content that an image has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build.layers.members import AUDIT_FOLDER
from m2build.oci.paths import parents
from m2build.oci.tar import Kind
from m2build.verification.findings import Finding

if TYPE_CHECKING:
    from m2build.inspection.content import Content, Entry

_STARTUP = frozenset({"sitecustomize", "usercustomize"})
"""Modules that Python imports by itself: as files of any kind, or as packages
(https://docs.python.org/3/library/site.html)."""
_PATHS = (".pth", "._pth", "/pyvenv.cfg")
_LOADER = "etc/ld.so."
"""The dynamic linker's own files (ld.so(8)): what it loads first, and where it looks."""
_SPECIAL_BITS = 0o7000


def path_findings(expected: Content, found: Content) -> Iterator[Finding]:
    """Every path in which two contents of one base differ. Pure."""
    for path in sorted(expected.changed.keys() | found.changed.keys()):
        want, have = expected.changed.get(path), found.changed.get(path)
        if want is None:
            if path not in expected.removed:
                yield extra(path, "it is new, or not as in the base, and no patch explains it")
        elif have is None:
            is_gone = not {path, *parents(path)}.isdisjoint(found.removed)
            yield _missing(path, "it is missing" if is_gone else "it is as in the base")
        elif want != have:
            yield from entry_findings(path, want, have)
    for path in sorted(set(expected.removed) - set(found.removed)):
        if set(parents(path)).isdisjoint(found.removed):
            yield Finding("path-restored", f"/{path}", "the patches remove it, and it is there")
    for path in sorted(set(found.removed) - set(expected.removed)):
        if path not in expected.changed and set(parents(path)).isdisjoint(expected.removed):
            yield Finding("path-removed", f"/{path}", "the base has it, no patch removes it, and it is missing")


def extra(path: str, message: str) -> Finding:
    """The finding for a path that nothing explains; its id says what may come of it."""
    name = path.rpartition("/")[2]
    if path.startswith(f"{AUDIT_FOLDER}/"):
        kind = "account-extra"
    elif _is_startup(path):
        kind = "path-startup"
    elif name.endswith((".pyc", ".pyo")):
        kind = "path-bytecode"
    else:
        kind = "path-extra"
    return Finding(kind, f"/{path}", message)


def _is_startup(path: str) -> bool:
    """Whether something at a path runs by itself, or decides what is found first."""
    modules = {name.partition(".")[0] for name in path.split("/")[-2:]}
    return not modules.isdisjoint(_STARTUP) or f"/{path}".endswith(_PATHS) or path.startswith(_LOADER)


def different_content(path: str, message: str) -> Finding:
    """The finding for a file that has other bytes than the patches give."""
    kind = "account-content" if path.startswith(f"{AUDIT_FOLDER}/") else "file-content"
    return Finding(kind, f"/{path}", message)


def _missing(path: str, message: str) -> Finding:
    is_account = path == AUDIT_FOLDER or path.startswith(f"{AUDIT_FOLDER}/")
    return Finding("account-missing" if is_account else "path-missing", f"/{path}", message)


def entry_findings(path: str, want: Entry, have: Entry) -> Iterator[Finding]:
    """What of a path is not as it should be."""
    shown = f"/{path}"
    if want.kind is not have.kind:
        target = f" to {have.value}" if have.kind is Kind.SYMLINK else ""
        yield Finding("file-kind", shown, f"expected a {want.kind}, got a {have.kind}{target}")
    elif want.value != have.value:
        yield different_content(path, f"expected {want.value}, got {have.value}")
    bits = want.mode ^ have.mode
    if bits and want.kind is have.kind:
        kind = "file-setuid" if bits & _SPECIAL_BITS else "file-mode"
        yield Finding(kind, shown, f"expected the mode {want.mode:04o}, got {have.mode:04o}")
    if want.owner != have.owner:
        yield Finding("file-owner", shown, f"expected the owner {want.owner}, got {have.owner}")
    if want.capabilities != have.capabilities:
        words = [value or "none" for value in (want.capabilities, have.capabilities)]
        yield Finding("file-capabilities", shown, f"expected the capabilities {words[0]}, got {words[1]}")
