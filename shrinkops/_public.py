"""The public functions about backends, thin: what they need is imported when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shrinkops._plugins.registry import registry

if TYPE_CHECKING:
    from shrinkops._call.handle import Handle
    from shrinkops._plugins.backend import Backend
    from shrinkops._plugins.status import Explanation, StatusTable

__all__ = [
    "Preference",
    "backends",
    "explain",
    "get_backend",
    "prefer",
    "refresh",
    "register",
    "unregister",
]


def backends() -> StatusTable:
    """Return the status of every known backend; prints as a table.

    Imports each installed framework to see whether it works, which may take
    seconds; nothing else in shrinkops does so before an array arrives.

    Returns
    -------
    StatusTable
        A sequence of rows with the attributes ``name``, ``state``, ``framework``,
        ``framework_version``, ``distribution``, ``distribution_version``,
        ``array_types``, ``capabilities``, ``kernel`` and ``reason``.

    Examples
    --------
    >>> import shrinkops
    >>> {row.name: row.state for row in shrinkops.backends()}["numpy"]
    'ready'
    """
    from shrinkops._plugins.status import status_table

    return status_table()


def explain(x: Any) -> Explanation:
    """Tell which backend takes an array, which others were asked, and why.

    Imports no framework.

    Parameters
    ----------
    x : array or type
        An array, or a class of arrays.

    Returns
    -------
    Explanation
        Prints as a few lines.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> shrinkops.explain(np.zeros(3)).backend
    'numpy'
    """
    from shrinkops._plugins.status import explanation

    return explanation(x)


def register(plugin: Any, replace: bool = False) -> list[str]:
    """Register a backend or a plugin in this process.

    Parameters
    ----------
    plugin : Backend, type of Backend, module, object or function
        A backend, anything that implements the ``shrinkops_backends`` hook, or a
        function without arguments that returns backends.
    replace : bool, default False
        Take the place of backends of the same names, installed ones included. One
        that was set aside is replaced in any case.

    Returns
    -------
    list of str
        Names of the backends that it brought.

    Raises
    ------
    TypeError
        The hook is missing or returns something else than backends.
    ValueError
        A backend of that name is registered; the message names both distributions.

    Notes
    -----
    It counts for this process alone: a worker process that is started afresh
    registers for itself, or has the plugin installed.

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
    return registry.register(plugin, replace)


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

    A plugin whose file has changed is imported again. Backends registered by hand stay,
    those that were set aside get another chance, and the environment switches are read
    again. If it fails, all that was there stays. Called by a plugin while it is being
    loaded it does nothing: the entry points are being read.

    Raises
    ------
    RuntimeError
        Another thread reads the plugins, and this one waited half a minute for it, or
        cannot wait, because it is inside an import.
    """
    registry.refresh()


def get_backend(backend: str | Backend) -> Handle:
    """Return a backend whose attributes are the operations, each computed by it alone.

    Parameters
    ----------
    backend : str or Backend
        The name of a registered backend, or a backend that need not be registered.

    Returns
    -------
    Handle
        ``handle.hardshrink(x, lambd)``, and so every operation, those declared later
        included, with the signature of the public function. It holds the backend
        that it was made of, whatever is registered or preferred afterwards.

    Raises
    ------
    ValueError
        No backend has that name.
    TypeError
        The argument is neither a name nor a backend, or the backend is malformed. An
        operation raises it, as `UnsupportedArrayError`, for an array that the backend
        does not take; nothing is converted.

    See Also
    --------
    prefer : The same for a whole process.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> numpy_backend = shrinkops.get_backend("numpy")
    >>> numpy_backend
    <backend 'numpy' of shrinkops: firmshrink, garrote, hardshrink, shrink, softshrink>
    >>> numpy_backend.hardshrink(np.array([0.25, 1.0]))
    array([0., 1.])
    """
    from shrinkops._call.handle import handle

    return handle(backend)


class Preference:
    """What `prefer` returns: leave it as a context, and the preference before is back."""

    def __init__(self, names: tuple[str, ...], before: tuple[str, ...] | None) -> None:
        self._names = names
        self._before = before

    def __enter__(self) -> Preference:
        return self

    def __exit__(self, *exception: object) -> None:
        registry.restore(self._before)

    def __repr__(self) -> str:
        return f"<preferred: {', '.join(self._names) or 'none'}>"


def prefer(*names: str) -> Preference:
    """Let some backends go before all others, in this process.

    Where several backends take a type, the first of these that does computes, whatever
    the priorities say. It counts for all threads, from now on or inside a ``with``;
    calls cost what they cost before. The environment variable ``SHRINKOPS_PREFER``,
    with names separated by commas, is where this starts from.

    Parameters
    ----------
    *names : str
        Names of backends, the one that goes first first. None of them: no preference.

    Returns
    -------
    Preference
        A context that ends with what was preferred before.

    Raises
    ------
    ValueError
        No backend has that name.

    See Also
    --------
    get_backend : One backend for one call.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> class Counting(shrinkops.Backend):
    ...     name = "counting"
    ...     framework = "numpy"
    ...     dtypes = frozenset({"float32", "float64"})
    ...     priority = -1
    ...
    ...     def handles(self, cls):
    ...         return cls is np.ndarray
    ...
    ...     def namespace(self):
    ...         return np
    >>> shrinkops.register(Counting())
    ['counting']
    >>> with shrinkops.prefer("counting"):
    ...     shrinkops.explain(np.ndarray).backend
    'counting'
    >>> shrinkops.explain(np.ndarray).backend
    'numpy'
    >>> shrinkops.unregister("counting")
    """
    return Preference(names, registry.prefer(names))
