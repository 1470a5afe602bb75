"""Help for the tests of importing."""
