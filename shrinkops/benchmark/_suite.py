"""Benchmarks for airspeed velocity, made per backend.

Invariants
----------
- Classes, methods and parameters come from the arguments and from constants of this
  module, never from what happens to be installed: asv matches parameters by index
  between discovery and run. What is missing here is skipped when it runs (NaN).
- A backend that is not registered is an error, not a skip: a plugin that vanishes from
  an environment must not vanish from the results.
- Every benchmark is a ``track_`` that returns samples, so asv computes medians and
  intervals of ratios as it does of times, and no ``setup`` hook can set ``number=1``.
- A process gives one sample, the median of its blocks, and asv starts several: blocks of
  one process share its memory layout, so asv's tests would take them for more than they are.
- Nothing is looked up when the module of a suite is imported.
- ``version`` is set, for asv would otherwise hash the source of these few lines.
"""

from __future__ import annotations

import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from shrinkops._target import Target, find_target
from shrinkops._target import operations as all_operations
from shrinkops.operations._declaration import Operation

from ._check import WrongResultError
from ._compare import Comparison, Verdict, compare
from ._peers import COPY, Peer, find_peers, suite_of
from ._processes import import_seconds, peak_outputs
from ._sampling import Plan, sample
from ._statistics import FEWEST
from ._subjects import make_subject
from ._work import MODES, Case, Skip, make_work

__all__ = ["DEVICES", "DTYPES", "QUICK", "SIZES", "VERSION", "is_quick", "make_suite"]

SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
DTYPES = ("float16", "bfloat16", "float32", "float64")
DEVICES = ("cpu",)

VERSION = "2"
"""To be raised when a benchmark starts to measure something else: old results end there."""

QUICK = "SHRINKOPS_BENCH_QUICK"
"""Environment variable: one process, single calls, small arrays. Shows that it runs."""

_OFF = frozenset({"", "0", "false", "no", "off"})
_QUICK_LARGEST = 1_000_000
_ROUNDS = 9
"""Processes, so that asv's test (p < 0.002) can tell two commits even if one is lost."""

_ATTEMPTS = 3
_SPREAD = 0.1  # asv compares samples of two processes, and knows nothing of their controls
_GROWTH_SIZES = (100_000, 1_000_000, 10_000_000)

Benchmark = Callable[..., Any]


def make_suite(
    targets: Sequence[str],
    *,
    operations: Sequence[str] = ("hardshrink",),
    sizes: Sequence[int] = SIZES,
    dtypes: Sequence[str] = DTYPES,
    devices: Sequence[str] = DEVICES,
    modes: Sequence[str] = MODES,
    against: Sequence[str] | None = None,
) -> dict[str, type]:
    """Return benchmark classes for asv, to be put into a module's namespace.

    Parameters
    ----------
    targets : sequence of str
        Backend names, or ``module:attribute``. Spelled out, so that results keep their
        names whatever is installed.
    operations : sequence of str, default ("hardshrink",)
        Names of operations, spelled out for the same reason.
    sizes : sequence of int
        Numbers of elements.
    dtypes : sequence of str
        What a backend does not declare is skipped.
    devices : sequence of {"cpu", "gpu"}
        What a machine does not have is skipped. Each skip costs a process, so a suite
        for GPUs is best a module of its own.
    modes : sequence of {"out", "fresh", "jit", "derivative"}
        Into a warm output, into a new one, compiled by the library, the backward pass.
        What a backend does not declare is skipped.
    against : sequence of str, optional
        Names of peers to track besides the copy of the same bytes.

    Returns
    -------
    dict of str to type
        One class per operation and target, such as ``HardshrinkNumpy``.

    Raises
    ------
    ValueError
        No target, two targets of one class name, an operation, a mode or a peer that there
        is not.

    Warns
    -----
    RuntimeWarning
        The calling module has a class of that name from an earlier call, which the new one
        would replace: put the second grid into a module of its own.

    Examples
    --------
    A benchmark module of a third party is two lines::

        from shrinkops.benchmark import make_suite
        globals().update(make_suite(["acme"]))

    >>> sorted(make_suite(["numpy"]))
    ['HardshrinkNumpy']
    """
    if isinstance(targets, str) or not targets:
        raise ValueError(f"make_suite: targets must be a list of backends, got {targets!r}")
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown:
        raise ValueError(
            f"make_suite: no mode is called {unknown[0]!r}; there are {', '.join(MODES)}"
        )
    grid = {"size": sizes, "dtype": dtypes, "device": devices}
    suite: dict[str, type] = {}
    known = all_operations()
    strange = [name for name in operations if name not in known]
    if strange:
        raise ValueError(
            f"make_suite: no operation is called {strange[0]!r}; there are {', '.join(known)}"
        )
    for operation in (known[name] for name in operations):
        for target in targets:
            name = _camel(operation.name) + _camel(target.rpartition(":")[2])
            if isinstance(sys._getframe(1).f_globals.get(name), type):
                warnings.warn(
                    f"make_suite: this module has {name} already, from an earlier call, and "
                    f"would lose it; put the second grid into a module of its own",
                    RuntimeWarning,
                    stacklevel=2,
                )
            if name in suite:
                raise ValueError(
                    f"make_suite: two targets would both be called {name}, one is {target!r}; "
                    f"put them into two modules"
                )
            chosen = _against(operation, target, against)
            suite[name] = _make_class(name, operation, target, modes, chosen, grid)
    return suite


