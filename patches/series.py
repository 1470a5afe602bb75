"""Series: an ordered list of patches."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, ValidationInfo, field_validator, model_validator

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import shown
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.patches.fields import Dotted, Frozen, Id, Line
from m2build.patches.patch import Patch


class Codemods(Frozen):
    """What a series says of the codemods that it names."""

    allow: tuple[Dotted, ...] = Field(
        default=(), description="Packages whose libcst codemods may be imported, which runs their code."
    )


class Series(Frozen):
    """An ordered list of patches for one distribution.

    `load_series` reads one, `Series.of` makes one in Python. The constructor takes what a series file holds, and raises
    pydantic's `ValidationError` for what does not fit.

    Example:
        >>> from m2build.patches import load_series
        >>> [patch.id for patch in load_series("minimax-m2-rocm").patches]
        ['rename-transformers-module', 'disable-rmsnorm-compile']
    """

    id: Id
    summary: Line
    distribution: Line = Field(description="The distribution whose sources are patched, such as `sglang`.")
    codemods: Codemods = Codemods()
    stock: bool = Field(default=False, description="Whether the sources stay as they are; there are no patches then.")
    patches: tuple[Patch, ...] = Field(description="The patches in their order; [] only for a stock series.")

    @classmethod
    @typed_arguments
    def of(
        cls,
        *patches: Patch,
        id: str,  # noqa: A002 - the argument is called what the field is called
        summary: str,
        distribution: str,
        allow: Iterable[str] = (),
    ) -> Series:
        """A series of patches made in Python.

        Args:
            patches: one at least, in their order.
            id: lower-case words with hyphens; the record of a patched folder is kept by it.
            summary: one line for people.
            distribution: the distribution whose sources are patched, such as `sglang`.
            allow: packages whose libcst codemods may be imported, which runs their code.

        Raises:
            UsageError: an argument does not fit, or two patches have the same id.
        """
        from m2build.patches.values import made

        what = f"the series {shown(id)}"
        fields = {"id": id, "summary": summary, "distribution": distribution, "patches": patches}
        return made(cls, what, {**fields, "codemods": made(Codemods, what, {"allow": tuple(allow)})})

    @field_validator("patches")
    @classmethod
    def _has_patches_unless_it_is_stock(cls, patches: tuple[Patch, ...], info: ValidationInfo) -> tuple[Patch, ...]:
        is_stock = info.data.get("stock", False)
        if is_stock and patches:
            raise ValueError("it is a stock series, and has patches; remove them, or `stock: true`")
        if not is_stock and not patches:
            raise ValueError("it has no patches; if that is meant, say `stock: true`")
        return patches

    @model_validator(mode="after")
    def _ids_differ(self) -> Series:
        seen: set[str] = set()
        for patch in self.patches:
            if patch.id in seen:
                raise ValueError(f"two patches have the id {patch.id!r}")
            seen.add(patch.id)
        return self

    @typed_arguments
    def extended(self, *patches: Patch, id: str, summary: str | None = None) -> Series:  # noqa: A002 - as in `of`
        """This series with more patches after its own.

        Args:
            patches: the patches to add.
            id: the id of the new series. It has to differ: a patched folder keeps its record by the id of the series,
                and would take one for the other.
            summary: one line for people; by default this series' own.

        Raises:
            UsageError: the id is this series' own or does not fit, or two patches have the same id.

        Example:
            >>> from m2build.patches import Patch, RemoveDecorator, load_series
            >>> own = Patch.of(
            ...     RemoveDecorator("sglang.srt.layers.layernorm", "torch.compile"),
            ...     id="mine",
            ...     summary="No torch.compile in the layer norm",
            ...     why="It crashes.",
            ...     author="Jo Doe",
            ...     last_update="2026-11-27",
            ... )
            >>> len(load_series("minimax-m2-rocm").extended(own, id="minimax-m2-mine").patches)
            3
        """
        if id == self.id:
            raise UsageError(
                f"the extended series needs its own id, but {shown(id)} is the id of the series that it extends",
                hint="choose another id: it names the record in a patched folder",
            )
        summary = self.summary if summary is None else summary
        return Series.of(
            *self.patches, *patches, id=id, summary=summary, distribution=self.distribution, allow=self.codemods.allow
        )

    @property
    def is_portable(self) -> bool:
        """Whether the series, written as JSON, and m2build's own code decide together what it does.

        It is false where a patch holds a codemod whose class is not m2build's, or names a libcst codemod, or where the
        series allows packages: the code behind them may change while the series stays the same. Names from the
        entry-point group `m2build.codemods` count as m2build's own: which code they stand for is up to what is
        installed.

        Example:
            >>> from m2build.patches import load_series
            >>> load_series("minimax-m2-rocm").is_portable
            True
        """
        return not self.codemods.allow and all(patch.is_portable for patch in self.patches)

    @typed_arguments
    def patch(self, patch_id: str) -> Patch:
        """The patch of that id.

        Raises:
            UsageError: there is none.
        """
        for patch in self.patches:
            if patch.id == patch_id:
                return patch
        raise UsageError(
            f"the series {self.id} has no patch {did_you_mean(patch_id, [patch.id for patch in self.patches])}",
            hint="`m2build patch list` lists them",
        )
