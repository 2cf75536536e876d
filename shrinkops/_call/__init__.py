"""From a call to a kernel: the dispatcher, the guard, and the generic path."""
