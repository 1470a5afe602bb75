"""Where images go and under which names; what is there already; one account of what was published."""
