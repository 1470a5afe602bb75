"""The arguments of a libcst codemod: what a series gives, and for the rest the defaults of the codemod's `add_args`."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING

from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError

if TYPE_CHECKING:
    from libcst.codemod import Codemod


def constructor_arguments(codemod: type[Codemod], given: Mapping[str, object]) -> dict[str, object]:
    """The keyword arguments that libcst's own tool would make the codemod with.

    Args:
        codemod: the class.
        given: values by the name of the constructor's parameter, which is the `dest` of the tool's option.

    Raises:
        UsageError: one is unknown, missing, or not among its choices.
    """
    options = _options(codemod)
    parameters = list(inspect.signature(codemod.__init__).parameters.values())[2:]
    known = {*options, *(item.name for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL))}
    takes_any = not options and any(item.kind == item.VAR_KEYWORD for item in parameters)
    for name in given:
        if name not in known and not takes_any:
            raise UsageError(
                f"unknown argument {did_you_mean(name, known)}",
                hint=f"{codemod.__name__} takes: {', '.join(sorted(known)) or 'none'}",
            )
    arguments = dict(given)
    for name, option in options.items():
        if name in given:
            arguments[name] = _checked(option, given[name])
        elif option.required:
            raise UsageError(f"the argument {name!r} is missing", hint=option.help)
        else:
            arguments[name] = _converted(option, option.default)
    try:
        inspect.signature(codemod).bind(None, **arguments)
    except TypeError as error:
        raise UsageError(f"{codemod.__name__} cannot be made with these arguments: {error}") from error
    return arguments


def _options(codemod: type[Codemod]) -> dict[str, argparse.Action]:
    from libcst.codemod import CodemodCommand

    parser = argparse.ArgumentParser(add_help=False)
    if issubclass(codemod, CodemodCommand):
        codemod.add_args(parser)
    actions = parser._actions  # noqa: SLF001 - argparse has no public list of what was added
    return {action.dest: action for action in actions if action.dest != argparse.SUPPRESS}


def _checked(option: argparse.Action, value: object) -> object:
    if isinstance(option.const, bool) and not isinstance(value, bool):
        raise UsageError(f"the argument {option.dest!r} is {value!r}, which is neither true nor false")
    converted = _converted(option, value)
    for item in converted if isinstance(converted, list) else [converted]:
        if option.choices is not None and item not in option.choices:
            choices = ", ".join(str(choice) for choice in option.choices)
            raise UsageError(f"the argument {option.dest!r} is {item!r}, which is not one of: {choices}")
    return converted


def _converted(option: argparse.Action, value: object) -> object:
    """The value after the option's `type`, which is for text only, as on a command line."""
    if isinstance(value, list):
        return [_converted(option, item) for item in value]
    if not isinstance(value, str) or not callable(option.type):
        return value
    try:
        return option.type(value)
    except (argparse.ArgumentTypeError, TypeError, ValueError) as error:
        raise UsageError(f"the argument {option.dest!r} is {value!r}, which does not fit: {error}") from error
