"""Helpers for the tests of process 1 and of the room running."""
