"""From a base and selections to plans, overlays and images."""
