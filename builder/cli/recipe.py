"""`m2build recipe`: what can be built, and with which command line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from m2build.cli.output import json_option, print_json

if TYPE_CHECKING:
    from m2build.recipes.model import Recipe
