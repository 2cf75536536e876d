"""How each kind of question is answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shrinkops
from shrinkops._plugins.registry import registry
from shrinkops._target import find_target
from shrinkops.benchmark._compare import Verdict
from shrinkops.benchmark._peers import COPY, find_peers
from shrinkops.benchmark._processes import import_seconds, run_python
from shrinkops.benchmark._sampling import Plan, sample
from shrinkops.benchmark._session import Session, in_fresh_process, run
from shrinkops.benchmark._statistics import Estimate, estimate
from shrinkops.benchmark._subjects import make_subject
from shrinkops.benchmark._work import Case, Skip, make_work
from shrinkops.operations._declaration import Operation

sys.path.insert(0, str(Path(__file__).parent))  # what lies beside, however this is imported
from bench_goals import Answer, Ask

__all__ = ["KINDS", "answers"]

Answers = Iterator[Answer]


def answers(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    """Answer a question, in every case that it asks for."""
    try:
        yield from KINDS[ask.kind](ask, operation, plan)
    except (Skip, ValueError) as reason:
        yield _answer(ask, "", None, str(reason))


def _answer(
    ask: Ask, case: str, value: Estimate | None, remark: str = "", *, sound: bool = True
) -> Answer:
    return Answer(ask.label, case, ask.unit, ask.at_most, value, remark, sound)


def _scaled(value: Estimate, factor: float) -> Estimate:
    return Estimate(value.median * factor, value.low * factor, value.high * factor, value.samples)


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value, 1)


def _ratio(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    if ask.environment:
        yield from _elsewhere(ask, operation, plan)
        return
    peer = find_peers(operation)[ask.peer]
    target = find_target(ask.target)
    for dtype in ask.dtypes:
        for size in ask.sizes:
            case = Case(size, dtype, ask.mode, ask.device)
            session = run([(target, case)], operation, lambda _: [peer], plan)
            yield _from_session(ask, case, session)


def _from_session(ask: Ask, case: Case, session: Session) -> Answer:
    if not session.measured:
        reason = (session.wrong or session.left_out)[0]
        return _answer(ask, str(case), None, reason.removeprefix(f"{ask.target}: {case}: "))
    (figure,) = session.measured
    ok = figure.verdict == Verdict.OK
    answer = _answer(ask, str(case), figure.ratio, "" if ok else figure.verdict, sound=ok)
    if answer.verdict != "missed":
        return answer
    # Where its arrays happen to lie can make a process slower than the next one.
    again = in_fresh_process(figure)
    if again is None:
        return replace(answer, remark="not confirmed: a fresh process was too noisy", sound=False)
    remark = f"{again[0]:.3g} to {again[1]:.3g} in a fresh process"
    return replace(answer, remark=remark, sound=again[0] > ask.at_most)


def _elsewhere(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    """Ask a fresh interpreter, under the environment of the question."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        command = [sys.executable, "-m", "shrinkops", "bench", ask.target]
        command += ["--operation", operation.name, "--against", ask.peer or COPY]
        command += ["--mode", ask.mode, "--json", str(path), "--blocks", str(max(plan.blocks, 5))]
        command += [word for size in ask.sizes for word in ("--size", str(size))]
        command += [word for dtype in ask.dtypes for word in ("--dtype", dtype)]
        environment = {**os.environ, **ask.environment}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise Skip(f"a fresh interpreter failed: {(done.stdout + done.stderr).strip()[-300:]}")
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    for figure in figures:
        case = Case(**figure["case"])
        ok = figure["verdict"] == Verdict.OK
        remark = "" if ok else figure["verdict"]
        yield _answer(ask, str(case), Estimate(**figure["ratio"]), remark, sound=ok)


