"""Diffs of others: read, and applied exactly or not at all."""
