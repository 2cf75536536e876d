"""Every invariant on every path: the plain call, its dimensions crossed in pairs.

Invariants
----------
- Every row of the covering array is run for every element type (where a new shape costs a
  compilation, the element type is a dimension like the others), and every claim is asked of it.
- A conviction is reduced: each dimension returns to its plainest level where that still convicts,
  so the message names the levels that matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from shrinkops._errors import FAULTS
from shrinkops.conformance._bits import same
from shrinkops.conformance._context import Context
from shrinkops.conformance._covering import Coverage, Row, cover
from shrinkops.conformance._model import Deviation, NotApplicable
from shrinkops.conformance._overrides import advice

from . import printing
from .calls import Case, Program, Unavailable, arguments, build, evaluate, execute, made, namespace
from .claims import CLAIMS, HELPERS, SHARED, SHARED_WITH_LAMBDA, WRITTEN_THROUGH, Claim
from .dimensions import Dimensions, dimensions_of, shape_of
from .oracle import Want, oracle_of

__all__ = ["Fault", "Paths", "judge"]

_Array = np.ndarray[Any, Any]
_REFUSALS = (ValueError, RuntimeError, TypeError)
"""What an out that overlaps x may be refused with."""
_REFUSED = tuple(error.__name__ for error in _REFUSALS)


@dataclass
class Fault:
    """What is wrong with a call.

    Attributes
    ----------
    says : str
    claim : str
        The expression that does not hold; empty where the call raised.
    value, raised : str
    """

    says: str
    claim: str = ""
    value: str = ""
    raised: str = ""
    at: int = -1


class Paths:
    """The calls of one item: a part of those that the dimensions have."""

    def __init__(self, context: Context, part: str = "plain") -> None:
        self.context = context
        self.part = part
        self.strength = 3 if context.thorough else 2
        self.dimensions: Dimensions = dimensions_of(context)
        self.oracle = oracle_of(context)
        self.base = namespace(context)
        for text in HELPERS.values():
            exec(text, self.base)
        adapter = context.adapter
        words = {
            "state": adapter.state, "shared": adapter.shared,
            "shared_lambd": adapter.shared.replace("x", "lambd", 1)
            if "(x, y)" not in adapter.shared else adapter.shared.replace("(x, y)", "(lambd, y)"),
        }  # fmt: skip
        self.claims = [self._filled(claim, words) for claim in CLAIMS]
        self.late = [self._filled(c, words) for c in (SHARED, SHARED_WITH_LAMBDA, WRITTEN_THROUGH)]

    @staticmethod
    def _filled(claim: Claim, words: Mapping[str, str]) -> Claim:
        return Claim(
            claim.says, claim.text.format(**words), claim.before.format(**words), claim.asked
        )

    @cached_property
    def coverage(self) -> Coverage:
        """The rows."""
        d = self.dimensions
        key = (self.context.backend.name, d.kind, self.context.operation.name, self.part)
        return cover(
            self._dimensions(), self._forbidden, strength=self.strength,
            rare=d.rare, seed=d.variant, key=key,
        )  # fmt: skip

    def _dimensions(self) -> dict[str, Sequence[str]]:
        return self.dimensions.of(self.part)

    def _forbidden(self, levels: Mapping[str, str]) -> bool:
        return self.dimensions.forbidden(levels)

    # One call

    def case(self, row: Row, position: int) -> Case:
        """Draw the values of a row and write its lines."""
        context = self.context
        shape = shape_of(row["shape"], position, context.adapter.compiles)
        layout = self.dimensions.layouts.get(row["layout"])
        case = build(
            context, self.oracle, row, shape=shape, seed=str(position),
            repeats=layout.repeats if layout else "",
        )  # fmt: skip
        lines, text = arguments(context, case)
        out, more = self._x_and_out(case)
        form = "f(x" + text
        case.setup.lines = [*lines, *out]
        case.stranger = not all(
            self.dimensions.declared(row.get(f"{name} dtype", "own"))
            for name in self.dimensions.parameters
        )
        case.call = self._call(case, form + more + ")")
        return case

    def _x_and_out(self, case: Case) -> tuple[list[str], str]:
        row = case.row
        out = row["out"]
        overlap = self.context.adapter.overlaps().get(out)
        if overlap is None:
            lines = made(self.context, "x", row["layout"], case.x.shape)
            if row["shape"] == "scalar":
                lines.append("x = x[()]")
        else:
            lines = self.overlapping(row["layout"], overlap, case.x.shape)
        if out == "none":
            return lines, ""
        if out == "x itself":
            return [*lines, "out = x"], ", out=out"
        if overlap is not None:
            return lines, ", out=out"
        held = np.resize(np.ones(1, case.x.dtype), case.x.shape)
        case.setup.names["data_out"] = held
        where = self.dimensions.fresh(row["layout"]) if out == "fresh" else out
        return [*made(self.context, "out", where, case.x.shape), *lines], ", out=out"

    def overlapping(self, layout: str, overlap: Any, shape: tuple[int, ...]) -> list[str]:
        """Write the lines that make an x of ``data_x``, and an out that overlaps it."""
        prepare, take_x, take_out = overlap
        lines = ["a = data_x", f"N, M = {shape[0]}, {shape[-1]}", f"a = {prepare}"]
        if layout == "dense":
            lines.append("x = make(a)")
        else:
            rules = self.context.adapter.layouts()[layout]
            lines += ["N, M = a.shape[0], a.shape[-1]", f"a = {rules.prepare}", "x = make(a)",
                      f"x = {rules.take}", f"N = {shape[0]}"]  # fmt: skip
        return [*lines, f"x, out = {take_x}, {take_out}"]

    def _call(self, case: Case, call: str) -> str:
        repetition, mode = case.row["repetition"], case.row["mode"]
        text = f"y = {call}"
        names = case.setup.names
        if repetition == "again":
            text = f"{call.replace(', out=out', '')}\n{text}"
        elif repetition == "in a thread":
            text = (
                "with concurrent.futures.ThreadPoolExecutor(1) as pool:\n"
                f"    y = pool.submit(lambda: {call}).result()"
            )
        elif repetition == "another threshold before":
            text = f"f(x, {3 if case.x.dtype.kind in 'iu' else 0.75})\n{text}"
        elif repetition == "another call after":
            names["data_other"] = case.x.reshape(-1)[::-1].reshape(case.x.shape).copy()
            text += f"\nlater = f(make(data_other), {2 if case.x.dtype.kind in 'iu' else 0.25})"
        elif repetition == "other elements before":
            names["data_other"] = case.x.reshape(-1)[::-1].reshape(case.x.shape).copy()
            plain = call.replace(", out=out", "")
            text = f"held = make(data_x)\nx[...] = make(data_other)\n{plain}\nx[...] = held\n{text}"
        if mode != "usual":
            rules = self.context.adapter.modes()[mode]
            text = f"{rules.enter}\ntry:\n{_indented(text)}\nfinally:\n    {rules.leave}"
        return text

    def fault(self, case: Case) -> Fault | None:
        """Execute a case and return what is wrong with it."""
        names = {**self.base, **case.setup.names}
        asked = [c for c in self.claims if c.asked(self.context, case)]
        try:
            for line in case.setup.lines:
                execute(line, names)
            for claim in asked:
                if claim.before:
                    execute(claim.before, names)
        except Exception as error:  # each library refuses in its own way
            raise Unavailable(str(error)) from error
        if case.refused:
            return self._refused(case, names)
        try:
            execute(case.call, names)
        except FAULTS as error:
            if case.row["out"] in self.context.adapter.overlaps() and isinstance(error, _REFUSALS):
                return None
            if case.perhaps and isinstance(error, ValueError):
                return None
            if case.stranger and isinstance(error, TypeError):
                return None
            first = (str(error).splitlines() or [""])[0]
            name = type(error).__name__
            return Fault(f"raised {name}: {first}{self._advice(error)}", raised=name)
        for claim in asked:
            if not self._holds(claim, names):
                return Fault(claim.says, claim.text, value=claim.says)
        found = self._compare(case, self.context.read(names["y"]))
        if found is not None:
            return found
        for claim in self.late:
            if claim.asked(self.context, case) and not self._holds(claim, names):
                return Fault(claim.says, claim.text, value=claim.says)
        return None

    def swept(self, case: Case) -> Fault | None:
        """Execute a case that makes its own arguments, and compare its elements."""
        names = {**self.base, **case.setup.names}
        try:
            execute(case.call, names)
        except FAULTS as error:
            name = type(error).__name__
            return Fault(f"raised {name}: {error}{self._advice(error)}", raised=name)
        return self._compare(case, names["y"])

    def _advice(self, error: BaseException) -> str:
        return advice(error, self.context.backend)

    @staticmethod
    def _holds(claim: Claim, names: dict[str, Any]) -> bool:
        return bool(evaluate(claim.text, names))

    def _refused(self, case: Case, names: dict[str, Any]) -> Fault | None:
        has_out = case.row["out"] not in ("none",)
        before = self.context.read(names["out" if "out" in names else "x"]).tobytes()
        try:
            execute(case.call, names)
        except ValueError:
            if has_out:
                after = self.context.read(names["out" if "out" in names else "x"]).tobytes()
                if before != after:
                    return Fault("the call was refused, but out was written", "False",
                                 value="out was written")  # fmt: skip
            return None
        except Exception as error:
            if case.stranger and isinstance(error, TypeError):
                return None
            name = type(error).__name__
            return Fault(f"expected ValueError, raised {name}: {error}", raised=name)
        return Fault("expected ValueError, got a result", "False", value="no exception")

    def _compare(self, case: Case, got: _Array) -> Fault | None:
        want = case.want.values
        if got.shape != want.shape or got.dtype != want.dtype:
            return Fault(f"the result reads as {got.dtype} of shape {got.shape}", "False")
        number = case.number or self.context.number
        equal = same(got, want, number) | case.want.open
        if case.want.either.any():
            zero = same(got, np.zeros_like(got), self.context.number)
            equal |= case.want.either & (zero | same(got, case.x, self.context.number))
        if case.want.within.any():
            with np.errstate(all="ignore"):
                wide = np.clongdouble if got.dtype.kind == "c" else np.longdouble
                off = np.abs(got.astype(wide) - want.astype(wide))
            equal |= (off <= case.want.within) & (case.want.within > 0)
        for values, within in case.want.others:
            with np.errstate(all="ignore"):
                equal |= np.abs(got.astype(np.longdouble) - values) <= within
        if equal.all():
            return None
        wrong = int(np.flatnonzero(~np.atleast_1d(equal))[0])
        return printing.wrong_element(self.context, case, got, wrong)

    # All calls

    def turns(self) -> Iterator[tuple[Row, int]]:
        """Yield the rows that are this item's, with what their values are drawn by."""
        share, turn = self.dimensions.share
        rounds = 3 if self.part == "few elements" and not self.context.adapter.compiles else 1
        for position, row in enumerate(self.coverage.rows):
            if position % share == turn:
                yield from ((row, position + again * 1000) for again in range(rounds))

    def run(self) -> None:
        """Run the rows, and convict."""
        tried = 0
        last: object = "no row is such a call"
        for row, position in self.turns():
            try:
                fault = self.fault(self.case(row, position))
            except Unavailable as reason:
                last = reason
                continue
            tried += 1
            if fault is not None:
                raise self.conviction(row, position, fault)
        if self.context.adapter.compiles:
            self.context.adapter.forget()  # what is compiled takes its memory
        if not tried:
            raise NotApplicable(f"the library has none of these calls: {last}")

    def conviction(self, row: Row, position: int, fault: Fault) -> Deviation:
        """Return the deviation that a row shows, reduced to the levels that matter."""
        row, fault, case = self._reduced(row, position, fault)
        plain = {name: levels[0] for name, levels in self._dimensions().items()}
        levels = {
            n: v for n, v in row.items() if v != plain[n] or n == "shape" or n.endswith(" value")
        }
        where = ", ".join(f"{name} {level}" for name, level in levels.items())
        text = f"{self.context.dtype}, {where}: {fault.says}"
        return Deviation(
            text, value=fault.value, raised=fault.raised,
            script=printing.script(self.context, case, self.claims, fault),
        )  # fmt: skip

    def _reduced(self, row: Row, position: int, fault: Fault) -> tuple[Row, Fault, Case]:
        case = self.case(row, position)
        for name, levels in self._dimensions().items():
            if row[name] == levels[0]:
                continue
            smaller = {**row, name: levels[0]}
            if self._forbidden(smaller):
                continue
            try:
                again = self.case(smaller, position)
                found = self.fault(again)
            except Unavailable:
                continue
            if found is not None and found.raised == fault.raised:
                row, fault, case = smaller, found, again
        return row, fault, case


def judge(
    context: Context, paths: Paths, what: str, names: dict[str, Any], text: str, want: Want,
    refused: bool = False,
) -> None:  # fmt: skip
    """Execute statements that set ``y``, and convict where it is not what is wanted.

    What was read of ``data_x`` is named with a wrong element; ``refused`` lets refusals pass.
    """
    x = names["data_x"]
    nowhere = np.zeros(x.shape, int)
    case = Case({"layout": "dense", "out": "none"}, Program([], names), text, x, [], want,
                False, False, nowhere, nowhere, [], [], [])  # fmt: skip
    if "jit(" in text:
        context.adapter.forget()
    fault = paths.swept(case)
    if fault is not None and not (refused and fault.raised in _REFUSED):
        raise Deviation(
            f"{context.dtype}, {what}: {fault.says}", value=fault.value, raised=fault.raised,
            script=printing.script(context, case, [], fault),
        )  # fmt: skip


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
