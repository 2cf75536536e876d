"""An operation of somebody else's, by public names alone: soft thresholds, halved."""

from __future__ import annotations

from shrinkops_numpy import NumpyBackend

from shrinkops.spec import Clause, Operation, Parameter, Piece, clauses, define


def outside(xp, x, t):
    return xp.where(x > 0, x - t, x + t) / 2


def derivatives(xp, x, _t):
    half = xp.ones_like(x) / 2
    return half, -xp.sign(x) * half


OPERATION = Operation(
    name="halfshrink",
    prefix="HA",
    parameters=(Parameter("lambd", 0.5, negative="refused"),),
    kinds=frozenset({"float"}),
    pieces=(
        Piece(
            "lambd",
            value=lambda a, t: (a - t) / 2,
            slope=lambda _a, _t: 0.5,
            partials={"lambd": lambda _a, _t: -0.5},
        ),
    ),
    outside=outside,
    derivatives=derivatives,
    accuracy=2,
    clauses=clauses(
        "HA",
        Clause("VAL-1", "band", "-t <= x <= t gives +0."),
        Clause("VAL-2", "outside", "s*(|x| - t) / 2, within 2 ulp."),
    ),
)


@define(OPERATION)
def halfshrink(x, lambd=0.5, *, out=None):
    """Shrink by lambd, then halve."""


class Narrow(NumpyBackend):
    """NumPy's backend for one element type, so that it is judged soon."""

    name = "narrow"
    dtypes = frozenset({"float32"})
