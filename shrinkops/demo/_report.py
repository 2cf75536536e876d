"""The demo's tables: what was denoised, what each backend did, what would light up.

Invariant
---------
- Readable at 80 columns, in a file as on a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import isfinite

from shrinkops._commands.output import Output
from shrinkops._commands.text import NO_BREAK, Column
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


_RECORDS = (
    Column("record", folds=True),
    Column("samples"),
    Column("noise σ", right=True),
    Column("threshold λ", right=True, folds=True),
    Column("details zeroed", right=True),
)
_BACKENDS = (
    Column("backend"),
    Column("version, device", folds=True),
    Column("ms", right=True),
    Column("np.where takes", right=True, folds=True),
    Column("pywt takes", right=True, folds=True),
    Column("SNR gain, dB", folds=True),
    Column("bits", folds=True),
)


def print_records(
    output: Output, records: Sequence[Record], decompositions: Sequence[Decomposition], rule: str
) -> None:
    """Print what was denoised, and with which threshold."""
    rows = [
        [
            record.name,
            " × ".join(str(n) for n in record.noisy.shape),
            f"{decomposition.noise:.4g}",
            ", ".join(f"{lambd:.4g}" for lambd in dict.fromkeys(decomposition.thresholds)),
            f"{decomposition.share(lambda x, t: abs(x) <= t):.1%}",
        ]
        for record, decomposition in zip(records, decompositions, strict=True)
    ]
    output.table(_RECORDS, rows, indent=2)
    output.line()
    output.paragraph(f"Wavelet {WAVELET}; σ from the median absolute finest detail; {rule}.")
    output.line()


def print_backends(
    output: Output,
    records: Sequence[Record],
    decompositions: Sequence[Decomposition],
    runs: Sequence[Run],
    operation: str,
) -> None:
    """Print what each backend did; the first run is the reference for the bits."""
    output.line(f"  {operation} on every ready backend", style="bold")
    rows = []
    for run in runs:
        place = run.place
        row = [place.backend, f"{place.version}, {place.label}"]
        if run.error or run.lacking:
            rows.append([*row, "", "", "", "", "failed" if run.error else "left out"])
            continue
        gains = _gains(records, decompositions, run)
        several = len(records) > 1
        rows.append(
            [
                *row,
                f"{run.seconds * 1e3:.3g}",
                *(f"{x:.1f} ×" if isfinite(x) else "-" for x in (run.over_where, run.over_pywt)),
                ", ".join(
                    f"{n}{NO_BREAK}{g:+.2f}" if several else f"{g:+.2f}" for n, g in gains.items()
                )
                or "-",
                _verdict(run, runs[0]),
            ]
        )
    output.table(_BACKENDS, rows, ["red" if _bad(row[-1]) else "" for row in rows], indent=2)
    output.line()
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    output.paragraph(
        f"ms: one call, result allocated, on {TIMED_SIZE:,} {decompositions[-1].details.dtype} "
        f"details ({records[-1].name}, repeated) in the device's memory. The usual line with "
        f"np.where or np.sign, and PyWavelets' own function, on the same numbers in NumPy take so "
        f"many times as long, measured in alternation in this process. OMP_NUM_THREADS is "
        f"{threads}.",
        "dim",
    )
    for run in runs:
        if run.error:
            output.paragraph(f"{run.place.backend} failed: {run.error}", "red", indent=0)
        elif run.lacking:
            output.paragraph(f"{run.lacking}, and so was left out", indent=0)


def print_losses(
    output: Output, records: Sequence[Record], decompositions: Sequence[Decomposition], run: Run
) -> None:
    """Explain a negative gain: it is the method's, and no backend's."""
    lost = {n: g for n, g in _gains(records, decompositions, run).items() if g < 0}
    if lost:
        output.paragraph(
            f"A negative gain is a loss: {', '.join(f'{n} {g:.2f} dB' for n, g in lost.items())}. "
            f"Below λ lay more of the record than of the noise, and it was removed. The universal "
            f"λ is made for records of few large details in strong noise; --operation softshrink "
            f"--level-dependent adapts it.",
            indent=0,
        )


def _verdict(run: Run, reference: Run) -> str:
    if run is reference:
        return "reference"
    differing = run.differing(reference)
    if not differing:
        return "identical"
    total = sum(flat(coefficients).size for coefficients in reference.shrunk)
    return f"{differing} of {total} differ"


def _bad(verdict: str) -> bool:
    return verdict == "failed" or verdict.endswith("differ")


def print_missing(output: Output, table: Sequence[BackendStatus]) -> None:
    """Print which backends would join, and the line that brings each."""
    for row in table:
        if row.state == MISSING:
            output.paragraph(f"{row.name} would join: {row.reason}", indent=0)
        elif row.state != "ready":
            output.paragraph(f"{row.name} is left out, {row.state}: {row.reason}", indent=0)
