"""What a machine lacks to derive an image and to serve with it.

Example:
    >>> import m2build
    >>> from m2build import machine
    >>> found = machine.doctor(m2build.load_recipe("minimax-m2").select(tp=8))
    >>> all(one.fix for one in found if one.state is machine.State.PROBLEM)
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.machine.checks import doctor
    from m2build.machine.model import Diagnosis, Machine, State

_HOMES = {
    "Diagnosis": "m2build.machine.model",
    "Machine": "m2build.machine.model",
    "State": "m2build.machine.model",
    "doctor": "m2build.machine.checks",
}
"""Where each name is defined."""

__all__ = ["Diagnosis", "Machine", "State", "doctor"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
