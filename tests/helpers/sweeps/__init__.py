"""Helpers for the sweeps."""
