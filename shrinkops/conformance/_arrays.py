"""What a check works on: arrays of the library under test, and calls of its kernel.

Invariants
----------
- Every array goes through the backend's adapter; the kit itself knows no library.
- Input that `make` returns is new each time, so no check sees what another one did.
- Random input is seeded by the check's name and parameters: two runs see the same.
- The arguments of the last call are kept, so that a crash can be reproduced.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from shrinkops._errors import FAULTS, UnsupportedArrayError, said, type_name
from shrinkops._target import Target
from shrinkops.adapter import Adapter
from shrinkops.operations._declaration import Operation
from shrinkops.operations._function import public_function as function_named

from ._bits import array_of, bits_of
from ._model import Deviation, Item, NotApplicable, Suite
from ._numbers import Number, number_of

__all__ = ["Arrays", "Call", "Environment", "public_function"]

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Call:
    """One call of the operation, described so that it can be repeated and printed.

    Attributes
    ----------
    x : ndarray
        What ``x`` holds.
    lambd : real number, ndarray or Call.DEFAULT
        An ndarray is made an array of the library.
    layout : str
        Key of the adapter's layouts, or "".
    out : {"", "new", "x"}
    transformation : str
        A capability such as "jit", or "".
    traced : bool
        λ is an argument of the transformed function, not a constant in it.
    """

    DEFAULT: ClassVar[Any] = object()

    x: _Array
    lambd: Any
    layout: str = ""
    out: str = ""
    transformation: str = ""
    traced: bool = False


@dataclass(frozen=True)
class Environment:
    """What all items of a run share."""

    suite: Suite
    target: Target
    thorough: bool = False
    kept: dict[Any, Any] = field(default_factory=dict, compare=False)
    """What rules work out once for all items."""

    @cached_property
    def adapter(self) -> Adapter:
        """The backend's adapter."""
        return self.target.backend.adapter()

    @cached_property
    def kernel(self) -> Callable[..., Any]:
        """``f(x, lambd, *, out)`` computed by the backend under test and no other.

        One that does not load fails where it is called, as it does for whoever calls it.
        """
        operation = self.suite.operation
        try:
            return self.target.function(operation)
        except FAULTS as error:
            reason = f"{type_name(type(self.target.backend))}.kernel raised {said(error)}"

            def missing(*_: Any, **__: Any) -> Any:
                raise UnsupportedArrayError(f"{operation.name}: {reason}")

            return missing


def public_function(operation: Operation) -> Callable[..., Any]:
    """Return the function that users call."""
    return function_named(operation.name)


