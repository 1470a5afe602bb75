"""Helpers for the tests of the room documents."""
