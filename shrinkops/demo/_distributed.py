"""``shrinkops demo --distributed``: a Zarr array larger than the workers' memory, denoised by them.

Records of noise are written to Zarr, transformed, shrunk by the operation on a dask array of
wavelet coefficients, transformed back and written to Zarr, all by worker processes, slab by slab.

Invariants
----------
- λ and the room on the disk are checked before a process is started.
- The result bears its name only when every block was written and agrees, bit for bit, with what
  NumPy alone makes of the same input block; until then it is ``NAME.partial``.
- A worker that dies costs time: the scheduler gives its tasks to others, and a slab is done when
  all of its blocks are. Whatever else goes wrong ends the run, and the partial result is removed.
- A block holds whole records, so no transform looks beyond its own block.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["DistributedError", "Plan", "Result", "parse_size", "run", "steps"]

_LENGTH = 4096
"""Samples of a record."""
_ROWS = 1024
"""Records of a block: 16 MiB of float32."""
_WAVELET, _LEVELS, _MODE = "sym4", 4, "periodization"
_NOISE = 0.5
_BLOCK_BYTES = _ROWS * _LENGTH * 4


class DistributedError(Exception):
    """The run cannot start or did not finish; the message says why and what to do."""


@dataclass(frozen=True)
class Plan:
    """What to compute, and with what."""

    operation: str
    size: int
    workers: int
    memory: int
    lambd: float | None = None
    kill: bool = True
    folder: Path | None = None

    @property
    def blocks(self) -> int:
        """How many blocks of 16 MiB the array has, at least one per worker."""
        return max(self.workers, -(-self.size // _BLOCK_BYTES))

    @property
    def threshold(self) -> float:
        """λ: the universal threshold of the noise that the records hold, unless given."""
        return _NOISE * math.sqrt(2 * math.log(_LENGTH)) if self.lambd is None else self.lambd


@dataclass(frozen=True)
class Result:
    """What a run showed."""

    gigabytes: float
    seconds: float
    peak: int
    """Largest resident memory of a worker, in bytes."""
    killed: int
    """Process id of the worker that was killed, 0 for none."""


# ------------------------------------------------------------ what runs in the workers


def _record_block(block_info: Any = None) -> Any:
    """Make a block of smooth records and noise, from its own number."""
    row = block_info[None]["chunk-location"][0]
    rows = block_info[None]["chunk-shape"][0]
    generator = np.random.default_rng(row)
    time_axis = np.linspace(0, 20, _LENGTH, dtype=np.float32)
    phase = generator.uniform(0, 6, (rows, 1)).astype(np.float32)
    noise = generator.standard_normal((rows, _LENGTH), dtype=np.float32)
    return 4 * np.sin(time_axis + phase) + np.float32(_NOISE) * noise


def _forward(block: Any) -> Any:
    import pywt

    parts = pywt.wavedec(block, _WAVELET, mode=_MODE, level=_LEVELS, axis=1)
    return np.concatenate(parts, axis=1)


def _backward(coefficients: Any) -> Any:
    import pywt

    lengths = [_LENGTH >> _LEVELS, *(_LENGTH >> level for level in range(_LEVELS, 0, -1))]
    parts = np.split(coefficients, np.cumsum(lengths)[:-1], axis=1)
    return pywt.waverec(parts, _WAVELET, mode=_MODE, axis=1).astype(np.float32)


def _thresholds(lambd: float) -> Any:
    """Return λ for each column of coefficients: none for the approximation."""
    row = np.full((1, _LENGTH), lambd)
    row[:, : _LENGTH >> _LEVELS] = -1  # an element that leaves x as it is
    return row


def _differences(noisy: Any, clean: Any, operation: str, lambd: float) -> Any:
    """Count the samples of a block that NumPy alone makes otherwise."""
    from shrinkops.spec import public_function

    alone = _backward(public_function(operation)(_forward(noisy), _thresholds(lambd)))
    wrong = np.count_nonzero(alone.view(np.uint32) != clean.view(np.uint32))
    return np.array([[wrong]])


def _resident() -> int:
    """Return the most memory that this process has held."""
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024


# ------------------------------------------------------------------------ the run


def parse_size(text: str) -> int:
    """Return a number of bytes from text such as ``"8GB"`` or ``"600MiB"``."""
    _need_libraries()
    from dask.utils import parse_bytes

    try:
        size = int(parse_bytes(text)) if re.search(r"\d", text) else 0  # dask reads "GB" as 1 GB
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise DistributedError(f"{text!r} is no size; give one such as 8GB or 600MiB")
    return size


def run(plan: Plan, show: Callable[[str], None]) -> Result:
    """Run a plan; ``show`` is told of every step.

    Raises
    ------
    DistributedError
        λ, the disk or the memory do not fit, a library is missing, or blocks disagree.
    """
    _check(plan)
    with _folder(plan) as folder, _cluster(plan) as client:
        return _stream(plan, folder, client, show)


def steps(plan: Plan) -> int:
    """Return how often ``show`` is called."""
    return 3 * len(list(_slabs(plan)))


def _need_libraries() -> None:
    if missing := [n for n in ("dask", "distributed", "zarr", "pywt") if find_spec(n) is None]:
        raise DistributedError(
            f"{', '.join(missing)} cannot be imported; pip install 'shrinkops[demo,distributed]'"
        )


def _check(plan: Plan) -> None:
    from shrinkops.spec import public_function

    _need_libraries()
    try:
        public_function(plan.operation)(np.empty(0, np.float32), plan.threshold)
    except (TypeError, ValueError) as error:
        raise DistributedError(str(error)) from error
    if plan.memory < 16 * _BLOCK_BYTES:
        raise DistributedError(
            f"{plan.memory >> 20} MiB for a worker hold too few blocks of "
            f"{_BLOCK_BYTES >> 20} MiB; give at least {16 * _BLOCK_BYTES >> 20} MiB"
        )
    folder = plan.folder or Path(tempfile.gettempdir())
    needed, free = 2 * plan.blocks * _BLOCK_BYTES, shutil.disk_usage(folder).free
    if needed > 0.95 * free:
        raise DistributedError(
            f"{folder} has {free / 1e9:.1f} GB free, input and result need {needed / 1e9:.1f}; "
            f"give another --folder, or a smaller --size"
        )


@contextmanager
def _folder(plan: Plan) -> Iterator[Path]:
    """Yield a folder of this run alone, which is removed with all that is half-written."""
    with tempfile.TemporaryDirectory(prefix="shrinkops-demo-", dir=plan.folder) as name:
        yield Path(name)


@contextmanager
def _cluster(plan: Plan) -> Iterator[Any]:
    import dask

    quiet = {"distributed.worker.memory.terminate": False, "logging.distributed": "critical"}
    with dask.config.set(quiet), warnings.catch_warnings():
        # Beside another cluster it takes another port, and warns; nobody looks at either.
        warnings.filterwarnings("ignore", "Port .* is already in use")
        yield from _started(plan)


def _started(plan: Plan) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=plan.workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=plan.memory,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _slabs(plan: Plan) -> Iterator[slice]:
    """Yield the rows of eight blocks per worker at a time."""
    step = 8 * plan.workers
    for first in range(0, plan.blocks, step):
        yield slice(first * _ROWS, min(first + step, plan.blocks) * _ROWS)


def _stream(plan: Plan, folder: Path, client: Any, show: Callable[[str], None]) -> Result:
    import dask.array as da
    import zarr

    from shrinkops.spec import public_function

    shape, chunks = (plan.blocks * _ROWS, _LENGTH), (_ROWS, _LENGTH)

    def store(name: str) -> Any:
        return zarr.create_array(
            folder / name, shape=shape, chunks=chunks, dtype="f4", compressors=None
        )

    peak = 0

    def compute(lazy: Any, text: str) -> Any:
        nonlocal peak
        show(text)
        future = client.compute(lazy)
        try:
            result = future.result()
        except Exception as error:
            raise DistributedError(f"{text}: {type(error).__name__}: {error}") from error
        peak = max(peak, *client.run(_resident).values())
        return result

    def write(array: Any, target: Any, rows: slice, text: str) -> None:
        region = (rows, slice(None))
        compute(da.store(array[rows], target, regions=region, lock=False, compute=False), text)

    source = store("noisy.zarr")
    regular = da.core.normalize_chunks(chunks, shape)
    made = da.map_blocks(_record_block, chunks=regular, dtype="f4", meta=_META)
    for rows in _slabs(plan):
        write(made, source, rows, f"writing records to {rows.stop}")

    started, killed = time.perf_counter(), 0
    target = store("denoised.zarr.partial")
    noisy = da.from_zarr(source)
    lambd = da.from_array(_thresholds(plan.threshold), chunks=(1, _LENGTH))
    coefficients = noisy.map_blocks(_forward, dtype="f4", meta=_META)
    shrunk = public_function(plan.operation)(coefficients, lambd)
    denoised = shrunk.map_blocks(_backward, dtype="f4", meta=_META)
    slabs = list(_slabs(plan))
    for number, rows in enumerate(slabs):
        if plan.kill and plan.workers > 1 and number == len(slabs) // 2:
            killed = _kill_soon(client)
        write(denoised, target, rows, f"denoising to record {rows.stop}")
    seconds = time.perf_counter() - started

    clean, wrong = da.from_zarr(target), 0
    counts = da.map_blocks(
        _differences, noisy, clean, plan.operation, plan.threshold,
        chunks=((1,) * plan.blocks, (1,)), dtype=np.int64, meta=np.empty((0, 0), np.int64),
    )  # fmt: skip
    for rows in slabs:
        blocks = slice(rows.start // _ROWS, rows.stop // _ROWS)
        wrong += int(compute(counts[blocks].sum(), f"checking to record {rows.stop}"))
    if wrong:
        raise DistributedError(f"{wrong} samples differ from what NumPy alone makes of them")
    (folder / "denoised.zarr.partial").rename(folder / "denoised.zarr")
    return Result(plan.blocks * _BLOCK_BYTES / 1e9, seconds, peak, killed)


_META = np.empty((0, 0), np.float32)


def _kill_soon(client: Any) -> int:
    """Kill a worker while it is at work; return its process id."""
    victim = int(next(iter(client.run(os.getpid).values())))
    threading.Timer(0.3, os.kill, (victim, signal.SIGKILL)).start()
    return victim
