"""The files that a plan changes, laid over the stock image when it is run, without a derived image."""
