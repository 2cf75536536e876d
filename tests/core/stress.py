"""Many threads do everything at random; nothing may fail, hang or be lost.

``python tests/core/stress.py [seconds] [threads]``, 60 s and 64 threads unless told
otherwise; the test beside it runs a few seconds.
"""

from __future__ import annotations

import faulthandler
import os
import random
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from typing import Any

import numpy as np

import shrinkops
from shrinkops._plugins.registry import registry


class Box:
    """An array type of this program."""

    dtype = np.dtype("float64")
    shape = (2,)


def backend(name: str, priority: int) -> shrinkops.Backend:
    """Return a backend for a class of its own, for `Box`, and for no other."""
    own = type(f"Box_{name}", (), {"dtype": Box.dtype, "shape": Box.shape})

    class Random(shrinkops.Backend):
        framework = "numpy"
        dtypes = frozenset({"float64"})

        def handles(self, cls: type) -> bool:
            return cls is own or (cls is Box and priority > 0)

        def kernel(self, operation: Any) -> Any:
            return lambda x, *rest: (name, type(x))

    made = Random()
    made.name, made.priority = name, priority
    made.own = own  # type: ignore[attr-defined]
    return made


def main(seconds: float, threads: int) -> int:
    """Run; return how many threads met an error."""
    os.environ.setdefault("SHRINKOPS_BLOCK", "torch,jax,cupy,dask")  # the table imports the rest
    sys.setswitchinterval(1e-6)
    warnings.simplefilter("error")
    faulthandler.dump_traceback_later(seconds + 90, exit=True)
    x = np.array([0.25, 1.0])
    done: Counter[str] = Counter()
    errors: list[str] = []
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        chance = random.Random(number)
        # Priorities of their own, so that no two of them tie for `Box`.
        mine = backend(f"b{number}", number + 1)
        there = False

        def calls() -> None:
            assert shrinkops.hardshrink(x).tolist() == [0.0, 1.0]
            assert shrinkops.softshrink(np.float32(1)) == 0.5
            fresh = x.view(type("Fresh", (np.ndarray,), {}))
            assert shrinkops.hardshrink(fresh).tolist() == [0.0, 1.0]

        def own() -> None:
            array = mine.own()  # type: ignore[attr-defined]
            try:
                assert shrinkops.hardshrink(array)[0] == mine.name
            except shrinkops.UnsupportedArrayError:
                assert not there, "lost"
            else:
                assert there, "still there"

        def anybody() -> None:
            try:
                name, _ = shrinkops.hardshrink(Box())
                assert name.startswith("b")
            except shrinkops.UnsupportedArrayError as error:
                if "no backend takes" not in str(error):
                    raise

        def register() -> None:
            nonlocal there
            if not there:
                assert shrinkops.register(mine) == [mine.name]
                there = True

        def unregister() -> None:
            nonlocal there
            if there:
                shrinkops.unregister(mine.name)
                there = False

        def explain() -> None:
            assert shrinkops.explain(x).backend == "numpy"

        def table() -> None:
            names = [entry.name for entry in registry.entries()]
            assert {"numpy", "ufunc"} <= set(names)
            assert (mine.name in names) == there
            assert len(names) == len(set(names))

        ways = {calls: 8, own: 6, anybody: 6, register: 4, unregister: 4, explain: 2, table: 3}

        def status() -> None:
            rows = {row.name: row.state for row in shrinkops.backends()}
            assert rows["numpy"] == "ready"
            assert (mine.name in rows) == there

        ways |= {shrinkops.refresh: 0.2, status: 0.2}
        try:
            while time.monotonic() < end:
                (way,) = chance.choices(list(ways), list(ways.values()))
                way()
                done[way.__name__] += 1
            own()
        except BaseException:
            errors.append(f"thread {number}\n{traceback.format_exc()}")

    running = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(seconds + 60)
    hanging = sum(thread.is_alive() for thread in running)
    for error in errors[:3]:
        print(error)
    print(f"{len(errors)} errors, {hanging} hanging;", dict(done))
    return len(errors) + hanging


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]]
    sys.exit(min(main(given[0] if given else 60.0, int(given[1]) if given[1:] else 64), 1))
