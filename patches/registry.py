"""The codemods that are installed, by name: ours and anybody's, through the entry-point group `m2build.codemods`."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeGuard

from pydantic import JsonValue, TypeAdapter, ValidationError

from m2build.errors import PatchError, UsageError
from m2build.patches.change import Codemod
from m2build.patches.series import Patch
from m2build.suggest import did_you_mean

GROUP = "m2build.codemods"


def load_codemods() -> dict[str, type[Codemod]]:
    """Every registered codemod class by its name.

    Raises:
        PatchError: one cannot be loaded, is not a codemod, or two share a name. A codemod that is missing without
            notice would be a patch that is missing without notice.
    """
    found: dict[str, type[Codemod]] = {}
    for entry in entry_points(group=GROUP):
        distribution = entry.dist.name if entry.dist else "an unknown distribution"
        hint = f"mend or uninstall {distribution}, which registers it under {GROUP}"
        try:
            loaded: object = entry.load()
        except (Exception, SystemExit) as error:
            raise PatchError(
                f"the codemod {entry.name!r} ({entry.value}) cannot be loaded: {error!r}", hint=hint
            ) from error
        if not _is_codemod(loaded):
            raise PatchError(
                f"the codemod {entry.name!r} ({entry.value}) is not a dataclass with an apply method", hint=hint
            )
        if found.setdefault(entry.name, loaded) is not loaded:
            raise PatchError(f"two codemods are registered as {entry.name!r}", hint=hint)
    return found


def _is_codemod(loaded: object) -> TypeGuard[type[Codemod]]:
    return isinstance(loaded, type) and dataclasses.is_dataclass(loaded) and hasattr(loaded, "apply")


def make_codemod(codemods: Mapping[str, type[Codemod]], patch: Patch) -> Codemod:
    """A patch's codemod with its parameters, checked against the types of its constructor.

    Raises:
        UsageError: there is no such codemod, or a parameter is unknown, missing or of the wrong type.
    """
    if patch.codemod not in codemods:
        raise UsageError(
            f"the patch {patch.id} names no codemod that is installed: {did_you_mean(patch.codemod, list(codemods))}",
            hint=f"registered under {GROUP} are: {', '.join(sorted(codemods)) or 'none'}",
        )
    codemod = codemods[patch.codemod]
    known = list(inspect.signature(codemod).parameters)
    for name in patch.parameters:
        if name not in known:
            raise UsageError(
                f"the patch {patch.id} gives {patch.codemod} an unknown parameter: {did_you_mean(name, known)}",
                hint=f"{patch.codemod} takes: {', '.join(known)}",
            )
    try:
        made = TypeAdapter(codemod).validate_json(json.dumps(patch.parameters), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise UsageError(f"the patch {patch.id}, parameter {where}: {problem['msg']}") from error
    except UsageError as error:
        raise UsageError(f"the patch {patch.id}: {error}") from error
    for name, given in patch.parameters.items():
        taken: object = getattr(made, name, given)
        if _is_confused(given, taken):
            raise UsageError(f"the patch {patch.id}, parameter {name}: {given!r} would be taken for {taken!r}")
    return made


def _is_confused(given: JsonValue, taken: object) -> bool:
    """Whether a switch was taken for a number, or a number for a switch, as pydantic does with `Literal[True]`."""
    if isinstance(given, dict) and isinstance(taken, dict):
        return any(_is_confused(inner, taken.get(key)) for key, inner in given.items())
    if isinstance(given, list) and isinstance(taken, list | tuple):
        return any(_is_confused(*pair) for pair in zip(given, taken, strict=False))
    both = isinstance(given, int | float) and isinstance(taken, int | float)
    return both and isinstance(given, bool) is not isinstance(taken, bool)
