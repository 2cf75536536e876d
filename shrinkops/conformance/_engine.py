"""Running items: one function for the command and for pytest.

Invariants
----------
- An item's result depends on the item and the target alone, not on what ran before.
- Any exception that a check lets through convicts the backend: a crash is a verdict. So is an
  exit: ``sys.exit(0)``, ``os._exit(0)`` or ``pytest.skip()`` in a kernel. Ctrl-C alone ends the
  run.
- What is not applicable the kit says, never the backend: the exception for it convicts where
  a frame of somebody else stands between the check and its origin.
- A RuntimeWarning during any check is an error: a right implementation computes quietly.
- A check leaves the caller's settings as they were, or the backend is convicted of the change.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from shrinkops._commands.supervision import staying
from shrinkops._errors import said

from ._context import Context, Environment
from ._ledger import Ledger
from ._model import Deviation, Item, NotApplicable, Result, Spared, State
from ._overrides import advice

__all__ = ["run_item", "run_items"]


def run_item(environment: Environment, item: Item, ledger: Ledger | None = None) -> Result:
    """Run one item and judge it against the ledger."""
    if item.undeclared:
        return Result(item, State.NOT_DECLARED, f"the backend does not declare {item.undeclared}")
    started = time.perf_counter()
    result = _attempt(environment, item)
    if ledger is not None:
        result = ledger.judge(result)
    return Result(
        result.item, result.state, result.message, result.value, result.raised, result.script,
        time.perf_counter() - started,
    )  # fmt: skip


def run_items(
    environment: Environment,
    items: Iterable[Item],
    ledger: Ledger | None = None,
    report: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Run items in order; ``report`` hears of each result."""
    results = []
    with environment.adapter.session():
        for item in items:
            results.append(run_item(environment, item, ledger))
            report(results[-1])
    return results


def _attempt(environment: Environment, item: Item) -> Result:
    context = Context(environment, item)
    try:
        with staying(), warnings.catch_warnings(), np.errstate():
            warnings.simplefilter("ignore")  # a library's notices about itself
            warnings.simplefilter("error", RuntimeWarning)
            before = context.settings()
            if item.check.idle(environment.adapter):
                name = environment.target.backend.name
                raise NotApplicable(f"the adapter of {name!r} names no {item.check.tries}")
            item.check.function(context)
            _unchanged(context, before)
    except NotApplicable as reason:
        culprit = _declared_by(reason, item)
        if culprit:
            message = f"{culprit} itself declared the check not applicable: {reason}"
            return Result(item, State.FAILED, message, "", "NotApplicable")
        spared = Spared.__name__ if isinstance(reason, Spared) else ""
        return Result(item, State.NOT_APPLICABLE, str(reason), raised=spared)
    except Deviation as found:
        return Result(
            item, State.FAILED, str(found), found.value, found.raised,
            found.script or _crash_script(context, str(found), _LIKE_X),
        )  # fmt: skip
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        name = type(error).__name__
        last = traceback.extract_tb(error.__traceback__)[-1]
        told = advice(error, environment.target.backend)
        message = f"raised {said(error)} (line {last.lineno} of {last.name}){told}"
        return Result(item, State.FAILED, message, "", name, _crash_script(context, message))
    return Result(item, State.PASSED)


def _unchanged(context: Context, before: Any) -> None:
    """Convict a backend that leaves a setting of the caller's changed."""
    after = context.settings()
    if after != before:
        message = f"a setting of the caller's was changed, from {before} to {after}"
        claim = f"{context.adapter.state} == {before!r}"
        raise Deviation(message, value="a setting", script=context.crash_script(message, claim))


def _declared_by(reason: NotApplicable, item: Item) -> str:
    """Return the module outside the kit that raised, or passed on, the kit's own exception."""
    own = (__package__ or "", item.check.function.__module__.rpartition(".")[0])
    for frame, _ in traceback.walk_tb(reason.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        known = any(module == name or module.startswith(f"{name}.") for name in own if name)
        if not known and module.partition(".")[0] not in ("hypothesis", "contextlib"):
            return module or "code without a module"
    return ""


_LIKE_X = "(read(y).dtype, read(y).shape) == (read(x).dtype, read(x).shape)"
"""What a result was found not to be, where it could not be compared at all."""


def _crash_script(context: Context, message: str, claim: str = "") -> str:
    try:
        return context.crash_script(message, claim)
    except Exception as error:  # arguments that cannot be read, such as tracers
        quoted = "\n".join(f"# {line}" for line in message.splitlines())
        return f"{quoted}\n# its arguments cannot be written as source: {error}\n"
