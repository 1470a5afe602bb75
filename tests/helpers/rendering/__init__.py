"""Helpers of the tests of rendering."""
