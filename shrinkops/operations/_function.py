"""The public function and class of an operation, made from its declaration.

Invariants
----------
- One template each serves every operation; signature, types and docstring are those of the
  stub that the declaration's module writes, and a stub that disagrees is refused.
- The function's way to its kernel is one look-up: ``table[type(x)]``.
- A class's instances are immutable, compare and hash by value, and pickle.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from functools import cache
from types import CodeType
from typing import Any, TypeVar, dataclass_transform

from shrinkops._call.dispatcher import Dispatcher, dispatchers
from shrinkops._call.parameters import check_constants

from ._declaration import Operation

__all__ = ["OperationCallable", "define", "dispatching", "public_function"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Array = TypeVar("_Array")

_FUNCTION = """\
def make(dispatcher, resolve):
    def function(x, {parameters}, *, out=None):
        try:
            kernel = dispatcher.table[type(x)]
        except Exception:  # a KeyError, or what the hash of a class with a metaclass raises
            kernel = resolve(type(x))
            if isinstance(kernel, str):  # a tracer's, which takes no function for a constant
                kernel = dispatcher.kernels[kernel]
        return kernel(x, {parameters}, out)
    return function
"""

_CLASS = """\
def make(function, check):
    def __init__(self, {parameters}):
        self.__dict__.update(check({parameters}))
    def __call__(self, x, *, out=None):
        return function(x, {attributes}, out=out)
    return __init__, __call__
"""


@cache
def _template(source: str, parameters: int) -> CodeType:
    """Return the code of a template for so many parameters, which has places for their names.

    Compiling takes longer than all else at import, so operations have one in common.
    """
    places = _places(parameters)
    text = source.format(
        parameters=", ".join(places), attributes=", ".join(f"self.{place}" for place in places)
    )
    kind = "function" if source is _FUNCTION else "class"
    filename = f"<shrinkops {kind}, parameters: {parameters}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    return compile(text, filename, "exec")


def _places(parameters: int) -> list[str]:
    return [f"parameter_{number}" for number in range(parameters)]


def _made(source: str, names: Sequence[str], module: dict[str, Any]) -> Callable[..., Any]:
    """Return a template's ``make``; its functions belong to the module given."""
    made: dict[str, Any] = {}
    exec(_template(source, len(names)), module, made)
    make: Callable[..., Any] = made["make"]
    return make


def _named(function: Any, names: Sequence[str], name: str) -> Any:
    """Put names in their places in a function that a template made."""
    own = dict(zip(_places(len(names)), names, strict=True))
    code = function.__code__
    function.__code__ = code.replace(
        co_name=name,
        co_qualname=name,
        co_varnames=tuple(own.get(n, n) for n in code.co_varnames),
        co_names=tuple(own.get(n, n) for n in code.co_names),
    )
    function.__name__ = name
    return function


def define(operation: Operation) -> Callable[[_Function], _Function]:
    """Decorate the stub of an operation's public function.

    Parameters
    ----------
    operation : Operation

    Returns
    -------
    callable
        Takes the stub ``name(x, *parameters, *, out=None)`` and returns the function that
        dispatches by the type of ``x``, with the stub's docstring and annotations. From then
        on the kits know the operation.

    Raises
    ------
    TypeError
        The stub's name, parameters or defaults are not the declaration's.
    ValueError
        Another module defines an operation of that name.
    """

    def decorate(stub: _Function) -> _Function:
        _check_stub(operation, stub)
        known = {d.operation.name: d for d in dispatchers}
        other = known.get(operation.name)
        if other is not None:
            if other.module != stub.__module__:
                raise ValueError(
                    f"two operations are named {operation.name!r}: one of module "
                    f"{other.module}, one of {stub.__module__}; rename one"
                )
            other.retire()  # the module was reloaded
        return dispatching(Dispatcher(operation, stub.__module__), stub)  # type: ignore[return-value]

    return decorate


def dispatching(dispatcher: Dispatcher, like: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a dispatcher, with the names and texts of another function."""
    operation = dispatcher.operation
    names = operation.parameter_names
    make = _made(_FUNCTION, names, like.__globals__)
    function = make(dispatcher, dispatcher.resolver(like.__module__))
    function = _named(function, names, operation.name)
    function.__defaults__ = operation.defaults
    function.__module__ = like.__module__
    function.__qualname__ = like.__qualname__
    function.__doc__ = like.__doc__
    function.__annotations__ = like.__annotations__
    function.operation = operation
    return function  # type: ignore[no-any-return]


def public_function(name: str) -> Callable[..., Any]:
    """Return the public function of an operation by its name; it pickles by its module."""
    dispatcher = next((d for d in dispatchers if d.operation.name == name), None)
    if dispatcher is None:
        known = ", ".join(d.operation.name for d in dispatchers)
        raise LookupError(f"no operation is named {name!r}; there are {known}")
    function: Callable[..., Any] = getattr(sys.modules[dispatcher.module], name)
    return function


_VARARGS, _VARKEYWORDS = 0x04, 0x08  # as in inspect, which takes long to import


def _check_stub(operation: Operation, stub: Any) -> None:
    code = stub.__code__
    names = ("x", *operation.parameter_names, "out")
    given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    defaults = (stub.__defaults__, stub.__kwdefaults__)
    wanted = (operation.defaults, {"out": None})
    starred = code.co_flags & (_VARARGS | _VARKEYWORDS)
    if stub.__name__ != operation.name or given != names or defaults != wanted or starred:
        import inspect

        raise TypeError(
            f"the stub of operation {operation.name!r} is {stub.__name__}"
            f"{inspect.signature(stub)}; its declaration says {operation.name}(x, "
            + ", ".join(f"{p.name}={p.default}" for p in operation.parameters)
            + ", *, out=None)"
        )


@dataclass_transform(frozen_default=True, field_specifiers=())
class OperationCallable:
    """Base of the callable classes: an operation with its parameters fixed.

    Subclass it with ``function=`` and annotate the parameters with their defaults.
    """

    function: Any
    """The public function."""

    def __init_subclass__(cls, *, function: Any = None) -> None:
        if function is None:  # a subclass of Hardshrink, say: the same operation
            return
        operation: Operation = function.operation
        given = {name: cls.__dict__.get(name) for name in cls.__annotations__}
        wanted = {p.name: p.default for p in operation.parameters}
        if given != wanted:
            raise TypeError(f"class {cls.__name__} declares {given}, its operation {wanted}")
        names = operation.parameter_names
        label = cls.__name__

        def check(*values: Any) -> dict[str, Any]:
            return dict(zip(names, check_constants(operation, label, values), strict=True))

        init, call = _made(_CLASS, names, function.__globals__)(function, check)
        init.__defaults__ = operation.defaults
        init.__annotations__ = {**cls.__annotations__, "return": None}
        call.__doc__ = f"Return ``{operation.name}(x, ..., out=out)`` with these parameters."
        for method in (init, call):
            method.__qualname__ = f"{cls.__qualname__}.{method.__name__}"
            setattr(cls, method.__name__, _named(method, names, method.__name__))
        cls.function = staticmethod(function)

    def __call__(self, x: _Array, *, out: _Array | None = None) -> _Array:
        """Return the operation of ``x``."""
        raise NotImplementedError  # each subclass has its own

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.function.operation.parameter_names)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{type(self).__name__} is immutable, cannot set {name!r}; make another one"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._values()))})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._values() == other._values())

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __reduce__(self) -> tuple[type[OperationCallable], tuple[Any, ...]]:
        return type(self), self._values()
