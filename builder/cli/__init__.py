"""The command line: the only room that prints and exits."""

from m2build.cli.main import main

__all__ = ["main"]
