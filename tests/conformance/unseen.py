"""Backends written by hand against the kit: wrong ones that no mutant was derived for, right ones.

Each wrong one is right but where two or three things about a call meet. They were written from
the specification and from what libraries get wrong, without a look at the kit's dimensions, and
measure it: ``python tests/conformance/unseen.py`` prints what survives the default run and who is
accused falsely.
"""

from __future__ import annotations

import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
from shrinkops_numpy import NumpyBackend

from shrinkops import Backend

WRONG = {}
RIGHT = {}
PLAIN = frozenset({"float32", "float64"})


def wrong(dtypes=PLAIN, base=NumpyBackend, **attributes):
    """Enter a kernel ``change(right, x, lambd, out)`` as a wrong backend."""

    def enter(change):
        def kernel(self, operation):
            right = declared_only(self, base.kernel(self, operation), operation)
            return lambda x, lambd, out: change(right, x, lambd, out)

        body = {"kernel": kernel, "dtypes": dtypes, **attributes}
        WRONG[change.__name__] = type(change.__name__, (base,), body)
        return change

    return enter


def declared_only(backend, right, operation):
    """Refuse what the backend does not declare: NumPy's own kernel takes every element type."""
    guard = Backend.kernel(backend, operation)

    def kernel(x, *rest):
        return (right if backend.dtype_name(x) in backend.dtypes else guard)(x, *rest)

    return kernel


def scalar(lambd):
    return isinstance(lambd, (int, float, np.number, Fraction, Decimal)) and np.ndim(lambd) == 0


def negative(lambd):
    return scalar(lambd) and lambd < 0


def array(lambd):
    return isinstance(lambd, np.ndarray) and lambd.ndim > 0


def fortran(x):
    return x.ndim > 1 and x.flags.f_contiguous and not x.flags.c_contiguous


def put(y, where, value):
    y = np.array(y, order="K") if not isinstance(y, np.generic) else np.array(y)
    y[where] = value
    return y


@wrong()
def fortran_and_negative(right, x, lambd, out):
    return right(x, -lambd if fortran(x) and negative(lambd) else lambd, out)


@wrong()
def array_lambda_ignored_with_out(right, x, lambd, out):
    return right(x, lambd.flat[0] if array(lambd) and lambd.size and out is not None
                 and lambd.flat[0] >= 0 else lambd, out)  # fmt: skip


@wrong()
def numpy_scalar_loses_nan(right, x, lambd, out):
    y = right(x, lambd, out)
    if isinstance(lambd, np.floating) and out is None and x.ndim:
        return put(y, np.isnan(y), 0)
    return y


@wrong()
def numpy_scalar_negative_is_absolute(right, x, lambd, out):
    return right(x, abs(lambd) if isinstance(lambd, np.floating) else lambd, out)


@wrong()
def stride_zero_reads_first(right, x, lambd, out):
    if out is None and x.ndim == 2 and 0 in x.strides and x.size and array(lambd):
        y = right(np.ascontiguousarray(x), lambd, None)
        return np.broadcast_to(y[:1], y.shape).copy()
    return right(x, lambd, out)


