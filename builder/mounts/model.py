"""What has to be mounted so that a container of the base has the files of the derived image."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.patches.tree import SourceFile

FILES = "files"
"""The folder with the changed files, in what is written."""
NO_FILE = "/dev/null"
"""What is mounted over a path that has to go. It is not a regular file, so Python's import system does not find it; and
engines mask paths with it themselves (runc, `maskedPaths`)."""


@dataclass(frozen=True)
class Laid:
    """One path of a container.

    Attributes:
        target: the path, absolute.
        file: what is there instead of the base's file; None if nothing is.
    """

    target: str
    file: SourceFile | None

    @property
    def source(self) -> str:
        """Where the file is in what is written, or `NO_FILE`."""
        return f"{FILES}{self.target}" if self.file else NO_FILE


def laid_over(plan: Plan) -> tuple[Laid, ...]:
    """The paths in which a container has to differ from the base, sorted.

    Raises:
        UsageError: a whole folder has to go, for which no mount can stand.
    """
    root = plan.source_root
    changes = plan.changeset.changes
    files = {f"{root}/{change.path}": change.after for change in changes if change.after}
    gone = {f"{root}/{change.old_path}" for change in changes if change.before} - files.keys()
    for path in plan.hidden:
        if path not in gone and not path.endswith(".pyc"):
            raise UsageError(
                f"the folder /{path} goes with these patches, and a mount cannot hide a folder",
                hint="derive an image, or lay whole folders over it: --form image-volume",
            )
    both = {**files, **dict.fromkeys((*gone, *plan.hidden), None)}
    return tuple(Laid(f"/{path}", file) for path, file in sorted(both.items()))


def check_plain(paths: tuple[Laid, ...], separators: str, form: str) -> None:
    """Check that paths can be written in a form.

    Raises:
        UsageError: one holds a separator of the form, or a control character.
    """
    for laid in paths:
        for character in laid.target:
            if character in separators or not character.isprintable():
                raise UsageError(
                    f"{laid.target!r} cannot be mounted as {form}: {character!r} has a meaning there",
                    hint="derive an image instead",
                )
