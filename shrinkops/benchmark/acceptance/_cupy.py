"""What only CuPy has: streams, captured graphs, several cards.

None of this has run: no GPU was at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import shrinkops

__all__ = ["ways"]

_SIZE = 1_000_003


def ways() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Yield names and functions that say whether it came out right."""
    yield "on a stream of its own", _on_a_stream
    yield "captured in a graph and launched on new numbers", _in_a_graph
    yield "a dense permuted layout is kept", _permuted
    yield "out that overlaps x", _overlapping
    yield "on every card", _on_every_card


def _numbers() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).normal(size=_SIZE).astype(np.float32)


def _right(result: Any, a: np.ndarray[Any, Any]) -> bool:
    import cupy

    return bool((cupy.asnumpy(result) == shrinkops.hardshrink(a, 0.5)).all())


def _on_a_stream() -> bool:
    import cupy

    a = _numbers()
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        result = shrinkops.hardshrink(cupy.asarray(a), 0.5)
    stream.synchronize()
    return _right(result, a)


def _in_a_graph() -> bool:
    import cupy

    a, b = _numbers(), -_numbers()[::-1]
    x = cupy.asarray(a)
    out = cupy.empty_like(x)
    shrinkops.hardshrink(x, 0.5, out=out)  # a first call compiles
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        shrinkops.hardshrink(x, 0.5, out=out)
        graph = stream.end_capture()
        x.set(np.ascontiguousarray(b))
        graph.launch(stream)
    stream.synchronize()
    return _right(out, b)


def _permuted() -> bool:
    import cupy

    a = np.asfortranarray(_numbers()[:1000].reshape(50, 20))
    x = cupy.asarray(a, order="F")
    result = shrinkops.hardshrink(x, 0.5)
    return result.flags.f_contiguous and _right(result, a)


def _overlapping() -> bool:
    import cupy

    a = _numbers()
    x = cupy.asarray(a)
    return _right(shrinkops.hardshrink(x[:-1], 0.5, out=x[1:]), a[:-1])


def _on_every_card() -> bool:
    import cupy

    a, good = _numbers(), True
    for index in range(cupy.cuda.runtime.getDeviceCount()):
        with cupy.cuda.Device(index):
            x = cupy.asarray(a)
        result = shrinkops.hardshrink(x, 0.5)  # while another card is the current one
        good &= result.device.id == index and _right(result, a)
    return good
