"""Does the kit see what it must? ``shrinkops bench --self-test``.

It times real work with a known fault in it: a tenth more time, none, and work that is
handed to another thread and not waited for. Nothing here depends on a backend. On a
noisy machine a check may try again; a fault that is never seen, or one that is seen
where there is none, fails.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from ._calls import Call
from ._compare import A_A_TOLERANCE, is_below_floor, is_sound
from ._sampling import Plan, sample
from ._statistics import Estimate, estimate

__all__ = ["CHECKS", "Check", "main", "ratio_with_delay"]

DELAY = 0.10
_PLAN = Plan(blocks=101)
_ATTEMPTS = 5
_SIZE = 250_000
_LARGE = 4_000_000


@dataclass(frozen=True)
class Check:
    """One thing that the kit must see.

    Attributes
    ----------
    title : str
    attempt : callable
        Returns whether it was seen, and what was measured.
    """

    title: str
    attempt: Callable[[], tuple[bool, str]]

    def run(self) -> tuple[bool, str]:
        """Attempt it until it succeeds, a few times at most."""
        for _ in range(_ATTEMPTS):
            ok, detail = self.attempt()
            if ok:
                break
        return ok, detail


def _copy() -> tuple[Any, Any]:
    x = np.random.default_rng(1).standard_normal(_SIZE, dtype=np.float32)
    return np.zeros_like(x), x


def ratio_with_delay(fraction: float, plan: Plan = _PLAN) -> tuple[Estimate, Estimate]:
    """Measure a copy with a delay against the copy; return the ratio and the A/A control.

    Parameters
    ----------
    fraction : float
        Of the copy's own time, waited after it. 0 runs the same code with no wait.
    plan : Plan
    """
    out, x = _copy()

    def delayed(out: Any, x: Any, share: float) -> None:
        start = perf_counter()
        np.copyto(out, x)
        now = perf_counter()
        end = now + share * (now - start)
        while now < end:
            now = perf_counter()

    slow, plain = Call(delayed, (out, x, fraction)), Call(delayed, (out, x, 0.0))
    samples = sample([slow, plain, slow], plan)
    return estimate(samples.ratio(0, 1)), estimate(samples.ratio(2, 0))


def _sees_a_delay() -> tuple[bool, str]:
    ratio, control = ratio_with_delay(DELAY)
    seen = ratio.low > 1 + A_A_TOLERANCE and ratio.high < 1 + 2 * DELAY
    return seen and is_sound(control), f"{_text(ratio)}, A/A {_text(control)}"


def _is_quiet() -> tuple[bool, str]:
    ratio, control = ratio_with_delay(0.0)
    quiet = not ratio.excludes(1 - A_A_TOLERANCE, 1 + A_A_TOLERANCE)
    return quiet and is_sound(control), f"{_text(ratio)}, A/A {_text(control)}"


def _sees_no_wait() -> tuple[bool, str]:
    return _unfinished(bool, expected=True)  # asks the future for nothing


def _accepts_a_wait() -> tuple[bool, str]:
    return _unfinished(Future.result, expected=False)


def _unfinished(synchronize: Callable[[Any], Any], *, expected: bool) -> tuple[bool, str]:
    """Time a copy that another thread makes; tell whether the floor check is as expected."""
    x = np.random.default_rng(1).standard_normal(_LARGE, dtype=np.float32)
    out = np.zeros_like(x)
    copy = Call(np.copyto, (out, x))
    copy()
    with ThreadPoolExecutor(1) as pool:
        call = Call(pool.submit, (np.copyto, out, x), synchronize=synchronize)
        flagged = is_below_floor(call, Future.result, copy)
    return flagged is expected, "flagged" if flagged else "not flagged"


CHECKS = (
    Check("a delay of 10 % is seen", _sees_a_delay),
    Check("no delay is quiet (A/A)", _is_quiet),
    Check("a missing synchronisation is flagged", _sees_no_wait),
    Check("a synchronised call is not flagged", _accepts_a_wait),
)


def _text(value: Estimate) -> str:
    return f"{value.median:.3f} ({value.low:.3f} to {value.high:.3f})"


def main(say: Callable[[str], object] = print) -> int:
    """Run every check and say what was seen; return 0 if all succeeded."""
    failed = 0
    for check in CHECKS:
        ok, detail = check.run()
        failed += not ok
        say(f"{'ok    ' if ok else 'FAILED'}  {check.title}: {detail}")
    say(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0
