"""Registries, by the distribution specification: the only room with HTTP in it."""
