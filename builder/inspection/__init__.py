"""How an image differs from its base, and how it starts."""
