"""The conformance suite of hardshrink."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from shrinkops.conformance.rules.suite import build_suite
from shrinkops.operations.hardshrink import OPERATION

from . import arrays, derivatives, dispatch, scenarios, thresholds, transformations, types, values
from .definition import expected
from .vectors import vectors_hash

__all__ = ["SUITE"]

_MODULES = (scenarios, values, thresholds, types, arrays, derivatives, transformations, dispatch)


def _mutants() -> Sequence[Any]:
    from .mutants import MUTANTS

    return MUTANTS


def _wild() -> Sequence[Any]:
    from .wild import WILD

    return WILD


def _corners() -> Sequence[Any]:
    from .wild import CORNERS

    return CORNERS


_MANIFEST = files(__package__ or "").joinpath("checks-1.0.txt")
SUITE = build_suite(
    OPERATION,
    (check for module in _MODULES for check in module.CHECKS),
    tuple(_MANIFEST.read_text(encoding="utf-8").split()),
    vectors_hash=vectors_hash(),
    expected=expected,
    mutants=_mutants,
    wild=_wild,
    corners=_corners,
)
"""What `shrinkops.conformance` loads for the operation of this package's name."""
