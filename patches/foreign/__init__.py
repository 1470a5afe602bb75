"""Codemods that were written for libcst, and not for m2build: any of them can be named by a series that allows it."""
