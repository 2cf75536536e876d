"""The tests that ``pytest --pyargs shrinkops.conformance --backend TARGET`` collects.

Any other pytest run that comes across this file finds no test in it.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

if "shrinkops.conformance._plugin" in sys.modules:
    from shrinkops.conformance._plugin import active, report

    if active():

        def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
            """Make one test for each item of the plan."""
            plugin: Any = metafunc.config.pluginmanager.get_plugin("shrinkops-conformance-run")
            parameters = [
                pytest.param(planned, id=planned[2].identifier.replace("[", "-").rstrip("]"))
                for planned in plugin.items()
            ]
            metafunc.parametrize("planned", parameters)

        @pytest.mark.conformance
        def test_check(planned: Any, request: pytest.FixtureRequest) -> None:
            """Judge one item."""
            plugin: Any = request.config.pluginmanager.get_plugin("shrinkops-conformance-run")
            report(plugin.judge(*planned))
