"""One module per operation; each holds everything that is said about it."""