def _nanoseconds(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    target = find_target(ask.target)
    for dtype in ask.dtypes:
        for size in ask.sizes:
            case = Case(size, dtype, ask.mode)
            call = make_subject(make_work(target, operation, case)).call
            yield _answer(ask, str(case), _scaled(sample([call], plan).time(0), 1e9))


def _dispatch(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    from shrinkops.benchmark.dispatch import PLAN, measure

    target = find_target(ask.target)
    make_work(target, operation, Case(1, "float32", "fresh"))  # or say why it cannot
    for _ in range(3):
        found = measure(target, operation, plan=PLAN)
        if not found.noisy:
            break
    named = {way: _scaled(value, 1e9) for way, value in found.added.items()}
    remark = "; ".join(f"{way} {value.median:.0f} ns" for way, value in named.items())
    yield _answer(
        ask,
        f"direct call {found.direct.median * 1e9:.0f} ns",
        named["public function"],
        remark,
        sound=not found.noisy,
    )


def _import(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    value, _ = import_seconds("shrinkops", ["pluggy"])
    yield _answer(ask, "fresh interpreters", _scaled(value, 1e3))


def _frameworks(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    names = sorted({entry.backend.framework for entry in registry.entries()})
    found = json.loads(
        run_python(
            f"import json, sys, shrinkops; print(json.dumps([n for n in {names!r} "
            f"if n in sys.modules]))"
        )
    )
    yield _answer(ask, f"of {', '.join(names)}", _exact(len(found)), ", ".join(found))


@dataclass(frozen=True)
class _Graphs:
    """A torch backend that counts the graphs it is given."""

    seen: list[Any]

    def __call__(self, graph: Any, example_inputs: Any) -> Any:
        self.seen.append(graph)
        return graph.forward


def _sweep(operation: Operation) -> list[tuple[float, ...]]:
    """Return ten values of each parameter, in an order that every operation takes."""
    return [tuple(value + step / 32 for value in operation.defaults) for step in range(10)]


def _graphs(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    work = make_work(find_target(ask.target), operation, Case(1_000, mode="jit"))
    import torch

    torch._dynamo.reset()  # the record counts each operation's own
    counter = _Graphs([])
    function = work.target.function(operation)
    compiled: Any = torch.compile(function, backend=counter, fullgraph=True)
    for values in _sweep(operation):
        compiled(work.x, *values)
    yield _answer(ask, "torch.compile(fullgraph=True)", _exact(len(counter.seen)))


def _traces(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    work = make_work(find_target(ask.target), operation, Case(1_000, mode="jit"))
    import jax

    function, seen = work.target.function(operation), []

    def traced(x: Any, *values: Any) -> Any:
        seen.append(values)
        return function(x, *values)

    jitted = jax.jit(traced)
    for values in _sweep(operation):
        jitted(work.x, *values)
    yield _answer(ask, "jax.jit", _exact(len(seen)))


def _threads(ask: Ask, operation: Operation, plan: Plan) -> Answers:
    """Two threads over one, or over a peer with the threads that it takes by itself."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("this machine has one processor")
    target = find_target(ask.target)
    for dtype in ask.dtypes:
        for size in ask.sizes:
            case = Case(size, dtype, ask.mode)
            work = make_work(target, operation, case)
            call = make_subject(work).call
            other = find_peers(operation)[ask.peer].call(work) if ask.peer else call
            pair = [_Threaded(call, 2), _Threaded(other, 1)]
            value = estimate(sample(pair, plan).ratio(0, 1))
            yield _answer(ask, str(case), value)


@dataclass(frozen=True)
class _Threaded:
    """A call that sets the number of threads first."""

    call: Any
    threads: int

    def __call__(self) -> Any:
        with shrinkops.threads(self.threads):
            return self.call()

    def seconds(self, number: int) -> float:
        with shrinkops.threads(self.threads):
            seconds: float = self.call.seconds(number)
            return seconds


KINDS: dict[str, Callable[[Ask, Operation, Plan], Answers]] = {
    "ratio": _ratio,
    "nanoseconds": _nanoseconds,
    "dispatch": _dispatch,
    "import": _import,
    "frameworks": _frameworks,
    "graphs": _graphs,
    "traces": _traces,
    "threads": _threads,
}
