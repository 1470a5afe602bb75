"""A patch's codemod: made with its parameters, and run; what the codemods of others raise is reported."""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from m2build.documents.suggest import did_you_mean
from m2build.errors import ContentError, PatchError, StorageError, TransportError, UsageError
from m2build.patches.change import Codemod, Finding, Rewrite
from m2build.patches.confusion import is_confused
from m2build.patches.distributions import GROUP, LIBCST, distribution_of
from m2build.patches.patch import Patch
from m2build.patches.tree import SourceTree
from m2build.patches.vendored import Vendoring, without_content

if TYPE_CHECKING:
    from m2build.patches.relevance.verdict import Judgement

_OF_THE_TREE = (ContentError, StorageError, TransportError)
"""What reading a file of the tree may raise, whichever codemod reads it."""


def make_codemod(codemods: Mapping[str, type[Codemod]], patch: Patch, *, allow: Collection[str] = ()) -> Codemod:
    """A patch's codemod: the one that it holds, or one of its name with its parameters, checked against their types.

    Args:
        codemods: the registered codemods by their names.
        patch: the patch.
        allow: packages whose libcst codemods may be imported.

    Raises:
        UsageError: there is no such codemod, it may not be imported, or a parameter is unknown, missing or of the
            wrong type.
        PatchError: it cannot be loaded or made.
    """
    if patch.value is not None:
        return patch.value
    codemod, fixed = _class_of(codemods, patch, allow)
    known = [name for name in _parameters(codemod) if name not in fixed]
    for name in patch.parameters:
        if name not in known:
            raise UsageError(
                f"the patch {patch.id} gives {patch.codemod} an unknown parameter: {did_you_mean(name, known)}",
                hint=f"{patch.codemod} takes: {', '.join(known)}",
            )
    try:
        with _reported(codemod, patch, passing=(UsageError, ValidationError)):
            made = _adapter(codemod).validate_json(json.dumps({**patch.parameters, **fixed}), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise UsageError(f"the patch {patch.id}, parameter {where}: {problem['msg']}") from error
    except UsageError as error:
        raise UsageError(f"the patch {patch.id}: {error}", hint=error.hint) from error
    for name, given in patch.parameters.items():
        read: object = getattr(made, name, given)
        if is_confused(given, read):
            raise UsageError(f"the patch {patch.id}, parameter {name}: {given!r} would be read as {read!r}")
    return made.bringing(patch.content) if isinstance(made, Vendoring) and patch.content is not None else made


@cache
def _parameters(codemod: type[Codemod]) -> list[str]:
    """The names of what a codemod takes from a series file."""
    return without_content(codemod, inspect.signature(codemod).parameters)


@cache
def _adapter(codemod: type[Codemod]) -> TypeAdapter[Codemod]:
    """What checks the parameters of a codemod; making it costs more than a small diff."""
    return TypeAdapter(codemod)


def run_codemod(codemod: Codemod, patch: Patch, tree: SourceTree) -> Rewrite:
    """What a patch's codemod says of a tree.

    Raises:
        PatchError: a file that may be concerned does not parse, or the codemod raises something, gives no
            `Rewrite`, or one with changes that it does not find.
    """
    with _reported(type(codemod), patch):
        rewrite: object = codemod.apply(tree)
    if not isinstance(rewrite, Rewrite):
        raise PatchError(f"the codemod {patch.codemod} is faulty: it gives {rewrite!r}, which is not a Rewrite")
    if rewrite.changes and rewrite.finding is not Finding.CHANGED:
        raise PatchError(
            f"the codemod {patch.codemod} is faulty: it reports {str(rewrite.finding)!r}, and yet changes files"
        )
    return rewrite


def judge_relevance(patch: Patch, tree: SourceTree) -> Judgement:
    """What a tree shows of a patch's `relevant_when`.

    Raises:
        PatchError: a module that it names does not parse.
    """
    from m2build.patches.relevance.judge import judge

    try:
        return judge(patch.relevant_when, tree)
    except PatchError as error:
        raise PatchError(f"the patch {patch.id} stops: {error}", hint=error.hint) from error


def _class_of(
    codemods: Mapping[str, type[Codemod]], patch: Patch, allow: Collection[str]
) -> tuple[type[Codemod], dict[str, str | list[str]]]:
    """A patch's codemod, and those of its parameters that do not come from the patch's."""
    if patch.codemod.startswith(LIBCST):
        from m2build.patches.foreign.codemod import LibcstCodemod

        return LibcstCodemod, {"codemod": patch.codemod.removeprefix(LIBCST), "allow": list(allow)}
    if patch.codemod not in codemods:
        raise UsageError(
            f"the patch {patch.id} names no codemod that is installed: {did_you_mean(patch.codemod, list(codemods))}",
            hint=f"registered under {GROUP}: {', '.join(sorted(codemods)) or 'none'}",
        )
    return codemods[patch.codemod], {}


@contextmanager
def _reported(codemod: type[Codemod], patch: Patch, *, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Name the patch for which something is raised, and for what we do not raise also the codemod and its origin."""
    try:
        yield
    except _OF_THE_TREE:
        raise
    except passing:
        raise
    except BaseException as error:
        ours = codemod.__module__.startswith("m2build.")
        if ours and isinstance(error, PatchError):
            raise PatchError(f"the patch {patch.id} stops: {error}", hint=error.hint) from error
        if ours or isinstance(error, KeyboardInterrupt):
            raise
        raise PatchError(
            f"the patch {patch.id} stops: the codemod {patch.codemod} of {distribution_of(codemod.__module__)} "
            f"raised {type(error).__name__}: {error}",
            hint="report it to the codemod's authors; m2build --debug shows its traceback",
        ) from error
