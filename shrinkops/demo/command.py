"""The command line of the demo.

Invariant
---------
- Importing this module imports click alone; PyWavelets, matplotlib and the array
  libraries wait until the options have been read.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shrinkops._commands.command import Command, suggestion
from shrinkops._commands.files import FILE, Destination
from shrinkops._commands.output import Output
from shrinkops._commands.status import Exit
from shrinkops._commands.text import visible
from shrinkops._commands.whole import replacing

if TYPE_CHECKING:
    from ._records import Record

__all__ = ["command"]

_SECONDS = 0.6
"""How long each backend is timed."""


@click.command("demo", cls=Command, epilog="Example: shrinkops demo --snr 5 --output picture.svg")
@click.option(
    "--signal",
    type=click.Path(path_type=Path),
    help="A .npy file of your own: 1-D for a signal, 2-D for an image.",
)
@click.option(
    "--output",
    "target",
    type=FILE,
    metavar="FILE",
    default="shrinkops-demo.png",
    show_default=True,
    help="Where the picture goes: .png, .svg or .pdf. With .npy the denoised --signal instead.",
)
@click.option("--operation", default="hardshrink", show_default=True, help="Which shrinkage.")
@click.option(
    "--level-dependent",
    is_flag=True,
    help="Choose λ for each level of the wavelet transform.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise."
)
@click.option(
    "--snr",
    type=click.FloatRange(-20, 60),
    default=10.0,
    show_default=True,
    help="Signal-to-noise ratio in decibels after noise is added.",
)
@click.option("--as-is", is_flag=True, help="Add no noise: the data have their own.")
@click.option(
    "--distributed",
    is_flag=True,
    help="Instead: a Zarr array larger than the memory of dask workers, one of them killed.",
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--size", default="2GB", show_default=True, help="Of the array.")
@click.option("--worker-memory", default="600MiB", show_default=True, help="Of each process.")
@click.option("--lambd", type=float, help="λ of --distributed, in place of the universal one.")
@click.option("--folder", type=click.Path(path_type=Path), help="For the Zarr arrays.")
@click.pass_obj
def command(
    output: Output,
    signal: Path | None,
    target: Destination,
    operation: str,
    level_dependent: bool,
    seed: int,
    snr: float,
    as_is: bool,
    distributed: bool,
    workers: int,
    size: str,
    worker_memory: str,
    lambd: float | None,
    folder: Path | None,
) -> Exit:
    """Denoise real records on every backend that is ready.

    Takes an electrocardiogram and a photograph that ship with PyWavelets, or your file;
    adds noise, shrinks the wavelet coefficients at the universal threshold with
    shrinkops.hardshrink or another --operation, and compares the backends: time, gain,
    bits. Exits with 1 where a backend fails or gives other bits.
    """
    # Like for like: NumPy's loops run on one thread. It counts if set before libraries load.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from shrinkops._target import operations

    from ._records import RecordError, add_noise, from_file, shipped

    if operation not in operations():
        known = ", ".join(sorted(operations()))
        close = suggestion(operation, operations())
        raise click.BadParameter(
            f"{operation!r}; there are {known}{close}", param_hint="--operation"
        )

    if distributed:
        return _distribute(output, operation, workers, size, worker_memory, lambd, folder)
    path = _path(target, signal)
    try:
        records = [from_file(signal)] if signal else shipped()
    except RecordError as error:
        raise click.BadParameter(str(error), param_hint="--signal") from error
    if not as_is:
        records = [add_noise(record, snr, seed) for record in records]
    records = [
        dataclasses.replace(r, name=visible(r.name), title=visible(r.title)) for r in records
    ]
    return _run(output, records, path, operation, level_dependent)


def _distribute(
    output: Output,
    operation: str,
    workers: int,
    size: str,
    memory: str,
    lambd: float | None,
    folder: Path | None,
) -> Exit:
    """Stream an array through worker processes, and say what it took."""
    from ._distributed import DistributedError, Plan, parse_size, run, steps

    try:
        plan = Plan(operation, parse_size(size), workers, parse_size(memory), lambd, folder=folder)
        with output.progress(steps(plan)) as progress:
            result = run(plan, progress.show)
    except DistributedError as error:
        raise click.UsageError(str(error)) from error
    output.line(
        f"{operation} of {result.gigabytes:.2f} GB, Zarr to Zarr, by {workers} worker processes of "
        f"{memory}: {result.seconds:.1f} s, {result.gigabytes / result.seconds:.3f} GB/s"
    )
    output.line(f"peak memory of a worker: {result.peak / 2**20:.0f} MiB")
    if result.killed:
        output.line(f"worker process {result.killed} was killed in the middle; nothing was lost")
    output.line(
        f"all {plan.blocks} blocks have the bits that NumPy alone makes; λ = {plan.threshold:.4g}"
    )
    return Exit.CONFORMS


def _path(target: Destination, signal: Path | None) -> Path:
    """Refuse a file of another kind before anything is computed."""
    from ._picture import formats

    problem = ""
    suffix = target.path.suffix if target.path else ""
    if suffix == ".npy":
        problem = "" if signal else "two records would go into one file; give --signal"
    elif suffix.lstrip(".").lower() not in formats():
        problem = f"a picture ends in one of {', '.join('.' + f for f in formats())}"
    if problem or target.path is None:
        raise click.BadParameter(f"{target.text}: {problem}", param_hint="--output")
    return target.path


def _run(
    output: Output, records: list[Record], path: Path, operation: str, level_dependent: bool
) -> Exit:
    """Compute, print, draw or save; tell whether every backend agreed."""
    import numpy

    import shrinkops

    from . import _backends, _report
    from ._picture import draw
    from ._wavelets import decompose, rule

    table = shrinkops.backends()
    places = _backends.places(table)
    if not places:
        raise click.UsageError(f"no backend is ready:\n{table!r}")
    with output.progress(len(places) + 2) as progress:
        progress.show("decomposing", 0)
        decompositions = [decompose(r.noisy, operation, level_dependent) for r in records]
        runs = []
        for place in places:
            progress.show(f"{place.backend} on {place.label}")
            runs.append(_backends.run_on(place, decompositions, operation, _SECONDS))
        good = [run for run in runs if run.shrunk]
        if good:
            with replacing(path) as neighbour:
                if path.suffix == ".npy":
                    numpy.save(neighbour, decompositions[0].reconstruct(good[0].shrunk[0]))
                else:
                    progress.show("drawing")
                    draw(records, decompositions, good[0].shrunk, operation, neighbour)
    _report.print_records(output, records, decompositions, rule(operation, level_dependent))
    ordered = [*good, *(run for run in runs if not run.shrunk)]
    _report.print_backends(output, records, decompositions, ordered, operation)
    if good:
        _report.print_losses(output, records, decompositions, good[0])
    if operation == "hardshrink":
        output.paragraph(_backends.boundary_note(decompositions), "dim", indent=0)
    _report.print_missing(output, table)
    if not good:
        return Exit.DEVIATES
    output.line(f"{'denoised' if path.suffix == '.npy' else 'picture'}: {path}")
    failed = any(run.error for run in runs) or any(run.differing(good[0]) for run in good)
    return Exit.DEVIATES if failed else Exit.CONFORMS
