"""The conformance kit: it convicts wrong implementations, and certifies right ones.

Run it as ``shrinkops conformance TARGET`` or as
``pytest -p shrinkops.conformance.plugin --pyargs shrinkops.conformance --shrinkops-backend
TARGET``. TARGET is a backend's name, or ``module:attribute`` for a `shrinkops.Backend` that
need not be registered.

How the modules hang together
-----------------------------
- An operation's suite (``conformance/<operation>/``) holds all that is its own: the exact
  definition, the vectors, the checks, the mutants. Everything else is generic.
- ``_plan`` turns a suite and a target into items (check × dtype × device ×
  transformation), which fixes the denominator before anything runs.
- ``_engine`` runs items and judges them against the ledger. The command and the pytest
  module both call it, so they cannot disagree.
- ``_report`` counts, gives the verdict and the exit status; ``_certificate``, ``_html``
  and ``_junit`` write it down.

From Python, `run` returns a report, and two lines make tests for a suite of one's own::

    from shrinkops.conformance import make_tests

    test_conformance = make_tests("acme")

Importing this package imports neither the kit's modules nor an array library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Backend

    from ._ledger import LedgerError
    from ._public import Report
    from ._session import UnusableTargetError

__all__ = ["KIT_VERSION", "LedgerError", "Report", "UnusableTargetError", "make_tests", "run"]

KIT_VERSION = "1.1"
"""Version of the kit. A check that enters later carries its version."""

_LAZY = {"LedgerError": "_ledger", "Report": "_public", "UnusableTargetError": "_session"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def run(
    target: str | Backend | type[Backend],
    *,
    operations: Sequence[str] = (),
    check: Sequence[str] = (),
    thorough: bool = False,
    spec: str | None = None,
    ledger: str | Path | None = None,
) -> Report:
    """Judge a backend, as ``shrinkops conformance`` does, and return what was found.

    Parameters
    ----------
    target : str or Backend or subclass of Backend
        A backend's name, ``module:attribute``, or a backend that nobody registered.
    operations : sequence of str
        Names of operations; all where empty.
    check : sequence of str
        Shell patterns of checks or clauses, such as ``"HS-VAL-*"``; all where empty.
    thorough : bool
        The exhaustive runs too.
    spec : str, optional
        Freeze: only the checks that this version of the specification entered with.
    ledger : path, optional
        Expected failures.

    Returns
    -------
    Report
        ``report.conforms``, ``report.verdicts``, ``report.failures``, ``report.certificate()``,
        ``report.write(json=…, html=…, junit=…)``.

    Raises
    ------
    UnusableTargetError
        The target cannot be judged here.
    LedgerError
        The file is no ledger.

    Examples
    --------
    >>> from shrinkops.conformance import run
    >>> report = run("numpy", operations=["hardshrink"], check=["HS-VAL-1"])
    >>> report.conforms
    True
    """
    from ._public import run

    return run(
        target, operations=operations, check=check, thorough=thorough, spec=spec, ledger=ledger
    )


def make_tests(
    target: str | Backend | type[Backend],
    *,
    operations: Sequence[str] = (),
    check: Sequence[str] = (),
    thorough: bool = False,
    spec: str | None = None,
    ledger: str | Path | None = None,
) -> Callable[[Any], None]:
    """Make a test function for a suite of one's own: one test for each item of the plan.

    The last test of each operation judges the whole: that enough ran, and that the ledger is
    true. It needs every other test before it in the same process, and is skipped where they are
    not (a selection, pytest-xdist); ``pytest -p shrinkops.conformance.plugin`` judges there too.

    Parameters
    ----------
    target, operations, check, thorough, spec, ledger
        As `run` takes them.

    Returns
    -------
    callable
        To be bound to a name that pytest collects.

    Raises
    ------
    UnusableTargetError
        The target cannot be judged here: never an empty and green run.
    LedgerError
        The file is no ledger.

    Examples
    --------
    >>> from shrinkops.conformance import make_tests
    >>> test_conformance = make_tests("numpy", check=["HS-VAL-1"])
    """
    from ._public import make_tests

    return make_tests(
        target, operations=operations, check=check, thorough=thorough, spec=spec, ledger=ledger
    )
