"""The checks around a native or generic kernel, the same for every backend and operation.

Invariants
----------
- Nothing is computed or written before every argument has been checked.
- A native kernel sees a declared dtype, rounded parameters (or arrays of its own library
  that broadcast to x) and a matching ``out``.
- The usual call (numbers seen before) costs one dictionary look-up, whatever type they have.
- Which kernel serves an element type is asked once per type.
"""

from __future__ import annotations

import inspect
import linecache
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shrinkops._errors import FAULTS, UnsupportedArrayError, is_callers, module_of, said, type_name
from shrinkops._numbers.formats import Format, IntegerFormat
from shrinkops._numbers.threshold import check_broadcast, is_real_number, number_of

from .generic import generic_kernel
from .parameters import check_order, round_parameter

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Backend, Kernel, Native
    from shrinkops.operations._declaration import Operation, Parameter

__all__ = ["guarded"]

_REMEMBERED = 4096
"""Rounded parameters kept per kernel; a program that sweeps λ starts over."""

_EQUAL = frozenset({"numpy", "ml_dtypes", "fractions"})
"""Modules whose numbers are equal, and hash alike, where they are the same number. A subclass
may see that in another way, and a Decimal that signals has no hash."""

_TEMPLATE = """\
def make(known, remembered, look):
    def kernel(x, {arguments}, out):
        if {scalars}:
            found = remembered.get(({key}, x.dtype))
            if found is not None and out is None:
                return found[0](x, *found[1], None)
        native, parameters = look(x, ({arguments},), out)
        return native(x, *parameters, out)
    return kernel
"""


def guarded(backend: Backend, operation: Operation) -> Kernel:
    """Return ``kernel(x, *parameters, out)`` around a backend's native or generic kernel."""
    guard = _Guard(backend, operation)
    names = operation.parameter_names
    source = _TEMPLATE.format(
        arguments=", ".join(names),
        scalars=" and ".join(f"type({name}) in known" for name in names),
        key=", ".join(f"type({name}), {name}" for name in names),
    )
    if len(names) == 1:  # one argument more costs less than a tuple to unpack
        source = source.replace("*found[1]", "found[1]")
    filename = f"<shrinkops guard of {len(names)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    made: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), {"__name__": __name__}, made)
    kernel: Any = made["make"](guard.known, guard.remembered, guard.look)
    kernel.guard = guard  # for a kernel in front of it that does without the memory
    return kernel  # type: ignore[no-any-return]


