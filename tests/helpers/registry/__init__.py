"""Helpers of the tests of registry."""
