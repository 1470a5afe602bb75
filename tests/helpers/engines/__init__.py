"""Helpers of the tests of engines."""
