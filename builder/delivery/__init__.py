"""Destinations and names of images, what the destinations hold already, and the account of a delivery."""
