"""Hold libraries' own functions against the family: ``python tests/tools/elsewhere.py FILE``.

Each corner is one call; a cell is what the library answers where that is not what the
specification says. What is not installed has no row, and the page says which it was.

Invariants
----------
- A wrapper repairs nothing: the library's answer, its dtype and its exception are the answer.
- Values of another formula count as the same within 4 units in the last place; corners do not.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import shrinkops

__all__ = ["CORNERS", "PEERS", "answer", "main", "page"]

_F, _INF, _NAN = np.float32, np.inf, np.nan


@dataclass(frozen=True)
class Corner:
    """One call that libraries answer differently."""

    name: str
    x: Any
    parameters: tuple[Any, ...]
    near: bool = False
    """Rounding may differ here; elsewhere not a bit may."""


def _corners(*rest: float, whole: bool = True, phases: bool = True) -> list[Corner]:
    found = [
        Corner("at λ", _F([0.5, -0.5]), (0.5, *rest)),
        Corner("NaN", _F([_NAN]), (0.5, *rest)),
        Corner("sign of a zero", _F([-0.25]), (0.5, *rest)),
        Corner("infinite x", _F([_INF, -_INF]), (0.5, *rest)),
        Corner("infinite λ", _F([2.0, _NAN]), (_INF, *(_INF for _ in rest))),
        Corner("λ = 0", _F([-0.0, 1.5]), (0.0, *rest)),
        Corner("ordinary values", _F([-3.7, 0.9, 2.2]), (0.3, *rest), near=True),
        Corner("float16, λ = 0.1", np.float16([0.35, 2.0]), (0.1, *rest), near=True),
        Corner("λ a np.float64", _F([-3.5, 0.75]), (np.float64(0.5), *rest)),
        Corner("near the largest", _F([3e38]), (1e38, *(3.2e38 for _ in rest)), near=True),
        Corner("near the smallest", _F([4e-38]), (2e-38, *(5e-38 for _ in rest)), near=True),
        Corner("negative λ", _F([-2.0, 0.25]), (-0.5, *rest)),
        Corner("NaN as λ", _F([2.0]), (_NAN, *rest)),
    ]
    if whole:
        found.append(Corner("integers", np.array([-7, 1, 3]), (2, *rest)))
    if phases:
        found.append(Corner("complex", np.complex64([3 + 4j, 0.1j]), (1.0, *(8.0 for _ in rest)),
                            near=True))  # fmt: skip
    return found


CORNERS: dict[str, list[Corner]] = {
    "softshrink": _corners(),
    "shrink": [
        Corner(c.name, c.x, (c.parameters[0], 0.25), c.near)
        for c in _corners(whole=False, phases=False)
    ],
    "firmshrink": _corners(2.5, whole=False),
    "garrote": _corners(whole=False),
}


def _torch(function: str) -> Callable[..., Any]:
    def call(x: Any, lambd: Any) -> Any:
        import torch

        return getattr(torch.nn.functional, function)(torch.from_numpy(x), lambd).numpy()

    return call


def _onnx(x: Any, lambd: Any, bias: Any) -> Any:
    import onnx
    from onnx.reference import ReferenceEvaluator

    node = onnx.helper.make_node("Shrink", ["x"], ["y"], lambd=float(lambd), bias=float(bias))
    element = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    ends = [onnx.helper.make_tensor_value_info(n, element, [None]) for n in "xy"]
    graph = onnx.helper.make_graph([node], "shrink", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 9)]
    return ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=opset)).run(
        None, {"x": x}
    )[0]


def _onnx_runtime(x: Any, lambd: Any, bias: Any) -> Any:
    from shrinkops.conformance.hardshrink.wild_libraries import _session

    session = _session(x.dtype.name, x.ndim, float(lambd), float(bias))
    return session.run(None, {"x": x})[0]


def _of(module: str, function: str, *more: Any, lambd_first: bool = False) -> Callable[..., Any]:
    def call(x: Any, *parameters: Any) -> Any:
        found: Any = importlib.import_module(module)
        for part in function.split("."):
            found = getattr(found, part)
        arguments = (*parameters, x) if lambd_first else (x, *parameters)
        return np.asarray(found(*arguments, *more))

    return call


@dataclass(frozen=True)
class Peer:
    """A library's function: what it needs, and what its users write."""

    library: str
    written: str
    call: Callable[..., Any]


