"""What other libraries need of a ufunc, where none could be compiled.

pandas, xarray, sparse, dask and the units libraries take NumPy's functions by
``__array_ufunc__``: they look at a few attributes of the function, unpack their arrays and call
it again. This class has those attributes and computes with `shrinkops_numpy._pure`. It is no
``numpy.ufunc``: one of those needs C, and callbacks from C into Python (ctypes) lose exceptions.

Invariants
----------
- An exception of any kind, a KeyboardInterrupt in the middle too, reaches the caller.
- The same loops, promotion and result types as ``src/ufunc.c``: no parameter promotes x.
- Pickles name `shrinkops_numpy.ufuncs`, as the compiled ufuncs' do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shrinkops.spec import FORMATS

from . import _pure
from ._thresholds import rounded_array

__all__ = ["PureUfunc"]


class PureUfunc:
    """An operation as a function that array libraries take for a ufunc.

    Parameters
    ----------
    name : str
    parameters : tuple of str
    kinds : frozenset of str
        Of ``"float"``, ``"integer"``, ``"complex"``.
    """

    nout = 1
    identity = None
    signature = None
    ntypes = 0
    types: tuple[str, ...] = ()

    def __init__(self, name: str, parameters: tuple[str, ...], kinds: frozenset[str]) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__ = "shrinkops_numpy.ufuncs"
        self.__doc__ = f"{name}(x, {', '.join(parameters)}), in NumPy's own arithmetic."
        self.nin = 1 + len(parameters)
        self.nargs = self.nin + 1
        self.kinds = kinds

    def __repr__(self) -> str:
        return f"<ufunc {self.__name__!r}>"

    def __reduce__(self) -> str:
        return self.__name__

    def __call__(self, *arguments: Any, out: Any = None, where: Any = True, **options: Any) -> Any:
        """Compute the operation, or let an argument's library do so."""
        if not self.nin <= len(arguments) <= self.nargs:
            raise TypeError(
                f"{self.__name__}() takes from {self.nin} to {self.nargs} positional arguments "
                f"but {len(arguments)} were given"
            )
        if len(arguments) == self.nargs:
            *inputs, out = arguments
        else:
            inputs = list(arguments)
        if isinstance(out, tuple):
            (out,) = out
        given = {"where": where} if where is not True else {}
        if out is not None:
            given["out"] = (out,)
        overridden, result = self._override("__call__", inputs, out, {**given, **options})
        return result if overridden else self._compute(inputs, out, where, **options)

    def outer(self, x: Any, *parameters: Any, **options: Any) -> Any:
        """Apply the operation to all pairs of elements."""
        if len(parameters) != 1 or self.nin != 2:
            raise ValueError(f"outer product only supported for binary functions, got {self!r}")
        overridden, result = self._override("outer", [x, *parameters], None, options)
        if overridden:
            return result
        a, b = np.asanyarray(x), np.asanyarray(parameters[0])
        return self(a.reshape(a.shape + (1,) * b.ndim), b, **options)

    def _not_defined(self, *_arguments: Any, **_options: Any) -> Any:
        raise TypeError(f"{self!r} has no reduction: x and its parameters differ in meaning")

    reduce = accumulate = reduceat = at = _not_defined

    def _override(
        self, method: str, inputs: list[Any], out: Any, options: dict[str, Any]
    ) -> tuple[bool, Any]:
        """Ask the classes of the arguments, subclasses first, as NumPy does."""
        asked: list[Any] = []
        for argument in [*inputs, *([] if out is None else [out])]:
            own = getattr(type(argument), "__array_ufunc__", np.ndarray.__array_ufunc__)
            if own is np.ndarray.__array_ufunc__ or any(type(a) is type(argument) for a in asked):
                continue
            if own is None:
                raise TypeError(
                    f"operand {type(argument).__name__!r} does not support ufuncs "
                    f"(__array_ufunc__=None)"
                )
            before = [i for i, a in enumerate(asked) if issubclass(type(argument), type(a))]
            asked.insert(before[0] if before else len(asked), argument)
        for argument in asked:
            result = type(argument).__array_ufunc__(argument, self, method, *inputs, **options)
            if result is not NotImplemented:
                return True, result
        if asked:
            raise TypeError(
                f"operand type(s) all returned NotImplemented from __array_ufunc__({self!r}, "
                f"{method!r}, ...): {', '.join(repr(type(a).__name__) for a in inputs)}"
            )
        return False, None

    def _compute(
        self,
        inputs: list[Any],
        out: Any,
        where: Any,
        *,
        subok: bool = True,
        dtype: Any = None,
        **_options: Any,
    ) -> Any:
        x = np.asarray(inputs[0] if dtype is None else np.asarray(inputs[0]).astype(dtype))
        parameters = [np.asarray(p) for p in inputs[1:]]
        self._check(x, parameters)
        bounds = [rounded_array(p, x.dtype, first=i == 0) for i, p in enumerate(parameters)]
        shape = np.broadcast_shapes(x.shape, *(b.shape for b in bounds))
        source = np.broadcast_to(x, shape) if shape != x.shape else x
        plain = out is not None and where is True and type(out) is np.ndarray
        if plain and out.dtype == x.dtype and out.shape == shape and out.flags.writeable:
            return _pure.compute(self.__name__, source, bounds, out)
        result = _pure.compute(self.__name__, source, bounds, None)
        if out is not None:
            np.copyto(out, result, where=where, casting="same_kind")
            return out
        if where is not True:
            partial = np.empty_like(result)
            np.copyto(partial, result, where=where)
            result = partial
        return self._wrap(inputs, result) if subok else result

    def _check(self, x: Any, parameters: list[Any]) -> None:
        form = FORMATS.get(x.dtype.name)
        kind = "float" if x.dtype.type is np.longdouble else getattr(form, "kind", None)
        fine = kind in self.kinds and all(_is_real(p.dtype) for p in parameters)
        if kind == "integer" and self.__name__ == "softshrink":
            fine = fine and all(p.dtype.kind in "iu" for p in parameters)
        if not fine:
            names = ", ".join(type(a.dtype).__name__ for a in (x, *parameters))
            raise TypeError(
                f"ufunc {self.__name__!r} did not contain a loop with signature matching types "
                f"({names}) -> None"
            )

    def _wrap(self, inputs: list[Any], result: Any) -> Any:
        """Give the result the class of the input that claims it, or make it a scalar."""
        wrappers = [
            a
            for a in inputs
            if type(a) is not np.ndarray
            and not isinstance(a, np.generic)
            and hasattr(type(a), "__array_wrap__")
        ]
        if wrappers:
            chosen = max(wrappers, key=lambda a: getattr(a, "__array_priority__", 0))
            return chosen.__array_wrap__(result, (self, tuple(inputs), 0), False)
        return result[()] if result.ndim == 0 else result


def _is_real(dtype: np.dtype[Any]) -> bool:
    if dtype.kind in "fiu":
        return True
    return getattr(FORMATS.get(dtype.name), "kind", None) == "float"
