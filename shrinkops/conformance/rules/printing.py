"""Scripts of convictions: the lines that were executed, with what they need before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shrinkops.conformance import _script
from shrinkops.conformance._bits import bits_of, hex_of, show
from shrinkops.conformance._context import Context

from .calls import Case
from .claims import HELPERS, Claim

if TYPE_CHECKING:
    from .paths import Fault

__all__ = ["script", "wrong_element"]

_Array = np.ndarray[Any, Any]


def wrong_element(context: Context, case: Case, got: _Array, wrong: int) -> Fault:
    """Say which element is wrong, and how."""
    from .paths import Fault

    number = case.number or context.number

    def at(array: _Array) -> int:
        return bits_of(array.reshape(-1)[wrong : wrong + 1], number)[0]

    wanted, found = (show(at(a), number) for a in (case.want.values, got))
    x = ""
    if case.x.shape == got.shape:
        own = bits_of(case.x.reshape(-1)[wrong : wrong + 1], context.number)[0]
        x = f"x = {show(own, context.number)}, "
    either = case.x if case.want.either.reshape(-1)[wrong] else None
    claim = _script.bits_claim(context, case.want.values, wrong, either)
    within = float(case.want.within.reshape(-1)[wrong])
    if within:
        kind = complex if got.dtype.kind == "c" else float
        right = kind(case.want.values.reshape(-1)[wrong])
        claim = f"abs({kind.__name__}(read(y).reshape(-1)[{wrong}]) - {right!r}) <= {within}"
    others = [
        (float(values.reshape(-1)[wrong]), float(off.reshape(-1)[wrong]))
        for values, off in case.want.others
    ]
    others = [(value, off) for value, off in others if value == value]
    if others:
        either_of = [(float(case.want.values.reshape(-1)[wrong]), within), *others]
        claim = f"any(abs(float(read(y).reshape(-1)[{wrong}]) - v) <= d for v, d in {either_of})"
        wanted += "".join(f" or {value:.9g}" for value in dict.fromkeys(v for v, _ in others))
    says = f"element {wrong}: {x}expected {wanted}, got {found}"
    return Fault(says, claim, value=hex_of(at(got), number), at=wrong)


def script(context: Context, case: Case, claims: Sequence[Claim], fault: Fault) -> str:
    """Write the script that shows a fault."""
    lines: list[str] = []
    for name, value in case.setup.names.items():
        if isinstance(value, np.ndarray):
            number = _script.number_of(value) or context.number
            lines.append(f"{name} = {_script.array_source(value, number)}")
        else:
            lines.append(f"{name} = {_script.lambda_source(value)}")
    lines += case.setup.lines
    lines += [c.before for c in claims if c.before and c.text == fault.claim]
    if case.refused:
        body = "\n".join(f"    {line}" for line in case.call.splitlines())
        lines += ["try:", body, "except ValueError:", "    pass", "else:",
                  f"    raise AssertionError({fault.says!r})"]  # fmt: skip
    elif fault.raised == SystemExit.__name__:  # which would end the script as a success
        body = "\n".join(f"    {line}" for line in case.call.splitlines())
        lines += ["try:", body, "except SystemExit as left:",
                  f"    raise AssertionError({fault.says!r}) from left"]  # fmt: skip
    elif fault.raised:
        lines += [case.call, f"# expected a result, {fault.says}"]
    else:
        lines += [case.call, "print(y)", f"assert {fault.claim}, {fault.says!r}"]
    text = "\n".join(lines)
    helpers = [body for mention, body in HELPERS.items() if mention in text]
    helpers += [
        f"{name} = backend.adapter().{name if name != 'jit' else 'trace'}"
        for name in ("vjp", "jvp", "vmap", "jit")
        if f"{name}(" in text
    ]
    if "make(" in text:
        helpers.append(f"make = lambda a: {_script._make(context)}")
    return _script.written(context, [*helpers, *lines])
