"""The one class that a plugin subclasses.

Invariants
----------
- Constructing a backend and reading its class attributes imports no framework.
- ``handles`` is called only when ``framework`` is already in ``sys.modules``, or for a backend
  of ``any_library``, which then must not import anything for a class that is not its own; only
  ``kernel``, ``native``, ``namespace``, ``unavailable``, ``kernel_in_use`` and
  ``adapter`` may import it.
- A backend never has to repeat a rule of the specification about λ, dtypes,
  ``out`` or mixed libraries: ``kernel`` wraps what ``native`` or ``namespace``
  gives in the checks that every backend shares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shrinkops._errors import type_name
from shrinkops._numbers.formats import FORMATS, Format, IntegerFormat

if TYPE_CHECKING:
    from shrinkops.adapter import Adapter
    from shrinkops.operations._declaration import Operation

__all__ = ["Backend", "Kernel", "Native"]

Kernel = Callable[..., Any]
"""``kernel(x, *parameters, out)``: unchecked arguments, as the user gave them."""

Native = Callable[..., Any]
"""``native(x, *parameters, out)``: checked arguments; see `Backend.native`."""


class Backend:
    """How one array library computes the operations of shrinkops.

    Subclass it, set the class attributes, and return an instance from the
    ``shrinkops_backends`` hook. Needed are ``name``, ``framework``, ``dtypes``,
    `handles`, and one of `namespace` (then each operation's generic definition
    serves) or `native`.

    Attributes
    ----------
    name : str
        Unique among all backends, for example ``"torch"``.
    framework : str
        Import name of the array library.
    framework_distribution : str
        Distribution that carries the version of the library; the import name
        where empty.
    install : str
        The command that installs the library, for error messages.
    priority : int
        The highest one that handles a type takes it. 0 is right for a backend
        of a library's own type; fallbacks are negative.
    dtypes : frozenset of str
        Canonical names of the element types: ``"float32"``, ``"bfloat16"``, ``"int8"``, …
        All others are refused with `TypeError` (HS-TYP-4).
    features : frozenset of str
        Optional capabilities, of ``"array_lambd"``, ``"out"``, ``"autodiff"``,
        ``"jit"``, ``"vmap"``, ``"compile"``, ``"lazy"``, ``"devices"``.
    any_library : bool
        Whether the backend is asked about classes of every library, imported or not
        its own: for a backend that serves a protocol and not a library.
    no_out : str
        Why there is no ``out=``, where ``"out"`` is not among the features.

    Examples
    --------
    >>> import shrinkops
    >>> class Acme(shrinkops.Backend):
    ...     name = "acme"
    ...     framework = "acme"
    ...     dtypes = frozenset({"float32", "float64"})
    ...
    ...     def handles(self, cls):
    ...         import acme
    ...
    ...         return issubclass(cls, acme.Array)
    ...
    ...     def namespace(self):
    ...         import acme
    ...
    ...         return acme
    >>> Acme()
    <Backend 'acme' for acme>
    """

    name: str = ""
    framework: str = ""
    framework_distribution: str = ""
    install: str = ""
    priority: int = 0
    dtypes: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    any_library: bool = False
    no_out: str = "its arrays cannot be written in place"

    def __repr__(self) -> str:
        return f"<Backend {self.name!r} for {self.framework}>"

    @property
    def capabilities(self) -> frozenset[str]:
        """Element types and features, with the groups ``"integers"`` and ``"complex"``."""
        kinds = {FORMATS[name].kind for name in self.dtypes if name in FORMATS}
        groups = {"integer": "integers", "complex": "complex"}
        return self.dtypes | self.features | {groups[kind] for kind in kinds & groups.keys()}

    def handles(self, cls: type) -> bool:
        """Tell whether arrays of this class are this backend's.

        Parameters
        ----------
        cls : type
            Never an instance. Subclasses, parameter classes and tracers are
            asked one by one; accept only what the kernel gives back as it came.

        Returns
        -------
        bool
        """
        raise NotImplementedError(f"{type_name(type(self))} must define handles(cls)")

    def native(self, operation: str, dtype: str) -> Native | None:  # noqa: ARG002 - to override
        """Return the library's own kernel for an operation, or None for the generic one.

        Asked once per element type. A method that takes the operation alone is asked
        without the element type.

        Parameters
        ----------
        operation : str
            The operation's name.
        dtype : str
            Canonical name of x's element type, one of ``dtypes``.

        Returns
        -------
        callable or None
            ``native(x, *parameters, out)``, for hardshrink ``native(x, threshold, out)``.
            A parameter that was a number has ``value`` and ``bits`` (see the guide "Write
            a backend"); where ``"array_lambd"`` is declared it may also be an array of
            this backend that broadcasts to ``x``, not yet rounded. ``out`` is None, or
            an array that matches ``x``, which must be filled and returned. It may
            return `NotImplemented`, before it writes anything, to leave a call to
            the generic definition.
        """
        return None

    def namespace(self) -> Any:
        """Return the library's Array API namespace, for the generic definitions."""
        raise NotImplementedError(
            f"{type_name(type(self))} must define native(operation) or namespace()"
        )

    def kernel(self, operation: Operation) -> Kernel:
        """Return ``kernel(x, *parameters, out)``, called with the user's own arguments.

        Override it only to put something in front of the shared checks, and
        call ``super().kernel(operation)`` for the rest.
        """
        from shrinkops._call.guard import guarded  # with the first array, not with shrinkops

        return guarded(self, operation)

    def dtype_name(self, x: Any) -> str:
        """Return the canonical name of the element type of an array."""
        dtype = x.dtype
        return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]

    def astype(self, x: Any, dtype: Any) -> Any:
        """Convert an array, for the generic definition of an array λ."""
        return self.namespace().astype(x, dtype)

    def _operands(self, x: Any, parameters: list[Any]) -> list[Any]:
        """Return parameters as the generic definition takes them; ours for NumPy rounds some."""
        del x
        return parameters

    def format(self, dtype_name: str) -> Format | None:
        """Return the rules of an element type, None where they are unknown."""
        return FORMATS.get(dtype_name)

    def device_of(self, x: Any) -> Any:
        """Return something that is equal for two arrays on the same device."""
        return getattr(x, "device", None)

    def unavailable(self) -> str | None:
        """Import the framework; return why it cannot compute here, None if it can.

        Raises
        ------
        ImportError
            Or whatever else the library raises when it is imported.
        """
        __import__(self.framework)
        return None

    def installed(self) -> bool:
        """Tell, without importing it, whether the framework can be found."""
        import importlib.util

        if sys.modules.get(self.framework, self) is None:  # stands for what is not to be found
            return False
        try:
            spec = importlib.util.find_spec(self.framework)
        except ValueError:  # a module in memory that no file has
            return True
        if spec is None or spec.origin is not None:
            return spec is not None
        # A namespace package: one that a distribution brings, or a folder that bears the name.
        from importlib.metadata import packages_distributions

        return self.framework.partition(".")[0] in packages_distributions()

    def kernel_in_use(self) -> str:
        """Describe the kernel in a few words, for the status table."""
        return "generic" if type(self).native is Backend.native else "native"

    def array_types(self) -> tuple[str, ...]:
        """Name the array classes for the status table."""
        return (f"{self.framework} arrays",)

    def library_of(self, x: Any) -> str:  # noqa: ARG002 - to override
        """Return the import name of the library of an array or a class, for `explain`."""
        return self.framework

    def inside(self, x: Any) -> Sequence[Any]:  # noqa: ARG002 - to override
        """Return the arrays, or their classes, that ``x`` holds for other backends to compute.

        For `explain`, which says the same of each of them; nothing is computed.
        """
        return ()

    def adapter(self) -> Adapter:
        """Return what the conformance and benchmark kits need; only they call it."""
        from shrinkops.adapter import Adapter

        return Adapter(self)

    def is_integer(self, dtype_name: str) -> bool:
        """Tell whether an element type follows the integer rules (HS-TYP-2)."""
        return isinstance(self.format(dtype_name), IntegerFormat)
