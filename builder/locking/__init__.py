"""Locks: the digests that images rest on, for people to review, and images made from them without reading layers."""
