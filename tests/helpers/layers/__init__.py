"""Helpers for the tests of the room layers."""
