"""Its presence puts this folder on the import path, so that tests in sub-folders find `support` and `images`."""
