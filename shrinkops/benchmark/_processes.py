"""What can only be seen from outside: import time and peak memory of fresh interpreters.

Invariants
----------
- Each figure comes from interpreters of its own, started in alternating order.
- Peak memory is what a process's high-water mark grows by during one call on warm
  code, in units of the output. Linux alone lets a process reset that mark. Of a device
  it is what the library itself says that it held.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ._statistics import Estimate, estimate
from ._work import Case, Skip

__all__ = ["import_seconds", "peak_outputs", "run_python"]

_IMPORT = """
import sys
from time import perf_counter
for name in {before!r}:
    __import__(name)
start = perf_counter()
__import__({module!r})
print(perf_counter() - start)
"""

_PEAK = """
import gc
from pathlib import Path
from shrinkops._target import find_target, operations
from shrinkops.benchmark._work import Case, make_work

def read(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))

target, operation = find_target({target!r}), operations()[{operation!r}]
function = target.function(operation)
few = make_work(target, operation, Case(1000, {dtype!r}, "fresh"))
few.adapter.to_numpy(function(few.x, few.lambd))
large = make_work(target, operation, Case({size}, {dtype!r}, "fresh"))
x = large.x
# A library may hold what x was made from until it is asked for something else.
few.adapter.to_numpy(function(few.x, few.lambd))
gc.collect()
before = read("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
result = function(x, few.lambd)
large.adapter.synchronize(result)
print((read("VmHWM") - before) / large.host_x.nbytes)
"""


_PEAK_OF_A_DEVICE = """
from shrinkops._target import find_target, operations
from shrinkops.benchmark._work import Case, make_work

target, operation = find_target({target!r}), operations()[{operation!r}]
function = target.function(operation)
few = make_work(target, operation, Case(1000, {dtype!r}, "fresh", {device!r}))
few.adapter.synchronize(function(few.x, few.lambd))
large = make_work(target, operation, Case({size}, {dtype!r}, "fresh", {device!r}))
large.adapter.synchronize(large.x)
told = large.adapter.peak_bytes(lambda x: function(x, few.lambd), large.x)
print("" if told is None else told / large.host_x.nbytes)
"""


def run_python(source: str, environment: Mapping[str, str] | None = None) -> str:
    """Run source in a fresh interpreter like this one; return what it prints.

    Raises
    ------
    RuntimeError
        It failed; the message ends with its standard error.
    """
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"a fresh interpreter failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def import_seconds(
    module: str, before: Sequence[str] = (), repeats: int = 15
) -> tuple[Estimate, list[float]]:
    """Return the seconds that an import takes after others, and the samples.

    The interpreters find compiled bytecode, as after an install, also where the
    environment forbids to write it beside the sources: it goes to a folder of
    this measurement's own.

    Parameters
    ----------
    module : str
    before : sequence of str
        Imported first, not counted.
    repeats : int
        Interpreters, after one that compiles and warms the file cache.
    """
    source = _IMPORT.format(before=tuple(before), module=module)
    with tempfile.TemporaryDirectory() as folder:
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
        run_python(source, compiled)
        samples = [float(run_python(source, compiled)) for _ in range(repeats)]
    return estimate(samples), samples


def peak_outputs(target: str, operation: str, case: Case) -> float:
    """Return the peak memory of a call with a fresh output, in units of that output.

    1 is an output and nothing else; 2 is one temporary of its size besides. On the CPU it is
    the process's memory, on a device what `Adapter.peak_bytes` tells.
    """
    names = {"target": target, "operation": operation, "dtype": case.dtype, "size": case.size}
    if case.device != "cpu":
        told = run_python(_PEAK_OF_A_DEVICE.format(**names, device=case.device))
        if not told:
            raise Skip(f"{target} does not tell the peak memory of a device")
        return float(told)
    if not Path("/proc/self/clear_refs").exists():
        raise Skip("peak memory is read on Linux only")
    return float(run_python(_PEAK.format(**names)))
