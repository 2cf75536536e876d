"""The compiled kernels' threads, limited by `shrinkops.threads` and by threadpoolctl.

Invariants
----------
- The number lives in the compiled module, where each of the two reads and writes it.
- threadpoolctl is imported where it is installed, once, with the kernels: a limit set before the
  first large array must hold for it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from shrinkops._threads import follow

__all__ = ["connect"]


def connect(kernels: Any) -> None:
    """Let the threads of the compiled module be limited from outside."""
    follow(kernels.get_threads, kernels.set_threads)
    if find_spec("threadpoolctl") is not None:
        _register()


def _register() -> None:
    from threadpoolctl import LibController, register

    class ShrinkopsController(LibController):  # type: ignore[misc, unused-ignore]
        """How threadpoolctl finds and limits the kernels."""

        user_api = "shrinkops"
        internal_api = "shrinkops"
        filename_prefixes = ("_ufunc.",)
        check_symbols = ("shrinkops_get_num_threads", "shrinkops_set_num_threads")

        def get_num_threads(self) -> int:
            return int(self.dynlib.shrinkops_get_num_threads())

        def set_num_threads(self, num_threads: int) -> None:
            self.dynlib.shrinkops_set_num_threads(num_threads)

        def get_version(self) -> str:
            from shrinkops import __version__

            return __version__

        def set_additional_attributes(self) -> None:
            pass

    register(ShrinkopsController)
