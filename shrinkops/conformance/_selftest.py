"""Does the kit convict? Mutants of the target's own backend, each against its named check.

Invariants
----------
- A mutant that is written by hand counts as killed only by the check that it names, a derived one
  by any; and only if that check passes on the control (the same wrapper without a defect) for
  the same item.
- What cannot exist on a backend is listed with the reason; it is not in the score. What can exist
  and is never met, or met and never different, survives like what is acquitted.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from shrinkops._commands.output import Output
from shrinkops._commands.status import Exit

from ._context import Environment
from ._engine import run_item
from ._model import Item, Result, State
from ._mutants import CONTROL, Mutant, Tools, mutated
from ._plan import make_plan

__all__ = ["Trial", "concerned", "run_selftest", "trials"]


@dataclass(frozen=True)
class Trial:
    """A mutant and what became of it.

    Attributes
    ----------
    mutant : Mutant
    killed : bool
    item : str
        Identifier of the item that convicted it.
    message : str
        The conviction, or why there is none.
    applicable : bool
    raised : str
        Exception that convicted it, where one did.
    """

    mutant: Mutant
    killed: bool
    item: str = ""
    message: str = ""
    applicable: bool = True
    raised: str = ""


def trials(
    environment: Environment, wanted: Callable[[Mutant], bool] = lambda _: True
) -> Iterator[Trial]:
    """Try every mutant of the environment's suite."""
    from .rules.replay import fates

    controls: dict[str, bool] = {}
    chosen = [mutant for mutant in environment.suite.mutants() if wanted(mutant)]
    with environment.adapter.session():
        tools = Tools(environment.target.backend, environment.adapter)
        for mutant in chosen:
            if mutant.levels is None:
                yield _try(environment, mutant, tools, controls)
    for fate in fates(environment, [m for m in chosen if m.levels is not None]):
        yield Trial(
            fate.mutant, fate.killed, fate.item, fate.explained, applicable=not fate.impossible
        )  # fmt: skip


def _try(
    environment: Environment, mutant: Mutant, tools: Tools, controls: dict[str, bool]
) -> Trial:
    missing = sorted(mutant.needs - environment.target.backend.capabilities)
    if missing:
        return Trial(mutant, False, message=f"needs {', '.join(missing)}", applicable=False)
    reason = mutant.applies(tools)
    if reason:
        return Trial(mutant, False, message=reason, applicable=False)
    target = mutated(environment.target, mutant)
    wrong = Environment(environment.suite, target, environment.thorough, environment.kept)
    plan = make_plan(wrong.suite, target, wrong.adapter, patterns=[mutant.killer])
    items = sorted(plan.to_run, key=lambda item: _rank(item, mutant.dtypes))
    if not items:
        return Trial(mutant, False, message=f"{mutant.killer} does not run here", applicable=False)
    last = ""
    for item in items:
        result = run_item(wrong, item)
        if result.state is State.NOT_APPLICABLE:
            last = result.message
            continue
        if result.state is State.FAILED:
            if not _control_passes(environment, item, controls):
                last = f"the control fails {item.identifier} too"
                continue
            return _killed(mutant, result)
        last = f"{item.identifier} passes"
    return Trial(mutant, False, message=last)


def _rank(item: Item, dtypes: Sequence[str]) -> tuple[int, str]:
    return (dtypes.index(item.dtype) if item.dtype in dtypes else len(dtypes), item.identifier)


def _killed(mutant: Mutant, result: Result) -> Trial:
    return Trial(mutant, True, result.item.identifier, result.message, raised=result.raised)


def _control_passes(environment: Environment, item: Item, controls: dict[str, bool]) -> bool:
    """Run the item on the unharmed backend and, where that can be, on the bare wrapper."""
    if item.identifier not in controls:
        passed = run_item(environment, item).state is State.PASSED
        wrapped = Environment(environment.suite, mutated(environment.target, replace(CONTROL)))
        # The wrapper itself copies to the host and strips subclasses, so a check of that fails it.
        about_copies = item.check.clause.rpartition("-")[0].endswith(("ARR", "DSP", "DER", "TRF"))
        if passed and not about_copies:
            passed = run_item(wrapped, item).state is State.PASSED
        controls[item.identifier] = passed
    return controls[item.identifier]


def run_selftest(environment: Environment, output: Output, patterns: Sequence[str] = ()) -> Exit:
    """Try mutants, print a line for each, and return the exit status.

    Parameters
    ----------
    environment : Environment
    output : Output
    patterns : sequence of str
        Shell patterns of checks or clauses: only the mutants that these should kill.
    """
    done = []
    suite = environment.suite
    chosen = {m.name for m in suite.mutants() if _named(m.killer, patterns)}
    with output.progress(len(chosen)) as progress:
        for trial in trials(environment, lambda mutant: mutant.name in chosen):
            done.append(trial)
            progress.clear()
            _say(trial, output)
            progress.show(suite.operation.name)
    return _score(done, environment, output)


def _named(killer: str, patterns: Sequence[str]) -> bool:
    names = (killer, killer.partition("/")[0])
    return not patterns or any(fnmatch.fnmatchcase(n, p) for n in names for p in patterns)


def concerned(environment: Environment, patterns: Sequence[str]) -> bool:
    """Tell whether an operation has mutants that a selection of checks should kill."""
    return any(_named(mutant.killer, patterns) for mutant in environment.suite.mutants())


def _say(trial: Trial, output: Output) -> None:
    if not trial.applicable:
        mark, style = "-", "dim"
    else:
        mark, style = ("killed", "green") if trial.killed else ("SURVIVED", "bold red")
    where = trial.item or trial.message
    if not trial.applicable:
        where = f"cannot exist here: {where}"
    output.line(f"{mark:9} {trial.mutant.name:28} {trial.mutant.defect}: {where}", style=style)


def _score(done: Sequence[Trial], environment: Environment, output: Output) -> Exit:
    applicable = [t for t in done if t.applicable]
    killed = sum(t.killed for t in applicable)
    name = environment.target.backend.name
    output.line(
        f"mutation score of {environment.suite.operation.name} on {name!r}: {killed} of "
        f"{len(applicable)} killed; {len(done) - len(applicable)} of {len(done)} mutants cannot "
        f"exist here"
    )
    if not applicable:
        return Exit.TOO_LITTLE
    return Exit.CONFORMS if killed == len(applicable) else Exit.DEVIATES
