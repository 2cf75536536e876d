"""Backends written by hand against the kit, third file: two dimensions meet, in every operation.

As `unseen` and `unseen_libraries`, on NumPy, array_api_strict and PyTorch;
``python tests/conformance/unseen_family.py`` takes names of backends to try alone.
"""

# ruff: noqa: SIM102 - the conditions that meet, and then what only guards the change
from __future__ import annotations

import sys
import threading
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import unseen_libraries
from unseen import array, fortran, put, scalar, score

WRONG = {}
RIGHT = {}
wrong = partial(unseen_libraries.wrong, into=WRONG)
right = partial(unseen_libraries.wrong, into=RIGHT)
is_array = unseen_libraries.is_array
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})


def zero_dimensional(p):
    return isinstance(p, np.ndarray) and p.ndim == 0


@wrong(operation="firmshrink")
def mu_array_ignored_with_out(right, x, p, out):
    if array(p[1]) and out is not None and p[1].size:
        first = p[1].dtype.type(p[1].flat[0])
        return right(x, (p[0], np.full_like(p[1], first)), out)
    return right(x, p, out)


@wrong()
def fraction_in_fortran(right, x, p, out):
    if isinstance(p[0], Fraction) and fortran(x) and 1e-30 < abs(p[0]) < 1e30:
        return right(x, (float(np.float32(float(p[0]))),), out)
    return right(x, p, out)


