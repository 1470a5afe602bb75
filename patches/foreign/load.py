"""Loading a libcst codemod by its dotted name, if the series says that its package may be imported."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard

from m2build.documents.suggest import did_you_mean
from m2build.errors import PatchError, UsageError
from m2build.patches.distributions import distribution_of

if TYPE_CHECKING:
    from libcst import MetadataDependent
    from libcst.codemod import Codemod
    from libcst.metadata import ProviderT


def load_libcst_codemod(name: str, allow: Collection[str]) -> type[Codemod]:
    """Import the class `package.module.Class`.

    Args:
        name: its dotted name.
        allow: the packages that may be imported, with everything below them.

    Raises:
        UsageError: the package is not allowed or not installed, there is no such class, it is not a libcst codemod,
            or it needs what only a whole repository on disk gives.
        PatchError: importing it fails.
    """
    module, _, class_name = name.rpartition(".")
    if not any(f"{module}.".startswith(f"{package}.") for package in allow):
        raise UsageError(
            f"{name} is not imported, because the series does not allow it",
            hint=f"importing runs its code; if you trust it, add this to the series: codemods: "
            f"{{allow: [{', '.join([*allow, name.partition('.')[0]])}]}}",
        )
    loaded = _import(module)
    found: object = getattr(loaded, class_name, None)
    if found is None:
        classes = sorted(item for item, value in vars(loaded).items() if _is_codemod(value))
        raise UsageError(
            f"{module} has no {did_you_mean(class_name, classes)}",
            hint=f"codemods in {module}: {', '.join(classes) or 'none'}",
        )
    if not _is_codemod(found):
        raise UsageError(
            f"{name} is not a libcst codemod that can be run",
            hint="it has to be a subclass of libcst.codemod.CodemodCommand or ContextAwareTransformer",
        )
    for provider in sorted({item.__name__ for item in _providers(found) if item.gen_cache}):
        raise UsageError(f"{name} needs libcst's {provider}, which reads a whole repository on disk; a tree has none")
    return found


def _is_codemod(value: object) -> TypeGuard[type[Codemod]]:
    from libcst.codemod import Codemod

    return isinstance(value, type) and issubclass(value, Codemod) and not inspect.isabstract(value)


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise UsageError(
                f"there is no module {error.name}", hint="check the name, and that its distribution is installed here"
            ) from error
        raise _broken(module, error) from error
    except (Exception, SystemExit) as error:
        raise _broken(module, error) from error


def _broken(module: str, error: BaseException) -> PatchError:
    distribution = distribution_of(module)
    return PatchError(f"{module} cannot be imported: {error!r}", hint=f"fix or uninstall {distribution}")


def _providers(dependent: type[MetadataDependent]) -> Iterator[ProviderT]:
    """The metadata providers that a class asks for, and those that they need themselves."""
    for provider in dependent.get_inherited_dependencies():
        yield provider
        yield from _providers(provider)
