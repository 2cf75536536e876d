"""From the type of an array to the kernel that computes it.

Invariants
----------
- The hot path is ``dispatcher.table[type(x)]``: one attribute, one look-up.
- ``table`` is never changed, only replaced, so readers need no lock.
- A class is resolved once per generation of the registry, under its lock,
  however many threads ask at the same time.
- A tie between two backends is an error, never a silent winner.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from shrinkops._errors import UnsupportedArrayError, type_name
from shrinkops._plugins.registry import Entry, registry

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Kernel
    from shrinkops.operations._declaration import Operation

__all__ = ["Dispatcher", "choose", "dispatchers"]

dispatchers: list[Dispatcher] = []
"""The dispatcher of every operation."""


class Dispatcher:
    """The kernels of one operation, by the class of its first argument.

    Attributes
    ----------
    operation : Operation
    module : str
        Where the operation is defined.
    table : dict of type to kernel
        Replaced as a whole, never written to; so is ``kernels``.
    kernels : dict of str to kernel
        The loaded kernels by the name of their backend.
    resolutions : int
        How often a class was resolved, for tests.
    """

    __slots__ = ("kernels", "module", "operation", "resolutions", "table")

    def __init__(self, operation: Operation, module: str) -> None:
        self.operation = operation
        self.module = module
        self.table: dict[type, Kernel] = {}
        self.kernels: dict[str, Kernel] = {}
        self.resolutions = 0
        registry.on_change(self.drop)
        dispatchers.append(self)

    def drop(self) -> None:
        """Forget every resolved class."""
        self.table = {}
        self.kernels = {}

    def resolve(self, cls: type, publish: bool = True) -> str:
        """Find the backend for a class, load its kernel and publish a table that has it.

        Parameters
        ----------
        cls : type
        publish : bool, default True
            False leaves ``table`` as it is, for a caller that has promised
            somebody that the class is not in it.

        Returns
        -------
        str
            The backend's name, a key of ``kernels``.

        Raises
        ------
        UnsupportedArrayError
            No backend takes the class, two tie for it, or its backend cannot load.
        """
        with registry.lock:
            for name, kernel in self.kernels.items():
                if self.table.get(cls) is kernel:  # another thread was first
                    return name
            try:
                entry = choose(cls)
            except UnsupportedArrayError as error:
                raise UnsupportedArrayError(f"{self.operation.name}: {error}") from None
            kernel = self._load(entry, cls)
            self.resolutions += 1
            if publish:
                self.table = {**self.table, cls: kernel}
            return entry.backend.name

    def resolver(self, module: str) -> Callable[[type], str]:
        """Return `resolve` for the public function of a module, which tracers can call.

        torch.compile calls a function that carries the mark below while it traces, and
        takes the result as a constant, so a class that arrives first inside a compiled
        function is resolved without a graph break. The caller is then the tracer, whose
        guard has just recorded that the class is not in the table: hence it is published
        only where the module itself calls.
        """

        def resolve(cls: type) -> str:
            caller = sys._getframe(1).f_globals.get("__name__")
            return self.resolve(cls, publish=caller == module)

        resolve._dynamo_marked_constant = True  # type: ignore[attr-defined]
        return resolve

    def _load(self, entry: Entry, cls: type) -> Kernel:
        name = entry.backend.name
        if name not in self.kernels:
            try:
                kernel = entry.backend.kernel(self.operation)
            except Exception as error:
                raise UnsupportedArrayError(
                    f"{self.operation.name}: backend {name!r} from {entry.distribution} takes "
                    f"{type_name(cls)}, but its kernel did not load: "
                    f"{type(error).__name__}: {error}"
                ) from error
            self.kernels = {**self.kernels, name: kernel}
        return self.kernels[name]


def choose(cls: type) -> Entry:
    """Return the one backend of highest priority that handles a class, or raise."""
    candidates = registry.candidates(cls)
    if not candidates:
        raise _refusal(cls)
    first, *others = candidates
    tied = [e for e in others if e.backend.priority == first.backend.priority]
    if tied:
        rivals = ", ".join(f"{e.backend.name!r} from {e.distribution}" for e in (first, *tied))
        raise UnsupportedArrayError(
            f"{type_name(cls)} is taken by several backends of priority "
            f"{first.backend.priority}: {rivals}; give one a higher priority, "
            f"or leave one out with SHRINKOPS_BLOCK"
        )
    return first


def _refusal(cls: type) -> UnsupportedArrayError:
    """Word the refusal of a type that no backend takes (HS-DSP-3)."""
    from shrinkops._plugins.status import state_names

    ready, missing = state_names()
    if cls.__module__ == "builtins":
        remedy = "convert it first, for example with numpy.asarray(x)"
    else:
        remedy = "convert it to an array of one of these, or register a backend for its type"
    message = f"no backend takes {type_name(cls)}; ready: {', '.join(ready) or 'none'}"
    if missing:
        message += f"; not installed: {', '.join(missing)}"
    return UnsupportedArrayError(f"{message}; {remedy}")
