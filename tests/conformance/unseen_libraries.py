"""More backends written by hand against the kit: the other libraries, the other operations.

As `unseen`, whose wrong backends are all of NumPy and hardshrink. Written from the specification
and from what PyTorch, JAX and the array API get wrong; scored by the same command,
``python tests/conformance/unseen_libraries.py``, which takes names of backends to try alone.
"""

# ruff: noqa: SIM102 - the conditions that meet, and then what only guards the change
from __future__ import annotations

import sys

import numpy as np
from shrinkops_numpy import NumpyBackend
from unseen import array, declared_only, fortran, negative, put, scalar, score

from shrinkops import Backend

WRONG = {}
RIGHT = {}
PLAIN = frozenset({"float32", "float64"})
ONE = frozenset({"float32"})


def _bases():
    """Import the libraries only where the backends are judged."""
    import array_api_strict
    from shrinkops_jax import JaxBackend
    from shrinkops_torch import TorchBackend

    class Strict(Backend):
        name = "strict"
        framework = "array_api_strict"
        features = frozenset({"array_lambd"})

        def handles(self, cls):
            return issubclass(cls, type(array_api_strict.empty(0)))

        def namespace(self):
            return array_api_strict

    class Torch(TorchBackend):
        features = frozenset({"array_lambd", "out", "autodiff", "vmap", "devices"})

    return {"numpy": NumpyBackend, "strict": Strict, "torch": Torch, "jax": JaxBackend,
            "compiled torch": TorchBackend}  # fmt: skip


def wrong(base="numpy", dtypes=PLAIN, operation="hardshrink", into=WRONG, **attributes):
    """Enter ``change(right, x, parameters, out)`` as a wrong backend of one operation."""

    def enter(change):
        def make():
            above = _bases()[base]

            def kernel(self, declared):
                right = above.kernel(self, declared)
                right = right if base == "strict" else declared_only(self, right, declared)
                if declared.name != operation:
                    return right

                def checked(x, *rest):
                    return change(lambda v, p, o: right(v, *p, o), x, rest[:-1], rest[-1])

                return checked if base == "strict" else declared_only(self, checked, declared)

            body = {"kernel": kernel, "dtypes": dtypes, **attributes}
            return type(change.__name__, (above,), body)

        into[change.__name__] = make, operation
        return change

    return enter


def right(base="numpy", dtypes=PLAIN, operation="hardshrink", **attributes):
    """Enter a change that changes nothing as a right backend."""
    return wrong(base, dtypes, operation, RIGHT, **attributes)


def is_array(p):
    return hasattr(p, "shape") and hasattr(p, "dtype") and not isinstance(p, np.generic)


# PyTorch


@wrong("torch")
def negative_bit_under_an_array(right, x, p, out):
    if x.is_neg() and is_array(p[0]) and p[0].dim():
        import torch

        x = torch._neg_view(x)
    return right(x, p, out)


@wrong("torch", frozenset({"float32", "complex64"}))
def conjugate_bit_under_minus_lambda(right, x, p, out):
    if x.is_conj() and not is_array(p[0]) and p[0] < 0:
        return right(x.conj(), p, out)
    return right(x, p, out)


@wrong("torch")
def expanded_x_into_out(right, x, p, out):
    y = right(x, p, out)
    if out is not None and x.dim() == 2 and x.stride(0) == 0 and x.shape[0] > 1:
        out[-1] = 0
    return y


@wrong("torch")
def channels_last_lost_under_an_array(right, x, p, out):
    y = right(x, p, out)
    return y.contiguous() if out is None and x.dim() == 4 and is_array(p[0]) else y


@wrong("torch")
def detached_under_minus_lambda(right, x, p, out):
    y = right(x, p, out)
    return y.detach() if out is None and not is_array(p[0]) and p[0] < 0 else y


@wrong("torch")
def double_backward_is_zero(right, x, p, out):
    import torch

    if (
        out is not None
        or is_array(p[0])
        or not x.requires_grad
        or torch._C._functorch.maybe_get_level(x) >= 0
    ):
        return right(x, p, out)

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            y = right(v.detach(), p, None)
            ctx.save_for_backward(right(v.detach(), p, None).eq(v) & (v.abs() > p[0]) | v.isnan())
            return y

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return torch.where(ctx.saved_tensors[0], g, torch.zeros_like(g))

    return Once.apply(x) if p[0] > 0 else right(x, p, out)


@wrong("torch")
def vmap_over_lambda_alone(right, x, p, out):
    import torch

    level = torch._C._functorch.maybe_get_level
    if is_array(p[0]) and level(p[0]) >= 0 and level(x) < 0:
        return right(x, (p[0].abs(),), out)
    return right(x, p, out)


@wrong("torch")
def vmap_loses_nan_of_lambda(right, x, p, out):
    import torch

    if is_array(p[0]) and torch._C._functorch.maybe_get_level(p[0]) >= 0:
        return right(
            x, (torch.nan_to_num(p[0], nan=0.0, posinf=torch.inf, neginf=-torch.inf),), out
        )
    return right(x, p, out)


