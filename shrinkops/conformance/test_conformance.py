"""Stands for the tests that ``pytest -p shrinkops.conformance.plugin`` makes of the kit.

The plugin makes them, one for each item of the plan. A run without it that comes across this file
finds no test in it; one that asks for the kit by name is told what is missing.
"""

from __future__ import annotations

import sys

import pytest

_PLUGIN = "shrinkops.conformance.plugin"

if _PLUGIN not in sys.modules and "shrinkops.conformance" in sys.argv[1:]:
    raise pytest.Collector.CollectError(
        f"the kit makes its tests in a plugin that nobody loads unasked; add\n"
        f"    -p {_PLUGIN} --shrinkops-backend TARGET"
    )
