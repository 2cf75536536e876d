"""The public functions that change the set of backends."""

from __future__ import annotations

from typing import Any

from ._registry import registry

__all__ = ["refresh", "register", "unregister"]


def register(plugin: Any) -> list[str]:
    """Register a backend or a plugin in this process.

    Parameters
    ----------
    plugin : Backend, type of Backend, module or object
        A backend, or anything that implements the ``shrinkops_backends`` hook.

    Returns
    -------
    list of str
        Names of the backends that it brought.

    Raises
    ------
    TypeError
        The hook is missing or returns something else than backends.
    ValueError
        A backend or plugin of that name is registered; the message names both
        distributions.

    Examples
    --------
    >>> import shrinkops
    >>> class Acme(shrinkops.Backend):
    ...     name = "acme"
    ...     framework = "acme"
    ...
    ...     def handles(self, cls):
    ...         return cls.__module__ == "acme"
    >>> shrinkops.register(Acme())
    ['acme']
    >>> shrinkops.unregister("acme")
    """
    return registry.register(plugin)


def unregister(name: str) -> None:
    """Remove a backend from this process.

    Parameters
    ----------
    name : str
        A backend's name, however it was registered. `refresh` brings back
        one that comes from an entry point.

    Raises
    ------
    ValueError
        No backend has that name.
    """
    registry.unregister(name)


def refresh() -> None:
    """Read the entry points again, for a plugin installed or repaired in this session.

    Backends registered by hand stay. Every class is resolved anew at its next call.
    """
    registry.refresh()
