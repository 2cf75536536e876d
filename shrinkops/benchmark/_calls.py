"""One call to be timed, and how a run of such calls is clocked.

Invariants
----------
- A loop calls the function with bare positional and keyword arguments from local
  names: no lambda, no ``*args``, nothing that a user's own call would not pay for.
- A sample ends after the work has ended, not after it has been handed over: by the
  library's own synchronisation, or by events on the device where it has them.
- The garbage collector is off while the clock runs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import repeat
from time import perf_counter_ns
from typing import Any

__all__ = ["Call", "Clock", "wall_clock"]

Loop = Callable[[Iterable[None]], Any]

Clock = Callable[[Loop, int, Callable[[Any], None]], float]
"""``clock(loop, number, synchronize)``: seconds that ``number`` calls take."""


def _nothing(result: Any) -> None:
    """Stand for the synchronisation of a library that computes before it returns."""


def wall_clock(loop: Loop, number: int, synchronize: Callable[[Any], None]) -> float:
    """Time a loop by the host's clock, until its last result is ready."""
    calls = repeat(None, number)
    start = perf_counter_ns()
    synchronize(loop(calls))
    return (perf_counter_ns() - start) * 1e-9


@dataclass(frozen=True)
class Call:
    """A function with the arguments to time it with.

    Attributes
    ----------
    function : callable
    arguments : tuple
    keywords : dict
    synchronize : callable
        Returns when a result is ready.
    each : bool
        Synchronise after every call, for a library that may run two of them at once.
    clock : Clock
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    synchronize: Callable[[Any], None] = _nothing
    each: bool = False
    clock: Clock = wall_clock
    loop: Loop = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "loop", self._compile())

    def __call__(self) -> Any:
        """Call once; return the result when it is ready."""
        result = self.function(*self.arguments, **self.keywords)
        self.synchronize(result)
        return result

    def seconds(self, number: int) -> float:
        """Return the seconds that ``number`` calls take together."""
        enabled = gc.isenabled()
        gc.disable()
        try:
            return self.clock(self.loop, number, self.synchronize)
        finally:
            if enabled:
                gc.enable()

    def _compile(self) -> Loop:
        positional = [f"a{i}" for i in range(len(self.arguments))]
        keywords = [f"{name}=k_{name}" for name in self.keywords]
        call = f"f({', '.join(positional + keywords)})"
        source = f"def loop(calls):\n    for _ in calls:\n        result = {call}\n"
        if self.each:
            source += "        synchronize(result)\n"
        source += "    return result\n"
        names = ["f", "synchronize", *positional, *(f"k_{name}" for name in self.keywords)]
        maker = f"def make({', '.join(names)}):\n" + "".join(
            f"    {line}\n" for line in (source + "return loop").splitlines()
        )
        namespace: dict[str, Any] = {}
        exec(maker, namespace)  # the names are this module's own, the values never become text
        loop: Loop = namespace["make"](
            self.function, self.synchronize, *self.arguments, *self.keywords.values()
        )
        return loop
