"""The kit as a pytest plugin: ``-p shrinkops.conformance.plugin``.

    pytest -p shrinkops.conformance.plugin --pyargs shrinkops.conformance --shrinkops-backend TARGET

Installing shrinkops registers no plugin: a distribution that has one changes everybody's pytest
runs (its modules are rewritten, and a run that is strict about warnings ends before any test).
The marker PYTEST_DONT_REWRITE says that this module has no assertion to rewrite.

Invariants
----------
- It imports nothing but pytest and the standard library until the kit is asked for: by its name
  among the arguments, wherever these come from (command line, ini file, PYTEST_ADDOPTS, @file).
- The kit's run is apart from the project around: no conftest is read, its fixtures, patterns and
  options have no part in it.
- Each option has a name of its own, ``--shrinkops-…``; the short names are there as well where
  nobody else has them.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["asked_for", "pytest_addoption", "pytest_configure", "pytest_load_initial_conftests"]

_PACKAGE = "shrinkops.conformance"
_FOLDER = Path(__file__).parent
_OPTIONS: dict[str, dict[str, Any]] = {
    "backend": {"metavar": "TARGET", "help": "backend to certify: a name or module:attribute"},
    "operation": {"metavar": "NAME", "action": "append", "help": "only this operation; repeat"},
    "ledger": {"metavar": "FILE", "help": "expected failures, a TOML file; strict"},
    "thorough": {"action": "store_true", "help": "the exhaustive runs too"},
    "spec": {"help": "freeze: only the checks of this version of the specification"},
}
_NEEDED = {"hypothesis": "hypothesis", "ml_dtypes": "ml_dtypes"}


def asked_for(arguments: list[str], folder: Path) -> bool:
    """Tell whether the kit is among what pytest is to run, by its name or by its path."""
    for argument in arguments:
        name = argument.partition("::")[0]
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            return True
        path = folder / name
        if len(name) < 4096 and path.exists() and path.resolve().is_relative_to(_FOLDER.resolve()):
            return True
    return False


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that are the kit's alone."""
    group = parser.getgroup(_PACKAGE)
    for name, attributes in _OPTIONS.items():
        group.addoption(f"--shrinkops-{name}", dest=f"shrinkops_{name}", **attributes)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, Any, Any]:
    """Leave out the conftests of the folder, and take the short names that are free."""
    known = early_config.known_args_namespace
    if not asked_for(known.file_or_dir, early_config.invocation_params.dir):
        return (yield)
    known.noconftest = early_config.option.noconftest = True
    group = parser.getgroup(_PACKAGE)
    for name, attributes in _OPTIONS.items():
        if _free(parser, f"--{name}"):
            group.addoption(f"--{name}", dest=f"shrinkops_{name}", **attributes)
    # Options of a conftest that is not read may stand in the ini file: they are nobody's here.
    given = {str(argument) for argument in early_config.invocation_params.args}
    unknown = parser.parse_known_and_unknown_args(args)[1]
    args[:] = [a for a in args if a not in unknown or a in given]
    return (yield)


def _free(parser: pytest.Parser, option: str) -> bool:
    """Tell whether nobody has an option; ``=1`` suits one with a value and one without."""
    try:
        return f"{option}=1" in parser.parse_known_and_unknown_args([f"{option}=1"])[1]
    except (pytest.UsageError, argparse.ArgumentError, SystemExit):
        return False


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # an import hook refuses it; None stands in sys.modules
        return False


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Open the target; a run that could judge nothing is refused."""
    config.addinivalue_line("markers", "conformance: a check of the conformance kit")
    target = config.getoption("shrinkops_backend", default=None)
    if config.getoption("help", default=False) or config.getoption("version", default=False):
        return
    if not asked_for([str(a) for a in config.args], config.invocation_params.dir):
        if target:
            raise pytest.UsageError(
                f"--shrinkops-backend {target} is given, but the kit is not among the arguments; "
                f"add --pyargs {_PACKAGE}"
            )
        return
    if not target:
        raise pytest.UsageError(
            "give the backend to certify: --shrinkops-backend NAME or module:attribute"
        )
    missing = [text for name, text in _NEEDED.items() if not _installed(name)]
    if missing:
        raise pytest.UsageError(
            f"the kit needs {' and '.join(missing)}, not installed here; "
            f"the remedy: pip install 'shrinkops[conformance]'"
        )
    from . import _plugin

    plugin = _plugin.Plugin(config)
    config.pluginmanager.register(plugin, "shrinkops-conformance-run")
    config.pluginmanager.register(_plugin.Last(plugin), "shrinkops-conformance-last")
