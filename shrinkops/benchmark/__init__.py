"""The benchmark kit: ratios to named peers, measured so that a noisy machine cannot fake them.

`make_suite` makes benchmarks for airspeed velocity, here and in a third party's
repository. ``shrinkops bench`` is the same without asv, for a quick look and for CI.
"""

from __future__ import annotations

from ._suite import make_suite

__all__ = ["make_suite"]
