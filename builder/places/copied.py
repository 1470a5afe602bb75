"""Files out of a container that is never started: `cp` writes them as a tar, which is read as it comes."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader

from m2build.errors import ContentError, EngineError
from m2build.layers.contents import linked
from m2build.layers.filesystem import Filesystem
from m2build.layers.forward import ForwardFile
from m2build.layers.members import Wanted, member_of
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member
from m2build.oci.tar_reader import StrictTar
from m2build.programs.container_names import container_name
from m2build.programs.program import Program

_ABSENT = ("could not find the file", "could not be found", "no such file")
"""What docker and podman say of a path that the container has not."""

_MOST_MEMBERS = 1 << 20
"""Members of one folder that are copied; the source trees of whole frameworks have a fiftieth of that."""


def read_files(program: Program, image: str, platform: str, wanted: Wanted) -> Filesystem:
    """What an image in an engine's store holds at the wanted paths and in the folders above them.

    Args:
        program: docker or podman.
        image: what the engine calls it.
        platform: `os/architecture[/variant]`.
        wanted: what is looked for.

    Raises:
        EngineError: the engine does not give it.
        ContentError: what it gives is damaged.
    """
    above = {parent for path in (*wanted.trees, *wanted.entries) for parent in parents(path)}
    with _container(program, image, platform) as container:
        entries: dict[str, Member] = {}
        for path in sorted(above | wanted.entries):
            entries |= container.entry(path)
        for path in sorted(wanted.trees):
            entries |= container.tree(path)
    return Filesystem(entries)


@contextmanager
def _container(program: Program, image: str, platform: str) -> Iterator[_Container]:
    """A container that goes at the end, and the volumes with it that the image declares."""
    options = ["--pull=never", "--network=none", f"--platform={platform}"]
    with container_name(program) as name:
        program.ask("create", f"--name={name}", *options, image, "never-started", seconds=None)
        yield _Container(program, name)


@dataclass(frozen=True)
class _Container:
    """A container that was created."""

    program: Program
    name: str

    def entry(self, path: str) -> dict[str, Member]:
        """What stands at a path, if anything; of a folder, which comes first, the rest is not read."""
        with self.program.stream("cp", f"{self.name}:/{path}", "-", to_the_end=False) as stream:
            first = next(_members(stream, path), None)
        return {first.path: first} if first else {}

    def tree(self, path: str) -> dict[str, Member]:
        """What stands at and below a path."""
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


def _members(stream: BufferedReader, path: str) -> Iterator[Member]:
    """The members of a tar whose names begin with the last part of a path; none if there is nothing to read."""
    folder = path[: path.rfind("/") + 1]
    try:
        if not stream.peek(1):
            return
        archive = StrictTar(ForwardFile(stream), most=_MOST_MEMBERS)
        for info in archive.headers():
            member = member_of(archive, info, f"{folder}{info.name.strip('/')}")
            is_link = member.kind is Kind.HARD_LINK
            yield replace(member, target=f"{folder}{member.target}") if is_link else member
        while stream.read(1 << 20):
            pass  # the padding, so that the engine can write to its end
    except (tarfile.TarError, UnicodeError, ValueError) as error:
        raise ContentError(f"what the engine copied of /{path} is damaged: {error}") from error


def _followed(member: Member, found: Mapping[str, Member]) -> Member:
    """What a hard link is another name of; it stands before it.

    Raises:
        ContentError: it is outside of what was copied, or a folder.
    """
    if member.kind is not Kind.HARD_LINK:
        return member
    target = found.get(member.target)
    if target is None:
        raise ContentError(f"the hard link {member.path} leads to {member.target}, which was not copied")
    return linked(member, target)
