"""What has to be mounted so that a container of the base has the files of the derived image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.patches.tree import SourceFile

FILES = "files"
"""The folder with the changed files, in what is written."""
NO_FILE = "/dev/null"
"""What is mounted over a file that has to go. It is not a regular file, so Python's import system does not find it; and
engines mask paths with it themselves (runc, `maskedPaths`)."""
NO_BYTECODE = "no-bytecode"
"""The folder that is mounted over a `__pycache__` that has to go; Python reads nothing of it."""


@dataclass(frozen=True)
class Mount:
    """One path of a container at which something else is mounted.

    Attributes:
        target: the path, absolute.
        file: what is there instead of the base's file; None if nothing is.
        is_folder: whether the path is a folder, whose bytecode has to go.
    """

    target: str
    file: SourceFile | None = None
    is_folder: bool = False

    @property
    def source(self) -> str:
        """Where the file is in what is written, or what is mounted if there is none."""
        if self.file:
            return f"{FILES}{self.target}"
        return NO_BYTECODE if self.is_folder else NO_FILE


def mounts_of(plan: Plan) -> tuple[Mount, ...]:
    """The mounts that a container of the base needs, a file each, sorted by path.

    Old bytecode gets an empty file: Python takes it for damaged, and compiles the source
    (`SourceLoader.get_code` in `importlib`).

    Raises:
        UsageError: a folder has to go, and a mount would leave an empty one, which Python imports as a namespace.
    """
    mounts = [Mount(f"/{change.path}", readable(change.after)) for change in plan.changes if change.after is not None]
    gone = {change.old_path for change in plan.changes if change.before}
    for path in plan.hidden:
        if path in gone:
            mounts.append(Mount(f"/{path}"))
        elif path.endswith("/__pycache__"):
            mounts.append(Mount(f"/{path}", is_folder=True))
        elif "/__pycache__/" in path:
            mounts.append(Mount(f"/{path}", SourceFile.of(b"")))
        else:
            raise UsageError(
                f"the folder /{path} has to go, and a mount cannot hide a folder",
                hint="use --form image-volume, which mounts the folder above it; or derive an image",
            )
    return tuple(sorted(mounts, key=lambda mount: mount.target))


def readable(file: SourceFile) -> SourceFile:
    """The file with mode 0644, or 0755 if it is executable.

    Where it is mounted it may belong to another user than in the base, so everybody has to be able to read it.
    """
    return replace(file, mode=0o755 if file.mode & 0o111 else 0o644)


def check_spelling(paths: Iterable[str], form: str, separators: str = "") -> None:
    """Check that a form can hold the paths.

    Raises:
        UsageError: one has a separator of the form, or a character that is not printable.
    """
    for path in paths:
        for character in path:
            if character in separators or not character.isprintable():
                raise UsageError(
                    f"{path!r} has the character {character!r}, which {form} cannot hold",
                    hint="rename it, or derive an image",
                )
