"""What PyTorch and JAX do to a call, and what comes back, found by running it.

    python tests/tools/transformed.py --write docs/guide/transformed.md

Invariants
----------
- A cell says what was seen in this run, of every operation that takes the dtype, with numbers
  and with arrays as parameters; an empty one was not run.
- Values are compared bit for bit with those of NumPy (complex: within 4 units in the last
  place), derivatives with differences of NumPy's float64.
- Whatever is not "yes" has a note with the reason that the call gave.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click
import ml_dtypes
import numpy as np

import shrinkops
from shrinkops.spec import float_format

sys.path.insert(0, str(Path(__file__).parent))

PARAMETERS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.0),
    "garrote": (0.5,),
}
VALUES = np.array([[-2.0, -0.5, -0.0, 0.25], [0.75, 1.0, -0.75, 3.0]])
WHOLE = np.array([[3, 2, 1, 0], [1, 2, 7, 6]])
SMOOTH = (np.abs(VALUES) != 0.5) & (np.abs(VALUES) != 1) & (VALUES != 0)
KINDS = {
    "float": (*PARAMETERS,),
    "integer": ("hardshrink", "softshrink"),
    "complex": ("hardshrink", "softshrink", "firmshrink", "garrote"),
}
BEGIN, END = "<!-- made by tests/tools/transformed.py -->", "<!-- end -->"


class Case(NamedTuple):
    """A call: its operation, its array, its parameters, and the same as NumPy has them."""

    name: str
    kind: str
    x: Any
    parameters: tuple[Any, ...]
    host: Any
    numbers: tuple[Any, ...]
    dtype: str
    smooth: Any
    """x, but 0 where an operation has no derivative."""

    @property
    def function(self) -> Callable[..., Any]:
        """The public function."""
        return getattr(shrinkops, self.name)  # type: ignore[no-any-return]

    @property
    def by_array(self) -> bool:
        """Tell whether the parameters are arrays."""
        return not isinstance(self.parameters[0], (int, float))

    def call(self, x: Any) -> Any:
        """Return the operation of x, with this case's parameters."""
        return self.function(x, *self.parameters)


class Way(NamedTuple):
    """What is done to a call. ``run`` returns what is compared with ``want(case)``."""

    name: str
    run: Callable[[Case], Any]
    want: Callable[[Case], Any] | None = None
    kinds: Sequence[str] = ("float", "integer", "complex")
    dtypes: Sequence[str] = ()
    by: Sequence[bool] = (False, True)
    """Whether parameters are arrays."""


class Library(NamedTuple):
    """A library: its dtypes, its ways, and how arrays go there and back."""

    title: str
    module: str
    dtypes: Sequence[str]
    ways: Sequence[Way]
    send: Callable[[Any], Any]
    fetch: Callable[[Any], Any]
    packages: Sequence[str]


def kind_of(dtype: str) -> str:
    """Return the kind of a dtype by its name."""
    return "complex" if "complex" in dtype else "float" if "float" in dtype else "integer"


