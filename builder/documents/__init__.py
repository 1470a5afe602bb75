"""YAML with places, its validation, and "did you mean"."""