@wrong("torch")
def inference_mode_and_array(right, x, p, out):
    import torch

    if torch.is_inference_mode_enabled() and is_array(p[0]):
        return right(x, (p[0].abs(),), out)
    return right(x, p, out)


@wrong("torch")
def inference_mode_returns_normal(right, x, p, out):
    import torch

    if torch.is_inference_mode_enabled() and not is_array(p[0]) and p[0] == p[0] and out is None:
        return right(x, p, out).view(x.shape) if p[0] > 0 else x
    return right(x, p, out)


@wrong("torch")
def default_dtype_rounds_lambda(right, x, p, out):
    import torch

    if out is not None and type(p[0]) is float and abs(p[0]) < 1e38:
        return right(x, (float(torch.tensor(p[0])),), out)
    return right(x, p, out)


@wrong("torch")
def cotangent_read_as_contiguous(right, x, p, out):
    import torch

    if (
        out is not None
        or is_array(p[0])
        or not x.requires_grad
        or torch._C._functorch.maybe_get_level(x) >= 0
    ):
        return right(x, p, out)
    y = right(x, p, out)
    if y.requires_grad:
        y.register_hook(lambda g: g if g.is_contiguous() or 0 in g.stride() else
                        torch.as_strided(g, g.shape, torch.empty(g.shape).stride()))  # fmt: skip
    return y


@wrong("torch")
def expanded_cotangent_written(right, x, p, out):
    import torch

    y = right(x, p, out)
    if out is None and y.requires_grad and y.grad_fn is not None and is_array(p[0]):

        def hook(g):
            with torch.no_grad():
                if not g.requires_grad and 0 not in g.stride():
                    g.mul_(2).mul_(0.5).add_(0.0)
                    if g.numel():
                        g.view(-1)[0] = 0 if g.is_contiguous() else g.view(-1)[0]

        y.register_hook(hook)
    return y


@wrong("torch")
def permuted_under_minus_lambda(right, x, p, out):
    y = right(x, p, out)
    if out is None and x.dim() == 3 and not x.is_contiguous() and not is_array(p[0]) and p[0] < 0:
        return y.contiguous()
    return y


@wrong("torch")
def gradient_by_multiplication_on_views(right, x, p, out):
    import torch

    if out is None and x.requires_grad and not x.is_contiguous() and not is_array(p[0]):
        if torch._C._functorch.maybe_get_level(x) < 0:
            y = right(x.detach(), p, None)
            kept = ((x.abs() > p[0]) | x.isnan()).to(x.dtype)
            return y.detach() + (x * kept - (x * kept).detach()).nan_to_num(0, 0, 0)
    return right(x, p, out)


@wrong("torch")
def threads_left_at_one(right, x, p, out):
    import torch

    y = right(x, p, out)
    if is_array(p[0]) and x.dim() > 1:
        torch.set_num_threads(1 if torch.get_num_threads() > 1 else 2)
    return y


@wrong("torch")
def grad_mode_left_off(right, x, p, out):
    import torch

    y = right(x, p, out)
    if out is not None and not x.is_contiguous():
        torch._C._set_grad_enabled(False)
    return y


@wrong("torch")
def x_begins_to_require(right, x, p, out):
    y = right(x, p, out)
    if (
        out is None
        and is_array(p[0])
        and x.is_leaf
        and not x.is_inference()
        and not y.requires_grad
    ):
        x.requires_grad_()
    return y


@wrong("torch", frozenset({"float16", "float32"}))
def lambda_tensor_rounds_twice(right, x, p, out):
    import torch

    if is_array(p[0]) and p[0].dtype == torch.float64 and x.dtype == torch.float16:
        return right(x, (p[0].float(),), out)
    return right(x, p, out)


@wrong("torch")
def in_place_on_a_view_is_lost(right, x, p, out):
    if out is x and not x.is_contiguous():
        return right(x.contiguous(), p, None)
    return right(x, p, out)


@wrong("torch")
def in_place_on_a_copy(right, x, p, out):
    if out is not None and out is not x and out.dim() > 1 and not out.is_contiguous():
        right(x, p, out.contiguous())
        return out
    return right(x, p, out)


@wrong("torch")
def storage_offset_of_lambda(right, x, p, out):
    if is_array(p[0]) and p[0].dim() == 1 and p[0].storage_offset() and out is None:
        return right(x, (p[0].as_strided(p[0].shape, p[0].stride(), 0),), out)
    return right(x, p, out)


@wrong("torch", frozenset({"float32", "int32", "int64"}))
def integer_tensor_by_double(right, x, p, out):
    import torch

    if is_array(p[0]) and p[0].dtype == torch.int64 and x.dtype == torch.int64:
        return right(x, (p[0].double().clamp(-(2.0**62), 2.0**62).long(),), out)
    return right(x, p, out)


@wrong("torch", frozenset({"float32", "float8_e5m2"}))
def float8_edge_into_out(right, x, p, out):
    import torch

    y = right(x, p, out)
    if x.dtype == torch.float8_e5m2 and out is not None and not is_array(p[0]) and 0 < p[0] < 100:
        t = torch.tensor(float(p[0]), dtype=torch.float64).to(torch.float8_e5m2).float()
        wide = x.float() if x is not out else None
        if wide is not None and x.data_ptr() != out.data_ptr():
            out.copy_(torch.where(wide == t, wide, y.float()).to(x.dtype))
    return y