PEERS: dict[str, list[Peer]] = {
    "softshrink": [
        Peer("numpy", "np.sign(x) * np.maximum(np.abs(x) - l, 0)",
             lambda x, t: np.sign(x) * np.maximum(np.abs(x) - t, 0)),
        Peer("torch", "torch.nn.functional.softshrink(x, l)", _torch("softshrink")),
        Peer("pywt", 'pywt.threshold(x, l, "soft")', _of("pywt", "threshold", "soft")),
        Peer("sigpy", "sigpy.soft_thresh(l, x)", _of("sigpy", "soft_thresh", lambd_first=True)),
        Peer("jaxopt", "jaxopt.prox.prox_lasso(x, l)", _of("jaxopt", "prox.prox_lasso")),
        Peer("keras", "keras.ops.soft_shrink(x, l)", _of("keras", "ops.soft_shrink")),
    ],
    "shrink": [
        Peer("onnx", "Shrink(x, lambd=l, bias=b), reference", _onnx),
        Peer("onnxruntime", "Shrink(x, lambd=l, bias=b)", _onnx_runtime),
    ],
    "firmshrink": [
        Peer("pywt", "pywt.threshold_firm(x, l, h)", _of("pywt", "threshold_firm")),
    ],
    "garrote": [
        Peer("pywt", 'pywt.threshold(x, l, "garrote")', _of("pywt", "threshold", "garrote")),
        Peer("numpy", "np.where(np.abs(x) > l, x - l**2 / x, 0)",
             lambda x, t: np.where(np.abs(x) > t, x - t**2 / x, 0)),
    ],
}  # fmt: skip


def answer(call: Callable[..., Any], corner: Corner) -> Any:
    """Return what a function answers: an array, or the name of its exception."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return np.asarray(call(corner.x.copy(), *corner.parameters))
    except Exception as error:
        return type(error).__name__


def cell(operation: str, peer: Peer, corner: Corner) -> str:
    """Return ✓, or the answer that is another."""
    ours = answer(getattr(shrinkops, operation), corner)
    theirs = answer(peer.call, corner)
    if isinstance(theirs, str):
        return "✓ refused" if isinstance(ours, str) else "refused"
    shown = ", ".join(_written(value) for value in theirs.reshape(-1))
    if isinstance(ours, str):
        return f"**{shown}**"
    if ours.dtype != theirs.dtype:
        return f"**{theirs.dtype}**"
    return "✓" if _same(ours, theirs, corner.near) else f"**{shown}**"


def _written(value: Any) -> str:
    return str(value) if np.iscomplexobj(value) else f"{value:.4g}"


@np.errstate(invalid="ignore")  # infinity less infinity
def _same(ours: Any, theirs: Any, near: bool) -> bool:
    if ours.dtype.kind in "iu":
        return bool((ours == theirs).all())
    parts = [(a, b) for a, b in ((ours.real, theirs.real), (ours.imag, theirs.imag))]
    return all(
        bool(
            (
                (np.isnan(a) & np.isnan(b))
                | ((a == b) & (np.signbit(a) == np.signbit(b)))
                | (near & (np.abs(a - b) <= 4 * np.spacing(np.maximum(np.abs(a), np.abs(b)))))
            ).all()
        )
        for a, b in parts
    )


def page() -> str:
    """Return the page, from what is installed."""
    lines = [
        "# The family elsewhere",
        "",
        "softshrink, shrink, firmshrink and garrote, as other libraries have them, at the corners "
        "where they differ. ✓: as the [specification](spec/index) says; otherwise what the "
        "library gives, its dtype where that is another, or that it refuses. float32 unless a "
        "corner says otherwise. hardshrink has [a page with all its checks](deviations).",
        "",
        "This page is generated: `python tests/tools/elsewhere.py docs/elsewhere.md` "
        f"({datetime.date.today().isoformat()}).",
    ]
    absent = set()
    for operation, peers in PEERS.items():
        present = [p for p in peers if _version(p.library)]
        absent |= {p.library for p in peers} - {p.library for p in present}
        lines += ["", f"## {operation}", "", *_table(operation, present)]
    if absent:
        lines += ["", f"Not installed when this page was made: {', '.join(sorted(absent))}."]
    return "\n".join(lines) + "\n"


def _table(operation: str, peers: list[Peer]) -> Iterator[str]:
    for peer in peers:
        yield f"- `{peer.written}`: {peer.library} {_version(peer.library)}"
    yield ""
    yield (
        f"| corner | x | parameters | {operation} here | "
        + " | ".join(p.library for p in peers)
        + " |"
    )
    yield "|---" * (4 + len(peers)) + "|"
    for corner in CORNERS[operation]:
        ours = answer(getattr(shrinkops, operation), corner)
        here = "refused" if isinstance(ours, str) else ", ".join(map(_written, ours))
        cells = [
            corner.name,
            ", ".join(map(_written, corner.x)),
            ", ".join(f"{float(p):.4g}" for p in corner.parameters),
            here,
            *(cell(operation, peer, corner) for peer in peers),
        ]
        yield "| " + " | ".join(cells) + " |"


def _version(library: str) -> str:
    try:
        return importlib.metadata.version({"pywt": "PyWavelets"}.get(library, library))
    except importlib.metadata.PackageNotFoundError:
        return ""


def main(arguments: list[str]) -> int:
    """Write the page."""
    if len(arguments) != 1:
        print("usage: python tests/tools/elsewhere.py FILE", file=sys.stderr)
        return 2
    Path(arguments[0]).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