@wrong(operation="garrote", dtypes=frozenset({"float32", "complex64"}))
def complex_under_a_0d_lambda(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.kind == "c" and zero_dimensional(p[0]) and out is None:
        return put(y, np.isfinite(y), np.conj(y)[np.isfinite(y)])
    return y


@wrong(operation="shrink")
def minus_zero_bias_into_an_overlap(right, x, p, out):
    if isinstance(p[1], float) and p[1] == 0 and np.signbit(p[1]) and out is not None:
        if out is not x and np.may_share_memory(x, out):
            return right(x, (-1.0, 0.0), out)
    return right(x, p, out)


@wrong(operation="softshrink", dtypes=frozenset({"float32", "int8", "int32"}))
def minimum_wraps_under_a_number(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.kind == "i" and scalar(p[0]) and out is None and x.ndim == 2:
        least = np.iinfo(x.dtype).min
        return put(y, (x == least) & (y != 0), -(least + 1))
    return y


@wrong("torch", operation="firmshrink")
def mapped_over_mu(right, x, p, out):
    import torch

    if is_array(p[1]) and torch._C._functorch.maybe_get_level(p[1]) >= 0:
        return right(x, (p[0], torch.nan_to_num(p[1], nan=torch.inf, posinf=torch.inf)), out)
    return right(x, p, out)


_first = {}


@wrong(operation="softshrink", dtypes=FLOATS)
def second_call_in_another_dtype(right, x, p, out):
    if type(p[0]) is float and 0 < p[0] < 1e4:
        held = _first.setdefault(p[0], x.dtype)
        with np.errstate(all="ignore"):
            return right(x, (float(held.type(p[0])),), out)
    return right(x, p, out)


@wrong(operation="softshrink")
def large_in_two_dimensions(right, x, p, out):
    y = right(x, p, out)
    if out is None and x.ndim == 2 and x.size > 1 << 16:
        return put(y, (-1, -1), 7)
    return y


@wrong()
def large_under_a_row(right, x, p, out):
    y = right(x, p, out)
    if out is None and array(p[0]) and x.size > 1 << 16 and p[0].size < x.size:
        return put(y, (-1,) * x.ndim, 7)
    return y


@wrong(operation="garrote")
def reversed_axis_and_middle_lambda(right, x, p, out):
    if array(p[0]) and x.ndim == 3 and x.strides[1] < 0 and p[0].shape == (x.shape[1], 1):
        p = (p[0][::-1],)
    return right(x, p, out)


@wrong(operation="softshrink")
def out_over_lambda_forwards(right, x, p, out):
    if out is not None and array(p[0]) and np.may_share_memory(p[0], out) and x.ndim == 1:
        if p[0].shape == x.shape:
            for i in range(x.size):
                right(x[i : i + 1], (p[0][i : i + 1],), out[i : i + 1])
            return out
    return right(x, p, out)


@wrong(operation="softshrink", dtypes=frozenset({"float32", "int16"}))
def errstate_left_for_integers(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.kind == "i" and array(p[0]):
        np.seterr(over="ignore", divide="ignore")
    return y


class Marked(np.ndarray):
    """A subclass."""


@wrong(operation="garrote")
def subclass_comes_back(right, x, p, out):
    y = right(x, p, out)
    return y.view(Marked) if out is None and zero_dimensional(p[0]) and x.ndim else y


@wrong(operation="shrink")
def lambda_written_and_restored(right, x, p, out):
    if array(p[0]) and p[0].dtype == x.dtype and p[0].size and 0 not in p[0].strides:
        held = p[0].copy()
        p[0][...] = np.abs(p[0])
        p[0][...] = held
    return right(x, p, out)


@wrong(operation="softshrink")
def thread_and_fortran(right, x, p, out):
    y = right(x, p, out)
    if threading.current_thread() is not threading.main_thread() and fortran(x) and out is None:
        return np.ascontiguousarray(y)
    return y


@wrong(operation="garrote")
def nan_of_0d_lambda_zeroes(right, x, p, out):
    if zero_dimensional(p[0]) and p[0].dtype.kind == "f" and np.isnan(p[0]):
        return right(x, (np.asarray(np.inf, p[0].dtype),), out)
    return right(x, p, out)


@wrong(operation="firmshrink")
def equal_parameters_keep_the_edge_with_out(right, x, p, out):
    y = right(x, p, out)
    if out is not None and out is not x and all(map(scalar, p)) and p[0] == p[1] and p[0] > 0:
        if not np.may_share_memory(x, out) and np.isfinite(float(p[0])):
            edge = np.abs(x) == x.dtype.type(float(p[0]))
            out[edge] = x[edge]
    return y


@wrong(operation="shrink")
def bias_array_of_integers_by_bytes(right, x, p, out):
    if array(p[1]) and p[1].dtype.kind in "iu":
        p = (p[0], p[1].astype(np.int8))
    return right(x, p, out)


@wrong(operation="softshrink", dtypes=frozenset({"bfloat16", "float32"}))
def bfloat16_truncated_into_out(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.name == "bfloat16" and out is not None and out is not x and scalar(p[0]):
        if not np.may_share_memory(x, out) and 0 < float(p[0]) < 100:
            wide, t = x.astype(np.float32), np.float32(x.dtype.type(float(p[0])))
            with np.errstate(all="ignore"):
                soft = wide - np.sign(wide) * t
            bits = np.ascontiguousarray(soft).view(np.uint32).reshape(soft.shape) >> 16
            cut = bits.astype(np.uint16).view(x.dtype)
            kept = (np.abs(wide) > t) & np.isfinite(wide) & (soft != 0)
            out[kept] = cut[kept]
    return y


@wrong(operation="firmshrink")
def infinity_in_fortran(right, x, p, out):
    y = right(x, p, out)
    if fortran(x) and out is None and scalar(p[1]) and np.isfinite(float(p[1])):
        return put(y, np.isinf(x), np.nan)
    return y


@wrong(operation="shrink")
def overflow_is_clipped(right, x, p, out):
    y = right(x, p, out)
    if out is None and x.ndim == 3 and scalar(p[1]) and p[1] < 0:
        top = np.finfo(x.dtype).max
        over = np.isinf(y) & np.isfinite(x)
        return put(y, over, np.copysign(top, x[over]))
    return y


@wrong(operation="garrote")
def subnormal_elements_of_lambda_strided(right, x, p, out):
    if array(p[0]) and x.ndim == 1 and x.strides[0] != x.itemsize and p[0].dtype.kind == "f":
        tiny = (np.abs(p[0]) < np.finfo(p[0].dtype).tiny) & (p[0] > 0)
        p = (np.where(tiny, 0, p[0]).astype(p[0].dtype),)
    return right(x, p, out)


@wrong(operation="softshrink", dtypes=frozenset({"float32", "uint8", "int64", "int32"}))
def unsigned_under_wide_elements(right, x, p, out):
    if array(p[0]) and x.dtype == np.uint8 and p[0].dtype in (np.int64, np.int32):
        p = (np.where(p[0] > 255, p[0] & 255, p[0]),)
    return right(x, p, out)


@wrong(operation="garrote")
def empty_loses_an_axis(right, x, p, out):
    y = right(x, p, out)
    return y.reshape(-1) if array(p[0]) and x.ndim == 3 and not x.size and out is None else y


@wrong(operation="shrink")
def keyword_bias_of_scalars(right, x, p, out):
    return right(x, (p[0], 0.0) if isinstance(x, np.generic) and isinstance(p[1], int) else p, out)


@wrong()
def decimal_into_0d(right, x, p, out):
    if isinstance(p[0], Decimal) and out is not None and out.ndim == 0 and p[0] == p[0]:
        return right(x, (abs(p[0]),), out)
    return right(x, p, out)


@wrong("strict", operation="softshrink")
def strict_fraction_by_float(right, x, p, out):
    if isinstance(p[0], Fraction) and 0 < p[0] < Fraction(10) ** 30:
        return right(x, (float(p[0]),), out)
    return right(x, p, out)


@wrong("strict", operation="firmshrink")
def strict_numpy_mu_below_lambda(right, x, p, out):
    if isinstance(p[1], np.float32) and scalar(p[0]) and p[1] < p[0]:
        return right(x, (p[0], float(p[0])), out)
    return right(x, p, out)


@wrong("strict", operation="shrink")
def strict_minus_zero_of_a_0d_bias(right, x, p, out):
    import array_api_strict as xp

    y = right(x, p, out)
    if is_array(p[1]) and p[1].ndim == 0:
        minus = xp.asarray(-0.0, dtype=y.dtype)
        return xp.where((y == 0) & (x < 0), minus, y)
    return y


@wrong("strict", operation="garrote")
def strict_infinity_under_elements(right, x, p, out):
    import array_api_strict as xp

    y = right(x, p, out)
    if is_array(p[0]) and p[0].ndim == 1:
        return xp.where(xp.isinf(x) & xp.isinf(y), xp.asarray(xp.nan, dtype=y.dtype), y)
    return y


# Right ones, of odd styles


def simple(x, p, out):
    """Whether a call is one that the odd styles below compute themselves."""
    plain = type(x) is np.ndarray and x.dtype.isnative and x.ndim and x.dtype.kind == "f"
    return plain and out is None and type(p[0]) is float and 0 <= p[0] < 1e30


def hard(x, t):
    with np.errstate(all="ignore"):
        return np.where((x <= t) & (x >= -t), x.dtype.type(0), x)


@right()
def through_bytes(right, x, p, out):
    if not simple(x, p, out):
        return right(x, p, out)
    flat = np.frombuffer(x.tobytes(), x.dtype)
    y = np.empty_like(x)
    y[...] = np.array(hard(flat, x.dtype.type(p[0])).tolist(), x.dtype).reshape(x.shape)
    nan = np.isnan(x)
    y[nan] = x[nan]
    return y


@right(operation="softshrink")
def in_blocks(right, x, p, out):
    if (
        type(x) is not np.ndarray
        or x.ndim != 1
        or not scalar(p[0])
        or out is not None
        or not x.size
    ):
        return right(x, p, out)
    y = np.empty_like(x)
    for i in range(0, x.size, 50):
        y[i : i + 50] = right(x[i : i + 50].copy(), p, None)
    return y


@right()
def by_a_python_function(right, x, p, out):
    if not simple(x, p, out):
        return right(x, p, out)
    t = x.dtype.type(p[0])
    one = np.frompyfunc(lambda v: v if v != v or v > t or v < -t else x.dtype.type(0), 1, 1)
    y = np.empty_like(x)
    with np.errstate(all="ignore"):
        y[...] = one(x).astype(x.dtype)
    return y


_results = {}


@right(operation="garrote")
def caches_by_content(right, x, p, out):
    if type(x) is not np.ndarray or not scalar(p[0]) or not x.ndim:
        return right(x, p, out)
    key = (bytes(x.data) if x.flags.c_contiguous else x.tobytes(), x.shape, x.dtype.str,
           type(p[0]), str(p[0]))  # fmt: skip
    if out is not None or not x.flags.c_contiguous or not x.dtype.isnative:
        return right(x, p, out)
    if key not in _results:
        _results[key] = right(x, p, None)
    return _results[key].copy()


@right()
def another_library_copies(right, x, p, out):
    """Let pandas choose, on memory of its own."""
    if not simple(x, p, out) or x.ndim != 1:
        return right(x, p, out)
    import pandas

    series = pandas.Series(x.copy())
    t = x.dtype.type(p[0])
    with np.errstate(all="ignore"):
        return series.where(~((series <= t) & (series >= -t)), x.dtype.type(0)).to_numpy().copy()


@right()
def writes_bits_through_a_view(right, x, p, out):
    if not simple(x, p, out) or not x.flags.c_contiguous:
        return right(x, p, out)
    y = x.copy()
    unsigned = np.dtype(f"u{x.itemsize}")
    bits = y.view(unsigned)
    t = np.asarray(abs(p[0]), x.dtype).reshape(1).view(unsigned)[0]
    bits[(bits & ~(unsigned.type(1) << unsigned.type(8 * x.itemsize - 1))) <= t] = 0
    return y


@right(operation="softshrink")
def by_windows(right, x, p, out):
    if type(x) is not np.ndarray or x.ndim != 1 or x.size < 4 or x.size % 2 or out is not None:
        return right(x, p, out)
    if not scalar(p[0]) or not x.dtype.isnative:
        return right(x, p, out)
    step = x.strides[0]
    two = np.lib.stride_tricks.as_strided(x, (x.size // 2, 2), (2 * step, step))
    return right(two, p, None).reshape(-1).copy()


@right(operation="shrink")
def in_another_order(right, x, p, out):
    if type(x) is not np.ndarray or x.ndim < 2 or out is not None or not all(map(scalar, p)):
        return right(x, p, out)
    if not x.flags.c_contiguous:
        return right(x, p, out)
    return np.ascontiguousarray(right(np.asfortranarray(x), p, None))


if __name__ == "__main__":
    score(WRONG, RIGHT, sys.argv[1:])
