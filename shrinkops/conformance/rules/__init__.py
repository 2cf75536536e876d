"""The rules that all operations share: an operation's own part lies in ``operations/``."""
