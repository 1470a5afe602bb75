"""Helpers for the tests of the room verification."""
