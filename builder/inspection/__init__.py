"""What an image holds beyond its base, and how it starts."""
