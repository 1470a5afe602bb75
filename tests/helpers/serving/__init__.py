"""Helpers for the tests of what talks to a server."""
