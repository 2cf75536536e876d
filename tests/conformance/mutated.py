"""Every mutant of every backend as an importable attribute: ``mutated:numpy__open_band``.

``mutated:numpy`` is the unharmed backend, so that a reproduction can be run on both.
"""

from __future__ import annotations

import functools

from shrinkops._target import find_target
from shrinkops.conformance._mutants import mutated
from shrinkops.conformance.hardshrink import SUITE

MUTANTS = {mutant.name.replace("-", "_"): mutant for mutant in SUITE.mutants()}


@functools.cache
def __getattr__(name):
    backend, _, mutant = name.partition("__")
    if backend not in ("numpy", "torch", "jax"):
        raise AttributeError(name)
    target = find_target(backend)
    return mutated(target, MUTANTS[mutant]).backend if mutant else target.backend
