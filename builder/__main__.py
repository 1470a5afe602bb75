"""`python -m m2build`."""

from m2build.cli import start

start()
