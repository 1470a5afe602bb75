"""Helpers for the tests of the room locking."""
