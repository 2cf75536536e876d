"""Mutants with right values and wrong derivatives, in Array API terms: clauses HS-DER."""

# ruff: noqa: ARG001, E501  one signature for all defects; a table row is a line

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shrinkops.conformance._mutants import Kernel, Mutant, Tools, whole

__all__ = ["MUTANTS"]

_AUTODIFF = frozenset({"autodiff"})


def _plain(lambd: Any) -> bool:
    return isinstance(lambd, (int, float)) and lambd >= 0


def _defined(build: Callable[[Any, Any, float], Any]) -> Callable[[Kernel, Tools], Kernel]:
    """Replace the kernel for a number λ by an expression of the library."""

    def change(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
        if out is not None or not _plain(lambd) or "float" not in tools.backend.dtype_name(x):
            return kernel(x, lambd, out)
        return build(tools.backend.namespace(), x, float(lambd))

    return whole(change)


def _band(x: Any, t: float) -> Any:
    return (x >= -t) & (x <= t)


def _one_at_edge(xp: Any, x: Any, t: float) -> Any:
    y = xp.where(_band(x, t), xp.zeros_like(x), x)
    return xp.where(x == t, x - t, xp.where(x == -t, x + t, y))


def _times_mask(xp: Any, x: Any, t: float) -> Any:
    return x * xp.where(_band(x, t), xp.zeros_like(x), xp.ones_like(x))


def _zero_times(xp: Any, x: Any, t: float) -> Any:
    return xp.where(_band(x, t), x * 0.0, x)


def _nan_dropped(xp: Any, x: Any, t: float) -> Any:
    """Select by the kept condition: the value of NaN is right, its derivative 0."""
    kept = (x > t) | (x < -t)
    constant = xp.where(x == x, xp.zeros_like(x), xp.full_like(x, float("nan")))
    return xp.where(kept, x, constant)


def _curved(xp: Any, x: Any, t: float) -> Any:
    """Right at whole numbers, where value and slope are right and the curvature is not."""
    rest = x - xp.floor(x)
    return xp.where(_band(x, t), xp.zeros_like(x), x + rest * rest)


def _lambda_slope(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    if out is not None or not tools.backend.handles(type(lambd)):
        return y
    xp = tools.backend.namespace()
    return y + (lambd - xp.floor(lambd))


def _constant(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Lose the graph: the result depends on nothing."""
    if out is None and hasattr(x, "detach"):
        return kernel(x.detach(), lambd, None)
    if out is None and type(x).__module__.startswith("jax"):
        import jax

        return kernel(jax.lax.stop_gradient(x), lambd, None)
    return kernel(x, lambd, out)


def _can_lose_graph(tools: Tools) -> str:
    return (
        "" if tools.backend.framework in ("jax", "torch") else "how to lose its graph is not known"
    )


def _derivative(
    name: str, defect: str, killer: str, build: Callable[..., Any], **more: Any
) -> Mutant:
    return Mutant(name, defect, killer, _defined(build), needs=_AUTODIFF, **more)


MUTANTS: Sequence[Mutant] = (
    _derivative("gradient-one-at-edge", "the derivative is 1 at ±t", "HS-DER-1/reverse", _one_at_edge),
    _derivative("gradient-one-at-edge-forward", "the tangent passes at ±t", "HS-DER-1/forward", _one_at_edge),
    _derivative("gradient-zero-at-nan", "the derivative is 0 where x is NaN", "HS-DER-1/reverse", _nan_dropped),
    Mutant("detached", "the result has no derivative", "HS-DER-1/reverse", whole(_constant),
           needs=_AUTODIFF, applies=_can_lose_graph),
    _derivative("nan-cotangent", "x * mask: a NaN cotangent gives NaN", "HS-DER-2/nan-cotangent", _times_mask),
    _derivative("nan-cotangent-by-zero", "0 * x in the band", "HS-DER-2/nan-cotangent", _zero_times),
    _derivative("nan-tangent", "x * mask: a NaN tangent gives NaN", "HS-DER-2/nan-tangent", _times_mask),
    _derivative("curved", "second derivatives are not 0", "HS-DER-3/second", _curved),
    Mutant("lambda-slope", "d/dλ is 1", "HS-DER-3/lambda", whole(_lambda_slope),
           needs=_AUTODIFF | {"array_lambd"}),
)  # fmt: skip
