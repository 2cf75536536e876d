"""What a check is given: arrays of the library under test, and calls of its kernel.

Invariants
----------
- Every array goes through the backend's adapter; the kit itself knows no library.
- Input that `make` returns is new each time, so no check sees what another one did.
- A failed comparison is reduced to one element where that alone shows it.
- Random input is seeded by the check's name and parameters: two runs see the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .._errors import type_name
from .._operation import Operation
from .._target import Target
from ..adapter import Adapter
from . import _script
from ._bits import array_of, bits_of, hex_of, same, show
from ._model import Deviation, Item, NotApplicable, Suite
from ._numbers import Number, number_of

__all__ = ["Call", "Context", "Environment", "public_function"]

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
    """

    DEFAULT: ClassVar[Any] = object()

    x: _Array
    lambd: Any
    layout: str = ""
    out: str = ""
    transformation: str = ""


@dataclass(frozen=True)
class Environment:
    """What all items of a run share."""

    suite: Suite
    target: Target
    thorough: bool = False
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @cached_property
    def adapter(self) -> Adapter:
        """The backend's adapter."""
        return self.target.backend.adapter()

    @cached_property
    def kernel(self) -> Callable[..., Any]:
        """``f(x, lambd, *, out)`` computed by the backend under test and no other."""
        return self.target.function(self.suite.operation)


def public_function(operation: Operation) -> Callable[..., Any]:
    """Return the function that users call."""
    import shrinkops

    function: Callable[..., Any] = getattr(shrinkops, operation.name)
    return function


