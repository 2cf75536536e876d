"""What dask costs, and an array larger than its workers, measured.

    python tests/tools/streamed.py --write docs/records/distributed.md

Invariants
----------
- A streamed array counts only where every block agrees bit for bit with NumPy's; the run raises
  otherwise (`shrinkops demo --distributed` is the same run).
- Costs are ratios within one process, in alternating order, of chunks that stay in memory.
"""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from shrinkops import hardshrink
from shrinkops.benchmark._calls import Call
from shrinkops.benchmark._sampling import Plan as Sampling
from shrinkops.benchmark._sampling import sample
from shrinkops.benchmark._statistics import Estimate, estimate
from shrinkops.demo._distributed import Plan, Result, parse_size, run

__all__ = ["costs", "main", "streamed"]

_CHUNKS = 8


def costs(size: int) -> dict[str, Estimate]:
    """Return how long dask's chunks take, over NumPy's kernel alone and over the idiom's.

    Parameters
    ----------
    size : int
        Elements of a chunk, float32.
    """
    import dask.array as da

    host = np.random.default_rng(0).standard_normal(_CHUNKS * size, dtype=np.float32)
    x = da.from_array(host, chunks=size).persist(scheduler="synchronous")
    parts = np.split(host, _CHUNKS)
    ours, idiom = hardshrink(x, 0.5), da.where(abs(x) > 0.5, x, np.float32(0))
    calls = [
        Call(ours.persist, keywords={"scheduler": "synchronous"}),
        Call(lambda: [hardshrink(part, 0.5) for part in parts]),
        Call(idiom.persist, keywords={"scheduler": "synchronous"}),
    ]
    seconds = sample(calls, Sampling(blocks=15))
    return {
        "over NumPy's kernel": estimate(seconds.ratio(0, 1)),
        "over `da.where(abs(x) > l, x, 0)`": estimate(seconds.ratio(0, 2)),
    }


def streamed(size: str, workers: int, memory: str, kill: bool) -> Result:
    """Stream an array through worker processes; say every step."""
    plan = Plan("softshrink", parse_size(size), workers, parse_size(memory), kill=kill)
    return run(plan, lambda step: click.echo(f"{size}, {workers} workers: {step}", err=True))


def _row(workers: int, memory: str, result: Result) -> str:
    killed = "a worker killed in the middle" if result.killed else ""
    return (
        f"| {result.gigabytes:.2f} GB | {workers} × {memory} | {result.seconds:.0f} s "
        f"| {result.gigabytes * 1e3 / result.seconds:.0f} MB/s | {result.peak >> 20} MiB "
        f"| all equal | {killed} |"
    )


@click.command()
@click.option("--size", default="2GB", help="Of the table; of float32.")
@click.option("--large", default="8GB", help="Of the run in which a worker is killed.")
@click.option("--memory", default="600MiB", help="Of each worker.")
@click.option("--write", type=click.Path(path_type=Path), help="The page to write.")
def main(size: str, large: str, memory: str, write: Path | None) -> None:
    """Measure, and print or write the page."""
    load = [os.getloadavg()[0]]
    ratios = {n: costs(n) for n in (10_000, 100_000, 1_000_000, 4_000_000)}
    rows = [_row(n, memory, streamed(size, n, memory, kill=False)) for n in (1, 2, 4)]
    rows.append(_row(2, memory, streamed(large, 2, memory, kill=True)))
    load.append(os.getloadavg()[0])
    names = ("dask", "distributed", "zarr", "numpy", "PyWavelets")
    known = ", ".join(f"{name} {version(name)}" for name in names)
    where = f"{len(os.sched_getaffinity(0))} processors, {platform.machine()}, {known}"
    lines = [
        "# dask: cost of a chunk, and arrays larger than their workers",
        "",
        f"Made {datetime.datetime.now(datetime.UTC):%Y-%m-%d} by `python tests/tools/streamed.py`; "
        f"{where}. Load average of a minute when it began {load[0]:.1f}, when it ended "
        f"{load[1]:.1f}: what is above this run's own processes is other work on the machine.",
        "",
        "## A chunk",
        "",
        f"hardshrink of {_CHUNKS} chunks of float32 in memory, scheduler and graph included, one "
        "thread; ratios of times in one process, median and 99 % interval.",
        "",
        f"| elements of a chunk | {' | '.join(next(iter(ratios.values())))} |",
        "|---|---|---|",
        *[f"| {n:,} | {' | '.join(_text(v) for v in found.values())} |"
          for n, found in ratios.items()],
        "",
        "## Streamed",
        "",
        "Records from Zarr through a wavelet transform, softshrink and the transform back to Zarr, "
        "by worker processes of one thread each. Seconds and rate are of the denoising; every "
        "block is then compared with what NumPy alone makes of it.",
        "",
        "| array | workers | denoised in | rate | most memory of a worker | blocks | |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]  # fmt: skip
    page = "\n".join(lines)
    if write:
        write.write_text(page, encoding="utf-8")
    else:
        click.echo(page)


def _text(value: Any) -> str:
    return f"{value.median:.3g} ({value.low:.3g} to {value.high:.3g})"


if __name__ == "__main__":
    main()
