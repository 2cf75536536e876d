"""From the text of a TARGET to runs: what the command and pytest share.

Invariants
----------
- A target that cannot be judged (not found, framework missing, no device) is an error with
  a remedy, never an empty and green run.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from shrinkops._errors import said, type_name
from shrinkops._plugins.backend import Backend
from shrinkops._target import Target, find_target
from shrinkops.adapter import Adapter

from ._context import Environment
from ._engine import run_items
from ._ledger import Ledger
from ._model import Result
from ._plan import Plan, make_plan
from ._preflight import problems_of
from ._report import Run
from ._suites import load_suites

__all__ = ["SPECIFICATIONS", "UnusableTargetError", "open_target", "plan_for", "run_suite"]

SPECIFICATIONS = ("1.0",)
"""What ``--spec`` can freeze."""


class UnusableTargetError(RuntimeError):
    """The target cannot be judged here; the message says why and what to do."""


def open_target(text: str | Backend | type[Backend]) -> Target:
    """Find a target, or take a backend as it is, and see that it can compute here.

    Raises
    ------
    UnusableTargetError
    """
    try:
        target = find_target(text) if isinstance(text, str) else _bare(text)
    except (ValueError, TypeError) as error:
        raise UnusableTargetError(str(error)) from error
    _refuse(target, problems_of(target))
    backend = target.backend
    remedy = f"; install it with: {backend.install}" if backend.install else ""
    try:
        if not backend.installed():
            raise UnusableTargetError(
                f"backend {backend.name!r} needs {backend.framework}, "
                f"which is not installed{remedy}"
            )
        problem = backend.unavailable()
    except UnusableTargetError:
        raise
    except (Exception, SystemExit) as error:
        raise UnusableTargetError(
            f"backend {backend.name!r} cannot be used: {said(error)}"
        ) from error
    if problem:
        raise UnusableTargetError(f"backend {backend.name!r} cannot compute here: {problem}")
    return target


def _bare(given: Any) -> Target:
    """Take a backend that nobody registered."""
    backend = given() if isinstance(given, type) and issubclass(given, Backend) else given
    if not isinstance(backend, Backend):
        raise TypeError(
            f"target is {type_name(type(given))}, expected a backend's name, module:attribute, "
            f"or a shrinkops.Backend class or instance"
        )
    cls = type(backend)
    return Target(f"{cls.__module__}:{cls.__qualname__}", backend, cls.__module__, "", False)


def environments(
    text: str | Backend | type[Backend], *, thorough: bool = False, names: Sequence[str] = ()
) -> list[Environment]:
    """Return one environment for each operation's suite; those of ``names``, where given."""
    target = open_target(text)
    _keep_out_of_the_folder()
    try:
        suites = load_suites(names)
    except (ValueError, TypeError) as error:
        raise UnusableTargetError(str(error)) from error
    found = [Environment(suite, target, thorough) for suite in suites]
    for environment in found:
        try:
            adapter = environment.adapter
            if not isinstance(adapter, Adapter):
                raise TypeError(f"{adapter!r} is no shrinkops.adapter.Adapter")
            devices = adapter.devices()
        except (Exception, SystemExit) as error:
            raise UnusableTargetError(
                f"the adapter of {target.backend.name!r} does not load: {said(error)}"
            ) from error
        if not devices:
            raise UnusableTargetError(f"backend {target.backend.name!r} has no device here")
    if found:
        _refuse(target, problems_of(target, found[0].adapter))
    return found


def _refuse(target: Target, problems: Sequence[str]) -> None:
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise UnusableTargetError(f"TARGET {target.text!r} cannot be judged as it is:{lines}")


def _keep_out_of_the_folder() -> None:
    """Have Hypothesis write its caches elsewhere than in the current folder."""
    global _caches
    if _caches is None and "HYPOTHESIS_STORAGE_DIRECTORY" not in os.environ:
        from hypothesis.configuration import set_hypothesis_home_dir

        _caches = tempfile.TemporaryDirectory(prefix="shrinkops-", ignore_cleanup_errors=True)
        set_hypothesis_home_dir(_caches.name)


_caches: tempfile.TemporaryDirectory[str] | None = None


def plan_for(
    environment: Environment, patterns: Sequence[str] = (), *, frozen: bool = False
) -> Plan:
    """Return the plan of an environment."""
    with environment.adapter.session():
        return make_plan(
            environment.suite, environment.target, environment.adapter,
            patterns=patterns, frozen=frozen,
        )  # fmt: skip


def run_suite(
    environment: Environment,
    plan: Plan,
    ledger: Ledger | None = None,
    report: Callable[[Result], None] = lambda _: None,
) -> Run:
    """Run a plan."""
    ledger = ledger or Ledger()
    started = time.perf_counter()
    results = run_items(environment, plan.items, ledger, report)
    return Run(environment, plan, ledger, results, time.perf_counter() - started)
