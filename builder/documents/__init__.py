"""YAML that knows the line and column of each value, its validation, and "did you mean"."""
