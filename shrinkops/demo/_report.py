"""The demo's tables: what was denoised, what each backend did, what would light up.

Invariant
---------
- Readable at 80 columns, in a file as on a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shrinkops._plugins.status import MISSING, BackendStatus

from ._backends import TIMED_SIZE, Run
from ._records import Record
from ._wavelets import WAVELET, Decomposition, snr

__all__ = ["gains", "print_backends", "print_missing", "print_records"]


def gains(
    records: Sequence[Record], decompositions: Sequence[Decomposition], run: Run
) -> list[tuple[float, float]]:
    """Return the signal-to-noise ratio before and after, of each record with a clean version."""
    return [
        (snr(record.clean, record.noisy), snr(record.clean, decomposition.reconstruct(shrunk)))
        for record, decomposition, shrunk in zip(records, decompositions, run.shrunk, strict=True)
        if record.clean is not None
    ]


def print_records(
    console: Console, records: Sequence[Record], decompositions: Sequence[Decomposition]
) -> None:
    """Print what was denoised, and with which threshold."""
    table = Table(
        *("record", "samples", "noise σ", "threshold λ", "details zeroed"),
        title="Records",
        box=box.SIMPLE_HEAD,
    )
    for record, decomposition in zip(records, decompositions, strict=True):
        band = abs(decomposition.details) <= decomposition.threshold
        table.add_row(
            Text(record.name),
            " × ".join(str(n) for n in record.noisy.shape),
            f"{decomposition.noise:.4g}",
            f"{decomposition.threshold:.4g}",
            f"{band.mean():.1%}",
        )
    console.print(table)
    console.print(
        f"Wavelet {WAVELET}; σ from the median absolute finest detail, λ = σ √(2 ln n) "
        f"(Donoho and Johnstone 1994).",
        style="dim",
    )


def print_backends(
    console: Console,
    records: Sequence[Record],
    decompositions: Sequence[Decomposition],
    runs: Sequence[Run],
) -> None:
    """Print what each backend did; the first run is the reference for the bits."""
    table = Table(title="hardshrink on every ready backend", box=box.SIMPLE_HEAD)
    table.add_column("backend", style="bold")
    table.add_column("version\ndevice")
    table.add_column("ms", justify="right")
    table.add_column("np.where\ntakes", justify="right")
    table.add_column("pywt\ntakes", justify="right")
    table.add_column("SNR gain\ndB", justify="right")
    table.add_column("bits")
    for run in runs:
        place = run.place
        cells = [Text(place.backend), Text(f"{place.version}\n{place.label}")]
        if run.error:
            table.add_row(*cells, "", "", "", "", Text("failed", style="red"))
            continue
        names = [f"{record.name} " if len(records) > 1 else "" for record in records]
        gain = [
            f"{name}{after - before:+.2f}"
            for name, (before, after) in zip(
                names, gains(records, decompositions, run), strict=False
            )
        ]
        table.add_row(
            *cells,
            f"{run.seconds * 1e3:.3g}",
            f"{run.over_where:.1f} ×",
            f"{run.over_pywt:.1f} ×",
            "\n".join(gain) or "-",
            _verdict(run, runs[0]),
        )
    console.print(table)
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    console.print(
        f"ms: one call, result allocated, on {TIMED_SIZE:,} float32 details ({records[-1].name}, "
        f"repeated) in the device's memory. np.where(np.abs(x) > l, x, 0) and "
        f"pywt.threshold(x, l, 'hard') on the same numbers in NumPy take so many times as "
        f"long, measured in alternation in this process. OMP_NUM_THREADS is {threads}.",
        style="dim",
        markup=False,
    )
    for run in runs:
        if run.error:
            console.print(f"{run.place.backend} failed: {run.error}", markup=False, style="red")


def _verdict(run: Run, reference: Run) -> Text:
    if run is reference:
        return Text("reference")
    differing = run.differing(reference)
    if not differing:
        return Text("identical", style="green")
    total = sum(a.size for a in reference.shrunk)
    return Text(f"{differing} of {total} differ", style="red")


def print_missing(console: Console, table: Sequence[BackendStatus]) -> None:
    """Print which backends would join, and the line that brings each."""
    for row in table:
        if row.state == MISSING:
            console.print(f"{row.name} would join: {row.reason}", markup=False)
        elif row.state != "ready":
            console.print(f"{row.name} is left out, {row.state}: {row.reason}", markup=False)
