"""The exit statuses of every command.

Invariants
----------
- 0 comes from a command that came to its end and says so; nothing that ends early, and
  nothing that a target, a plugin or an array library does, yields it.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """What a command returns to the shell.

    Attributes
    ----------
    CONFORMS
        Done; where there is a verdict, it is good.
    DEVIATES
        The verdict is bad: a check failed, bits differ, a ratio is above the gate.
    UNUSABLE
        Nothing could be judged: wrong arguments, a missing library, a target that does not
        load, a file that cannot be written, a fault of the program.
    TOO_LITTLE
        Nothing, or too little, ran for a verdict.
    INTERRUPTED
        Ctrl-C, as shells count it.
    CLOSED_PIPE
        Who should read the result has gone, as shells count SIGPIPE.
    """

    CONFORMS = 0
    DEVIATES = 1
    UNUSABLE = 2
    TOO_LITTLE = 3
    INTERRUPTED = 130
    CLOSED_PIPE = 141
