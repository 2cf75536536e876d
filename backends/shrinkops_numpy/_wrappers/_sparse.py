"""sparse and scipy.sparse: arrays that store what is not zero.

Invariants
----------
- Zero stays zero under every operation and every parameter, so only stored elements are computed.
  sparse's other fill values are computed as sparse does it.
- The layout is kept, whatever a parameter's is; a stored element that becomes zero is no longer
  stored. Where nothing changes (λ < 0), what is stored stays so, zeros and -0 included.
- Elements that scipy.sparse stores in several pieces are added up before they are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._wrapper import Inner, Part, Wrapper, check_numbers, is_array

__all__ = ["wrappers"]


class _Sparse(Wrapper):
    """An array of sparse: its own elementwise machinery computes stored and fill values."""

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        import sparse

        if out is not None:
            self.target(x, out, inner)
        check_numbers(x.dtype, "", parameters, inner)
        arrays = []
        for value, name in zip(parameters, inner.parameters, strict=True):
            if not is_array(value):
                continue
            if not isinstance(value, sparse.SparseArray):
                raise inner.mixed(x, value, name, f"pass a Python float as {name}")
            _check_parameter(x, value, name, inner)
            arrays.append(value)
        numbers = [None if is_array(value) else value for value in parameters]

        def compute(stored: Any, *others: Any) -> Any:
            rest = iter(others)
            taken = [next(rest) if value is None else value for value in numbers]
            return inner.function(np.asarray(stored), *taken)

        # In the format in which it computes: the result's would be one that suits all arguments.
        result = sparse.elemwise(compute, *(array.asformat("coo") for array in (x, *arrays)))
        axes = {"compressed_axes": x.compressed_axes} if isinstance(x, sparse.GCXS) else {}
        return result if type(result) is type(x) else result.asformat(_format(x), **axes)

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        data = getattr(x, "data", None)  # DOK keeps a dict
        return [data if isinstance(data, np.ndarray) else np.ndarray]


def _format(x: Any) -> str:
    return type(x).__name__.lower()


def _check_parameter(x: Any, value: Any, name: str, inner: Inner) -> None:
    from shrinkops.spec import check_broadcast

    if value.dtype.kind not in "fiuV":
        raise TypeError(
            f"{inner.name}: {name} must hold real numbers, got an array of dtype {value.dtype}; "
            f"convert it, or pass a float"
        )
    check_broadcast(inner.name, value.shape, x.shape, name)


class _Scipy(Wrapper):
    """A sparse array or matrix of SciPy; one number serves all of its elements."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        return [Part(_canonical(x).data)]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        raise TypeError(
            f"{inner.name}: x is a sparse {x.format} array, which takes one number as {name}, got "
            f"{type(value).__name__} of shape {getattr(value, 'shape', ())}; pass a float, or "
            f"apply {inner.name} to x.data"
        )

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        y = _canonical(x)
        same = results[0].tobytes() == y.data.tobytes()
        y.data = results[0]
        y = y if same or y.format == "dia" else _pruned(y)
        return y if y.format == x.format else y.asformat(x.format)


def _canonical(x: Any) -> Any:
    """Return a copy whose ``data`` hold each element once."""
    y = x.tocoo(copy=True) if x.format in ("lil", "dok") else x.copy()
    if y.format != "dia":
        y.sum_duplicates()
    return y


def _pruned(y: Any) -> Any:
    y.eliminate_zeros()
    return y


def wrappers(library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    if library == "sparse":
        import sparse

        return {sparse.SparseArray: _Sparse()}
    import scipy.sparse

    kinds = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    names = [f"{kind}_{form}" for kind in kinds for form in ("array", "matrix")]
    return {getattr(scipy.sparse, name): _Scipy() for name in names}