class Arrays:
    """One item's view of the environment: its element type, its device, its arrays.

    Parameters
    ----------
    environment : Environment
    item : Item
    """

    def __init__(self, environment: Environment, item: Item) -> None:
        self.environment = environment
        self.item = item
        self.suite = environment.suite
        self.operation = environment.suite.operation
        self.target = environment.target
        self.backend = environment.target.backend
        self.adapter = environment.adapter
        self.last: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self.kernel = environment.kernel
        self.function = self._remembered(environment.kernel)
        self.dtype = item.dtype
        self.device = item.device
        self.thorough = environment.thorough
        self.rng = np.random.default_rng(zlib.crc32(item.identifier.encode()))

    def _remembered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self.last = arguments, keywords
            return function(*arguments, **keywords)

        return call

    @cached_property
    def number(self) -> Number:
        """The element type of the item."""
        number = number_of(self.backend.format(self.dtype), self.dtype)
        assert number is not None, self.dtype  # the plan has only known ones
        return number

    @cached_property
    def public(self) -> Callable[..., Any] | None:
        """The public function, where the backend under test is registered."""
        if not self.target.registered:
            return None
        return self._remembered(public_function(self.operation))

    @property
    def dispatched(self) -> bool:
        """Whether the public function takes the backend's arrays to this backend."""
        if not self.target.registered:
            return False
        from shrinkops._public import explain

        x = self.adapter.from_numpy(np.zeros(1, np.float32), self.device)
        return explain(type(x)).backend == self.backend.name

    @cached_property
    def scalars(self) -> bool:
        """Whether the library has scalars that it tells from 0-d arrays, and the backend's."""
        whole = self.adapter.from_numpy(np.zeros(2, np.float32), self.device)
        try:
            element = whole[0]
        except Exception:  # no indexing: no scalars
            return False
        return type(element) is not type(whole) and self.backend.handles(type(element))

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The callables under test, by the name that messages use."""
        found = {f"the kernel of {self.backend.name!r}": self.function}
        if self.public is not None:
            found[f"shrinkops.{self.operation.name}"] = self.public
        return found

    def declares(self, capability: str) -> bool:
        """Tell whether the backend declares a capability."""
        return capability in self.backend.capabilities

    def settings(self) -> Any:
        """Return the settings that are the caller's, as the adapter names them."""
        names = self.environment.kept.get("settings")
        if names is None:
            names = self.environment.kept["settings"] = {"np": np}
            for line in self.adapter.imports:
                if line.startswith("import "):
                    exec(line, names)
        return eval(self.adapter.state, names)

    # Arrays

    def array(self, bits: Iterable[int], shape: tuple[int, ...] | None = None) -> _Array:
        """Return a NumPy array from bits."""
        return array_of(bits, self.number, shape)

    def bits(self, array: _Array) -> list[int]:
        """Return the bits of an array's elements."""
        return bits_of(array, self.number)

    def random(self, shape: int | tuple[int, ...]) -> _Array:
        """Return an array of random bits: every kind of value, NaN included."""
        number = self.number
        count = int(np.prod(shape))
        words = -(-number.width * number.parts // 32)
        raw = self.rng.integers(0, 1 << 32, (count, words), dtype=np.uint64)
        mask = (1 << (number.width * number.parts)) - 1
        values = [sum(int(w) << (32 * i) for i, w in enumerate(row)) & mask for row in raw]
        if number.explicit:  # only encodings that the processor produces
            top = number.fraction_bits
            values = [
                v | (1 << (top - 1)) if (v >> top) & 0x7FFF else v & ~(1 << (top - 1))
                for v in values
            ]
        return self.array(values, shape if isinstance(shape, tuple) else (shape,))

    def make(self, array: _Array, layout: str = "") -> Any:
        """Return the library's array of an ndarray's elements, in a layout."""
        if not layout:
            return self.adapter.from_numpy(array, self.device)
        rules = self.adapter.layouts()[layout]
        if not rules.fits(array.ndim, self.number.kind) or rules.repeats:
            raise NotApplicable(f"layout {layout!r} is not for such an array")
        names: dict[str, Any] = {"np": np, "a": array}
        names["N"], names["M"] = (*array.shape[:1], *array.shape[-1:]) or (1, 1)
        for line in self.adapter.imports:
            if line.startswith("import "):
                exec(line, names)
        try:
            prepared = eval(rules.prepare, names)
            names["x"] = self.adapter.from_numpy(prepared, self.device)
            return eval(rules.take, names)
        except Exception as e:  # each library refuses in its own way
            raise NotApplicable(f"{self.backend.framework} makes no {layout!r} array: {e}") from e

    def demand_layouts(self) -> None:
        """Leave a check that is about layouts, where the library has only one."""
        if not self.adapter.layouts():
            raise NotApplicable(f"every {self.backend.framework} array is dense and its own memory")

    def read(self, y: Any) -> _Array:
        """Return a result as an ndarray in native byte order."""
        try:
            array = self.adapter.to_numpy(y)
        except Exception as error:
            raise Deviation(
                f"the result, a {type_name(type(y))}, cannot be read as one of the library's "
                f"arrays: {type(error).__name__}: {error}"
            ) from error
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def read_like(self, y: Any, x: _Array) -> _Array:
        """Return a result as an ndarray, or convict it of another dtype or shape."""
        array = self.read(y)
        if array.dtype != x.dtype:
            raise Deviation(
                f"x has dtype {x.dtype.name}, the result has {array.dtype.name}",
                value=array.dtype.name,
            )
        if array.shape != x.shape:
            raise Deviation(
                f"x has shape {x.shape}, the result has {array.shape}", value=str(array.shape)
            )
        return array

    def arrange(self, call: Call) -> tuple[Any, list[Any], dict[str, Any]]:
        """Return x and the remaining arguments of a call, made for the library."""
        x = self.make(call.x, call.layout)
        arguments: list[Any] = []
        if isinstance(call.lambd, np.ndarray):
            arguments.append(self.adapter.from_numpy(call.lambd, self.device))
        elif call.lambd is not Call.DEFAULT:
            arguments.append(call.lambd)
        keywords = {}
        if call.out == "x":
            keywords["out"] = x
        elif call.out == "new":
            keywords["out"] = self.make(np.full_like(call.x, 1))
        return x, arguments, keywords

    def run(self, call: Call, function: Callable[..., Any] | None = None) -> _Array:
        """Make the arrays of a call, call, and read the result back."""
        x, arguments, keywords = self.arrange(call)
        if call.transformation and not call.traced:
            return self._run_inside(call, x, arguments, keywords, function or self.kernel)
        if call.traced and function is None:
            function = self.transform(call.transformation, self.kernel)
        return self.read_like((function or self.function)(x, *arguments, **keywords), call.x)

    def _run_inside(
        self, call: Call, x: Any, arguments: list[Any], keywords: dict[str, Any],
        function: Callable[..., Any],
    ) -> _Array:  # fmt: skip
        """Call inside a transformed function of x alone.

        The function is one that remembers nothing: that would be a side effect in there.
        """
        closed = lambda v: function(v, *arguments, **keywords)  # noqa: E731  transformed next
        transformed = self.transform(call.transformation, closed)
        if call.transformation != "vmap":
            return self.read_like(transformed(x), call.x)
        both = np.stack([call.x, call.x])
        second: _Array = self.read_like(transformed(self.make(both)), both)[1]
        return second

    def transform(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Apply one of the library's transformations, by the name of its capability."""
        self.adapter.forget()
        transformer: Callable[..., Any] = getattr(self.adapter, name)
        result: Callable[..., Any] = transformer(function)
        return result
