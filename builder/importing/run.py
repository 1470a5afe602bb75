"""Bringing diffs into a series file: vendored beside it, pinned, tried on releases; nothing is overwritten."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import check_text, shown
from m2build.errors import PatchError, StorageError, UsageError
from m2build.importing.entry import Entry, head
from m2build.importing.found import FoundDiff
from m2build.local.atomic import atomic_file, folders_for
from m2build.local.durable import sync_file, sync_folder
from m2build.local.reading import read_regular
from m2build.local.temporary import temporary_file
from m2build.patches.change import Finding
from m2build.patches.codemods.unified_diff import UnifiedDiff
from m2build.patches.fields import ID
from m2build.patches.loading import load_series
from m2build.patches.series import Series
from m2build.patches.tree import SourceTree

_MODE = 0o644


@dataclass(frozen=True)
class How:
    """How diffs are brought into a series.

    Attributes:
        distribution: of a new series; an existing one has its own.
        patch_id: the id of the patch, if there is one only; None for the name of the diff.
        root: the folder of the tree that the diffs' paths are in.
        exclude: globs of paths to leave out, such as `test/**`.
        strip: how many parts of each name are not part of the path; None for what the diff's folder says, or 1.
    """

    distribution: str = "sglang"
    patch_id: str | None = None
    root: str = ""
    exclude: tuple[str, ...] = ()
    strip: int | None = None


@typed_arguments
def import_diffs(
    series: Path, diffs: Sequence[FoundDiff], how: How, releases: Mapping[str, Callable[[], SourceTree]]
) -> Series:
    """Add diffs to a series file at its end; a new file is made if there is none.

    Args:
        series: the file. Diffs are vendored in the folder beside it that has its name.
        diffs: what to add, in order.
        how: names, paths and the distribution of a new series.
        releases: version -> the sources of that release, which the diffs are tried on, in turn.

    Returns:
        The series as it is afterwards.

    Raises:
        UsageError: a diff is malformed, an id or a vendored file exists, or the series cannot be continued.
        PatchError: a diff applies to none of the releases.
        StorageError: something cannot be written; nothing was changed.
    """
    series = _followed(series)
    for text in (series.name, how.distribution, how.root, *how.exclude):
        check_text(text)
    if how.patch_id is not None and not re.fullmatch(ID, how.patch_id):
        raise UsageError(f"{shown(how.patch_id)} is not a patch id", hint="lower-case words, as in fix-rope-scaling")
    entries = [_entry(series, found, how) for found in diffs]
    if how.patch_id and len(entries) != 1:
        raise UsageError(f"{len(entries)} diffs cannot all have the id {shown(how.patch_id)}", hint="leave the id out")
    if releases:
        entries = _tried(entries, releases)
    _check_ids(entries)
    text = _continued(series, how, entries)
    with _vendored(series.parent, entries):
        return _written(series, text)


def _followed(series: Path) -> Path:
    """The file that a path leads to, through links."""
    path = Path(os.path.realpath(series))
    if path.is_symlink():
        raise UsageError(f"{series} is a link to itself", hint="name a file")
    return path


def _check_ids(entries: Sequence[Entry]) -> None:
    names: dict[str, str] = {}
    for entry in entries:
        if entry.patch_id in names:
            both = f"{names[entry.patch_id]} and {entry.found.name}"
            raise UsageError(f"{both} would both have the id {entry.patch_id}", hint="rename one")
        names[entry.patch_id] = entry.found.name


def _entry(series: Path, found: FoundDiff, how: How) -> Entry:
    if how.strip is not None:
        found = replace(found, strip=how.strip)
    stem = re.sub(r"\.(patch|diff)$", "", found.name)
    patch_id = how.patch_id or re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:80].strip("-") or "diff"
    _codemod(found, how.root, how.exclude)  # is it a diff at all
    file = f"{series.stem}/{patch_id}.patch"
    return Entry(patch_id, file, found, how.root, how.exclude, today=datetime.now(UTC).date().isoformat())


def _codemod(found: FoundDiff, root: str, exclude: Sequence[str]) -> UnifiedDiff:
    return UnifiedDiff.of(found.content, file=found.name, strip=found.strip, root=root, exclude=exclude)


def _tried(entries: Sequence[Entry], releases: Mapping[str, Callable[[], SourceTree]]) -> list[Entry]:
    """The entries with the releases that they apply to, each tried by itself."""
    fits: dict[str, list[str]] = {entry.patch_id: [] for entry in entries}
    problems: dict[str, str] = {}
    for version, read in releases.items():
        tree = read()
        for entry in entries:
            rewrite = _codemod(entry.found, entry.root, entry.exclude).apply(tree)
            if rewrite.finding is Finding.CHANGED:
                fits[entry.patch_id].append(version)
            else:
                problems[entry.patch_id] = f"{version}: {rewrite.finding}: {rewrite.detail}"
    for entry in entries:
        if not fits[entry.patch_id]:
            raise PatchError(
                f"the diff {entry.found.name} applies to none of the releases {', '.join(releases)}",
                hint=problems[entry.patch_id],
            )
    return [replace(entry, releases=_specifier(fits[entry.patch_id], list(releases))) for entry in entries]


def _specifier(fits: Sequence[str], tried: Sequence[str]) -> str:
    """A version specifier for releases: from the first to the last, without those between that do not fit."""
    first, last = min(fits, key=Version), max(fits, key=Version)
    between = [version for version in tried if Version(first) < Version(version) < Version(last)]
    without = "".join(f",!={version}" for version in between if version not in fits)
    return f"=={first}" if first == last else f">={first},<={last}{without}"


def _continued(series: Path, how: How, entries: Sequence[Entry]) -> str:
    """The series file's text with the entries at its end."""
    added = "".join(entry.yaml() for entry in entries)
    if not series.exists():
        series_id = re.sub(r"[^a-z0-9]+", "-", series.stem.lower()).strip("-") or "mine"
        return f"{head(series_id, how.distribution)}{added}"
    before = load_series(str(series))
    for entry in entries:
        if entry.patch_id in {patch.id for patch in before.patches}:
            raise UsageError(f"{series} has a patch {entry.patch_id} already", hint="give another id")
    kept = series.read_bytes().decode()
    text = kept.replace("\r\n", "\n").rstrip("\n")
    if not re.search(r"^patches:[ \t]*(#.*)?$(\n([ #].*)?)*\Z", text, re.MULTILINE):
        raise UsageError(
            f"{series}: `patches` is not its last key, or not a list with a patch on each `- `",
            hint="move it to the end of the file",
        )
    whole = f"{text}\n{added}"
    return whole.replace("\n", "\r\n") if "\r\n" in kept else whole


