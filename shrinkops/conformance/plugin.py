"""Options of ``pytest --pyargs shrinkops.conformance --backend TARGET``.

pytest loads this module in every run of everybody who has shrinkops installed (entry
point ``pytest11``), hence:

Invariants
----------
- It imports nothing but pytest and the standard library until the kit is asked for by name.
- ``--backend`` and the other options exist only in such a run, so nobody's own option of
  that name collides with them. (A conftest in this package would be found too late: with
  ``--pyargs`` pytest reads the options before it knows the folder.)
"""

from __future__ import annotations

import pytest

__all__ = ["asked_for", "pytest_configure", "pytest_load_initial_conftests"]

_PACKAGE = "shrinkops.conformance"


def asked_for(arguments: list[str]) -> bool:
    """Tell whether a command line names the kit."""
    return "--pyargs" in arguments and any(
        a.partition("::")[0] == _PACKAGE or a.startswith(f"{_PACKAGE}.") for a in arguments
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,  # noqa: ARG001  pluggy matches names
    parser: pytest.Parser,
    args: list[str],
) -> None:
    """Add the kit's options where the kit is asked for."""
    if not asked_for(args):
        return
    group = parser.getgroup(_PACKAGE)
    group.addoption(
        "--backend", metavar="TARGET", help="backend to certify: a name or module:attribute"
    )
    group.addoption("--ledger", metavar="FILE", help="expected failures, a TOML file; strict")
    group.addoption("--thorough", action="store_true", help="the exhaustive runs too")
    group.addoption("--spec", help="freeze: only the checks of this version of the specification")


def pytest_configure(config: pytest.Config) -> None:
    """Open the target; a run that could judge nothing is refused."""
    if not asked_for([str(a) for a in config.invocation_params.args]):
        return
    config.addinivalue_line("markers", "conformance: a check of the conformance kit")
    if config.getoption("help", default=False) or config.getoption("version", default=False):
        return
    if not config.getoption("backend", default=None):
        raise pytest.UsageError("give the backend to certify: --backend NAME or module:attribute")
    from . import _plugin

    config.pluginmanager.register(_plugin.Plugin(config), "shrinkops-conformance-run")
