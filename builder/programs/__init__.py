"""Other programs: starting and ending them, their versions, and their output without secrets."""
