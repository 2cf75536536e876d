"""What the conformance and benchmark kits need of a backend, and nothing else does.

Invariants
----------
- Only the kits import this module; a backend's ``adapter()`` is called by them alone.
- NumPy arrays are the kits' exchange format. A dtype that NumPy lacks travels as
  its ``ml_dtypes`` type.
- Nothing here is needed to compute: a backend that defines no adapter gets this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shrinkops._target import find_backend

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Backend

__all__ = ["Adapter", "Layout", "Mode", "Subclass", "find_backend", "numpy_dtype"]


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype of a canonical name, from ml_dtypes where NumPy has none."""
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        extension: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extension


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to lay an array out in memory, as source text, so that scripts can print it.

    Attributes
    ----------
    prepare : str
        Expression of ``a``, a NumPy array, and ``np``: what is given to the library. ``N``
        and ``M`` are the lengths of its first and last axis.
    take : str
        Expression of ``x``, the library's array, and the names that the adapter's
        ``imports`` bring: an array with the elements of ``a``.
    dimensions : int
        Smallest number of axes that ``a`` must have.
    dense : bool
        The result is a permuted dense layout, which an operation keeps (HS-ARR-2).
    axes : int
        The only number of axes that ``a`` may have, where not 0.
    writable : bool
        Its elements can be written, each without another.
    repeats : str
        Expression of ``a``, an array of any type, for a layout in which elements share
        memory: ``a`` with the elements that such an array can have.
    kinds : str
        Kinds of element types that have it, of "float integer complex".
    as_out : bool
        An ``out`` may lie so too, where it is writable.
    no_out : bool
        The library takes no ``out`` where any argument is such an array.
    """

    prepare: str
    take: str
    dimensions: int = 1
    dense: bool = False
    axes: int = 0
    writable: bool = True
    repeats: str = ""
    kinds: str = "float integer complex"
    as_out: bool = True
    no_out: bool = False

    def fits(self, axes: int, kind: str = "float") -> bool:
        """Tell whether an array of so many axes can be laid out so."""
        return axes >= self.dimensions and self.axes in (0, axes) and kind in self.kinds


@dataclass(frozen=True, slots=True)
class Mode:
    """A setting of the caller's that no call may change, as source text.

    Attributes
    ----------
    enter, leave : str
        Statements before and after the call.
    narrow : bool
        It allows no 64-bit element types.
    arithmetic : bool
        Sums and products are as usual in it.
    kinds : str
        Kinds of element types that it is for.
    """

    enter: str
    leave: str
    narrow: bool = False
    arithmetic: bool = True
    kinds: str = "float integer complex"


@dataclass(frozen=True, slots=True)
class Subclass:
    """A subclass of the library's array class.

    Attributes
    ----------
    name : str
    make : callable
        ``make(x)``: an instance with the elements of ``x``.
    kept : callable
        ``kept(instance, result)``: whether the result is what the instance was.
    """

    name: str
    make: Callable[[Any], Any]
    kept: Callable[[Any, Any], bool]


TRANSFORMATIONS = ("jit", "vmap", "compile")
"""Capabilities that take a function and return one; each is a method of `Adapter`."""

_LAYOUTS = {
    "offset": Layout("np.concatenate([a[..., :1], a], axis=-1)", "x[..., 1:]"),
    "step": Layout("np.repeat(a, 2, axis=-1)", "x[..., ::2]"),
    "reversed": Layout("a[..., ::-1]", "x[..., ::-1]"),
    "transposed": Layout("np.swapaxes(a, -1, -2).copy()", "x.mT", 2),
    "row of a table": Layout("np.stack([a, a], axis=-1)", "x[..., 0]"),
    "first axis stepped": Layout("np.repeat(a, 3, axis=0)", "x[::3, ...]", 2),
    "first axis reversed": Layout("a[::-1]", "x[::-1, ...]", 2),
    "middle columns": Layout(
        "np.concatenate([a[..., :1], a, a[..., :1]], axis=-1)", "x[..., 1:-1]", 2
    ),
    "middle rows": Layout("np.concatenate([a[:1], a, a[:1]], axis=0)", "x[1:-1, ...]", 2),
}
_FRAME = "(lambda b, v: (b.__setitem__(..., v), b)[1])"
_NUMPY_LAYOUTS = {
    "fortran": Layout("a", "np.asfortranarray(x)", 2, dense=True),
    "permuted": Layout("np.moveaxis(a, 0, -1).copy()", "np.moveaxis(x, -1, 0)", 3, dense=True),
    "everywhere reversed": Layout("np.flip(a)", "np.flip(x)", 1),
    "fortran, reversed": Layout("a[::-1]", "np.asfortranarray(x)[::-1]", 2),
    "fortran, stepped": Layout("np.repeat(a, 2, axis=0)", "np.asfortranarray(x)[::2]", 2),
    "repeated rows": Layout(
        "a[:1]", "np.broadcast_to(x, (N, *x.shape[1:]))", 2, writable=False,
        repeats="np.broadcast_to(a[:1], a.shape)",
    ),
    "repeated columns": Layout(
        "a[..., :1]", "np.broadcast_to(x, (*x.shape[:-1], M))", 2, writable=False,
        repeats="np.broadcast_to(a[..., :1], a.shape)",
    ),
    "overlapping windows": Layout(
        "np.concatenate([a[:, 0], a[-1, 1:]])",
        "np.lib.stride_tricks.sliding_window_view(x, M)", 2, axes=2, writable=False,
        repeats="np.lib.stride_tricks.sliding_window_view(np.resize(a, N + M - 1), M)",
    ),
    "odd stride": Layout(
        "a", f"{_FRAME}(np.zeros(x.shape, [('p', 'u1'), ('v', x.dtype)])['v'], x)"
    ),
    "misaligned": Layout(
        "a", "np.frombuffer(bytearray(b'.' + x.tobytes()), x.dtype, offset=1).reshape(x.shape)",
        0,
    ),
    "misaligned, fortran": Layout(
        "a", "np.frombuffer(bytearray(b'.' + x.tobytes('F')), x.dtype, offset=1)"
        ".reshape(x.shape[::-1]).T", 2, dense=True,
    ),
    "misaligned, reversed": Layout(
        "a[::-1]",
        "np.frombuffer(bytearray(b'.' + x.tobytes()), x.dtype, offset=1).reshape(x.shape)[::-1]",
    ),
    "read-only": Layout(
        "a", "np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape)", 0, writable=False
    ),
    "read-only, fortran": Layout(
        "a", "(lambda v: (v.setflags(write=False), v)[1])(np.asfortranarray(x))", 2,
        dense=True, writable=False,
    ),
    "byte-swapped": Layout("a", "x.byteswap().view(x.dtype.newbyteorder())", 0, as_out=False),
    "byte-swapped, reversed": Layout(
        "a[..., ::-1]", "x.byteswap().view(x.dtype.newbyteorder())[..., ::-1]", as_out=False
    ),
    "byte-swapped, fortran": Layout(
        "a", "np.asfortranarray(x.byteswap().view(x.dtype.newbyteorder()))", 2, dense=True,
        as_out=False,
    ),
}  # fmt: skip
_OVERLAPS = {
    "overlapping forwards": ("np.concatenate([a, a[:1]])", "x[:-1]", "x[1:]"),
    "overlapping backwards": ("np.concatenate([a[:1], a])", "x[1:]", "x[:-1]"),
}
_NUMPY_OVERLAPS = {
    "overlapping far": ("np.concatenate([a, a[:3]])", "x[:N]", "x[len(x) - N:]"),
    "overlapping, reversed": ("a", "x", "x[::-1]"),
    "overlapping, read backwards": ("a[::-1]", "x[::-1]", "x"),
}
_NUMPY_MODES = {
    "errstate raise": Mode("mode = np.seterr(all='raise')", "np.seterr(**mode)"),
    "warnings are errors": Mode(
        "mode = warnings.catch_warnings(); mode.__enter__(); warnings.simplefilter('error')",
        "mode.__exit__(None, None, None)",
    ),
}


class Adapter:
    """Makes arrays of a backend's library for the kits, and reads them back.

    The defaults serve a library with an Array API namespace on one device.
    Subclass it and return it from ``Backend.adapter()`` for more.

    Parameters
    ----------
    backend : Backend

    Attributes
    ----------
    imports : tuple of str
        Import lines that the expressions below need, for printed scripts.
    from_source : str
        Expression of ``a``, a NumPy array: what `from_numpy` makes of it.
    state : str
        Expression of the settings that are the caller's, which no call may change.
    shared : str
        Expression of ``x`` and ``y``: whether the two arrays share memory. Empty: it is
        found out by writing into ``y``, where that can be.
    expand : str
        Expression of ``{0}``, an array with one element, and ``{1}``, a shape: an array of it
        whose strides are 0. Empty where the library has none.
    compiles : bool
        Each new shape or element type costs a compilation, so few of them are tried.
    """

    imports: tuple[str, ...] = ()
    from_source: str = "backend.adapter().from_numpy(a)"
    state: str = "np.geterr()"
    shared: str = ""
    compiles: bool = False
    expand: str = ""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        if self.is_numpy:
            self.from_source = "a"
            self.shared = "np.may_share_memory(x, y)"

    @property
    def is_numpy(self) -> bool:
        """Whether the library is NumPy itself."""
        return self.backend.framework == "numpy"

    # Making and reading arrays

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        """Return a new array of the library with the same shape, dtype and bits."""
        if self.is_numpy:
            return array.copy()
        xp = self.backend.namespace()
        return xp.asarray(array, dtype=getattr(xp, array.dtype.name), copy=True)

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        """Return the array as NumPy's, with the same shape, dtype and bits."""
        return np.asarray(x)

    def devices(self) -> Sequence[Any]:
        """Return the devices to test; None is the library's default."""
        return (None,)

    def synchronize(self, x: Any) -> None:
        """Return when the computation of ``x`` has finished."""

    def peak_bytes(self, function: Callable[[Any], Any], x: Any) -> int | None:
        """Return by how many bytes ``function(x)`` raises what the library holds of x's device.

        The most during the call, less what it held before. None, and no call, where the
        library does not tell.
        """
        return None

    def session(self) -> AbstractContextManager[Any]:
        """Return a context with the settings that the backend's dtypes need."""
        return nullcontext()

    # What arrays of the library can look like

    def layouts(self) -> Mapping[str, Layout]:
        """Return ways to lay out an array; one that the library refuses is left out."""
        return {**_LAYOUTS, **_NUMPY_LAYOUTS} if self.is_numpy else _LAYOUTS

    def overlaps(self) -> Mapping[str, tuple[str, str, str]]:
        """Return ways in which ``out`` overlaps ``x``.

        Each is an expression of ``a``, and two of ``x``, the library's array of it: the
        first has ``x``'s elements (or fewer), the second is ``out``.
        """
        return {**_OVERLAPS, **_NUMPY_OVERLAPS} if self.is_numpy else _OVERLAPS

    def modes(self) -> Mapping[str, Mode]:
        """Return the settings of a caller's under which a call must be as usual."""
        return _NUMPY_MODES

    def subclasses(self) -> Sequence[Subclass]:
        """Return subclasses of the array class, for HS-ARR-6 and its like."""
        return _numpy_subclasses() if self.is_numpy else ()

    def forbid_transfers(self) -> AbstractContextManager[Any]:
        """Return a context in which copies to the host and synchronisations raise."""
        return nullcontext()

    # Transformations, for backends that declare them

    def transformations(self) -> tuple[str, ...]:
        """Return the declared capabilities that are transformations of a function.

        Leave one out that is another one under a second name.
        """
        return tuple(t for t in TRANSFORMATIONS if t in self.backend.capabilities)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function compiled by the library; for backends with ``"jit"``."""
        raise self._undeclared("jit")

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function compiled; for backends with ``"compile"``."""
        raise self._undeclared("compile")

    def trace(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function traced and compiled as cheaply as can be; `jit` by default."""
        return self.jit(function)

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Map the function over the first axis; for backends with ``"vmap"``."""
        raise self._undeclared("vmap")

    def vjp(self, function: Callable[[Any], Any], x: Any, cotangent: Any) -> Any:
        """Return the reverse-mode derivative at ``x``; for backends with ``"autodiff"``.

        It can be nested: ``function`` may call `vjp` itself.
        """
        raise self._undeclared("autodiff")

    def jvp(self, function: Callable[[Any], Any], x: Any, tangent: Any) -> Any:
        """Return the forward-mode derivative at ``x``; for backends with ``"autodiff"``."""
        raise self._undeclared("autodiff")

    def forget(self) -> None:
        """Drop what the library has compiled so far, where it keeps a bounded number of that."""

    def compilations(self) -> int:
        """Return how often the library has traced or compiled anything in this process."""
        raise self._undeclared("jit or compile")

    def _undeclared(self, capability: str) -> NotImplementedError:
        return NotImplementedError(
            f"backend {self.backend.name!r} declares no {capability}, or its adapter lacks it"
        )


def _numpy_subclasses() -> Sequence[Subclass]:
    class Named(np.ndarray[Any, Any]):
        """A subclass without any behaviour of its own."""

    def masked(x: Any) -> Any:
        return np.ma.array(x, mask=np.arange(x.size).reshape(x.shape) % 3 == 1)

    return (
        Subclass("numpy.ndarray subclass", lambda x: x.view(Named), lambda _, y: type(y) is Named),
        Subclass(
            "numpy.ma.MaskedArray",
            masked,
            lambda x, y: (
                isinstance(y, np.ma.MaskedArray)
                and bool(np.array_equal(np.ma.getmaskarray(x), np.ma.getmaskarray(y)))
            ),
        ),
    )
