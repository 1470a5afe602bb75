"""Helpers of the tests of recipes."""
