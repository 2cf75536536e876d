"""What must hold of every call, whatever its path: the invariants, as source text.

Invariants
----------
- A claim is an expression that is true of a right backend; it is evaluated after the call, in
  the call's namespace, and printed in the script as it stands.
- Which claims are asked follows from the row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shrinkops.conformance._context import Context

from .calls import Case

__all__ = ["CLAIMS", "HELPERS", "Claim"]


@dataclass(frozen=True)
class Claim:
    """One invariant.

    Attributes
    ----------
    says : str
        What is wrong where it does not hold.
    text : str
        The expression.
    before : str
        A statement before the call that it needs.
    asked : callable
        ``asked(context, case)``: whether it can be asked of a call.
    """

    says: str
    text: str
    before: str = ""
    asked: Callable[[Context, Case], bool] = lambda _context, _case: True


HELPERS: Mapping[str, str] = {
    "order(": (
        "def order(v):  # its axes, from the widest stride to the narrowest\n"
        "    strides = v.stride() if hasattr(v, 'stride') else v.strides\n"
        "    return sorted(range(len(strides)), key=lambda i: -abs(strides[i]))"
    ),
    "written_through(": (
        "def written_through(x, y):  # whether writing y changes x\n"
        "    before = read(x).tobytes()\n"
        "    try:\n"
        "        y[...] = y * 0\n"
        "    except Exception:\n"
        "        return False\n"
        "    return read(x).tobytes() != before"
    ),
}
"""Definitions that a program gets where its lines mention them."""


def _out(_: Context, case: Case) -> bool:
    return case.row.get("out", "none") != "none"


def _apart(context: Context, case: Case) -> bool:
    """X is neither out nor overlapped by it."""
    out = case.row.get("out", "none")
    return out != "x itself" and out not in context.adapter.overlaps()


def _alone(context: Context, case: Case) -> bool:
    return not _out(context, case) and case.x.size > 0


def _dense(context: Context, case: Case) -> bool:
    rules = context.adapter.layouts().get(case.row.get("layout", ""))
    return rules is not None and rules.dense and not _out(context, case) and min(case.x.shape) > 1


def _array(_: Context, case: Case) -> bool:
    return case.given[0].array is not None


def _known(context: Context, case: Case) -> bool:
    return _alone(context, case) and bool(context.adapter.shared)


def _found_out(context: Context, case: Case) -> bool:
    plain = case.row.get("layout") == "dense" and case.row.get("repetition") == "once"
    return _alone(context, case) and not context.adapter.shared and plain


CLAIMS: tuple[Claim, ...] = (
    Claim("the result is not out", "y is out", asked=_out),
    Claim("the result is of another type than x", "type(y) is type(x)"),
    Claim("the result has another shape than x", "tuple(y.shape) == tuple(x.shape)"),
    Claim("the result has another dtype than x",
          "backend.dtype_name(y) == backend.dtype_name(x)"),
    Claim("the result is on another device than x", "backend.device_of(y) == backend.device_of(x)"),
    Claim("x was written", "read(x).tobytes() == x_before", "x_before = read(x).tobytes()", _apart),
    Claim("a flag of x was changed", "str(getattr(x, 'flags', '')) == x_flags",
          "x_flags = str(getattr(x, 'flags', ''))"),
    Claim("the threshold was written", "read(lambd).tobytes() == lambd_before",
          "lambd_before = read(lambd).tobytes()", _array),
    Claim("the result is x itself", "y is not x", asked=_alone),
    Claim("x keeps no order of its axes: the result has another", "order(y) == order(x)",
          asked=_dense),
    Claim("a setting of the caller's was changed", "{state} == state_before",
          "state_before = {state}"),
)  # fmt: skip
"""Asked before the elements are compared."""

SHARED = Claim("the result shares memory with x", "not ({shared})", asked=_known)
SHARED_WITH_LAMBDA = Claim(
    "the result shares memory with the threshold", "not ({shared_lambd})",
    asked=lambda context, case: _known(context, case) and _array(context, case),
)  # fmt: skip
WRITTEN_THROUGH = Claim(
    "the result shares memory with x", "not written_through(x, y)", asked=_found_out
)
