"""Files copied from a container that is never started: `cp` writes a tar, which is read as a stream.

podman's `cp` gives all files to the user that the image runs as (libpod, container_copy_common.go). Their owners are
those of the container's file system, which root can mount.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BufferedReader

from m2build.errors import ContentError, EngineError
from m2build.layers.contents import linked
from m2build.layers.filesystem import Filesystem
from m2build.layers.forward import ForwardFile
from m2build.layers.members import Holding, Wanted, content_of, digest_of, member_of
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member
from m2build.oci.tar_reader import StrictTar
from m2build.programs.container_names import container_name
from m2build.programs.program import Program

_ABSENT = ("could not find the file", "could not be found", "no such file")
"""Parts of docker's and podman's messages about a path that does not exist."""

_PODMAN = "podman"
_MOST_MEMBERS = 1 << 20
"""Members copied of one folder; the source trees of whole frameworks have a fiftieth of that."""


def read_files(program: Program, image: str, platform: str, wanted: Wanted) -> Filesystem:
    """The entries of an image in an engine's store at the wanted paths, and the folders above them.

    Their owners are the image's where `shows_owners`.

    Args:
        program: docker or podman.
        image: what the engine calls it.
        platform: `os/architecture[/variant]`.
        wanted: the paths.

    Raises:
        EngineError: the engine cannot copy them.
        ContentError: the copy is damaged.
    """
    above = {parent for path in (*wanted.trees, *wanted.entries) for parent in parents(path)}
    with _container(program, image, platform) as container:
        entries: dict[str, Member] = {}
        for path in sorted(above | wanted.entries):
            entries |= container.entry(path)
        links = {path for path, member in entries.items() if member.kind is Kind.SYMLINK}
        for path in sorted(wanted.trees):
            if links.isdisjoint(parents(path)):  # below a link is what is elsewhere
                entries |= container.tree(path)
        return Filesystem(container.owned(entries))


def shows_owners(program: Program) -> bool:
    """Whether files come with their owners: docker's do, and podman's if this user can mount its containers."""
    if program.name != _PODMAN:
        return True
    try:
        program.ask("mount")
    except EngineError:
        return False
    return True


@contextmanager
def _container(program: Program, image: str, platform: str) -> Iterator[_Container]:
    """A container; it is removed at the end, with the volumes that the image declares."""
    options = ["--pull=never", "--network=none", f"--platform={platform}"]
    with container_name(program) as name:
        program.ask("create", f"--name={name}", *options, image, "never-started", seconds=None)
        yield _Container(program, name)


@dataclass(frozen=True)
class _Container:
    """A container that was created, and not started."""

    program: Program
    name: str

    def entry(self, path: str) -> dict[str, Member]:
        """The entry at a path, if any, without what a folder holds."""
        with self.program.stream("cp", f"{self.name}:/{path}", "-", to_the_end=False) as stream:
            first = next(_members(stream, path), None)
        return {first.path: first} if first else {}

    def tree(self, path: str) -> dict[str, Member]:
        """The entries at and below a path."""
        try:
            with self.program.stream("cp", f"{self.name}:/{path}", "-") as stream:
                found: dict[str, Member] = {}
                for member in _members(stream, path):
                    found[member.path] = _followed(member, found)
        except EngineError as error:
            if any(words in str(error).lower() for words in _ABSENT):
                return {}
            raise
        return found

    def owned(self, entries: Mapping[str, Member]) -> dict[str, Member]:
        """The entries with their owners, where podman can tell them.

        Raises:
            EngineError: podman cannot mount the container.
            ContentError: the container's file system lacks one.
        """
        if self.program.name != _PODMAN or not shows_owners(self.program):
            return dict(entries)
        root = self.program.ask("mount", self.name).strip()
        links = {path for path, member in entries.items() if member.kind is Kind.SYMLINK}
        # Below a link is what is elsewhere: it may lead out of the container.
        kept = {path: member for path, member in entries.items() if links.isdisjoint(parents(path))}
        return {**entries, **{path: _owned(member, f"{root}/{path}") for path, member in kept.items()}}


def _owned(member: Member, file: str) -> Member:
    try:
        status = os.lstat(file)
    except OSError as error:
        raise ContentError(f"podman has copied /{member.path}, but its mount lacks it: {error.strerror}") from error
    return replace(member, uid=status.st_uid, gid=status.st_gid)


def _members(stream: BufferedReader, path: str) -> Iterator[Member]:
    """The members of a tar whose names begin with the last part of a path; none if the stream is empty."""
    folder = path[: path.rfind("/") + 1]
    try:
        if not stream.peek(1):
            return
        archive = StrictTar(ForwardFile(stream), most=_MOST_MEMBERS)
        content, holding = partial(content_of, archive), Holding()
        for info in archive.headers():
            name = f"{folder}{info.name.strip('/')}"
            is_held = not info.isreg() or info.issparse() or holding.takes(name, info.size)
            member = member_of(info, name, content, None if is_held else digest_of(archive, info))
            is_link = member.kind is Kind.HARD_LINK
            yield replace(member, target=f"{folder}{member.target}") if is_link else member
        while stream.read(1 << 20):
            pass  # drain the padding, or the engine could not finish writing
    except (tarfile.TarError, UnicodeError, ValueError) as error:
        raise ContentError(f"the engine's copy of /{path} is damaged: {error}") from error


def _followed(member: Member, found: Mapping[str, Member]) -> Member:
    """A hard link as its target, which comes before it.

    Raises:
        ContentError: the target was not copied, or is a folder.
    """
    if member.kind is not Kind.HARD_LINK:
        return member
    target = found.get(member.target)
    if target is None:
        raise ContentError(f"the hard link {member.path} points to {member.target}, which was not copied")
    return linked(member, target)
