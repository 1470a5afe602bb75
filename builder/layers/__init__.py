"""What layers hold, read as a stream."""
