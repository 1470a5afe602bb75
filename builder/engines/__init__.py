"""What turns a plan into an image."""