class Context:
    """One item's view of the environment.

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
        self.function = environment.kernel
        self.dtype = item.dtype
        self.device = item.device
        self.thorough = environment.thorough
        self.rng = np.random.default_rng(zlib.crc32(item.identifier.encode()))

    @cached_property
    def number(self) -> Number:
        """The element type of the item."""
        number = number_of(self.backend.format(self.dtype), self.dtype)
        assert number is not None, self.dtype  # the plan has only known ones
        return number

    @property
    def public(self) -> Callable[..., Any] | None:
        """The public function, where it dispatches to the backend under test."""
        return public_function(self.operation) if self.target.registered else None

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
        if array.ndim < rules.dimensions:
            raise NotApplicable(f"layout {layout!r} needs {rules.dimensions} axes")
        names: dict[str, Any] = {"np": np, "a": array}
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
        f = function or self.function
        if not call.transformation:
            return self.read_like(f(x, *arguments, **keywords), call.x)
        transformed = self.transform(call.transformation, lambda v: f(v, *arguments, **keywords))
        if call.transformation == "vmap":
            doubled = self.make(np.stack([call.x, call.x]))
            rows = self.read_like(transformed(doubled), np.stack([call.x, call.x]))
            second: _Array = rows[1]
            return second
        return self.read_like(transformed(x), call.x)

    def transform(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Apply one of the library's transformations, by the name of its capability."""
        self.adapter.forget()
        transformer: Callable[..., Any] = getattr(self.adapter, name)
        result: Callable[..., Any] = transformer(function)
        return result

    # Verdicts

    def verify(self, call: Call, function: Callable[..., Any] | None = None) -> None:
        """Make a call and convict it where its result is not the specified one."""
        lambd = self.operation.default if call.lambd is Call.DEFAULT else call.lambd
        want, either = self.suite.expected(call.x, lambd, self.number)
        self.verify_against(call, want, either, function)

    def verify_against(
        self,
        call: Call,
        want: _Array,
        either: _Array | None = None,
        function: Callable[..., Any] | None = None,
    ) -> None:
        """Make a call and compare its result with a given one."""
        try:
            got = self.run(call, function)
        except (Deviation, NotApplicable) as error:
            if isinstance(error, Deviation) and not error.script:
                error.script = _script.reproduction(self, call, str(error))
            raise
        except Exception as error:
            raise self.unexpected(call, error) from error
        wrong = self.differing(call.x, got, want, either)
        if wrong is not None:
            raise self._deviation(call, got, want, wrong, function)

    def differing(
        self, x: _Array, got: _Array, want: _Array, either: _Array | None = None
    ) -> int | None:
        """Return the flat index of the first wrong element, None where there is none."""
        equal = same(got, want, self.number)
        if either is not None and either.any():
            zero = same(got, np.zeros_like(got), self.number)
            equal |= either & (zero | same(got, x, self.number))
        if equal.all():
            return None
        return int(np.flatnonzero(~np.atleast_1d(equal))[0])

    def _deviation(
        self, call: Call, got: _Array, want: _Array, wrong: int,
        function: Callable[..., Any] | None,
    ) -> Deviation:  # fmt: skip
        number = self.number
        x_bits, got_bits, want_bits = (
            bits_of(a.reshape(-1)[wrong : wrong + 1], number)[0] for a in (call.x, got, want)
        )
        smallest = self._reduced(call, want, wrong, function)
        where = f"element {wrong} of shape {call.x.shape}"
        with_lambda = "λ an array" if isinstance(call.lambd, np.ndarray) else (
            "λ left at its default" if call.lambd is Call.DEFAULT
            else f"λ = {_script.lambda_source(call.lambd)}"
        )  # fmt: skip
        aside = "".join(
            f", {label} {text}" for label, text in
            (("layout", call.layout), ("out", call.out), ("under", call.transformation)) if text
        )  # fmt: skip
        message = (
            f"{self.dtype}, {with_lambda}{aside}, {where}: x = {show(x_bits, number)}, "
            f"expected {show(want_bits, number)}, got {show(got_bits, number)}"
        )
        comment = f"expected 0x{hex_of(want_bits, number)}, got 0x{hex_of(got_bits, number)}"
        if smallest.x.size > 1:
            comment += f" at element {wrong}"
        return Deviation(
            message,
            value=hex_of(got_bits, number),
            script=_script.reproduction(self, smallest, comment),
        )

    def _reduced(
        self, call: Call, want: _Array, wrong: int, function: Callable[..., Any] | None
    ) -> Call:
        """Return the call with one element, where that alone shows the deviation."""
        if isinstance(call.lambd, np.ndarray) or call.x.size < 2:
            return call
        one = replace(call, x=call.x.reshape(-1)[wrong : wrong + 1])
        right = want.reshape(-1)[wrong : wrong + 1]
        try:
            alone = self.run(one, function)
        except Exception:
            return call
        return one if self.differing(one.x, alone, right) is not None else call

    def unexpected(self, call: Call, error: Exception) -> Deviation:
        """Convict a call of raising where a result is specified."""
        name = type(error).__name__
        first = str(error).splitlines()[0] if str(error) else ""
        return Deviation(
            f"raised {name}: {first}",
            raised=name,
            script=_script.reproduction(self, call, f"expected a result, raises {name}"),
        )

    def refuses(
        self, exception: type[Exception], action: Callable[[], Any], *words: str, what: str = "",
        call: Call | None = None,
    ) -> None:  # fmt: skip
        """Convict an action that does not raise the specified error, with its words."""

        def script(comment: str) -> str:
            return _script.reproduction(self, call, comment) if call is not None else ""

        try:
            got = action()
        except exception as error:
            missing = [word for word in words if word not in str(error)]
            if missing:
                raise Deviation(
                    f"{what}: {type(error).__name__} does not name {', '.join(missing)}: {error}",
                    raised=type(error).__name__,
                    script=script(f"the message names no {', '.join(missing)}"),
                ) from error
            return
        except Exception as error:
            name = type(error).__name__
            raise Deviation(
                f"{what}: expected {exception.__name__}, raised {name}: {error}",
                raised=name,
                script=script(f"expected {exception.__name__}, raises {name}"),
            ) from error
        raise Deviation(
            f"{what}: expected {exception.__name__}, got {_brief(got)}",
            value="no exception",
            script=script(f"expected {exception.__name__}, got a result"),
        )

    def demand(
        self, condition: bool, message: str, *, value: str = "", call: Call | None = None
    ) -> None:
        """Convict with a message unless the condition holds."""
        if not condition:
            script = _script.reproduction(self, call, message) if call is not None else ""
            raise Deviation(message, value=value, script=script)


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else text[:77] + "..."
