"""Helpers of the tests of patches."""