def _camel(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+|_", text))


def _against(operation: Operation, target: str, asked: Sequence[str] | None) -> tuple[str, ...]:
    if asked is None:
        suite = suite_of(operation)
        return suite.get(target, suite[""])
    known = find_peers(operation)
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise ValueError(
            f"make_suite: no peer of {operation.name} is called {unknown[0]!r}; "
            f"there are {', '.join(map(repr, known))}"
        )
    return tuple(asked)


def _make_class(
    name: str,
    operation: Operation,
    target: str,
    modes: Sequence[str],
    against: Sequence[str],
    grid: dict[str, Sequence[Any]],
) -> type:
    few = {name: grid[name] for name in ("dtype", "device")}
    label = f"{operation.name} of {target}"
    members: dict[str, Any] = {"__doc__": f"{label}.", "__module__": __name__}

    def add(name: str, function: Benchmark, pretty: str, unit: str, **params: Any) -> None:
        members[f"track_{name}"] = _mark(function, f"{label}: {pretty}", unit, params)

    for mode in modes:
        ratio = _ratio(operation, target, mode, COPY)
        add(f"ratio_{mode}", ratio, f"{_SAID[mode]}, over a copy", "ratio", **grid)
        add(f"time_{mode}", _time(operation, target, mode), _SAID[mode], "seconds", **grid)
    for peer in against:
        slug = re.sub(r"\W+", "_", peer).strip("_").lower()
        for mode in [mode for mode in modes if mode != "derivative"]:
            ratio = _ratio(operation, target, mode, peer)
            add(f"ratio_{mode}_{slug}", ratio, f"{_SAID[mode]}, over {peer}", "ratio", **grid)
    add("growth", _growth(operation, target), "growth with size", "exponent", **few)
    dispatch = _dispatch(operation, target)
    add("dispatch", dispatch, "cost of dispatch", "seconds", device=grid["device"])
    add("import", _import(target), "import of the plugin", "seconds")
    memory = _memory(operation, target)
    add("peak_memory", memory, "peak memory of a call", "outputs", **few)
    return type(name, (), members)


_SAID = {
    "out": "into a warm output",
    "fresh": "into a new output",
    "jit": "compiled by the library",
    "derivative": "the derivative",
}


def _mark(function: Benchmark, pretty: str, unit: str, params: dict[str, Any]) -> Benchmark:
    """Set the attributes that asv reads from a benchmark function."""

    def benchmark(self: Any, *values: Any) -> Any:  # noqa: ARG001
        try:
            return function(*values)
        except Skip as reason:
            print(f"skipped: {reason}")
            return math.nan

    attributes = {
        "params": [list(values) for values in params.values()],
        "param_names": list(params),
        "pretty_name": pretty,
        "rounds": 1 if is_quick() else _ROUNDS,
        "timeout": 300,
        "type": "time" if unit == "seconds" else "track",
        "unit": unit,
        "version": VERSION,
    }
    for name, value in attributes.items():
        setattr(benchmark, name, value)
    return benchmark


def _plan(case: Case | None = None) -> Plan:
    if os.environ.get(QUICK, "").strip().lower() in _OFF:
        return Plan(blocks=15, fewest=FEWEST, most_seconds=2)
    if case is not None and case.size > _QUICK_LARGEST:
        raise Skip(f"{QUICK} is set, and {case.size} elements are not quick")
    return Plan(blocks=1, fewest=1, sample_seconds=0.0)


def is_quick() -> bool:
    """Tell whether `QUICK` is set."""
    return _plan().blocks == 1


def _samples(value: float, number: int = 1) -> dict[str, Any]:
    """Return what asv takes for the samples of a benchmark: this process's one."""
    return {"samples": [float(f"{value:.4g}")], "number": number}


def _ratio(operation: Operation, target: str, mode: str, peer_name: str) -> Benchmark:
    def ratio(size: int, dtype: str, device: str) -> Any:
        case = Case(size, dtype, mode, device)
        plan = _plan(case)
        found, peer = find_target(target), find_peers(operation)[peer_name]
        for _ in range(_ATTEMPTS):
            result = _compared(found, operation, case, peer, plan)
            if result.verdict == Verdict.FLOOR:
                raise AssertionError(
                    f"{target} took {result.seconds.median:.2e} s for {case}, less than the "
                    f"memory needs: its adapter's synchronize does not wait"
                )
            certain = result.verdict == Verdict.OK and result.ratio.spread <= _SPREAD
            if certain or is_quick():
                return _samples(result.ratio.median)
        raise Skip(
            f"the machine is too noisy: a ratio of {result.ratio}, "
            f"and {result.control} of the same call over itself"
        )

    return ratio


def _compared(
    target: Target, operation: Operation, case: Case, peer: Peer, plan: Plan
) -> Comparison:
    """Compare; a peer that is wrong on these data is left out, a wrong target is an error."""
    try:
        (result,) = compare(target, operation, case, [peer], plan)
    except WrongResultError as error:
        if error.of_peer:
            raise Skip(str(error)) from error
        raise
    return result


def _time(operation: Operation, target: str, mode: str) -> Benchmark:
    def time(size: int, dtype: str, device: str) -> Any:
        case = Case(size, dtype, mode, device)
        plan = _plan(case)
        subject = make_subject(make_work(find_target(target), operation, case))
        samples = sample([subject.call], plan)
        return _samples(samples.time(0).median, samples.numbers[0])

    return time


def _growth(operation: Operation, target: str) -> Benchmark:
    """Return the exponent p of ``time ~ size ** p`` over three large sizes."""

    def growth(dtype: str, device: str) -> Any:
        import numpy as np

        cases = [Case(size, dtype, "fresh", device) for size in _GROWTH_SIZES]
        plan = Plan(blocks=9) if not is_quick() else _plan()
        found = find_target(target)
        calls = [make_subject(make_work(found, operation, case)).call for case in cases]
        samples = sample(calls, plan)
        sizes = np.log([case.size for case in cases])
        return _samples(np.median([np.polyfit(sizes, np.log(t), 1)[0] for t in samples.seconds]))

    return growth


def _dispatch(operation: Operation, target: str) -> Benchmark:
    def dispatch(device: str) -> Any:
        from .dispatch import PLAN, added_by_public_function

        found = find_target(target)
        if not found.registered:
            raise Skip(f"nothing dispatches to {target!r}, which is not registered")
        plan = PLAN if not is_quick() else _plan()
        return _samples(median(added_by_public_function(found, operation, plan, device)))

    return dispatch


def _import(target: str) -> Benchmark:
    def imports() -> Any:
        module = type(find_target(target).backend).__module__
        _, samples = import_seconds(module, ["numpy", "shrinkops"], 1 if is_quick() else 5)
        return _samples(median(samples))

    return imports


def _memory(operation: Operation, target: str) -> Benchmark:
    def peak_memory(dtype: str, device: str) -> Any:
        size = 100_000 if is_quick() else 30_000_000
        make_work(find_target(target), operation, Case(1, dtype, "fresh", device))  # or skip
        return _samples(peak_outputs(target, operation.name, Case(size, dtype, "fresh", device)))

    return peak_memory
