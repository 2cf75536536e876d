"""The hook specifications: everything that shrinkops asks of a plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .backend import Backend

__all__ = ["PROJECT", "Hooks", "hookimpl"]

PROJECT = "shrinkops"
"""Name of the pluggy project and of the entry-point group."""

_hookspec = pluggy.HookspecMarker(PROJECT)

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's function as a hook implementation."""


class Hooks:
    """The hook specifications, collected for `pluggy.PluginManager.add_hookspecs`."""

    @_hookspec
    def shrinkops_backends(self) -> Iterable[Backend]:  # type: ignore[empty-body]
        """Return the backends that this plugin brings.

        Called at the first call of an operation, with no framework imported
        yet on the plugin's account: construct `shrinkops.Backend` objects and
        import nothing but shrinkops.

        Returns
        -------
        iterable of shrinkops.Backend
        """
