"""Helpers of the tests of sweeps."""