@contextmanager
def _vendored(folder: Path, entries: Sequence[Entry]) -> Iterator[None]:
    """The entries' diffs as new files; they are removed if what follows fails.

    One that is there already, byte for byte, stays: a run that was killed may have left it.
    """
    written: list[Path] = []
    new = {folder / entry.file: entry.found.content for entry in entries if not _is_there(folder / entry.file, entry)}
    try:
        for path, content in new.items():
            with atomic_file(path, _MODE) as file:
                file.write(content)
                sync_file(file)
            written.append(path)
        for path in written[:1]:
            sync_folder(path.parent)
        yield
    except BaseException as error:
        for path in written:
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            (folder / entries[0].file).parent.rmdir()
        if isinstance(error, OSError):
            raise StorageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
        raise


def _is_there(path: Path, entry: Entry) -> bool:
    """Whether a diff is vendored already."""
    if not os.path.lexists(path):
        return False
    with suppress(OSError):
        if read_regular(path, len(entry.found.content)) == entry.found.content:
            return True
    raise UsageError(f"{path} exists already", hint="remove it, or give another id")


def _written(series: Path, text: str) -> Series:
    """The text at its place, once it has been read as a series beside it."""
    mode = stat.S_IMODE(series.stat().st_mode) if series.exists() else _MODE
    with folders_for(series), temporary_file(series.parent, mode) as (temporary, file):
        file.write(text.encode())
        sync_file(file)
        found = _read_back(temporary.absolute(), series)
        temporary.replace(series)
        sync_folder(series.parent)
    return found


def _read_back(temporary: Path, series: Path) -> Series:
    try:
        return load_series(str(temporary))
    except UsageError as error:
        raise UsageError(str(error).replace(str(temporary), str(series)), hint=error.hint) from error
