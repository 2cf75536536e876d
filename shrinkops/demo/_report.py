"""The demo's tables: what was denoised, what each backend did, what would light up.

Invariant
---------
- Readable at 80 columns, in a file as on a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import isfinite

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shrinkops._plugins.status import MISSING, BackendStatus

from ._backends import TIMED_SIZE, Run
from ._records import Record
from ._wavelets import WAVELET, Decomposition, flat, snr

__all__ = ["print_backends", "print_losses", "print_missing", "print_records"]


def _gains(
    records: Sequence[Record], decompositions: Sequence[Decomposition], run: Run
) -> dict[str, float]:
    """Return by how many decibels each record with a clean version gained."""
    return {
        record.name: snr(record.clean, decomposition.reconstruct(shrunk))
        - snr(record.clean, record.noisy)
        for record, decomposition, shrunk in zip(records, decompositions, run.shrunk, strict=True)
        if record.clean is not None
    }


def print_records(
    console: Console, records: Sequence[Record], decompositions: Sequence[Decomposition], rule: str
) -> None:
    """Print what was denoised, and with which threshold."""
    table = Table(
        *("record", "samples", "noise σ", "threshold λ", "details zeroed"),
        title="Records",
        box=box.SIMPLE_HEAD,
    )
    for record, decomposition in zip(records, decompositions, strict=True):
        table.add_row(
            Text(record.name),
            " × ".join(str(n) for n in record.noisy.shape),
            f"{decomposition.noise:.4g}",
            "\n".join(f"{lambd:.4g}" for lambd in dict.fromkeys(decomposition.thresholds)),
            f"{decomposition.share(lambda x, t: abs(x) <= t):.1%}",
        )
    console.print(table)
    console.print(
        f"Wavelet {WAVELET}; σ from the median absolute finest detail; {rule}.", style="dim"
    )


def print_backends(
    console: Console,
    records: Sequence[Record],
    decompositions: Sequence[Decomposition],
    runs: Sequence[Run],
    operation: str,
) -> None:
    """Print what each backend did; the first run is the reference for the bits."""
    table = Table(title=f"{operation} on every ready backend", box=box.SIMPLE_HEAD)
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
        if run.lacking:
            table.add_row(*cells, "", "", "", "", Text("left out"))
            continue
        gains = _gains(records, decompositions, run)
        gain = [(f"{name} " if len(records) > 1 else "") + f"{g:+.2f}" for name, g in gains.items()]
        table.add_row(
            *cells,
            f"{run.seconds * 1e3:.3g}",
            *(f"{x:.1f} ×" if isfinite(x) else "-" for x in (run.over_where, run.over_pywt)),
            "\n".join(gain) or "-",
            _verdict(run, runs[0]),
        )
    console.print(table)
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    console.print(
        f"ms: one call, result allocated, on {TIMED_SIZE:,} {decompositions[-1].details.dtype} "
        f"details ({records[-1].name}, repeated) in the device's memory. The usual line with "
        f"np.where or np.sign, and PyWavelets' own function, on the same numbers in NumPy take so "
        f"many times as long, measured in alternation in this process. OMP_NUM_THREADS is "
        f"{threads}.",
        style="dim",
        markup=False,
    )
    for run in runs:
        if run.error:
            console.print(f"{run.place.backend} failed: {run.error}", markup=False, style="red")
        elif run.lacking:
            console.print(f"{run.lacking}, and so was left out", markup=False)


def print_losses(
    console: Console, records: Sequence[Record], decompositions: Sequence[Decomposition], run: Run
) -> None:
    """Explain a negative gain: it is the method's, and no backend's."""
    lost = {n: g for n, g in _gains(records, decompositions, run).items() if g < 0}
    if lost:
        console.print(
            f"A negative gain is a loss: {', '.join(f'{n} {g:.2f} dB' for n, g in lost.items())}. "
            f"Below λ lay more of the record than of the noise, and it was removed. The universal "
            f"λ is made for records of few large details in strong noise; --operation softshrink "
            f"--level-dependent adapts it.",
            markup=False,
        )


def _verdict(run: Run, reference: Run) -> Text:
    if run is reference:
        return Text("reference")
    differing = run.differing(reference)
    if not differing:
        return Text("identical", style="green")
    total = sum(flat(coefficients).size for coefficients in reference.shrunk)
    return Text(f"{differing} of {total} differ", style="red")


def print_missing(console: Console, table: Sequence[BackendStatus]) -> None:
    """Print which backends would join, and the line that brings each."""
    for row in table:
        if row.state == MISSING:
            console.print(f"{row.name} would join: {row.reason}", markup=False)
        elif row.state != "ready":
            console.print(f"{row.name} is left out, {row.state}: {row.reason}", markup=False)