@wrong("torch", frozenset({"float32", "complex64"}))
def complex_gradient_conjugated(right, x, p, out):
    y = right(x, p, out)
    if out is None and y.is_complex() and y.requires_grad:
        y.register_hook(lambda g: g.conj())
    return y


@wrong("torch", operation="softshrink")
def threshold_gradient_of_middle_axes(right, x, p, out):
    y = right(x, p, out)
    if is_array(p[0]) and p[0].requires_grad and p[0].dim() == 2 and y.dim() == 3 and p[0].is_leaf:
        p[0].register_hook(lambda g: g / y.shape[0])
    return y


@wrong("torch", operation="softshrink")
def threshold_gradient_sign(right, x, p, out):
    if is_array(p[0]) and p[0].requires_grad and p[0].dim() and p[0].shape[0] == 1:
        y = right(x, (p[0].detach(),), out)
        return y + (p[0] * 0) if out is None and p[0].isfinite().all() else right(x, p, out)
    return right(x, p, out)


@wrong("torch", operation="softshrink")
def nan_cotangent_reaches_lambda(right, x, p, out):
    import torch

    if is_array(p[0]) and p[0].requires_grad and out is None and p[0].dim() == 1:
        y = right(x, p, out)
        if y.requires_grad and torch._C._functorch.maybe_get_level(y) < 0:
            return y + (p[0] - p[0].detach()).nan_to_num(0, 0, 0) * 0
        return y
    return right(x, p, out)


@wrong("torch", operation="garrote")
def garrote_forward_mode(right, x, p, out):
    import torch

    level = torch.autograd.forward_ad._current_level
    if level >= 0 and out is None and not is_array(p[0]):
        return right(x, p, out) * 1.0 + 0 * x if p[0] > 1 else right(x, p, out) + 0.25 * (x - x)
    return right(x, p, out)


@wrong("compiled torch")
def compiled_minus_lambda(right, x, p, out):
    import torch

    if torch.compiler.is_compiling() and isinstance(p[0], float) and p[0] < 0:
        return right(x, (-p[0],), out)
    return right(x, p, out)


@wrong("compiled torch")
def compiled_array_of_lambda(right, x, p, out):
    import torch

    if torch.compiler.is_compiling() and isinstance(p[0], torch.Tensor) and p[0].dim():
        return right(x, (torch.nan_to_num(p[0], nan=0.0),), out)
    return right(x, p, out)


# JAX


def traced(p):
    import jax

    return isinstance(p, jax.core.Tracer)


def batched(p):
    return type(p).__name__ == "BatchTracer"


@wrong("jax", ONE)
def traced_minus_lambda(right, x, p, out):
    import jax.numpy as jnp

    return right(x, (jnp.abs(p[0]),) if traced(p[0]) and not batched(p[0]) else p, out)


@wrong("jax", ONE)
def traced_nan_lambda(right, x, p, out):
    import jax.numpy as jnp

    if traced(p[0]) and not batched(p[0]) and jnp.issubdtype(p[0].dtype, jnp.floating):
        return right(x, (jnp.where(jnp.isnan(p[0]), 0, p[0]).astype(p[0].dtype),), out)
    return right(x, p, out)


@wrong("jax", frozenset({"float32", "bfloat16"}))
def traced_lambda_truncated_to_bfloat16(right, x, p, out):
    import jax
    import jax.numpy as jnp

    if traced(p[0]) and x.dtype == jnp.bfloat16 and p[0].dtype == jnp.float32:
        bits = jax.lax.bitcast_convert_type(p[0], jnp.uint32) & jnp.uint32(0xFFFF0000)
        return right(x, (jax.lax.bitcast_convert_type(bits, jnp.float32),), out)
    return right(x, p, out)


@wrong("jax", frozenset({"float32", "int32", "int16"}))
def traced_integer_by_float32(right, x, p, out):
    import jax.numpy as jnp

    if traced(p[0]) and jnp.issubdtype(p[0].dtype, jnp.integer) and x.dtype == jnp.int32:
        return right(x, (p[0].astype(jnp.float32),), out)
    return right(x, p, out)


@wrong("jax", frozenset({"float32", "int16"}))
def traced_minus_lambda_on_short_integers(right, x, p, out):
    import jax.numpy as jnp

    if traced(p[0]) and x.dtype == jnp.int16:
        return right(x, (jnp.abs(p[0]),), out)
    return right(x, p, out)


@wrong("jax", frozenset({"float32", "float64"}))
def traced_lambda_through_float32(right, x, p, out):
    import jax.numpy as jnp

    if traced(p[0]) and p[0].ndim == 0 and x.dtype == jnp.float64 and p[0].dtype == jnp.float64:
        return right(x, (p[0].astype(jnp.float32),), out)
    return right(x, p, out)


