"""Where a base comes from, and what its layers hold."""