class _Guard:
    """One backend's checks for one operation, in the order of the specification."""

    def __init__(self, backend: Backend, operation: Operation) -> None:
        self.backend = backend
        self.operation = operation
        self.dtypes = backend.dtypes
        self.features = backend.features
        self.known: set[type] = {float, int}
        self.remembered: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self.natives: dict[str, Native] = {}
        self.ask = _asker(backend, operation)

    def look(self, x: Any, values: tuple[Any, ...], out: Any) -> tuple[Native, tuple[Any, ...]]:
        """Do what `check` does, for arrays too that are the number they hold."""
        numbers = tuple(map(number_of, values))
        if out is None and any(map(operator.is_not, numbers, values)):
            found = self.remembered.get(self._key(numbers, x)) if self._is_known(numbers) else None
            if found is not None:
                return found[0], found[1] if len(values) > 1 else (found[1],)
        return self.check(x, numbers, out)

    def check(self, x: Any, values: tuple[Any, ...], out: Any) -> tuple[Native, tuple[Any, ...]]:
        """Return the kernel for x's element type and the parameters it takes, or raise."""
        self._check_libraries(x, values, out)
        name = self.backend.dtype_name(x)
        form = self._format(name)
        concrete = True
        rounded = []
        for parameter, value in zip(self.operation.parameters, values, strict=True):
            if self.backend.handles(type(value)) and not is_real_number(value):
                concrete = False
                rounded.append(self._array(x, form, parameter, value))
            else:
                rounded.append(round_parameter(self.operation, parameter, value, form))
        parameters = tuple(rounded)
        check_order(self.operation, values, parameters)
        if out is not None:
            self._check_out(x, out)
        native = self._native(name, form)
        if concrete:
            self._remember(x, values, native, parameters)
        return native, parameters

    def prepare(self) -> None:
        """Ask for every kernel now: a tracer would take the first use for a change."""
        for name in self.dtypes:
            form = self.backend.format(name)
            if form is not None and form.kind in self.operation.kinds:
                self._native(name, form)

    def _format(self, name: str) -> Format:
        form = self.backend.format(name)
        if name not in self.dtypes or form is None:
            raise TypeError(
                f"{self.operation.name}: dtype {name} is not supported by the "
                f"{self.backend.name!r} backend, which takes {', '.join(sorted(self.dtypes))}; "
                f"convert x first"
            )
        if form.kind not in self.operation.kinds:
            raise TypeError(
                f"{self.operation.name}: dtype {name} is not supported by the "
                f"{self.backend.name!r} backend: the operation is defined for "
                f"{' and '.join(sorted(self.operation.kinds))} dtypes; convert x first"
            )
        return form

    def _remember(
        self, x: Any, values: tuple[Any, ...], native: Native, parameters: tuple[Any, ...]
    ) -> None:
        if not all(type(v) in self.known or module_of(type(v)) in _EQUAL for v in values):
            return
        self.known.update(map(type, values))
        if len(self.remembered) >= _REMEMBERED:
            self.remembered.clear()
        found = parameters[0] if len(parameters) == 1 else parameters
        self.remembered[self._key(values, x)] = (native, found)

    def _is_known(self, values: tuple[Any, ...]) -> bool:
        return all(type(value) in self.known for value in values)

    def _key(self, values: tuple[Any, ...], x: Any) -> tuple[Any, ...]:
        """Return what the kernel looks up: equal numbers of two types are told apart."""
        return (*(part for value in values for part in (type(value), value)), x.dtype)

    def _native(self, name: str, form: Format) -> Native:
        native = self.natives.get(name)
        if native is None:
            native = self.natives[name] = self._with_generic(name, form)
        return native

    def _check_libraries(self, x: Any, values: tuple[Any, ...], out: Any) -> None:
        """HS-DSP-2: all arrays are of one library, or all their types are named."""
        names = self.operation.parameter_names
        arrays = {
            name: value
            for name, value in zip(names, values, strict=True)
            if not is_real_number(value) and hasattr(value, "dtype") and hasattr(value, "shape")
        }
        foreign = [n for n, value in arrays.items() if not self.backend.handles(type(value))]
        if not foreign and (out is None or self.backend.handles(type(out))):
            return
        types = [f"x is {type_name(type(x))}"]
        types += [f"{name} is {type_name(type(value))}" for name, value in arrays.items()]
        if out is not None:
            types.append(f"out is {type_name(type(out))}")
        remedy = f"pass a Python float as {foreign[0]}" if foreign else "pass an out like x"
        raise TypeError(
            f"{self.operation.name}: all arrays must be of one library, the one of x "
            f"({self.backend.name!r} backend), got {', '.join(types)}; {remedy}, or convert"
        )

    def _array(self, x: Any, form: Format, parameter: Parameter, value: Any) -> Any:
        label = f"{self.operation.name}: {parameter.name}"
        if "array_lambd" not in self.features:
            raise TypeError(
                f"{self.operation.name}: the {self.backend.name!r} backend takes no array as "
                f"{parameter.name}, got {type_name(type(value))} of shape {tuple(value.shape)}; "
                f"pass a float"
            )
        name = self.backend.dtype_name(value)
        own = self.backend.format(name)
        if own is None or own.kind == "complex":
            raise TypeError(
                f"{label} must hold real numbers, got an array of dtype {name}; "
                f"convert it to {self.backend.dtype_name(x)}"
            )
        if isinstance(form, IntegerFormat) and self.operation.whole and own.kind != "integer":
            raise TypeError(
                f"{label} must hold integers where x has dtype {form.name}, got an array of "
                f"dtype {name}; convert it, or convert x to a floating dtype"
            )
        check_broadcast(self.operation.name, tuple(value.shape), tuple(x.shape), parameter.name)
        return value

    def _check_out(self, x: Any, out: Any) -> None:
        label = f"{self.operation.name}: out"
        if "out" not in self.features:
            raise TypeError(
                f"{self.operation.name}: the {self.backend.name!r} backend has no out=: "
                f"{self.backend.no_out}; use the returned array"
            )
        if out is x:
            return
        name, wanted = self.backend.dtype_name(out), self.backend.dtype_name(x)
        if name != wanted:
            raise TypeError(
                f"{label} has dtype {name}, expected {wanted} as x has; allocate out like x"
            )
        if tuple(out.shape) != tuple(x.shape):
            raise ValueError(
                f"{label} has shape {tuple(out.shape)}, expected {tuple(x.shape)} as x has; "
                f"allocate out like x"
            )
        device, here = self.backend.device_of(out), self.backend.device_of(x)
        if device != here:
            raise ValueError(
                f"{label} is on device {device}, expected {here} as x is; allocate out like x"
            )

    def _with_generic(self, name: str, form: Format) -> Native:
        """Return the native kernel, with the generic one behind it where it declines."""
        try:
            native = self.ask(name)
        except FAULTS as error:
            if is_callers(error):
                raise
            raise UnsupportedArrayError(
                f"{self.operation.name}: the kernel of backend {self.backend.name!r} for dtype "
                f"{name} did not load: {said(error)}"
            ) from error
        generic = generic_kernel(self.backend, self.operation, form)
        if native is None:
            return generic
        own = native

        def first_native(x: Any, *arguments: Any) -> Any:
            result = own(x, *arguments)
            return generic(x, *arguments) if result is NotImplemented else result

        return first_native


def _asker(backend: Backend, operation: Operation) -> Callable[[str], Native | None]:
    """Return ``ask(dtype)``: ``native`` as the backend defines it, the element type or not.

    One that takes the operation alone is asked once, with the first array.
    """
    native: Any = backend.native
    try:
        inspect.signature(native).bind(operation.name, "float32")
    except TypeError:
        found: list[Native | None] = []

        def once(_: str) -> Native | None:
            if not found:
                found.append(native(operation.name))
            return found[0]

        return once
    return lambda dtype: native(operation.name, dtype)