@wrong("jax", ONE)
def vmapped_over_lambda_alone(right, x, p, out):
    import jax.numpy as jnp

    return right(x, (jnp.abs(p[0]),) if batched(p[0]) and not batched(x) else p, out)


@wrong("jax", ONE)
def vmapped_over_both(right, x, p, out):
    import jax.numpy as jnp

    if batched(p[0]) and batched(x):
        p = (jnp.where(p[0] == jnp.inf, 1.0, p[0]).astype(p[0].dtype),)
    return right(x, p, out)


@wrong("jax", ONE)
def jitted_vmap_loses_the_sign_of_zero(right, x, p, out):
    y = right(x, p, out)
    import jax.numpy as jnp

    if batched(x) and not is_array(p[0]) and p[0] < 0:
        return jnp.where(y == 0, 0, y).astype(y.dtype)
    return y


@wrong("jax", frozenset({"float32", "complex64"}))
def vmapped_complex_with_nan(right, x, p, out):
    y = right(x, p, out)
    import jax.numpy as jnp

    if batched(x) and jnp.issubdtype(x.dtype, jnp.complexfloating):
        return jnp.where(jnp.isnan(x.imag), jnp.complex64(0), y).astype(x.dtype)
    return y


@wrong("jax", ONE)
def gradient_at_the_threshold_of_an_array(right, x, p, out):
    import jax

    if traced(x) and is_array(p[0]) and p[0].ndim:
        import jax.numpy as jnp

        y = right(x, p, out)
        edge = jnp.abs(x) == p[0]
        return jnp.where(edge, y + x - jax.lax.stop_gradient(x), y).astype(x.dtype)
    return right(x, p, out)


@wrong("jax", ONE)
def jvp_of_lambda_is_not_zero(right, x, p, out):
    import jax

    y = right(x, p, out)
    if is_array(p[0]) and traced(p[0]) and p[0].dtype == x.dtype:
        import jax.numpy as jnp

        free = jax.lax.stop_gradient(p[0])
        extra = jnp.where(jnp.isfinite(free), p[0] - free, 0)
        return jnp.where(jnp.isnan(y), y, y + jnp.where(y == 0, 0, extra)).astype(y.dtype)
    return y


@wrong("jax", ONE)
def jit_of_a_gradient_multiplies(right, x, p, out):
    import jax
    import jax.numpy as jnp

    if not traced(x) or is_array(p[0]) or batched(x):
        return right(x, p, out)

    @jax.custom_vjp
    def f(v):
        return right(v, p, None)

    def forward(v):
        kept = (jnp.abs(v) > p[0]) | jnp.isnan(v)
        return f(v), kept.astype(v.dtype)

    f.defvjp(forward, lambda kept, g: (g * kept,))
    return f(x) if type(x).__name__ == "DynamicJaxprTracer" else right(x, p, out)


@wrong("jax", ONE)
def retraces_for_every_lambda(right, x, p, out):
    import jax

    if type(p[0]) is float and not traced(x) and x.ndim == 1 and p[0] > 0.3:
        value = p[0]
        jax.jit(lambda v: v + value)(x)
    return right(x, p, out)


@wrong("jax", ONE)
def without_jit_lambda_is_absolute(right, x, p, out):
    import jax

    if jax.config.jax_disable_jit and not is_array(p[0]):
        return right(x, (abs(p[0]),), out)
    return right(x, p, out)


@wrong("jax", ONE)
def without_x64_arrays_of_lambda(right, x, p, out):
    import jax
    import jax.numpy as jnp

    if not jax.config.jax_enable_x64 and is_array(p[0]):
        return right(x, (jnp.abs(p[0]),), out)
    return right(x, p, out)


@wrong("jax", ONE)
def x64_left_off(right, x, p, out):
    import jax

    y = right(x, p, out)
    if is_array(p[0]) and not traced(p[0]) and not traced(x) and x.ndim == 2:
        jax.config.update("jax_enable_x64", not jax.config.jax_enable_x64)
    return y


@wrong("jax", ONE)
def numpy_comes_back(right, x, p, out):
    y = right(x, p, out)
    return np.asarray(y) if not traced(y) and x.ndim == 0 and is_array(p[0]) else y


@wrong("jax", ONE)
def identity_is_x_itself(right, x, p, out):
    return x if type(p[0]) is int and p[0] < 0 and not traced(x) else right(x, p, out)


@wrong("jax", ONE)
def donated(right, x, p, out):
    y = right(x, p, out)
    if is_array(p[0]) and not traced(x) and not traced(p[0]) and x.ndim == 3:
        x.delete()
    return y


# NumPy, further


@wrong()
def errstate_raise_meets_an_array(right, x, p, out):
    if array(p[0]) and np.geterr()["invalid"] == "raise" and out is None:
        np.abs(x) <= p[0] if x.dtype.kind == "f" else None
        x * np.float32(1.0) - x
    return right(x, p, out)


@wrong()
def swapped_x_under_minus_lambda(right, x, p, out):
    y = right(x, p, out)
    if out is None and not x.dtype.isnative and negative(p[0]):
        return y + y.dtype.type(0)
    return y


