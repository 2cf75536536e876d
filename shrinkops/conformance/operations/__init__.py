"""What is an operation's own: its formula in the working format, its laws, extra vectors.

A module's name is that of its operation; an operation without one, a third party's for
instance, is judged by its declaration alone.
"""
