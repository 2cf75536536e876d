"""The numbers that each operation is meant to reach: what all share, and what is one's own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # what lies beside, however this is imported
from bench_goals import Ask, Goal
from bench_hardshrink import GOALS

__all__ = ["GOALS_OF"]

_WIDE = ("float32", "float64")
_FROM_1E5 = (100_000, 1_000_000, 10_000_000)
_LARGE = (1_000_000, 10_000_000)

_IDIOMS = {
    "hardshrink": "np.where",
    "softshrink": "np: sign * maximum",
    "shrink": "np: where of where",
    "firmshrink": "np: where of where",
    "garrote": "np: where",
}
_PYWT = {
    "hardshrink": "pywt.threshold",
    **dict.fromkeys(("softshrink", "firmshrink", "garrote"), "pywt"),
}
_SIGPY = ("softshrink",)
_TORCH = ("hardshrink", "softshrink")
"""Operations that torch has itself."""


def _copies(name: str) -> Goal:
    if name == "garrote":  # it divides
        return Goal(
            "NumPy, warm out, one thread",
            "at most 1.1 x np.copyto at 1e7, 3 x at 1e6",
            (
                Ask("over np.copyto at 1e6", 3, "ratio", "numpy", "copy", _LARGE[:1], _WIDE),
                Ask("over np.copyto at 1e7", 1.1, "ratio", "numpy", "copy", _LARGE[1:], _WIDE),
            ),
        )
    return Goal(
        "NumPy, warm out, one thread",
        "at most 1.1 x np.copyto, from 1e6 on",
        (Ask("over np.copyto", 1.1, "ratio", "numpy", "copy", _LARGE, _WIDE),),
    )


_NARROW = Goal(
    "NumPy, 16 bits",
    "at most 2 x a copy at 1e6",
    (Ask("over np.copyto", 2, "ratio", "numpy", "copy", _LARGE[:1], ("float16", "bfloat16")),),
)


def _threads(name: str) -> Goal:
    asks = [
        Ask("warm out, over one thread", 0.85, "threads", "numpy", "", _LARGE[1:], _WIDE),
        Ask("new output, over one thread", 0.65, "threads", "numpy", "", _LARGE[1:], mode="fresh"),
    ]
    text = "warm at most 0.85 x one thread, a new output at most 0.65 x"
    if name in _TORCH:
        peer = "torch, same buffer"
        asks.append(
            Ask(
                "warm out, over torch with its default threads",
                1,
                "threads",
                "numpy",
                peer,
                _LARGE[1:],
            )
        )
        text += "; not slower than torch with its default threads"
    return Goal("NumPy, two threads, 1e7", text, tuple(asks))


def _in_use(name: str) -> Goal:
    slow = [_IDIOMS[name], *filter(None, [_PYWT.get(name)])]
    quick = ["numba", "numexpr", *["fastprox"] * (name in _SIGPY)]
    asks = [Ask(f"over {peer}", 1 / 8, "ratio", "numpy", peer, _FROM_1E5) for peer in slow]
    if name in _SIGPY:  # which gives float64 whatever it is given
        asks.append(Ask("over sigpy", 1 / 8, "ratio", "numpy", "sigpy", _FROM_1E5, ("float64",)))
    asks += [Ask(f"over {peer}", 1, "ratio", "numpy", peer, _FROM_1E5) for peer in quick]
    names = "the NumPy idiom" + ", pywt" * (name in _PYWT) + ", sigpy" * (name in _SIGPY)
    text = f"from 1e5: at least 8 x faster than {names}; not slower than {', '.join(quick)}"
    return Goal("NumPy, against what people use", text, tuple(asks))


_TORCH_OWN = (
    Goal(
        "NumPy, each size and dtype",
        "not slower than torch.softshrink(out=) on one thread over the same buffer",
        (
            Ask(
                "over torch", 1, "ratio", "numpy", "torch, same buffer",
                (1, 1_000, *_FROM_1E5), ("float16", *_WIDE),
            ),
        ),
    ),
    Goal(
        "torch",
        "fresh 1.10, out= 1.15 x torch.softshrink at 1e4, 1.03 from 1e5",
        (
            Ask("fresh, 1e4", 1.10, "ratio", "torch", "torch.softshrink", (10_000,), mode="fresh"),
            Ask("out=, 1e4", 1.15, "ratio", "torch", "torch.softshrink", (10_000,)),
            Ask("fresh", 1.03, "ratio", "torch", "torch.softshrink", _FROM_1E5, mode="fresh"),
            Ask("out=", 1.03, "ratio", "torch", "torch.softshrink", _FROM_1E5),
        ),
    ),
)  # fmt: skip


def _libraries(name: str) -> tuple[Goal, ...]:
    idiom = _IDIOMS[name].partition(": ")[2]
    in_torch = Goal(
        "torch, composed",
        "not slower than the idiom in torch, from 1e5",
        (Ask("over the idiom", 1, "ratio", "torch", f"torch: {idiom}", _FROM_1E5, mode="fresh"),),
    )
    in_jax = Goal(
        "jax eager",
        "at most 1.1 x a hand-jitted function, 2.5 x faster than the eager idiom at 1e3",
        (
            Ask(
                "over a hand-jitted function", 1.1, "ratio", "jax", f"jitted jnp: {idiom}",
                (1_000, 100_000, 1_000_000), mode="fresh",
            ),
            Ask("over the idiom", 1 / 2.5, "ratio", "jax", f"jnp: {idiom}", (1_000,), mode="fresh"),
        ),
    )  # fmt: skip
    return (in_jax,) if name in _TORCH else (in_torch, in_jax)


_COMPILERS = Goal(
    "torch.compile and jit",
    "ten values of a parameter: two graphs at most (one for the first value, one for every "
    "other), one trace",
    (
        Ask("graphs", 2, "graphs", "torch", unit="graphs"),
        Ask("traces", 1, "traces", "jax", unit="traces"),
    ),
)


def _goals(name: str) -> tuple[Goal, ...]:
    if name == "hardshrink":
        return (*GOALS, _threads(name), _in_use(name), _COMPILERS)
    own = _TORCH_OWN if name in _TORCH else ()
    return (
        _copies(name),
        _NARROW,
        _threads(name),
        _in_use(name),
        *own,
        *_libraries(name),
        _COMPILERS,
    )


GOALS_OF = {name: _goals(name) for name in _IDIOMS}
"""Goals by operation."""
