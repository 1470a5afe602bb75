"""What a machine lacks to derive an image and to serve with it."""
