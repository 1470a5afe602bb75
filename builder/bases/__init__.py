"""Bases that others publish: whether their tags have moved, and copies of them in your own registry."""