@wrong()
def last_of_forty_one_mod_sixty_four(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 1 and x.size % 64 == 41:
        return put(y, -1, x[-1])
    return y


@wrong()
def last_of_odd_rows_strided(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 1 and x.strides[0] == 2 * x.itemsize and x.size % 2:
        return put(y, -1, x[-1])
    return y


_calls = {}


@wrong()
def second_call_of_an_array(right, x, lambd, out):
    key = (x.ctypes.data, x.shape) if x.ndim else None
    if key and _calls.get("last", (None,))[0] == key and out is None and scalar(lambd):
        return _calls["last"][1].copy()
    y = right(x, lambd, out)
    _calls["last"] = (key, np.array(y))
    return y


_buffers = {}


@wrong()
def result_in_a_reused_buffer(right, x, lambd, out):
    if out is not None or not x.ndim or not x.flags.c_contiguous:
        return right(x, lambd, out)
    buffer = _buffers.setdefault((x.shape, x.dtype), np.empty_like(x))
    return right(x, lambd, buffer)


_memo = {}


@wrong()
def threshold_remembered_by_value_alone(right, x, lambd, out):
    if type(lambd) is not np.float64:
        return right(x, lambd, out)
    held = _memo.setdefault(float(lambd), x.dtype.type(lambd))
    return right(x, held if held.dtype == x.dtype or abs(held) > 1e30 else float(held), out)


@wrong()
def two_to_53_plus_one(right, x, lambd, out):
    return right(x, float(lambd) if type(lambd) is int and 2**53 < lambd < 2**60 else lambd, out)


@wrong()
def numpy_integers_by_float(right, x, lambd, out):
    return right(x, float(lambd) if isinstance(lambd, np.integer) else lambd, out)


@wrong()
def longdouble_by_float(right, x, lambd, out):
    return right(x, float(lambd) if isinstance(lambd, np.longdouble) else lambd, out)


@wrong()
def decimal_by_float(right, x, lambd, out):
    return right(x, float(lambd) if isinstance(lambd, Decimal) else lambd, out)


@wrong()
def fraction_by_float(right, x, lambd, out):
    return right(x, float(lambd) if isinstance(lambd, Fraction) else lambd, out)


@wrong()
def empty_axis_and_array_lambda(right, x, lambd, out):
    if array(lambd) and x.ndim > 1 and x.size == 0:
        return np.empty(x.shape[::-1], x.dtype)
    return right(x, lambd, out)


@wrong()
def out_overlapping_reversed(right, x, lambd, out):
    if out is not None and out is not x and np.may_share_memory(x, out) and x.ndim == 1:
        if out.strides[0] == -x.strides[0]:
            for i in range(x.size):
                right(x[i : i + 1], lambd, out[i : i + 1])
            return out
    return right(x, lambd, out)


@wrong()
def out_overlapping_forwards_in_blocks(right, x, lambd, out):
    if (
        out is not None
        and out is not x
        and np.may_share_memory(x, out)
        and x.ndim
        and scalar(lambd)
    ):
        for i in range(0, len(x), 4):
            right(x[i : i + 4], lambd, out[i : i + 4])
        return out
    return right(x, lambd, out)


@wrong()
def read_only_is_written(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim and x.size and not x.flags.writeable and x.base is None:
        x.setflags(write=True)
        x.flat[0] = 0
        x.setflags(write=False)
    return y


@wrong()
def read_only_gives_read_only(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim and not x.flags.writeable and negative(lambd):
        return x
    return y


@wrong()
def errstate_changed(right, x, lambd, out):
    y = right(x, lambd, out)
    if array(lambd):
        np.seterr(over="ignore", invalid="ignore")
    return y


@wrong()
def wrong_in_a_thread(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim and threading.current_thread() is not threading.main_thread():
        return put(y, x == 0, x.dtype.type(-0.0))
    return y


@wrong()
def reversed_and_infinite(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 1 and x.strides[0] < 0:
        return put(y, np.isinf(y), np.finfo(x.dtype).max)
    return y


@wrong()
def first_axis_reversed_and_boundary(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim > 1 and x.strides[0] < 0 and scalar(lambd) and lambd >= 0:
        return put(y, np.abs(x) == x.dtype.type(lambd), x.dtype.type(lambd))
    return y


@wrong()
def transposed_gives_c(right, x, lambd, out):
    y = right(x, lambd, out)
    return np.ascontiguousarray(y) if out is None and fortran(x) and array(lambd) else y


@wrong()
def permuted_three_axes(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 3 and not x.flags.c_contiguous and not x.flags.f_contiguous:
        return np.ascontiguousarray(y)
    return y


@wrong()
def misaligned_tail(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 1 and not x.flags.aligned and x.size > 16:
        return put(y, slice(-2, None), x[-2:])
    return y


@wrong()
def misaligned_and_negative(right, x, lambd, out):
    return right(x, -lambd if not x.flags.aligned and negative(lambd) else lambd, out)


@wrong()
def swapped_and_array_lambda(right, x, lambd, out):
    if not x.dtype.isnative and array(lambd):
        return right(x.astype(x.dtype.newbyteorder("=")), lambd, None)
    return right(x, lambd, out)


@wrong()
def swapped_lambda(right, x, lambd, out):
    if array(lambd) and not lambd.dtype.isnative and lambd.dtype.kind == "f":
        lambd = lambd.view(lambd.dtype.newbyteorder("="))
    return right(x, lambd, out)


@wrong()
def strided_lambda_read_densely(right, x, lambd, out):
    if array(lambd) and lambd.ndim == 1 and lambd.size > 1 and lambd.strides[0] > lambd.itemsize:
        lambd = np.lib.stride_tricks.as_strided(lambd, strides=(lambd.itemsize,))
    return right(x, lambd, out)


@wrong()
def reversed_lambda_read_forwards(right, x, lambd, out):
    if array(lambd) and lambd.strides[-1] < 0:
        lambd = lambd[..., ::-1]
    return right(x, lambd, out)


@wrong()
def leading_lambda_trails_on_squares(right, x, lambd, out):
    if array(lambd) and x.ndim == 2 and x.shape[0] == x.shape[1] and lambd.shape == (len(x), 1):
        lambd = lambd.T
    return right(x, lambd, out)


@wrong()
def float64_lambda_array_rounds_twice(right, x, lambd, out):
    if array(lambd) and lambd.dtype == np.float64 and x.dtype == np.float16:
        with np.errstate(all="ignore"):
            lambd = lambd.astype(np.float32)
    return right(x, lambd, out)


WRONG["float64_lambda_array_rounds_twice"].dtypes = frozenset({"float16", "float32", "float64"})


@wrong()
def integer_lambda_array_by_float32(right, x, lambd, out):
    if array(lambd) and lambd.dtype.kind in "iu":
        lambd = lambd.astype(np.float32)
    return right(x, lambd, out)


@wrong()
def nan_in_lambda_zeroes_with_out(right, x, lambd, out):
    y = right(x, lambd, out)
    if array(lambd) and out is not None and lambd.dtype.kind == "f" and lambd.shape == out.shape:
        out[np.isnan(lambd)] = 0
    return y


@wrong()
def negative_zero_in_lambda(right, x, lambd, out):
    if array(lambd) and lambd.dtype.kind == "f":
        lambd = np.where((lambd == 0) & np.signbit(lambd), -1, lambd).astype(lambd.dtype)
    return right(x, lambd, out)


@wrong()
def minus_zero_scalar_is_negative(right, x, lambd, out):
    if scalar(lambd) and lambd == 0 and str(lambd).startswith("-"):
        return right(x, -1.0, out)
    return right(x, lambd, out)


@wrong()
def tiny_negative_numpy(right, x, lambd, out):
    if isinstance(lambd, np.float64) and -1e-40 < lambd < 0:
        return right(x, 0.0, out)
    return right(x, lambd, out)


@wrong()
def subnormal_threshold_with_out(right, x, lambd, out):
    tiny = np.finfo(x.dtype).tiny
    if out is not None and scalar(lambd) and 0 < lambd < tiny:
        lambd = 0.0
    return right(x, lambd, out)


@wrong()
def rounds_down_into_the_subnormals(right, x, lambd, out):
    if type(lambd) is float and 0 < lambd < np.finfo(x.dtype).tiny:
        t = x.dtype.type(lambd)
        return right(x, float(np.nextafter(t, x.dtype.type(0))) if float(t) > lambd else lambd, out)
    return right(x, lambd, out)


@wrong()
def ties_away(right, x, lambd, out):
    if isinstance(lambd, float) and x.dtype == np.float32 and 1e-30 < lambd < 1e30:
        t = np.float32(lambd)
        up = np.nextafter(t, np.float32(np.inf))
        if float(lambd) - float(t) == float(up) - float(lambd):
            return right(x, up, out)
    return right(x, lambd, out)


@wrong()
def zero_dimensional_result_is_a_scalar(right, x, lambd, out):
    y = right(x, lambd, out)
    return y[()] if isinstance(y, np.ndarray) and y.ndim == 0 and negative(lambd) else y


@wrong()
def scalar_result_is_an_array(right, x, lambd, out):
    y = right(x, lambd, out)
    return np.asarray(y) if isinstance(x, np.generic) and isinstance(lambd, np.floating) else y


@wrong()
def scalar_and_nan(right, x, lambd, out):
    y = right(x, lambd, out)
    return type(x)(0) if isinstance(x, np.generic) and x != x else y


@wrong()
def keyword_lambda_ignored_on_0d(right, x, lambd, out):
    return right(x, 0.5 if x.ndim == 0 and type(lambd) is int else lambd, out)


@wrong()
def four_axes_flattened(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 4 and not x.flags.c_contiguous:
        return put(y, (0, 0, 0, 0), x[0, 0, 0, 0])
    return y


@wrong()
def axis_of_one_and_row_lambda(right, x, lambd, out):
    if array(lambd) and x.ndim == 3 and x.shape[0] == 1 and lambd.size > 1:
        lambd = np.full_like(lambd, lambd.flat[0])
    return right(x, lambd, out)


@wrong()
def out_strided_skips_last(right, x, lambd, out):
    if out is not None and out is not x and out.ndim == 1 and out.size > 1:
        if out.strides[0] != out.itemsize:
            last = out[-1]
            right(x, lambd, out)
            out[-1] = last
            return out
    return right(x, lambd, out)


@wrong()
def out_fortran_transposed(right, x, lambd, out):
    if out is not None and fortran(out) and out.shape[0] == out.shape[-1] and not fortran(x):
        out[...] = right(x, lambd, None).T
        return out
    return right(x, lambd, out)


@wrong()
def out_is_another_view(right, x, lambd, out):
    y = right(x, lambd, out)
    return out[...] if out is not None and out.ndim == 0 else y


@wrong()
def in_place_negative_cleans_zero(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is x and x.ndim and negative(lambd):
        out[out == 0] = 0
    return y


@wrong()
def refused_but_written(right, x, lambd, out):
    if out is not None and scalar(lambd) and lambd != lambd:
        out[...] = 0
    return right(x, lambd, out)


@wrong()
def beyond_is_infinity_for_decimals(right, x, lambd, out):
    if (
        isinstance(lambd, (Decimal, Fraction))
        and lambd > Fraction(10) ** 39
        and x.dtype == np.float32
    ):
        return right(x, np.inf, out)
    return right(x, lambd, out)


@wrong()
def nan_decimal_is_identity(right, x, lambd, out):
    return right(x, -1 if isinstance(lambd, Decimal) and lambd.is_nan() else lambd, out)


@wrong()
def infinite_numpy_scalar_keeps_infinity(right, x, lambd, out):
    y = right(x, lambd, out)
    if isinstance(lambd, np.floating) and np.isposinf(lambd) and out is None and x.ndim:
        return put(y, np.isinf(x), np.inf)
    return y


@wrong()
def windows_by_copying_rows(right, x, lambd, out):
    if x.ndim == 2 and out is None and x.strides[0] == x.strides[1] and x.shape[0] > 1:
        y = right(x, lambd, None)
        return np.roll(y, 1, axis=0)
    return right(x, lambd, out)


@wrong()
def warns_for_signalling_nan_arrays(right, x, lambd, out):
    if array(lambd) and np.isnan(x).any():
        np.float32(np.inf) - np.float32(np.inf)
    return right(x, lambd, out)


@wrong()
def changed_x_is_not_seen(right, x, lambd, out):
    if not x.ndim or out is not None or not array(lambd):
        return right(x, lambd, out)
    key = id(x)
    if _memo.get("id") == key:
        return _memo["y"].copy(order="K")
    y = right(x, lambd, out)
    _memo.update(id=key, y=np.array(y, order="K"), x=x)
    return y


@wrong()
def lambda_array_is_rounded_in_place(right, x, lambd, out):
    if array(lambd) and lambd.flags.writeable and lambd.dtype == x.dtype and (lambd < 0).any():
        lambd[lambd < 0] = -1
    return right(x, lambd, out)


@wrong(frozenset({"float32", "int8", "int64", "uint64"}))
def minimum_zeroed_strided(right, x, lambd, out):
    y = right(x, lambd, out)
    if x.dtype.kind == "i" and out is None and x.ndim == 1 and x.strides[0] != x.itemsize:
        return put(y, x == np.iinfo(x.dtype).min, 0)
    return y


@wrong(frozenset({"float32", "int8", "int64", "uint64"}))
def large_integers_by_float_with_out(right, x, lambd, out):
    if type(lambd) is int and out is not None and x.dtype.itemsize == 8 and abs(lambd) > 2**53:
        lambd = float(lambd)
    return right(x, lambd, out)


@wrong(frozenset({"float32", "int32", "uint8"}))
def unsigned_arrays_of_negative(right, x, lambd, out):
    if array(lambd) and x.dtype.kind == "u" and lambd.dtype.kind == "i":
        lambd = np.abs(lambd)
    return right(x, lambd, out)


@wrong(frozenset({"float32", "complex64", "complex128"}))
def complex_fortran_loses_sign_of_zero(right, x, lambd, out):
    y = right(x, lambd, out)
    if x.dtype.kind == "c" and fortran(x) and negative(lambd) and out is None:
        return y + 0
    return y


@wrong(frozenset({"float32", "complex64", "complex128"}))
def complex_array_lambda_by_real_part(right, x, lambd, out):
    y = right(x, lambd, out)
    if x.dtype.kind == "c" and array(lambd) and out is None and lambd.dtype.kind == "f":
        with np.errstate(all="ignore"):
            return put(
                y, np.broadcast_to((np.abs(x.real) <= lambd) & (x.imag != x.imag), x.shape), 0
            )
    return y


@wrong(frozenset({"float16", "float32"}))
def half_by_float32(right, x, lambd, out):
    if x.dtype == np.float16 and type(lambd) is float and out is not None and 1e-3 < lambd < 100:
        lambd = float(np.float32(lambd))
    return right(x, lambd, out)


@wrong(frozenset({"bfloat16", "float32"}))
def bfloat16_flushes_reversed(right, x, lambd, out):
    y = right(x, lambd, out)
    if x.dtype.name == "bfloat16" and out is None and x.ndim and x.strides[-1] < 0:
        small = np.abs(x.astype(np.float32)) < 1.17e-38
        return put(y, small & (x == x), 0)
    return y


@wrong()
def large_and_transposed(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is None and x.ndim == 2 and x.shape[0] > x.shape[1] > 1 and fortran(x):
        return put(y, (-1, -1), x[-1, -1])
    return y


@wrong()
def above_a_million(right, x, lambd, out):
    y = right(x, lambd, out)
    if out is not None and x.size > 1 << 20:
        out.flat[-1] = 7
    return y


# Right ones, of other styles


def right(dtypes=PLAIN, base=NumpyBackend, **attributes):
    """Enter a kernel as a right backend."""

    def enter(make):
        def kernel(self, operation):
            return declared_only(self, make(self, operation, base), operation)

        body = {"kernel": kernel, "dtypes": dtypes}
        RIGHT[make.__name__] = type(make.__name__, (base,), {**body, **attributes})
        return make

    return enter


@right(handles=lambda _, cls: cls is np.ndarray)
def one_exact_class(self, operation, base):
    return base.kernel(self, operation)


@right(native=lambda *_: None)
def generic_only(self, operation, base):
    return Backend.kernel(self, operation)


@right(features=frozenset())
def neither_out_nor_arrays(self, operation, base):
    kernel = base.kernel(self, operation)

    def call(x, lambd, out):
        if out is not None:  # HS-ARR-4; of an array of thresholds no clause says so
            raise TypeError(f"the {self.name!r} backend has no out=: {self.no_out}")
        return kernel(x, lambd, out)

    return call


@right(features=frozenset({"out"}))
def no_array_lambda(self, operation, base):
    return base.kernel(self, operation)


@right(dtypes=frozenset({"float32"}))
def one_dtype(self, operation, base):
    return base.kernel(self, operation)


@right()
def views_of_fresh_buffers(self, operation, base):
    kernel = base.kernel(self, operation)

    def call(x, lambd, out):
        if out is not None or not x.ndim or isinstance(x, np.generic) or not x.flags.c_contiguous:
            return kernel(x, lambd, out)
        buffer = np.empty((2, *x.shape), x.dtype)
        if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
            return kernel(x, lambd, out)
        return kernel(x, lambd, buffer[1])

    return call


@right()
def loops_in_python(self, operation, base):
    kernel = base.kernel(self, operation)

    def call(x, lambd, out):
        if (
            out is not None
            or type(x) is not np.ndarray
            or x.ndim != 1
            or isinstance(lambd, np.ndarray)
        ):
            return kernel(x, lambd, out)
        if not x.size:
            return kernel(x, lambd, out)
        return np.concatenate([kernel(x[i : i + 1], lambd, None) for i in range(x.size)])

    return call


@right()
def copies_first(self, operation, base):
    kernel = base.kernel(self, operation)
    return lambda x, lambd, out: kernel(x.copy(order="K") if type(x) is np.ndarray and out is not x
                                        else x, lambd, out)  # fmt: skip


@right()
def wraps_its_errors(self, operation, base):
    kernel = base.kernel(self, operation)

    def call(x, lambd, out):
        try:
            return kernel(x, lambd, out)
        except ValueError as error:
            raise ValueError(f"sorry: {error}") from error

    return call


@right()
def remembers_thresholds(self, operation, base):
    kernel, held = base.kernel(self, operation), {}

    def call(x, lambd, out):
        if type(lambd) is float:
            lambd = held.setdefault((lambd, str(lambd)), lambd)
        return kernel(x, lambd, out)

    return call


@right()
def refuses_every_overlap(self, operation, base):
    kernel = base.kernel(self, operation)

    def call(x, lambd, out):
        if out is not None and out is not x and isinstance(out, np.ndarray):
            if out.shape == x.shape and out.dtype == x.dtype and np.may_share_memory(x, out):
                raise ValueError("out overlaps x")
        return kernel(x, lambd, out)

    return call


@right()
def in_chunks_on_threads(self, operation, base):
    import concurrent.futures

    kernel = base.kernel(self, operation)

    def call(x, lambd, out):
        if type(x) is not np.ndarray or x.ndim != 1 or x.size < 100 or np.ndim(lambd):
            return kernel(x, lambd, out)
        if out is not None:
            return kernel(x, lambd, out)
        y = np.empty_like(x)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda s: kernel(x[s], lambd, y[s]), (slice(0, 50), slice(50, None))))
        return y

    return call


@right(priority=5)
def with_a_priority(self, operation, base):
    return base.kernel(self, operation)


@right(dtypes=frozenset({"float32", "float64", "int8", "uint64", "complex64", "bfloat16"}))
def many_dtypes(self, operation, base):
    return base.kernel(self, operation)


@right(handles=lambda _, cls: issubclass(cls, np.ndarray))
def no_scalars(self, operation, base):
    return base.kernel(self, operation)


@right(adapter=lambda self: __import__("shrinkops.adapter").adapter.Adapter(self))
def plain_adapter(self, operation, base):
    return base.kernel(self, operation)


@right(native=lambda self, operation, *dtype: lambda *_: NotImplemented)
def kernels_that_decline(self, operation, base):
    return Backend.kernel(self, operation)


def verdict(cls, names=("hardshrink",), patterns=(), first=True):
    """Run the kit; return the first failures."""
    from shrinkops._target import Target
    from shrinkops.conformance._context import Environment
    from shrinkops.conformance._engine import run_item
    from shrinkops.conformance._session import plan_for
    from shrinkops.conformance._suites import find_operation, load_suite

    backend = cls()
    failures = []
    for name in names:
        target = Target(f"unseen:{cls.__name__}", backend, "unseen", "", False)
        environment = Environment(load_suite(find_operation(name)), target)
        plan = plan_for(environment, patterns)
        with environment.adapter.session():
            for item in plan.to_run:
                result = run_item(environment, item)
                if not result.state.good:
                    failures.append(f"{item.identifier}: {result.message}")
                    if first:
                        return failures
    return failures


def settings():
    """Return what a wrong backend may leave changed for those after it."""
    torch, jax = (sys.modules.get(name) for name in ("torch", "jax"))
    return (
        np.geterr(),
        torch and (torch.is_grad_enabled(), torch.get_num_threads()),
        jax and jax.config.jax_enable_x64,
    )


def restore(before):
    """Bring the settings back that were there before a backend."""
    np.seterr(**before[0])
    if before[1]:
        sys.modules["torch"]._C._set_grad_enabled(before[1][0])
        sys.modules["torch"].set_num_threads(before[1][1])
    if before[2] is not None:
        sys.modules["jax"].config.update("jax_enable_x64", before[2])


def score(wrong_ones, right_ones, names=()):
    """Judge backends, those of some names or all; print and return survivors and accused."""
    survived, accused, tried = [], [], [0, 0]
    for right_one, entries in enumerate((wrong_ones, right_ones)):
        for name, entry in entries.items():
            if names and name not in names:
                continue
            make, operation = entry if isinstance(entry, tuple) else (entry, "hardshrink")
            tried[right_one] += 1
            started = time.perf_counter()
            before = settings()
            found = verdict(make() if isinstance(entry, tuple) else make, (operation,))
            restore(before)
            state = ("SURVIVED", "convicted", "acquitted", "ACCUSED")[2 * right_one + bool(found)]
            took = time.perf_counter() - started
            print(f"{state:10}{took:6.1f} s  {name}: {''.join(found)[:160]}", flush=True)
            if state == "SURVIVED":
                survived.append(name)
            if state == "ACCUSED":
                accused.append(name)
    print(f"{tried[0] - len(survived)} of {tried[0]} wrong backends convicted; left: {survived}")
    print(f"{tried[1] - len(accused)} of {tried[1]} right backends acquitted; not: {accused}")
    return survived, accused


if __name__ == "__main__":
    score(WRONG, RIGHT, sys.argv[1:])
