"""Whether a patch is relevant to a tree, by the tree's code."""
