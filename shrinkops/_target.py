"""What the kits are pointed at: a backend by its name, or one that need not be registered."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shrinkops._call.dispatcher import dispatchers
from shrinkops._errors import said, type_name
from shrinkops._plugins.backend import Backend
from shrinkops._plugins.registry import registry
from shrinkops.operations._declaration import Operation

__all__ = ["Target", "find_backend", "find_target", "operations"]


@dataclass(frozen=True)
class Target:
    """A backend under test.

    Attributes
    ----------
    text : str
        As the user wrote it.
    backend : Backend
    distribution, version : str
        What brought it; the module for one that is not registered.
    registered : bool
        Whether the public functions dispatch to it.
    """

    text: str
    backend: Backend
    distribution: str
    version: str
    registered: bool

    def function(self, operation: Operation) -> Callable[..., Any]:
        """Return ``f(x, *parameters, out=None)`` computed by this backend and no other."""
        kernel = self.backend.kernel(operation)
        defaults = dict(zip(operation.parameter_names, operation.defaults, strict=True))

        def call(x: Any, *values: Any, out: Any = None, **named: Any) -> Any:
            given = dict(zip(defaults, values, strict=False)) | named
            if len(values) > len(defaults) or not given.keys() <= defaults.keys():
                raise TypeError(f"{operation.name} takes x, {', '.join(defaults)} and out=")
            return kernel(x, *(defaults | given).values(), out)

        call.__name__ = operation.name
        return call


def operations() -> dict[str, Operation]:
    """Return every operation by name."""
    return {d.operation.name: d.operation for d in dispatchers}


def find_target(text: str) -> Target:
    """Find what a command's TARGET names; see `shrinkops.adapter.find_backend`."""
    module_name, colon, attribute = text.partition(":")
    if not colon:
        entry = registry.find(text)
        if entry is None:
            from difflib import get_close_matches

            known = ", ".join(sorted(e.backend.name for e in registry.entries())) or "none"
            close = get_close_matches(text, [e.backend.name for e in registry.entries()], n=1)
            aside = [f"{q.name} ({q.reason})" for q in registry.quarantined]
            raise ValueError(
                f"no backend is named {text!r}; registered: {known}"
                + (f"; quarantined: {', '.join(aside)}" if aside else "")
                + "; for one that is not registered write module:attribute"
                + (f"; did you mean {close[0]!r}?" if close else "")
            )
        return Target(text, entry.backend, entry.distribution, entry.version, True)
    try:
        found = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
        backend: Any = found() if isinstance(found, type) and issubclass(found, Backend) else found
    except (ImportError, AttributeError) as error:
        raise ValueError(f"TARGET {text!r} cannot be loaded: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a module or a constructor raises, sys.exit() too
        raise ValueError(f"TARGET {text!r} cannot be loaded: {said(error)}") from error
    if not isinstance(backend, Backend):
        raise TypeError(
            f"TARGET {text!r} is a {type_name(type(backend))}, "
            f"expected a shrinkops.Backend class or instance"
        )
    return Target(text, backend, module_name, "", False)


def find_backend(text: str) -> Backend:
    """Return the backend that a command's TARGET names.

    Parameters
    ----------
    text : str
        A registered backend's name, or ``module:attribute`` for a Backend class or instance.

    Raises
    ------
    ValueError
        Nothing of that name; the message lists what there is.
    TypeError
        The attribute is not a backend.

    Examples
    --------
    >>> from shrinkops.adapter import find_backend
    >>> find_backend("numpy").framework
    'numpy'
    """
    return find_target(text).backend
