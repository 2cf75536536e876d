"""Threads: the same bits for any number, and everybody who may say how many is obeyed."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import shrinkops
from shrinkops._threads import MOST_BY_DEFAULT

CALLS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.5),
    "garrote": (0.5,),
}
PIECES = 1 << 21


@pytest.fixture(name="count")
def _count(compiled: bool) -> Any:
    if not compiled:
        pytest.skip("the pure kernel computes on the calling thread alone")
    from shrinkops_numpy import _ufunc

    return _ufunc.get_threads


def run(*arguments: str, **environment: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, *arguments], env={**clean, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() + done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_same_bits_for_any_number(name: str, dtype: str) -> None:
    """Lengths around the ends of pieces, in place and not, aligned to elements only."""
    operation, parameters = getattr(shrinkops, name), CALLS[name]
    size = np.dtype(dtype).itemsize
    for bytes_, offset in [(2 * PIECES, 0), (2 * PIECES + 8, 3), (9 * PIECES - 16, 1)]:
        n = bytes_ // size
        memory = (np.arange(n + 8) % 4093 - 2046).astype(dtype) / 700
        x = memory[offset : offset + n]
        with shrinkops.threads(1):
            want = operation(x, *parameters)
        for threads in (2, 3, 7):
            with shrinkops.threads(threads):
                assert operation(x, *parameters).tobytes() == want.tobytes()
                out = np.full(n + 8, 7, dtype)
                operation(x, *parameters, out=out[offset : offset + n])
                assert out[offset : offset + n].tobytes() == want.tobytes()
                assert np.all(out[:offset] == 7)
                assert np.all(out[offset + n :] == 7)
                same = x.copy()
                operation(same, *parameters, out=same)
                assert same.tobytes() == want.tobytes()


def test_channels_on_threads() -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 1 << 18)).astype(np.float32)
    lambd, mu = np.linspace(0, 1, 6).reshape(6, 1), np.linspace(1, 2, 6).reshape(6, 1)
    with shrinkops.threads(1):
        want = shrinkops.hardshrink(x, lambd), shrinkops.firmshrink(x, lambd, mu)
    with shrinkops.threads(4):
        got = shrinkops.hardshrink(x, lambd), shrinkops.firmshrink(x, lambd, mu)
    assert [g.tobytes() for g in got] == [w.tobytes() for w in want]


def test_many_callers_at_once() -> None:
    """The pool is lent to one call at a time; all get their results."""
    x = np.linspace(-2, 2, 3 << 18)
    want = shrinkops.softshrink(x, 0.5).tobytes()
    wrong = []

    def call() -> None:
        for _ in range(20):
            if shrinkops.softshrink(x, 0.5).tobytes() != want:
                wrong.append(1)

    with shrinkops.threads(3):
        callers = [threading.Thread(target=call) for _ in range(6)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert not wrong


def test_call_and_context(count: Any) -> None:
    before = count()
    with shrinkops.threads(3) as limit:
        assert (limit.n, limit.before, count()) == (3, before, 3)
        assert repr(limit) == "<at most 3 threads>"
        with shrinkops.threads(1):
            assert count() == 1
        assert count() == 3
    assert count() == before
    limit = shrinkops.threads(2)
    assert count() == 2
    with limit:
        pass
    assert count() == before


@pytest.mark.parametrize("n", [0, -1, True, 2.0, "2"])
def test_refused(n: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"threads: n"):
        shrinkops.threads(n)


NUMBER = "-c", "import shrinkops; print(shrinkops.threads().n)"


def test_default_and_environment() -> None:
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    assert run(*NUMBER) == str(min(processors, MOST_BY_DEFAULT))
    assert run(*NUMBER, SHRINKOPS_NUM_THREADS="3") == "3"
    assert run(*NUMBER, OMP_NUM_THREADS="5,2") == "5"
    assert run(*NUMBER, OMP_NUM_THREADS="5", SHRINKOPS_NUM_THREADS="4") == "4"
    assert "SHRINKOPS_NUM_THREADS='many'" in run(*NUMBER, SHRINKOPS_NUM_THREADS="many")


WORKERS = """
import multiprocessing, sys
import numpy, shrinkops
shrinkops.hardshrink(numpy.ones(2))
from shrinkops_numpy import _ufunc
def ask(_):
    import numpy, shrinkops
    assert shrinkops.softshrink(numpy.full(1 << 20, 2.0), 0.5).sum() == 1.5 * (1 << 20)
    from shrinkops_numpy import _ufunc
    return _ufunc.get_threads()
if __name__ == "__main__":
    _ufunc.set_threads(6)
    shrinkops.hardshrink(numpy.ones(1 << 20))
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        print(pool.map(ask, [0]))
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_one_thread_in_a_worker(method: str, count: Any, tmp_path: Any) -> None:
    """A child of fork has none of the parent's threads, and starts its own where it is told to."""
    script = tmp_path / "workers.py"
    script.write_text(WORKERS)
    assert run(str(script), method) == "[1]"
    told = "[6]" if method == "fork" else "[2]"  # a fork has what its parent was set to
    assert run(str(script), method, SHRINKOPS_NUM_THREADS="2") == told


def test_threadpoolctl_limits_the_kernels(count: Any) -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="optional library")
    shrinkops.hardshrink(np.ones(2))
    with shrinkops.threads(4):
        (found,) = [d for d in threadpoolctl.threadpool_info() if d["user_api"] == "shrinkops"]
        assert found["num_threads"] == 4
        assert found["version"] == shrinkops.__version__
        with threadpoolctl.threadpool_limits(1):
            assert count() == 1
        with threadpoolctl.threadpool_limits(2, user_api="shrinkops"):
            assert count() == 2
        assert count() == 4


def test_joblib_workers_have_one_thread_each(count: Any) -> None:
    joblib = pytest.importorskip("joblib", reason="optional library")

    def ask(_: int) -> int:
        import numpy

        import shrinkops

        shrinkops.hardshrink(numpy.ones(2))
        from shrinkops_numpy import _ufunc

        return int(_ufunc.get_threads())

    processors = joblib.cpu_count()
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(ask)(i) for i in range(2))
    assert found == [max(processors // 2, 1)] * 2
