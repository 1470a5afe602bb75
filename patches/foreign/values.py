"""Values for the options of a libcst codemod: what a series gives has to be what the codemod's own options take."""

from __future__ import annotations

import argparse

from m2build.errors import UsageError

_KINDS: dict[object, tuple[tuple[type, ...], str]] = {
    None: ((str,), "a text"),
    str: ((str,), "a text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
}
"""What an option's `type` gives, for those that say so, and what it is called."""
_COLLECTING = ("append", "append_const", "extend")


def checked_argument(option: argparse.Action, value: object) -> object:
    """A value as argparse would give it: of the option's kind, after its `type`, and one of its choices.

    Raises:
        UsageError: it is not.
    """
    if value == option.default and type(value) is type(option.default) and not option.required:
        return value
    if option.nargs == 0:
        return _flag(option, value)
    collects = [name for name in _COLLECTING if isinstance(option, _action(name))]
    is_list = bool(collects) or option.nargs in ("*", "+") or isinstance(option.nargs, int)
    if not is_list:
        return _one(option, value)
    if not isinstance(value, list):
        raise _unfit(option, value, "a list")
    if collects == ["append"] and option.nargs not in (None, "?"):
        return [_several(option, items) for items in value]
    return [_one(option, item) for item in value] if collects else _several(option, value)


def as_text_is_read(option: argparse.Action, text: str) -> object:
    """A text after the option's `type`, as on a command line."""
    return option.type(text) if callable(option.type) else text


def _several(option: argparse.Action, values: object) -> list[object]:
    if not isinstance(values, list):
        raise _unfit(option, values, "a list")
    if isinstance(option.nargs, int) and len(values) != option.nargs:
        raise _unfit(option, values, f"a list of {option.nargs}")
    if option.nargs == "+" and not values:
        raise _unfit(option, values, "a list of at least one")
    return [_one(option, value) for value in values]


def _flag(option: argparse.Action, value: object) -> object:
    """The value of an option that is given without one, such as `--verbose`."""
    if isinstance(option.const, bool) or isinstance(option, argparse.BooleanOptionalAction):
        if not isinstance(value, bool):
            raise UsageError(f"the argument {option.dest!r} is {value!r}, which is neither true nor false")
    elif option.const is None and type(value) is not int:  # it is counted, as in -vv
        raise _unfit(option, value, "a whole number")
    elif option.const is not None and value not in (option.const, [option.const]):
        raise _unfit(option, value, repr(option.const))
    return value


def _one(option: argparse.Action, value: object) -> object:
    converted = _converted(option, value)
    if option.choices is not None and converted not in option.choices:
        choices = ", ".join(str(choice) for choice in option.choices)
        raise UsageError(f"the argument {option.dest!r} is {value!r}, which is not one of: {choices}")
    return converted


def _converted(option: argparse.Action, value: object) -> object:
    if isinstance(value, str):
        try:
            return as_text_is_read(option, value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise UsageError(f"the argument {option.dest!r} is {value!r}, which does not fit: {error}") from error
    kinds, name = _KINDS.get(option.type, ((object,), ""))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds):
        raise _unfit(option, value, name)
    return value


def _unfit(option: argparse.Action, value: object, expected: str) -> UsageError:
    return UsageError(f"the argument {option.dest!r} is {value!r}, expected {expected}", hint=option.help)


def _action(name: str) -> type[argparse.Action]:
    """The class that argparse uses for `action=name`, which has no public name."""
    found: type[argparse.Action] = argparse.ArgumentParser()._registry_get("action", name)  # noqa: SLF001 - as said
    return found
