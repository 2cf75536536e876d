"""Who really computed: the interpreter's own record of a call.

Invariants
----------
- A profile function sees every Python and C call that the kernel makes, however early a
  name was bound; nothing is patched, so nothing is slowed or changed.
- Two kinds of calls convict: turning an array of the library under test into another
  library's or into Python objects, and calling another array library's functions from
  code that is not the library under test itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from shrinkops._plugins.backend import Backend

__all__ = ["ForeignCall", "foreign_calls"]

CONVERSIONS = frozenset(
    {
        "__array__", "__dlpack__", "__float__", "__int__", "__complex__", "__bool__", "__index__",
        "_value", "asnumpy", "cpu", "from_dlpack", "get", "item", "numpy", "to_dlpack", "tobytes",
        "tolist",
    }
)  # fmt: skip
LIBRARIES = frozenset(
    {
        "array_api_strict", "cupy", "dask", "jax", "jaxlib", "mlx", "ndonnx", "numexpr", "numpy",
        "paddle", "pywt", "sparse", "tensorflow", "torch",
    }
)  # fmt: skip
_HARMLESS = frozenset({"dtype", "errstate", "iinfo", "finfo", "seterr", "geterr", "result_type"})


@dataclass(frozen=True, slots=True)
class ForeignCall:
    """A call that convicts.

    Attributes
    ----------
    module : str
        The library that was called; empty for a conversion.
    name : str
        Name of the function or method.
    text : str
        The sentence that says so.
    """

    module: str
    name: str
    text: str

    def shown(self, expression: str) -> tuple[list[str], str]:
        """Return a script's lines that watch an expression, and the claim that it is clean."""
        module = f" and str(getattr(what, '__module__', '')).startswith({self.module!r})"
        watch = [
            "seen = []",
            "def watch(frame, event, what):  # every call of a function, in Python or C",
            "    name = what.__name__ if event == 'c_call' else frame.f_code.co_name",
            f"    if event.endswith('call') and name == {self.name!r}"
            f"{module if self.module else ''}:",
            "        seen.append(name)",
            f"y = {expression}",
            "sys.setprofile(watch)",
            f"y = {expression}",
            "sys.setprofile(None)",
        ]
        return watch, "not seen"


def foreign_calls(backend: Backend, action: Callable[[], Any]) -> tuple[Any, list[ForeignCall]]:
    """Run an action; return its result and what it had others do.

    Parameters
    ----------
    backend : Backend
    action : callable
        Called without arguments; its first call should be a warm-up, made before.

    Returns
    -------
    result
    list of ForeignCall
    """
    own = backend.framework.partition(".")[0]
    found: list[ForeignCall] = []

    def ours(value: Any) -> bool:
        return backend.handles(type(value)) and type(value).__module__ != "builtins"

    def converted(value: Any, name: str) -> ForeignCall:
        return ForeignCall("", name, f"{type(value).__name__}.{name}() was called")

    def caller(frame: FrameType | None) -> str:
        return str(frame.f_globals.get("__name__", "")).partition(".")[0] if frame else ""

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            name = frame.f_code.co_name
            if name in CONVERSIONS and frame.f_code.co_argcount:
                first = frame.f_locals.get(frame.f_code.co_varnames[0])
                if first is not None and ours(first):
                    found.append(converted(first, name))
            return
        if event != "c_call":
            return
        name = getattr(argument, "__name__", "")
        holder = getattr(argument, "__self__", None)
        if name in CONVERSIONS and holder is not None and ours(holder):
            found.append(converted(holder, name))
            return
        module = str(getattr(argument, "__module__", None) or "").partition(".")[0]
        here = caller(frame)
        foreign = module in LIBRARIES and module != own and name not in _HARMLESS
        if foreign and here not in (own, "jax", "jaxlib", module):
            text = f"{module}.{name}() was called from {here}"
            found.append(ForeignCall(module, name, text))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        result = action()
    finally:
        sys.setprofile(before)
    return result, found