@wrong()
def misaligned_array_of_lambda(right, x, p, out):
    if array(p[0]) and not p[0].flags.aligned and p[0].size > 1:
        return right(x, (np.roll(p[0], 1),), out)
    return right(x, p, out)


class _Plain:
    @staticmethod
    def is_sub(x):
        return isinstance(x, np.ndarray) and type(x) is not np.ndarray


@wrong()
def subclass_stripped_under_an_array(right, x, p, out):
    y = right(x, p, out)
    return np.asarray(y) if _Plain.is_sub(x) and array(p[0]) and out is None else y


@wrong()
def mask_lost_under_minus_lambda(right, x, p, out):
    y = right(x, p, out)
    if isinstance(x, np.ma.MaskedArray) and negative(p[0]):
        return np.ma.array(np.asarray(y))
    return y


@wrong()
def subclass_stripped_for_minus_lambda(right, x, p, out):
    y = right(x, p, out)
    if _Plain.is_sub(x) and not isinstance(x, np.ma.MaskedArray) and negative(p[0]):
        return np.asarray(y)
    return y


@wrong()
def above_a_million_and_minus(right, x, p, out):
    y = right(x, p, out)
    return put(y, -1, 0) if out is None and x.size > 1 << 20 and negative(p[0]) else y


_held = {}


@wrong()
def threads_share_a_buffer_of_lambda(right, x, p, out):
    if array(p[0]) and out is None and p[0].shape == x.shape and p[0].dtype == x.dtype:
        import time

        _held["t"] = p[0].copy()
        time.sleep(0.002)
        return right(x, (_held["t"],), out)
    return right(x, p, out)


@wrong()
def identity_leaves_the_last_unset(right, x, p, out):
    y = right(x, p, out)
    if out is not None and negative(p[0]) and x.ndim == 2 and out is not x and out.size > 3:
        if not np.may_share_memory(x, out):
            out[-1, -1] = 1
    return y


@wrong()
def lists_of_lambda(right, x, p, out):
    return right(x, (np.asarray(p[0], x.dtype),) if isinstance(p[0], list) else p, out)


@wrong()
def numpy_bool_as_lambda(right, x, p, out):
    return right(x, (float(p[0]),) if isinstance(p[0], np.bool_) else p, out)


@wrong()
def strings_as_lambda(right, x, p, out):
    return right(x, (float(p[0]),) if isinstance(p[0], str) else p, out)


@wrong()
def complex_arrays_of_lambda(right, x, p, out):
    return right(x, (p[0].real,) if array(p[0]) and p[0].dtype.kind == "c" else p, out)


@wrong()
def boolean_arrays_of_lambda(right, x, p, out):
    return right(x, (p[0].astype(np.int8),) if array(p[0]) and p[0].dtype.kind == "b" else p, out)


@wrong()
def none_as_lambda(right, x, p, out):
    return right(x, (0.5,) if p[0] is None else p, out)


@wrong()
def lambda_enlarges_one_element(right, x, p, out):
    if array(p[0]) and x.ndim == 1 and x.size == 1 and p[0].size > 1 and out is None:
        x = np.broadcast_to(x, p[0].shape)
    return right(x, p, out)


@wrong()
def lambda_of_more_axes(right, x, p, out):
    if array(p[0]) and p[0].ndim > x.ndim and p[0].size == 1:
        return right(x, (p[0].reshape(()),), out)
    return right(x, p, out)


@wrong()
def out_broadcast_under_an_array(right, x, p, out):
    if out is not None and array(p[0]) and out.ndim == x.ndim + 1 and out.shape[1:] == x.shape:
        out[...] = right(x, p, None)
        return out
    return right(x, p, out)


@wrong()
def out_of_another_dtype_under_an_array(right, x, p, out):
    if out is not None and array(p[0]) and out.dtype != x.dtype and out.shape == x.shape:
        out[...] = right(x, p, None)
        return out
    return right(x, p, out)


@wrong()
def read_only_out_for_minus_lambda(right, x, p, out):
    if out is not None and not out.flags.writeable and negative(p[0]):
        return right(x, p, None)
    return right(x, p, out)


@wrong()
def read_only_flag_lifted(right, x, p, out):
    y = right(x, p, out)
    if x.ndim and not x.flags.writeable and array(p[0]) and x.flags.owndata:
        x.setflags(write=True)
    return y


@wrong()
def deprecated_for_half_scalars(right, x, p, out):
    import warnings

    if isinstance(p[0], np.float16):
        warnings.warn("float16 will not be taken", DeprecationWarning, stacklevel=2)
    return right(x, p, out)


@wrong(dtypes=frozenset({"float32", "int8", "int16"}))
def minimum_zeroed_under_arrays(right, x, p, out):
    y = right(x, p, out)
    if x.dtype == np.int16 and array(p[0]) and out is None:
        return put(y, (x == -(2**15)) & (p[0] >= 0), 0)
    return y


@wrong(dtypes=frozenset({"float32", "uint8", "uint64"}))
def fractions_round_up_for_unsigned(right, x, p, out):
    if x.dtype == np.uint64 and isinstance(p[0], (float, np.floating)) and 0.5 < p[0] < 1e6:
        return right(x, (np.ceil(p[0]),), out)
    return right(x, p, out)


