"""Codemods, patches, series and changesets: what may be changed in a source tree, and the account of it."""
