"""Paths as options. Whether a file can be read shows when it is read, with the exit code for files: not click's 2."""

from __future__ import annotations

from pathlib import Path

import click

PATH = click.Path(path_type=Path, readable=False)
"""A path."""
PATH_TEXT = click.Path(readable=False)
"""A path as it was written: it may be `-`, or end with a slash."""
