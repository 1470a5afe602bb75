"""Recipes: what to derive, from which base, with which launch flags."""
