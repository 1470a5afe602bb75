"""Helpers for the tests of the room patches."""
