"""The arguments of a libcst codemod: what a series gives, and for the rest the defaults of the codemod's `add_args`."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.patches.foreign.guard import theirs
from m2build.patches.foreign.values import as_text_is_read, checked_argument

if TYPE_CHECKING:
    from libcst.codemod import Codemod


def constructor_arguments(codemod: type[Codemod], given: Mapping[str, object]) -> dict[str, object]:
    """The keyword arguments that libcst's own tool would make the codemod with.

    Args:
        codemod: the class.
        given: values by the name of the constructor's parameter, which is the `dest` of the tool's option.

    Raises:
        UsageError: one is unknown, missing, not of its option's kind or not among its choices, or excludes another.
        PatchError: the codemod's `add_args` raises something.
    """
    parser = _parser(codemod)
    options = {action.dest: action for action in parser._actions}  # noqa: SLF001 - argparse lists them nowhere else
    parameters = list(inspect.signature(codemod.__init__).parameters.values())[2:]
    known = {*options, *(item.name for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL))}
    takes_any = not options and any(item.kind == item.VAR_KEYWORD for item in parameters)
    for name in given:
        if name not in known and not takes_any:
            raise UsageError(
                f"unknown argument {did_you_mean(name, known)}",
                hint=f"{codemod.__name__} takes: {', '.join(sorted(known)) or 'none'}",
            )
    arguments = {**parser._defaults, **given}  # noqa: SLF001 - what `set_defaults` of argparse keeps
    for name, option in options.items():
        if name in given:
            arguments[name] = checked_argument(option, given[name])
        elif option.required and not (option.nargs == "*" and not option.option_strings):
            raise UsageError(f"the argument {name!r} is missing", hint=option.help)
        else:
            arguments[name] = _default(codemod, option)
    _check_groups(parser, given)
    try:
        inspect.signature(codemod).bind(None, **arguments)
    except TypeError as error:
        raise UsageError(f"{codemod.__name__} cannot be made with these arguments: {error}") from error
    return arguments


def _parser(codemod: type[Codemod]) -> argparse.ArgumentParser:
    from libcst.codemod import CodemodCommand

    parser = argparse.ArgumentParser(add_help=False)
    if issubclass(codemod, CodemodCommand):
        with theirs(codemod, "in add_args"):
            codemod.add_args(parser)
    return parser


def _default(codemod: type[Codemod], option: argparse.Action) -> object:
    """What argparse gives for an option that is left out: the default, and if it is a text, after the option's type."""
    if option.nargs == "*" and not option.option_strings and option.default is None:
        return []
    if not isinstance(option.default, str) or option.type is None:
        return option.default
    with theirs(codemod, f"for the default of {option.dest!r}"):
        return as_text_is_read(option, option.default)


def _check_groups(parser: argparse.ArgumentParser, given: Collection[str]) -> None:
    """Hold the arguments against the options that exclude each other."""
    for group in parser._mutually_exclusive_groups:  # noqa: SLF001 - as above
        names = [action.dest for action in group._group_actions]  # noqa: SLF001 - as above
        chosen = [name for name in names if name in given]
        if len(chosen) > 1:
            raise UsageError(
                f"the arguments {' and '.join(map(repr, chosen))} exclude each other", hint="give one of them"
            )
        if group.required and not chosen:
            raise UsageError(f"one of the arguments {', '.join(map(repr, names))} is missing", hint="give one of them")
