"""Series as files: their own patches with the files that these bring along, and those of a series that they extend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from pydantic import Field, ValidationError

from m2build.documents.arguments import typed_arguments
from m2build.documents.document import load_document
from m2build.documents.placed import Document, Position
from m2build.documents.shown import shown
from m2build.documents.suggest import did_you_mean
from m2build.documents.validation import position_of, validate
from m2build.errors import UsageError
from m2build.patches.fields import Frozen, Id, Line
from m2build.patches.patch import Patch
from m2build.patches.series import Codemods, Series
from m2build.patches.series_text import identity, series_source
from m2build.patches.vendored import is_vendoring, vendored_file

_LONGEST_CHAIN = 8
"""Series that extend each other: shipped, a company's, a team's and your own are four."""


class SeriesFile(Frozen):
    """What a series file holds: a whole series, or what it adds to another one and leaves out of it."""

    id: Id
    summary: Line
    distribution: Line | None = Field(
        default=None,
        description="The distribution whose sources are patched, such as `sglang`; that of `extends` by default.",
    )
    codemods: Codemods = Codemods()
    extends: Line | None = Field(
        default=None, description="Another series, whose patches come first: a shipped id, or a path beside this file."
    )
    without: tuple[Id, ...] = Field(default=(), description="Patches of `extends` that are left out.")
    order: tuple[Id, ...] = Field(
        default=(), description="All patches in their order, if it is not: those of `extends`, then these."
    )
    stock: bool = Field(default=False, description="Whether the sources stay as they are; there are no patches then.")
    patches: tuple[Patch, ...] = ()


@typed_arguments
def load_series(name: str) -> Series:
    """A shipped series by its id, or your own by its path (anything that holds a slash or ends in .yaml or .yml).

    Files that its patches name are read as well, and so is the series that it extends.

    Raises:
        UsageError: there is no such series, its file does not fit the model, or a file that it names is missing or
            another one than its SHA-256 says; the message holds file and line.
        StorageError: its file, or one that it names, cannot be read.

    Example:
        >>> load_series("minimax-m2-rocm").distribution
        'sglang'
    """
    return _load(name, {}, "")


def _load(name: str, above: Mapping[str, _Loaded], asked_at: str) -> Series:
    """A series, and those above it that extend each other and it, by what their names have in common."""
    source = series_source(name, asked_at)
    if len(above) == _LONGEST_CHAIN:
        raise UsageError(f"{asked_at}more than {_LONGEST_CHAIN} series extend each other", hint="merge some of them")
    document = load_document(source.content, name=source.label)
    found = _Loaded(document, validate(document, SeriesFile), source.folder)
    for other in above.values():
        if other.file.id == found.file.id:
            raise other.wrong(
                f"{shown(found.file.id)} is the id of the series that it extends: choose another one", "id"
            )
    patches = tuple(found.with_file(position) for position in range(len(found.file.patches)))
    if found.file.extends is None:
        return found.alone(patches)
    asked_at = f"{found.at('extends')}: "
    extended, above = source.beside(found.file.extends), {**above, identity(name): found}
    if identity(extended) in above:
        raise found.wrong(f"{shown(found.file.extends)} extends this series, which is a circle", "extends")
    return found.on_top_of(_load(extended, above, asked_at), patches)


@dataclass(frozen=True)
class _Loaded:
    document: Document
    file: SeriesFile
    folder: Traversable

    def with_file(self, position: int) -> Patch:
        """A patch with the bytes of the file that it names, if it names one."""
        patch = self.file.patches[position]
        if not is_vendoring(patch.parameters):
            return patch
        where = self.at("patches", position, "parameters", "file")
        return patch.bringing(vendored_file(self.folder, patch.parameters, f"{where}: "))

    def alone(self, patches: tuple[Patch, ...]) -> Series:
        """The series of a file that extends none."""
        for key in ("without", "order"):
            if getattr(self.file, key):
                raise self.wrong("this key needs `extends`, which is missing", key)
        if self.file.distribution is None:
            raise self.wrong("the key 'distribution' is missing")
        return self._series(patches, self.file.distribution, self.file.codemods)

    def on_top_of(self, other: Series, patches: tuple[Patch, ...]) -> Series:
        """The series of a file that extends another one."""
        if self.file.distribution not in (None, other.distribution):
            raise self.wrong(f"{shown(other.id)} is a series for {other.distribution}", "distribution")
        known = [patch.id for patch in other.patches]
        for patch_id in self.file.without:
            if patch_id not in known:
                raise self.wrong(f"{other.id} has no patch {did_you_mean(patch_id, known)}", "without")
        kept = tuple(patch for patch in other.patches if patch.id not in self.file.without)
        allow = tuple(dict.fromkeys((*other.codemods.allow, *self.file.codemods.allow)))
        return self._series(self._ordered((*kept, *patches)), other.distribution, Codemods(allow=allow))

    def wrong(self, problem: str, *keys: str | int) -> UsageError:
        """What to raise for a problem at a position."""
        return UsageError(f"{self.at(*keys)}: {problem}")

    def _ordered(self, patches: tuple[Patch, ...]) -> tuple[Patch, ...]:
        if not self.file.order:
            return patches
        by_id = {patch.id: patch for patch in patches}
        for patch_id in self.file.order:
            if patch_id not in by_id:
                raise self.wrong(f"there is no patch {did_you_mean(patch_id, list(by_id))}", "order")
        if len(self.file.order) != len(patches):
            missing = [patch_id for patch_id in by_id if patch_id not in self.file.order]
            raise self.wrong(f"it has to name every patch once; missing: {', '.join(missing) or 'none'}", "order")
        return tuple(by_id[patch_id] for patch_id in self.file.order)

    def _series(self, patches: tuple[Patch, ...], distribution: str, codemods: Codemods) -> Series:
        about = {"id": self.file.id, "summary": self.file.summary, "distribution": distribution}
        try:
            return Series.model_validate({**about, "codemods": codemods, "stock": self.file.stock, "patches": patches})
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
            raise self.wrong(problem, "patches") from error

    def at(self, *keys: str | int) -> Position:
        """The position of a value in the file."""
        return position_of(self.document, keys)
