"""Whole numbers as options. click calls them "integer ranges" when a word is none."""

from __future__ import annotations

import click


class _Whole(click.IntRange):
    name = "whole number"


COUNT = _Whole(min=1)
"""1 or more."""
COUNT_OR_NONE = _Whole(min=0)
"""0 or more."""
