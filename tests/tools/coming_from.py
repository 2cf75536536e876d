"""Run the table "coming from": ``python tests/tools/coming_from.py``.

Every cell of ``docs/guide/coming-from.md`` that is code is evaluated as it stands there. What
people write and what takes its place agree on ordinary numbers, and differ where the third
column says so. A library that is not installed is named; a row without a claim is an error.

Invariants
----------
- The code comes from the page; only what a row says of a difference is written here.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import shrinkops

__all__ = ["CLAIMS", "Row", "libraries", "main", "rows", "run"]

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "coming-from.md"
LIBRARIES = ("pywt", "torch", "jax", "jaxopt", "keras", "onnxruntime", "sigpy", "skimage")

_NAN, _INF = np.nan, np.inf
_ORDINARY = np.float32([-3.75, -0.75, 0.25, 0.875, 2.25])
Call = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """A line of the table: what people write, what takes its place, where they differ."""

    today: str
    here: str
    differs: str

    @property
    def library(self) -> str:
        """The module that ``today`` needs beside NumPy, or nothing."""
        known = {"jnp": "jax", "ONNX": "onnxruntime", "wavedec": "pywt"}
        words = re.findall(r"\w+", self.today)
        return next((known.get(w, w) for w in words if w in (*LIBRARIES, *known)), "")


def rows() -> list[Row]:
    """Return the lines of the page's tables."""
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| today"):
            found.append(Row(*(cell.strip() for cell in line.strip("|").split(" | "))))
    return found


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _convert(library: str, value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    if library == "torch":
        return importlib.import_module("torch").from_numpy(value.copy())
    if library in ("jax", "jaxopt"):
        return importlib.import_module("jax.numpy").asarray(value)
    return value.copy()


def _namespace(library: str) -> dict[str, Any]:
    names: dict[str, Any] = {"np": np, **{n: getattr(shrinkops, n) for n in shrinkops.__all__}}
    if library:
        module = "jax" if library == "jax" else library
        names[module] = importlib.import_module(module)
    for more in {"jax": ("jax.numpy",), "sigpy": ("sigpy.thresh",), "jaxopt": ("jaxopt.prox",),
                 "skimage": ("skimage.restoration",), "torch": ("shrinkops_torch.nn",)}.get(
                     library, ()):  # fmt: skip
        importlib.import_module(more)
        names[more.split(".")[0]] = importlib.import_module(more.split(".")[0])
    if library == "jax":
        names["jnp"] = importlib.import_module("jax.numpy")
    return names


def _call(code: str, library: str) -> Call:
    """Return a function of x and the parameters that evaluates the code of a cell."""

    def call(x: Any, l: Any = 0.5, **more: Any) -> Any:  # noqa: E741  # the page's name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn where they are imported
            names = _namespace(library)
        names |= {"x": _convert(library, x), "l": l, "h": 1.5, "mu": 1.5, "b": 0.25, "value": 9.0}
        names |= more
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if re.search(r"[^<>=]=[^=]", code.partition("(")[0]) or "] = " in code:
                exec(code, names)
                return np.asarray(names["x"])
            result = eval(code, names)
            if callable(result):  # a module, as torch.nn.Hardshrink(l)
                result = result(names["x"])
        if hasattr(result, "detach"):
            result = result.detach()
        return np.asarray(result)

    return call


def _onnx(x: Any, l: Any = 0.5, b: float = 0.25) -> Any:  # noqa: E741
    from elsewhere import PEERS

    return next(p.call for p in PEERS["shrink"] if p.library == "onnxruntime")(x, l, b)


# What the third column says, as conditions on calls of the first and the second


def _refuses(call: Call, *arguments: Any) -> bool:
    try:
        call(*arguments)
    except (TypeError, ValueError):
        return True
    return False


def _minus_zero(t: Call, h: Call) -> bool:
    x = np.float32([-0.25])
    return bool(np.signbit(t(x))[0]) and not np.signbit(h(x))[0]


def _nan_lost(t: Call, h: Call) -> bool:
    x = np.float32([_NAN])
    return bool(t(x)[0] == 0) and bool(np.isnan(h(x)[0]))


def _kept_at_lambd(t: Call, h: Call) -> bool:
    x = np.float32([0.5])
    return bool(t(x)[0] == 0.5) and bool(h(x)[0] == 0)


def _in_float32(t: Call, h: Call) -> bool:
    x = np.float64([2 + 2**-40])
    rounded = np.float64(np.float32(h(x)))
    return bool(t(x)[0] == rounded[0] and h(x)[0] != rounded[0]) and h(x).dtype == x.dtype


def _to_float32(t: Call, h: Call) -> bool:
    return _in_float32(t, h) and t(np.float64([2.0])).dtype == np.float32


def _to_float64(t: Call, h: Call) -> bool:
    x = np.float32([2.0])
    return t(x).dtype == np.float64 and h(x).dtype == np.float32


def _stays_at_lambd(t: Call, h: Call) -> bool:
    x, lambd = np.float32([0.1]), np.float64(0.1)
    return bool(t(x, lambd)[0] == x[0]) and bool(h(x, lambd)[0] == 0)


def _mask_lost(t: Call, h: Call) -> bool:
    x = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    names = {"np": np, "x": x, "l": 0.5}
    today = eval("np.where(np.abs(x) > l, x, 0)", names)
    return not np.ma.isMaskedArray(today) and np.ma.isMaskedArray(shrinkops.hardshrink(x, 0.5))


def _integers(t: Call, h: Call) -> bool:
    x = np.array([-7, 1, 3])
    return t(x, 2).dtype.kind == "f" and h(x, 2).tolist() == [-5, 0, 1] and h(x, 2).dtype == x.dtype


def _negative_refused(t: Call, h: Call) -> bool:
    x = np.float32([2.0])
    return not _refuses(t, x, -0.5) and _refuses(h, x, -0.5)


def _complex(t: Call, h: Call) -> bool:
    x = np.complex64([3 + 4j])
    return bool(np.allclose(t(x, 1.0), 2.4 + 3.2j)) and bool(np.allclose(h(x, 1.0), 2.4 + 3.2j))


def _by_torch(t: Call, h: Call) -> bool:
    inf = np.float32([_INF])
    accepted = not _refuses(t, np.float32([2.0]), _NAN) and _refuses(h, np.float32([2.0]), _NAN)
    x = np.float16([0.5004883])  # the float16 above 1/2; λ is just above the middle of the two
    return accepted and h(inf, _INF)[0] == 0 and h(x, 0.50024415)[0] == 0


def _lambd_learned(t: Call, h: Call) -> bool:
    import torch

    x, lambd = torch.tensor([2.0]), torch.tensor(0.5, requires_grad=True)
    shrinkops.softshrink(x, lambd).backward()
    return lambd.grad is not None and lambd.grad.item() == -1 and _refuses(
        torch.nn.functional.softshrink, x, lambd)  # fmt: skip


def _modules(t: Call, h: Call) -> bool:
    import shrinkops_torch.nn
    import torch

    module = shrinkops_torch.nn.Hardshrink(0.5, learnable=True)
    return isinstance(module, torch.nn.Module) and len(list(module.parameters())) == 1


def _subnormals_lost(t: Call, h: Call) -> bool:
    x = np.float32([1e-40])
    return bool(t(x, 0.0)[0] == 0) and bool(h(x, 0.0)[0] == x[0])


def _enlarges(t: Call, h: Call) -> bool:
    x = np.float64([-2.0])
    return bool(abs(t(x)[0]) > 2) and bool(h(x)[0] == -2)


CLAIMS: dict[str, tuple[Callable[[Call, Call], bool], ...]] = {
    "`np.where(np.abs(x) > l, x, 0)`": (_nan_lost, _mask_lost, _stays_at_lambd),
    "`x * (np.abs(x) > l)`": (
        _minus_zero,
        lambda t, h: (
            bool(np.isnan(t(np.float32([_INF]), _INF)[0]))
            and bool(h(np.float32([_INF]), _INF)[0] == 0)
        ),
    ),
    "`x[np.abs(x) <= l] = 0`": (),
    "`np.sign(x) * np.maximum(np.abs(x) - l, 0)`": (
        _minus_zero,
        lambda t, h: (
            bool(np.isnan(t(np.float32([_INF]), _INF)[0]))
            and not np.isnan(h(np.float32([_INF]), _INF)[0])
        ),
    ),
    '`pywt.threshold(x, l, "hard")`': (_kept_at_lambd,),
    '`pywt.threshold(x, l, "soft")`': (_integers, _negative_refused),
    '`pywt.threshold(x, l, "garrote")`': (
        lambda t, h: not _refuses(t, np.array([3]), 2) and _refuses(h, np.array([3]), 2),
    ),
    "`pywt.threshold_firm(x, l, h)`": (_enlarges,),
    '`pywt.threshold(x, l, "greater")`, `"less"`': (),
    "a `substitute`": (),
    "a loop over `wavedec`'s list": (),
    "`torch.nn.functional.hardshrink(x, l)`": (_by_torch,),
    "`torch.nn.Hardshrink(l)`": (_modules,),
    "`torch.nn.functional.softshrink(x, l)`": (_lambd_learned,),
    "`torch.nn.functional.relu(x.abs() - l) * x.sign()`": (_minus_zero,),
    "`jnp.where(jnp.abs(x) > l, x, 0)`": (_nan_lost, _subnormals_lost),
    "`jaxopt.prox.prox_lasso(x, l)`": (),
    "`keras.ops.hard_shrink(x, l)`": (_nan_lost, _to_float32),
    "`keras.ops.soft_shrink(x, l)`": (_nan_lost,),
    "ONNX `Shrink(lambd=l, bias=b)`": (_in_float32,),
    "`sigpy.thresh.hard_thresh(l, x)`": (_nan_lost, _to_float64),
    "`sigpy.thresh.soft_thresh(l, x)`": (_complex, _to_float64),
    "`skimage.restoration.denoise_wavelet(x)`": (),
}
"""For the first cell of each row: what must hold of the two calls."""


def run(row: Row) -> list[str]:
    """Return what the page says of a row and does not hold; an empty list where all of it does."""
    today, here = _special(row)
    wrong = []
    expected, found = today(_ORDINARY), here(_ORDINARY)
    if not np.allclose(expected, found, rtol=1e-6, atol=0) and "enlarges" not in row.differs:
        wrong.append(f"on ordinary numbers {expected.tolist()} against {found.tolist()}")
    for claim in CLAIMS[row.today]:
        if not claim(today, here):
            wrong.append(f"{row.differs!r}: {getattr(claim, '__name__', 'claim')} does not hold")
    return wrong


def _special(row: Row) -> tuple[Call, Call]:
    library, (code, *_) = row.library, _code(row.today)
    replaced = _code(row.here)
    if row.today.startswith("ONNX"):
        return _onnx, _call(replaced[0], "")
    if row.today == "a `substitute`":
        return _call("pywt.threshold(x, l, 'hard', substitute=value)", "pywt"), _call(
            replaced[0].replace("<= l", "< l"), ""
        )
    if row.today.startswith("a loop"):
        loop = "np.concatenate([c[0], *(pywt.threshold(d, l, 'hard') for d in c[1:])])"
        with_c = _with_coefficients
        return with_c(loop), with_c(f"np.concatenate({replaced[0].replace('coefficients', 'c')})")
    if "greater" in code:
        both = "np.stack([pywt.threshold(x, l, 'greater'), pywt.threshold(x, l, 'less')])"
        return _call(both, "pywt"), _call(f"np.stack([{', '.join(replaced)}])", "")
    if library == "skimage":
        soft = "skimage.restoration.denoise_wavelet(x, sigma=.2, mode='soft', wavelet='haar')"
        return _call(f"np.float32([{soft}.shape == x.shape])", library), lambda x: np.float32([1])
    return _call(code, library), _call(replaced[0], library)


def _with_coefficients(code: str) -> Call:
    def call(x: Any, l: float = 0.5) -> Any:  # noqa: E741
        import pywt

        signal = np.resize(x, 64)
        return _call(code, "pywt")(x, l, c=pywt.wavedec(signal, "haar", level=3))

    return call


def libraries() -> dict[str, str]:
    """Return which of the libraries are installed, and their versions."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version({"pywt": "PyWavelets", "skimage": "scikit-image"}.get(name, name))
        except PackageNotFoundError:
            continue
    return found


def _tried() -> Iterator[tuple[Row, str]]:
    installed = libraries()
    for row in rows():
        if row.today not in CLAIMS:
            yield row, "no claim in tests/tools/coming_from.py"
        elif row.library and row.library not in installed:
            yield row, f"not tried: {row.library} is not installed"
        else:
            yield row, "; ".join(run(row)) or "holds"


def main() -> int:
    """Print what became of each row; the status is 1 where one does not hold."""
    sys.path.insert(0, str(Path(__file__).parent))
    print(", ".join(f"{name} {version}" for name, version in libraries().items()))
    wrong = 0
    for row, result in _tried():
        print(f"{row.today}: {result}")
        wrong += not result.startswith(("holds", "not tried"))
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main())
