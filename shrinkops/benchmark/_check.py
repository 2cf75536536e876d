"""No figure for a wrong result: everything is compared before it is timed.

Invariants
----------
- The reference is the operation's own generic definition, evaluated by NumPy.
- A backend is compared bit for bit, NaN payloads aside, on the data that are timed and
  on the corners: ±0, ±t and their neighbours, subnormals, infinities, NaN.
- The comparison reads the output after the call's own synchronisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from shrinkops._numbers.formats import FORMATS, FloatFormat
from shrinkops.adapter import numpy_dtype

from ._calls import Call
from ._peers import Peer
from ._work import Work, wanted_of

__all__ = [
    "WrongResultError",
    "check_derivative",
    "check_peer",
    "check_subject",
    "corners",
    "reference",
]

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

_Array = np.ndarray[Any, Any]


class WrongResultError(AssertionError):
    """What was to be timed does not compute the operation.

    Attributes
    ----------
    of_peer : bool
        It is a peer that is wrong, not the target.
    """

    of_peer = False


def reference(work: Work, x: _Array) -> _Array:
    """Return what the specification wants, as NumPy computes the generic definition."""
    return work.wanted if x is work.host_x else wanted_of(work, x)


def derivative_reference(work: Work, x: _Array, cotangent: _Array) -> _Array:
    """Return the vector-Jacobian product that the specification wants, by selection."""
    with np.errstate(all="ignore"):
        numbers = [x.dtype.type(p.value) for p in work.parameters]
        slope = work.operation.derivatives(np, x, *numbers)[0]
        inside = (x >= -numbers[0]) & (x <= numbers[0])
        wanted: _Array = np.where(inside, x.dtype.type(0), cotangent * slope)
    return wanted


def corners(work: Work) -> _Array:
    """Return the elements that implementations differ on."""
    dtype = numpy_dtype(work.case.dtype)
    form = FORMATS[work.case.dtype]
    if not isinstance(form, FloatFormat):
        return np.array([0, 1, 49, 50, 51, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    t = int(np.array(work.threshold.value, dtype).view(_UNSIGNED[dtype.itemsize]))
    bits = [0, 1, t - 1, t, t + 1, form.max_bits, form.top_bits, form.top_bits + 1]
    sign = 1 << (8 * dtype.itemsize - 1)
    both = [*bits, *(b | sign for b in bits)]
    return np.array(both, _UNSIGNED[dtype.itemsize]).view(dtype)


def check_subject(
    work: Work, call: Call, on: Callable[[Any], Call], read: Callable[[Any], _Array]
) -> None:
    """Compare a backend's call, and the same call on the corners, with the reference.

    Parameters
    ----------
    work : Work
    call : Call
        What will be timed.
    on : callable
        ``on(x)``: the same call on another array.
    read : callable
        Turns a result into a NumPy array.

    Raises
    ------
    WrongResultError
        It names the first element that differs.
    """
    name = f"backend {work.target.text!r}"
    _compare(work, name, work.host_x, read(call()))
    special = corners(work)
    result = on(work.adapter.from_numpy(special, work.device))()
    _compare(work, f"{name} at the corners", special, read(result))


def check_derivative(work: Work, cotangent: _Array, got: _Array) -> None:
    """Compare a derivative with the declared one.

    Raises
    ------
    WrongResultError
        It names the first element that differs.
    """
    wanted = derivative_reference(work, work.host_x, cotangent)
    compare = _compare_arrays if work.operation.accuracy == "exact" else _compare_nearly
    compare(f"the derivative of backend {work.target.text!r}", work.host_x, wanted, got)


def check_peer(work: Work, peer: Peer, call: Call, read: Callable[[Any], _Array]) -> None:
    """Compare a peer's result with the reference, or a copy's with the input.

    Raises
    ------
    WrongResultError
        It differs where it does not say so.
    """
    name = f"peer {peer.name!r}"
    try:
        with np.errstate(all="ignore"):  # peers may warn about NaN, the target may not
            _check_peer(work, peer, name, call, read)
    except WrongResultError as error:
        error.of_peer = True
        raise


def _check_peer(
    work: Work, peer: Peer, name: str, call: Call, read: Callable[[Any], _Array]
) -> None:
    result = call()
    if result is not None:
        got = read(result)
    else:  # it wrote into the output
        got = work.host_out if work.case.device == "cpu" else read(work.out)
    if peer.copies:
        _compare_arrays(name, work.host_x, work.host_x, got)
        return
    wanted = reference(work, work.host_x)
    if peer.rounds:
        _compare_nearly(name, work.host_x, wanted, got)
        return
    if peer.departs:
        # -0 for +0, and corners that random data do not have: equal as numbers.
        if got.dtype != wanted.dtype or not np.array_equal(got, wanted):
            raise WrongResultError(f"{name} differs from the reference in value; not timed")
        return
    _compare_arrays(name, work.host_x, wanted, got)
    special = corners(work)
    if peer.takes == work.framework:
        x = work.adapter.from_numpy(special, work.device)
        out = None if work.out is None else work.adapter.from_numpy(special, work.device)
        few = replace(work, x=x, out=out, host_x=special.copy(), host_out=special.copy())
    else:
        few = replace(work, host_x=special.copy(), host_out=special.copy())
    result = peer.call(few)()
    got = few.host_out if result is None else read(result)
    _compare_arrays(f"{name} at the corners", special, reference(work, special), got)


_ROUNDING = 16
"""Units in the last place of x within which another formula's result lies."""


def _compare_nearly(name: str, x: _Array, wanted: _Array, got: _Array) -> None:
    form = FORMATS[wanted.dtype.name]
    assert isinstance(form, FloatFormat)
    with np.errstate(all="ignore"):
        wide = [a.astype(np.float64) for a in (x, wanted, got)]
        bound = _ROUNDING * 2.0 ** (1 - form.precision) * np.maximum(np.abs(wide[0]), 1)
        wrong = ~(np.abs(wide[2] - wide[1]) <= bound)
    if got.dtype != wanted.dtype or wrong.any():
        where = int(np.argmax(wrong))
        raise WrongResultError(
            f"{name} gave {got.dtype} {got[where]!r} for x[{where}] = {x[where]!r}, expected "
            f"{wanted[where]!r} or nearly; {int(wrong.sum())} of {wrong.size} elements differ, "
            f"nothing is timed"
        )


def _compare(work: Work, name: str, x: _Array, got: _Array) -> None:
    _compare_arrays(name, x, reference(work, x), got)


def _compare_arrays(name: str, x: _Array, wanted: _Array, got: _Array) -> None:
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        raise WrongResultError(
            f"{name} gave {got.dtype} of shape {got.shape}, expected {wanted.dtype} of shape "
            f"{wanted.shape}; nothing is timed"
        )
    unsigned = _UNSIGNED[wanted.dtype.itemsize]
    wrong = np.ascontiguousarray(got).view(unsigned) != wanted.view(unsigned)
    with np.errstate(invalid="ignore"):
        wrong &= ~((got != got) & (wanted != wanted))
    if wrong.any():
        where = int(np.argmax(wrong))
        raise WrongResultError(
            f"{name} gave {got[where]!r} for x[{where}] = {x[where]!r}, expected "
            f"{wanted[where]!r}; {int(wrong.sum())} of {wrong.size} elements differ, "
            f"nothing is timed"
        )
