"""Operations on constants, with a bound on what they may make."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

from m2build.launch.flags.values import UnfoldableError

_LONGEST = 10_000
"""Items of a list, or characters of a text, that an operation may make."""
_LARGEST = 2**64
"""The largest number that an operation may be given."""
_LARGEST_POWER = 64

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}


def operated(left: object, kind: ast.operator, right: object) -> object:
    """The result of an operation on two values.

    Raises:
        UnfoldableError: it is none of the known ones, or too large.
    """
    if isinstance(kind, ast.Add) and (joined := _joined(left, right)) is not None:
        return joined
    function = _ARITHMETIC.get(type(kind))
    if function and isinstance(left, int | float) and isinstance(right, int | float):
        is_bounded = abs(left) <= _LARGEST and abs(right) <= _LARGEST
        if isinstance(kind, ast.Pow | ast.LShift):
            is_bounded = is_bounded and 0 <= right <= _LARGEST_POWER
        if is_bounded:
            try:
                return function(left, right)
            except (ArithmeticError, TypeError) as error:
                raise UnfoldableError(str(error)) from error
    raise UnfoldableError(f"{type(kind).__name__} is not known for these values")


def _joined(left: object, right: object) -> object:
    """Two lists, tuples or texts one after the other; None for others, and for what would be too long."""
    for kind in (list, tuple, str):
        if isinstance(left, kind) and isinstance(right, kind) and len(left) + len(right) <= _LONGEST:
            joined: object = operator.add(left, right)
            return joined
    return None


def as_set(items: Sequence[object]) -> frozenset[object]:
    """The set of some values.

    Raises:
        UnfoldableError: one of them cannot be in a set.
    """
    try:
        return frozenset(items)
    except TypeError as error:
        raise UnfoldableError(f"a set: {error}") from error


COLLECTIONS: Mapping[str, Callable[[Sequence[object]], object]] = {
    "list": list,
    "tuple": tuple,
    "set": as_set,
    "frozenset": as_set,
}
"""Builtins that make a collection of another one."""