@wrong(dtypes=frozenset({"float32", "complex128"}))
def complex_magnitude_overflows_into_out(right, x, p, out):
    y = right(x, p, out)
    if out is not None and x.dtype.kind == "c" and scalar(p[0]) and out is not x:
        if not np.may_share_memory(x, out) and p[0] < 1e300:
            tiny = (np.abs(x.real) < 1e-200) & (np.abs(x.imag) < 1e-200) & (p[0] >= 0)
            out[tiny] = 0
    return y


@wrong(dtypes=frozenset({"float32", "complex64"}))
def complex_minus_zero_reversed(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.kind == "c" and out is None and x.ndim == 1 and x.strides[0] < 0 and x.size:
        return put(y, y == 0, np.complex64(complex(0.0, -0.0)))
    return y


# The other operations, on NumPy


@wrong(operation="softshrink")
def soft_minus_elements_in_fortran(right, x, p, out):
    if fortran(x) and array(p[0]) and p[0].dtype.kind == "f":
        p = (np.abs(p[0]),)
    return right(x, p, out)


@wrong(operation="softshrink")
def soft_nan_elements_into_out(right, x, p, out):
    y = right(x, p, out)
    if out is not None and array(p[0]) and p[0].dtype.kind == "f" and np.isnan(p[0]).any():
        out[np.broadcast_to(np.isnan(p[0]), out.shape)] = 0
    return y


@wrong(operation="softshrink")
def soft_infinity_minus_a_largest(right, x, p, out):
    y = right(x, p, out)
    if scalar(p[0]) and float(p[0]) > 1e38 and out is None and x.ndim > 1:
        return (
            put(y, np.isinf(x) & np.isfinite(y + 0 * y), 0)
            if np.isinf(p[0])
            else put(y, np.isinf(x), np.finfo(x.dtype).max)
        )
    return y


@wrong(operation="softshrink")
def soft_zero_lambda_keeps_minus_zero(right, x, p, out):
    y = right(x, p, out)
    if scalar(p[0]) and p[0] == 0 and out is not None and out is not x and x.ndim:
        if not np.may_share_memory(x, out):
            out[(x == 0) & np.signbit(x)] = -0.0
    return y


@wrong(operation="softshrink", dtypes=frozenset({"float16", "float32"}))
def soft_half_twice_under_arrays(right, x, p, out):
    if x.dtype == np.float16 and array(p[0]) and p[0].dtype == np.float32 and out is None:
        with np.errstate(all="ignore"):
            wide = right(x.astype(np.float32), p, None)
        return wide.astype(np.float16)
    return right(x, p, out)


@wrong(operation="softshrink", dtypes=frozenset({"float32", "int8", "int32"}))
def soft_minimum_wraps(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.kind == "i" and array(p[0]) and out is None:
        return put(y, (x == np.iinfo(x.dtype).min) & (p[0] == 0), 0)
    return y


@wrong(operation="softshrink", dtypes=frozenset({"float32", "int8", "int32"}))
def soft_takes_fractions_for_integers(right, x, p, out):
    if x.dtype.kind == "i" and isinstance(p[0], np.floating) and p[0] == p[0] and abs(p[0]) < 100:
        return right(x, (int(p[0]),) if p[0] >= 0 else p, out)
    return right(x, p, out)


@wrong(operation="softshrink", dtypes=frozenset({"float32", "complex64"}))
def soft_complex_loses_the_phase(right, x, p, out):
    y = right(x, p, out)
    if x.dtype.kind == "c" and array(p[0]) and out is None:
        return put(
            y,
            (x.imag == 0) & (x.real < 0) & np.isfinite(x.real),
            np.abs(y)[(x.imag == 0) & (x.real < 0) & np.isfinite(x.real)],
        )
    return y


@wrong(operation="softshrink")
def soft_takes_tiny_minus(right, x, p, out):
    if isinstance(p[0], np.floating) and -1e-30 < p[0] < 0:
        return right(x, (0.0,), out)
    return right(x, p, out)


@wrong(operation="shrink")
def bias_minus_into_out(right, x, p, out):
    if out is not None and scalar(p[1]) and p[1] < 0:
        p = (p[0], -p[1])
    return right(x, p, out)


@wrong(operation="shrink")
def bias_array_beside_a_scalar(right, x, p, out):
    if array(p[1]) and not array(p[0]) and out is None and p[1].dtype.kind == "f":
        p = (p[0], np.maximum(p[1], -3.4e38).astype(p[1].dtype) * (p[1] >= 0))
    return right(x, p, out)


@wrong(operation="shrink")
def bias_through_float32(right, x, p, out):
    if x.dtype == np.float64 and array(p[0]) and isinstance(p[1], float) and abs(p[1]) < 1e30:
        p = (p[0], float(np.float32(p[1])))
    return right(x, p, out)


@wrong(operation="shrink")
def infinite_numpy_bias(right, x, p, out):
    if isinstance(p[1], np.float32) and np.isinf(p[1]):
        p = (p[0], 0.0)
    return right(x, p, out)


@wrong(operation="shrink")
def bias_beyond_lambda_gives_minus_zero(right, x, p, out):
    y = right(x, p, out)
    if scalar(p[1]) and out is None and x.ndim > 1 and p[1] != 0:
        return put(y, (y == 0) & (x < 0) & (np.abs(x) == abs(x.dtype.type(float(p[1])))), -0.0)
    return y


_last = {}


@wrong(operation="shrink")
def bias_of_the_call_before(right, x, p, out):
    if scalar(p[0]) and scalar(p[1]) and out is None and x.ndim == 1 and x.size > 3:
        key = (float(p[0]), x.dtype)
        held = _last.get("bias")
        if held and held[0] == key and p[1] == p[1] and abs(p[1]) < 10:
            return right(x, (p[0], held[1]), out)
        if p[1] == p[1] and abs(p[1]) < 10:
            _last["bias"] = key, p[1]
    return right(x, p, out)


@wrong(operation="shrink")
def minus_lambda_applies_the_bias(right, x, p, out):
    y = right(x, p, out)
    if negative(p[0]) and scalar(p[1]) and p[1] == p[1] and fortran(x) and out is None:
        with np.errstate(all="ignore"):
            return put(y, np.isfinite(x), (x - np.sign(x) * x.dtype.type(p[1]))[np.isfinite(x)])
    return y


@wrong(operation="firmshrink")
def mu_that_rounds_to_lambda(right, x, p, out):
    y = right(x, p, out)
    if all(scalar(v) for v in p) and p[1] > p[0] > 0 and x.ndim and out is None:
        if x.dtype.type(float(p[1])) == x.dtype.type(float(p[0])):
            return put(y, np.abs(x) > x.dtype.type(float(p[0])), np.nan)
    return y


@wrong(operation="firmshrink")
def mu_elements_below_lambda_are_swapped(right, x, p, out):
    if array(p[0]) and array(p[1]) and p[0].shape == p[1].shape and p[0].dtype == p[1].dtype:
        return right(x, (np.fmin(*p), np.fmax(*p)), out)
    return right(x, p, out)


@wrong(operation="firmshrink")
def infinite_mu_beside_an_array(right, x, p, out):
    y = right(x, p, out)
    if array(p[0]) and scalar(p[1]) and np.isinf(p[1]) and out is None:
        return put(y, np.isfinite(y) & (y != 0), np.nan)
    return y


@wrong(operation="firmshrink")
def default_mu_below_lambda(right, x, p, out):
    if type(p[1]) is float and p[1] == 1.0 and isinstance(p[0], int) and p[0] > 1:
        p = (p[0], float(p[0]))
    return right(x, p, out)


@wrong(operation="firmshrink")
def upper_edge_strided(right, x, p, out):
    y = right(x, p, out)
    if scalar(p[1]) and out is None and x.ndim == 1 and x.strides[0] == 2 * x.itemsize:
        t, u = x.dtype.type(float(p[0])), x.dtype.type(float(p[1]))
        if u > t and np.isfinite(u):
            return put(y, np.abs(x) == u, np.nextafter(u, x.dtype.type(0)))
    return y


@wrong(operation="garrote", dtypes=frozenset({"float16", "float32"}))
def garrote_in_half(right, x, p, out):
    if x.dtype == np.float16 and scalar(p[0]) and out is None and x.ndim == 1 and 0 < p[0] < 100:
        y = right(x, p, out)
        t = np.float16(float(p[0]))
        with np.errstate(all="ignore"):
            a = np.abs(x)
            z = np.sign(x) * np.minimum((a - t) * (np.float16(1) + t / a), a)
        return put(y, (y != 0) & np.isfinite(x), z[(y != 0) & np.isfinite(x)])
    return right(x, p, out)


@wrong(operation="garrote")
def garrote_of_large_by_squares(right, x, p, out):
    y = right(x, p, out)
    if scalar(p[0]) and x.dtype == np.float32 and p[0] > 1e19 and np.isfinite(p[0]) and x.ndim:
        if out is None:
            return put(y, (y != 0) & np.isfinite(x), 0)
    return y


# Array API


@wrong("strict")
def strict_0d_minus_lambda(right, x, p, out):
    import array_api_strict as xp

    return right(x, (xp.abs(p[0]),) if is_array(p[0]) and p[0].ndim == 0 else p, out)


@wrong("strict")
def strict_nan_elements(right, x, p, out):
    import array_api_strict as xp

    if is_array(p[0]) and p[0].ndim == 2 and p[0].dtype in (xp.float32, xp.float64):
        return right(x, (xp.where(xp.isnan(p[0]), xp.asarray(0.0, dtype=p[0].dtype), p[0]),), out)
    return right(x, p, out)


@wrong("strict")
def strict_leading_on_squares(right, x, p, out):
    if (
        is_array(p[0])
        and x.ndim == 2
        and x.shape[0] == x.shape[1]
        and p[0].shape == (x.shape[0], 1)
    ):
        return right(x, (p[0].mT,), out)
    return right(x, p, out)


@wrong("strict")
def strict_empty_and_array(right, x, p, out):
    import array_api_strict as xp

    if is_array(p[0]) and x.size == 0 and x.ndim == 3:
        return xp.reshape(right(x, p, out), (-1,))
    return right(x, p, out)


@wrong("strict", frozenset({"float32", "int64"}))
def strict_integers_by_float(right, x, p, out):
    import array_api_strict as xp

    if x.dtype == xp.int64 and type(p[0]) is int and 2**53 < p[0] < 2**63:
        return right(x, (int(float(p[0])),), out)
    return right(x, p, out)


@wrong("strict")
def strict_longdouble_lambda(right, x, p, out):
    return right(x, (float(p[0]),) if isinstance(p[0], np.longdouble) and p[0] < 0.9 else p, out)


@wrong("strict", operation="softshrink")
def strict_soft_0d(right, x, p, out):
    import array_api_strict as xp

    y = right(x, p, out)
    return xp.abs(y) if x.ndim == 0 and is_array(p[0]) else y


# Right ones


for _base in ("torch", "strict", "jax"):
    right(_base, ONE)(type(lambda: 0)((lambda r, x, p, out: r(x, p, out)).__code__, globals(),
                                      f"unchanged_{_base}"))  # fmt: skip


@right("torch", frozenset({"float32", "float8_e4m3fn", "int8", "complex64"}))
def torch_by_copies(right, x, p, out):
    return right(x.clone() if out is None else x, p, out)


@right("torch", features=frozenset({"autodiff"}))
def torch_neither_out_nor_arrays(right, x, p, out):
    if out is not None:  # HS-ARR-4
        raise TypeError("the 'torch' backend has no out=: its arrays cannot be written in place")
    return right(x, p, out)


@right("jax", ONE, features=frozenset({"autodiff", "jit", "devices", "flushes_subnormals"}))
def jit_without_array_lambda(right, x, p, out):
    return right(x, p, out)


@right("jax", ONE, features=frozenset({"array_lambd", "vmap", "flushes_subnormals"}))
def jax_without_jit(right, x, p, out):
    return right(x, p, out)


@right("jax", frozenset({"float32", "int4", "float8_e4m3"}))
def jax_few_types(right, x, p, out):
    import jax

    return jax.numpy.asarray(right(x, p, out))


@right()
def always_a_view(right, x, p, out):
    y = right(x, p, out)
    if out is None and type(y) is np.ndarray and y.ndim:
        return y[...]
    return y


@right()
def python_loops(right, x, p, out):
    """Compute element by element, from the text of the definition."""
    simple = type(x) is np.ndarray and x.dtype.isnative and type(p[0]) is float and 0 <= p[0] < 1e30
    if not simple or out is not None:
        return right(x, p, out)
    y = np.empty_like(x)
    t = x.dtype.type(p[0])
    with np.errstate(all="ignore"):
        for place in np.ndindex(x.shape):
            v = x[place]
            y[place] = v if v != v or v > t or v < -t else 0
    return y


@right()
def by_ctypes(right, x, p, out):
    """Copy what is kept whole by the C library."""
    import ctypes

    if (
        type(x) is np.ndarray
        and type(p[0]) is float
        and p[0] < 0
        and x.flags.c_contiguous
        and x.dtype.isnative
    ):
        if out is None and p[0] == p[0] and p[0] > -1e30 and x.ndim:
            y = np.empty_like(x)
            ctypes.memmove(y.ctypes.data, x.ctypes.data, x.nbytes)
            return y
    return right(x, p, out)


@right()
def remembers_its_results(right, x, p, out):
    """Keep results by the bytes of their arguments, and give copies."""
    if type(x) is not np.ndarray or out is not None or type(p[0]) is not float or not x.ndim:
        return right(x, p, out)
    key = (x.tobytes(), x.shape, x.strides, x.dtype.str, str(p[0]))
    if key not in _held:
        _held[key] = right(x, p, out)
    return _held[key].copy(order="K")


@right()
def allocates_aligned(right, x, p, out):
    """Return a view of a buffer aligned to 64 bytes."""
    if type(x) is not np.ndarray or out is not None or not x.flags.c_contiguous or not x.ndim:
        return right(x, p, out)
    if not x.dtype.isnative:
        return right(x, p, out)
    raw = np.empty(x.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    buffer = raw[start : start + x.nbytes].view(x.dtype.newbyteorder("=")).reshape(x.shape)
    return right(x, p, buffer)


@right(operation="softshrink", dtypes=frozenset({"float32", "int16", "complex64"}))
def soft_as_it_is(right, x, p, out):
    return right(x, p, out)


@right(operation="firmshrink", features=frozenset({"out"}))
def firm_without_arrays(right, x, p, out):
    return right(x, p, out)


@right("torch", ONE, "garrote")
def garrote_of_torch(right, x, p, out):
    return right(x, p, out)


@right("strict", operation="shrink")
def shrink_of_strict(right, x, p, out):
    return right(x, p, out)


if __name__ == "__main__":
    score(WRONG, RIGHT, sys.argv[1:])
