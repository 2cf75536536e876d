"""Classes that come and go leave no memory behind, however many there are.

``python tests/core/dynamic.py [classes]``, 100,000 unless told otherwise; the end of its output
says what the second half of them left.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import tracemalloc
import types
import weakref

import numpy as np

import shrinkops
from shrinkops.operations.hardshrink import hardshrink

KINDS = 4


def resident() -> int:
    """Return the bytes of memory that this process has; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def one(number: int, x: np.ndarray) -> type:
    """Make a class, call the function with an array of it, and forget it."""
    kind = number % KINDS
    name = f"Fresh{number}"
    if kind == 0:  # as a function or a cell makes it
        cls = type(name, (np.ndarray,), {"ballast": bytes(1000)})
        assert hardshrink(x.view(cls)).tolist() == [0.0, 1.0]
    elif kind == 1:  # as a module that is imported again and again has it
        module = sys.modules["theirs"] = types.ModuleType("theirs")
        cls = type("Fresh", (np.ndarray,), {"__module__": "theirs", "ballast": bytes(1000)})
        module.Fresh = cls  # type: ignore[attr-defined]
        assert hardshrink(x.view(cls)).tolist() == [0.0, 1.0]
    elif kind == 2:  # one that speaks NumPy's protocol
        protocol = {"__array_ufunc__": lambda self, *_, **__: self}
        cls = type(name, (), protocol)
        array = cls()
        assert hardshrink(array) is array
    else:  # one that nobody takes
        cls = type(name, (), {"ballast": bytes(1000)})
        try:
            hardshrink(cls())
        except shrinkops.UnsupportedArrayError:
            pass
        else:
            raise AssertionError(cls)
    return cls


def main(count: int) -> int:
    """Run; return 0 where the second half of the classes left nothing."""
    x = np.array([0.25, 1.0])
    alive: list[weakref.ref[type]] = []
    marks = []
    tracemalloc.start(1)
    started = time.perf_counter()
    for number in range(count):
        cls = one(number, x)
        if number % 97 == 0:
            alive.append(weakref.ref(cls))
        del cls
        if number + 1 in (count // 2, count):
            sys.modules.pop("theirs", None)
            gc.collect()
            marks.append((tracemalloc.get_traced_memory()[0], resident()))
    seconds = time.perf_counter() - started
    left = sum(reference() is not None for reference in alive)
    traced, rss = (after - before for before, after in zip(*marks, strict=True))
    print(
        f"{count:,} classes of {KINDS} kinds in {seconds:.0f} s; of {len(alive):,} looked at "
        f"{left} alive; the second half left {traced / 1024:.0f} KiB traced, "
        f"{rss / 1024:.0f} KiB resident"
    )
    # A class of any kind takes more than 1 KiB; weak references of this program's own take some.
    return int(left > 1 or traced > count * 64 // 2 or rss > 4 << 20)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 100_000))
