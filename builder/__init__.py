"""m2build: derive an image from a huge base by exactly the patches that a person has reviewed."""

__version__ = "0.1.0"
