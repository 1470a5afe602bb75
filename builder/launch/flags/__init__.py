"""A server's flags, read from its sources without running them, and command lines parsed by them."""