def dtype_of(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype, or that of ml_dtypes."""
    return np.dtype(getattr(ml_dtypes, name, name))


def case_of(library: Library, name: str, dtype: str, by_array: bool) -> Case:
    """Return the call of an operation on a dtype of a library."""
    kind = kind_of(dtype)
    numbers: tuple[Any, ...] = PARAMETERS[name] if kind != "integer" else (1,)
    if kind == "complex":
        host = (VALUES + 1j * VALUES[::-1] / 2).astype(dtype)
    else:
        host = (VALUES if kind == "float" else WHOLE).astype(dtype_of(dtype))
    parameters = numbers
    if by_array:
        own = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
        parameters = tuple(library.send(np.full(4, n, dtype_of(own))) for n in numbers)
    smooth = library.send(np.where(SMOOTH, host, np.zeros((), host.dtype)))
    return Case(name, kind, library.send(host), parameters, host, numbers, dtype, smooth)


@functools.cache
def expected(name: str, dtype: str, kind: str) -> Any:
    """Return what NumPy makes of a case."""
    host = (VALUES + 1j * VALUES[::-1] / 2) if kind == "complex" else VALUES
    host = (WHOLE if kind == "integer" else host).astype(dtype_of(dtype))
    numbers: tuple[Any, ...] = PARAMETERS[name] if kind != "integer" else (1,)
    function = getattr(shrinkops, name)
    if dtype in ("int4", "uint4", "int2", "uint2"):
        return np.asarray(function(host.astype("int8"), *numbers)).astype(dtype_of(dtype))
    if dtype == "float4_e2m1fn":
        return np.asarray(function(host.astype("float32"), *numbers)).astype(dtype_of(dtype))
    return np.asarray(function(host, *numbers))


def values(case: Case) -> Any:
    """Return the values that a way has to give."""
    return expected(case.name, case.dtype, case.kind)


def _differences(case: Case, position: int, order: int) -> Any:
    """Return derivatives of the sum of the real parts, by differences of float64."""
    x = np.asarray(case.host).astype("complex128" if case.kind == "complex" else "float64")
    numbers = [np.full(4, float(n)) for n in case.numbers]
    step = 1e-6 if order == 1 else 1e-4

    def along(direction: complex) -> Any:
        def at(size: int) -> Any:
            moved = [p.copy() for p in numbers]
            here = x + size * step * direction if position == 0 else x
            if position:
                moved[position - 1] = moved[position - 1] + size * step
            return np.real(case.function(here, *moved))

        if order == 2:
            return (at(1) - 2 * at(0) + at(-1)) / step**2
        return (at(1) - at(-1)) / (2 * step)

    if case.kind == "complex" and position == 0:
        return along(1) + 1j * along(1j)
    return along(1)


def slopes(case: Case) -> Any:
    """Return the derivative by x, where there is one."""
    return _masked(_differences(case, 0, 1), case)


def curvature(case: Case) -> Any:
    """Return the second derivative by x, where there is one."""
    return _masked(_differences(case, 0, 2), case)


def shares(case: Case) -> Any:
    """Return the derivative by λ, summed to its shape."""
    return _masked(_differences(case, 1, 1), case).sum(0)


def _masked(found: Any, case: Case) -> Any:
    return np.where(SMOOTH, found, 0)


def compare(got: Any, want: Any, case: Case, exact: bool) -> bool:
    """Tell whether a result is what it has to be."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return False
    if not exact:
        form = dtype_of(
            {"complex64": "float32", "complex128": "float64"}.get(case.dtype, case.dtype)
        )
        eps = 2.0 ** (1 - float_format(form.name).precision)
        wide = "complex128" if np.iscomplexobj(got) else "float64"
        near = np.abs(got.astype(wide) - want)
        # A position without a derivative is not compared; λ's are sums without any.
        mask = SMOOTH if got.shape == SMOOTH.shape else np.ones(got.shape, bool)
        return bool((near <= (1e-4 + 8 * eps) * (1 + np.abs(want)))[mask].all())
    if got.dtype != want.dtype:
        return False
    if case.kind == "complex":
        size = np.spacing(np.abs(want))
        return bool((np.abs(got - want) <= 4 * size).all())
    return bool(got.tobytes() == want.tobytes())


def outcome(library: Library, way: Way, case: Case) -> tuple[str, str]:
    """Run a way; return what was seen, and the reason where it is not "yes"."""
    want = values if way.want is None else way.want
    quiet = io.StringIO()
    try:
        with contextlib.redirect_stderr(quiet), contextlib.redirect_stdout(quiet):
            got = way.run(case)
    except Exception as error:  # whatever a library raises is the finding
        text = str(error).strip() or type(error).__name__
        ours = isinstance(error, (TypeError, ValueError, RuntimeError)) and case.name in text
        text = " ".join(text.split())
        return ("refused" if ours else "**no**"), f"{type(error).__name__}: {text[:160]}"
    if isinstance(got, bool):
        return ("yes", "") if got else ("**no**", "the property does not hold")
    got = library.fetch(got)
    fine = compare(got, want(case), case, exact=want is values)
    return ("yes", "") if fine else ("**wrong**", f"{np.asarray(got)} for {want(case)}")


def cell(library: Library, way: Way, dtype: str, notes: list[str]) -> str:
    """Return what a way does to a dtype, over operations and kinds of parameters."""
    kind = kind_of(dtype)
    if kind not in way.kinds or (way.dtypes and dtype not in way.dtypes):
        return ""
    seen: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    total = 0
    for name in KINDS[kind]:
        for by_array in way.by:
            found = outcome(library, way, case_of(library, name, dtype, by_array))
            seen.setdefault(found, []).append((name, by_array))
            total += 1
    words = []
    for (what, reason), where in seen.items():
        names = sorted({name for name, _ in where})
        kinds = {by_array for _, by_array in where}
        which = "" if len(names) == len(KINDS[kind]) else " " + ", ".join(names)
        if len(kinds) < len(way.by):
            which += " (array λ)" if kinds == {True} else " (number λ)"
        mark = ""
        if reason:
            generic = reason.replace(names[0], "OPERATION").replace("`", "'").replace("|", "/")
            if generic not in notes:
                notes.append(generic)
            mark = f" [{notes.index(generic) + 1}]"
        words.append(f"{what}{which if len(seen) > 1 else ''}{mark}")
    return "; ".join(words)


def rows(library: Library, only: Sequence[str], before: str) -> Iterator[str]:
    """Yield the lines of a library's table and its notes; those not asked for as they were."""
    old = before.partition(f"## {library.title}\n")[2].partition("\n## ")[0].splitlines()
    said = {n: text for n, _, text in (line.partition(". ") for line in old) if n.isdigit()}
    kept = {line[2:].partition(" |")[0]: line for line in old if line.startswith("| ")}
    notes: list[str] = []

    def renumbered(found: re.Match[str]) -> str:
        reason = said[found[1]].strip("`")
        if reason not in notes:
            notes.append(reason)
        return f"[{notes.index(reason) + 1}]"

    yield f"| | {' | '.join(f'`{d}`' for d in library.dtypes)} |"
    yield "|---" * (len(library.dtypes) + 1) + "|"
    for way in library.ways:
        if only and way.name not in only:
            yield re.sub(r"\[(\d+)\]", renumbered, kept[way.name])
            continue
        line = (
            f"| {way.name} | {' | '.join(cell(library, way, d, notes) for d in library.dtypes)} |"
        )
        click.echo(line, err=True)  # it takes minutes
        yield line
    yield ""
    for number, note in enumerate(notes, 1):
        yield f"{number}. `{note}`"


def libraries(names: Sequence[str]) -> list[Library]:
    """Return the libraries that are asked for."""
    found = [importlib.import_module(f"ways_{name}") for name in names]
    return [module.LIBRARY for module in found]


def table(names: Sequence[str], only: Sequence[str], before: str) -> str:
    """Return the tables, and what they were made with."""
    lines = [BEGIN, ""]
    for library in libraries(names):
        made = ", ".join(f"{name} {version(name)}" for name in library.packages)
        day = datetime.date.today().isoformat()
        lines += [f"## {library.title}", "", *rows(library, only, before), ""]
        lines += [f"Made {day} by `python tests/tools/transformed.py`, on a CPU, with {made}.", ""]
    return "\n".join([*lines, END])


@click.command(help=__doc__)
@click.option("--library", "names", multiple=True, default=("torch", "jax"))
@click.option("--way", "only", multiple=True, help="Only these rows anew.")
@click.option("--write", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(names: Sequence[str], only: Sequence[str], write: Path | None) -> None:
    """Print the tables, or put them into a page."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    logging.disable(logging.ERROR)
    text = "" if write is None else write.read_text(encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries; the suite makes them errors
        made = table(names, only, text)
    if write is None:
        click.echo(made)
        return
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    write.write_text(head + made + tail, encoding="utf-8")


if __name__ == "__main__":
    sys.modules["transformed"] = sys.modules["__main__"]
    main()
