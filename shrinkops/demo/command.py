"""The command line of the demo.

Invariant
---------
- Importing this module imports click alone; PyWavelets, matplotlib and the array
  libraries wait until the options have been read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ._records import Record

__all__ = ["command"]

_SECONDS = 0.6
"""How long each backend is timed."""


@click.command(name="demo")
@click.option(
    "--signal",
    type=click.Path(path_type=Path),
    help="A .npy file of your own: 1-D for a signal, 2-D for an image.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("shrinkops-demo.png"),
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
def command(
    signal: Path | None,
    output: Path,
    operation: str,
    level_dependent: bool,
    seed: int,
    snr: float,
    as_is: bool,
) -> None:
    """Denoise real records on every backend that is ready.

    Takes an electrocardiogram and a photograph that ship with PyWavelets, or your file;
    adds noise, shrinks the wavelet coefficients at the universal threshold with
    shrinkops.hardshrink or another --operation, and compares the backends: time, gain,
    bits. Exits with 1 where a backend fails or gives other bits.
    """
    # Like for like: NumPy's loops run on one thread. It counts if set before libraries load.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _check_output(output, signal)
    from shrinkops._plugins.target import operations

    from ._records import RecordError, add_noise, from_file, shipped

    if operation not in operations():
        known = ", ".join(sorted(operations()))
        raise click.BadParameter(f"{operation!r}; there are {known}", param_hint="--operation")

    try:
        records = [from_file(signal)] if signal else shipped()
    except RecordError as error:
        raise click.BadParameter(str(error), param_hint="--signal") from error
    if not as_is:
        records = [add_noise(record, snr, seed) for record in records]
    if not _run(records, output, operation, level_dependent):
        raise click.exceptions.Exit(1)


def _check_output(output: Path, signal: Path | None) -> None:
    """Refuse a path that cannot be written before anything is computed."""
    from ._picture import formats

    folder = output.resolve().parent
    problem = ""
    if output.suffix == ".npy":
        problem = "" if signal else "two records would go into one file; give --signal"
    elif output.suffix.lstrip(".").lower() not in formats():
        problem = f"a picture ends in one of {', '.join('.' + f for f in formats())}"
    if problem:
        pass
    elif output.is_dir():
        problem = "this is a folder"
    elif not folder.is_dir():
        problem = f"there is no folder {str(folder)!r}"
    elif not os.access(folder, os.W_OK):
        problem = f"the folder {str(folder)!r} cannot be written to"
    if problem:
        raise click.BadParameter(f"{output}: {problem}", param_hint="--output")


def _run(records: list[Record], output: Path, operation: str, level_dependent: bool) -> bool:
    """Compute, print, draw or save; return whether every backend agreed."""
    import numpy
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    import shrinkops

    from . import _backends, _report
    from ._picture import draw
    from ._wavelets import decompose, rule

    steps = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"))
    bar = Console(stderr=True)
    with Progress(*steps, console=bar, transient=True, disable=not bar.is_terminal) as progress:
        task = progress.add_task("looking for backends", total=None)
        table = shrinkops.backends()
        places = _backends.places(table)
        if not places:
            raise click.ClickException(f"no backend is ready:\n{table!r}")
        progress.update(task, total=len(places) + 2, description="decomposing")
        decompositions = [decompose(r.noisy, operation, level_dependent) for r in records]
        runs = []
        for place in places:
            progress.update(task, advance=1, description=f"{place.backend} on {place.label}")
            runs.append(_backends.run_on(place, decompositions, operation, _SECONDS))
        good = [run for run in runs if run.shrunk]
        if good and output.suffix == ".npy":
            numpy.save(output, decompositions[0].reconstruct(good[0].shrunk[0]))
        elif good:
            progress.update(task, advance=1, description="drawing")
            draw(records, decompositions, good[0].shrunk, operation, output)

    console = Console(highlight=False)
    _report.print_records(console, records, decompositions, rule(operation, level_dependent))
    ordered = [*good, *(run for run in runs if not run.shrunk)]
    _report.print_backends(console, records, decompositions, ordered, operation)
    if good:
        _report.print_losses(console, records, decompositions, good[0])
    if operation == "hardshrink":
        console.print(_backends.boundary_note(decompositions), style="dim")
    _report.print_missing(console, table)
    if not good:
        return False
    click.echo(f"{'denoised' if output.suffix == '.npy' else 'picture'}: {output}")
    return not any(run.error for run in runs) and not any(run.differing(good[0]) for run in good)
