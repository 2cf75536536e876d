"""From a call on tensors to what computes it.

Invariants
----------
- ``torch.hardshrink`` is called at once where it follows the specification: float32 and
  float64, a number that is normal in float32, no derivative asked for.
- torch.compile sees another function in the kernel's place: there every number is a 0-d
  tensor, so no branch looks at its value and one graph serves every value.
- The checks are the shared ones, under a compiler too.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from shrinkops._call.dispatcher import dispatchers
from shrinkops._call.parameters import round_parameter
from shrinkops.spec import FORMATS, Operation, number_of

from . import _complex, _floats, _host, _integers, _layouts
from ._bits import exact_if_tiny, opaque
from ._derivatives import differentiable, differentiates
from ._scripts import BitsInScripts, not_recorded

__all__ = ["native", "traceable"]

_FLOAT32_SMALLEST = float(torch.finfo(torch.float32).tiny)
_FLOAT32_LARGEST = float(torch.finfo(torch.float32).max)


def native(name: str, dtype: str) -> Callable[..., Any] | None:
    """Return the native kernel of an operation and an element type."""
    operation = next((d.operation for d in dispatchers if d.operation.name == name), None)
    if operation is None:
        return None
    compute = _COMPUTE[FORMATS[dtype].kind]

    def strided(x: Any, *parameters: Any) -> Any:
        return compute(operation, x, parameters, None)

    def kernel(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        if _layouts.special(x):
            return _layouts.apply(name, x, parameters, out, strided)
        if out is not None:
            _refuse_gradient(name, x, parameters, out)
        return compute(operation, x, parameters, out)

    return kernel


def _floating(operation: Operation, x: Any, parameters: Sequence[Any], out: Any) -> Any:
    if out is not None or not differentiates(x, parameters):
        return _floats.value(operation, x, parameters, out=out)
    if operation.accuracy == "exact":
        lambd = parameters[0]
        if _floats.is_short(x.dtype, lambd) and not opaque(x):
            return _Differentiable.apply(x, lambd.value)  # type: ignore[no-untyped-call]
        return _floats.value(operation, x, parameters, natural=True)
    return differentiable(operation, x, parameters)


def _filling(value: Callable[..., Any]) -> Callable[..., Any]:
    def compute(operation: Operation, x: Any, parameters: Sequence[Any], out: Any) -> Any:
        result = value(operation, x, parameters)
        return result if out is None else out.copy_(result)

    return compute


_COMPUTE = {
    "float": _floating,
    "integer": _filling(_integers.value),
    "complex": _filling(_complex.value),
}


def _refuse_gradient(name: str, x: Any, parameters: Sequence[Any], out: Any) -> None:
    """Refuse ``out`` where autograd would have to follow, as PyTorch does."""
    if torch.is_grad_enabled() and (
        x.requires_grad
        or out.requires_grad
        or any(isinstance(p, torch.Tensor) and p.requires_grad for p in parameters)
    ):
        raise RuntimeError(
            f"{name}: out= does not support automatic differentiation, and an argument requires "
            f"grad; use the returned tensor, or torch.no_grad()"
        )


class _Differentiable(torch.autograd.Function):
    """``torch.hardshrink`` with the derivative of the specification.

    PyTorch's own loses a NaN of x in its vector part. Above a positive threshold every kept
    element is nonzero or NaN, so the result says which they were.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, value: float) -> Any:
        return torch.hardshrink(x, value)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        (result,) = ctx.saved_tensors
        return torch.where(result != 0, cotangent, cotangent.new_zeros(())), None

    @staticmethod
    def jvp(ctx: Any, tangent: Any, _: None) -> Any:
        (result,) = ctx.saved_tensors
        return torch.where(result != 0, tangent, tangent.new_zeros(()))


def traceable(operation: Operation, checked: Any) -> Any:
    """Put in front of the shared checks what they need not see."""
    recording: list[bool] = []  # a script; PyTorch traces in one thread at a time

    def careful(x: Any, *given: Any) -> Any:
        arguments = (*map(number_of, given[:-1]), given[-1])
        if any(isinstance(a, torch.fx.Proxy) for a in (x, *arguments)):
            return _recorded(operation, x, *arguments)
        if _is_tracing() and not recording:
            recording.append(True)
            try:
                *parameters, out = arguments
                if out is not None:
                    with not_recorded():  # a comparison of shapes would be part of the script
                        checked.guard.check(x, tuple(parameters), out)
                with BitsInScripts():
                    result = careful(x, *parameters, None)
                    return result if out is None else out.copy_(result)
            finally:
                recording.clear()
        if x.is_nested and x.layout is torch.strided:
            return _layouts.nested(operation.name, x, arguments, careful)
        *parameters, out = arguments
        numbers = [exact_if_tiny(p) if isinstance(p, _FLOATS) else p for p in parameters]
        if out is not None and out is not x and _overlaps(out, (x, *numbers)):
            checked.guard.check(x, tuple(numbers), out)
            return out.copy_(checked(x, *numbers, None))
        return checked(x, *numbers, out)

    in_front = _hardshrink if operation.name == "hardshrink" else _host.at_once
    kernel: Any = in_front(operation, careful)
    checked.guard.prepare()
    _skip_frame(kernel)
    # The attribute by which PyTorch's own wrappers tell Dynamo what to trace instead.
    kernel._torchdynamo_inline = _traced(operation, checked.guard.check)
    return kernel


_FLOATS = (float, np.floating)
_is_tracing = torch._C._is_tracing


_is_alias_of: Callable[[Any, Any], bool] = getattr(torch._C, "_is_alias_of")  # noqa: B009 - no stub


def _overlaps(out: Any, arguments: Sequence[Any]) -> bool:
    """Tell whether out shares memory: PyTorch sees it only where both are dense."""
    strided = [a for a in (out, *arguments) if isinstance(a, torch.Tensor)]
    strided = [a for a in strided if a.layout is torch.strided]
    tensors = [a for a in strided if a is not out]
    return (
        any(a is out for a in strided)
        and not any(a.requires_grad for a in (out, *tensors))
        and any(_is_alias_of(out, a) for a in tensors)
    )


_WIDENED = frozenset({np.float16, np.float32, np.float64})
_WHOLE = frozenset({int, np.int8, np.int16, np.int32, np.int64,
                    np.uint8, np.uint16, np.uint32, np.uint64})  # fmt: skip


def _exact(lambd: Any) -> float:
    """Return a number of a well-known type as the float that is equal to it, else NaN."""
    kind = type(lambd)
    if kind is np.ndarray and not lambd.ndim:
        return _exact(lambd[()])
    if kind in _WIDENED or (kind in _WHOLE and -(2**53) <= lambd <= 2**53):
        return float(lambd)
    return math.nan


def _hardshrink(operation: Operation, careful: Callable[..., Any]) -> Callable[..., Any]:
    native_op = torch.hardshrink
    default = 0.5  # PyTorch's own: a number that is left out is not read, which takes 0.35 µs
    float32, float64, tensor = torch.float32, torch.float64, torch.Tensor
    smallest, largest = _FLOAT32_SMALLEST, _FLOAT32_LARGEST
    tracing = _is_tracing
    transformed = torch._C._are_functorch_transforms_active
    otherwise = _host.at_once(operation, careful)

    def kernel(x: Any, lambd: Any, out: Any) -> Any:
        # torch.hardshrink rounds a Python float once to these dtypes.
        number = lambd if type(lambd) is float else _exact(lambd)
        if (
            smallest <= number <= largest
            and type(x) is tensor
            and ((dtype := x.dtype) is float32 or dtype is float64)
        ):
            if out is None:
                if not (
                    x.requires_grad or forward_ad._current_level >= 0 or transformed() or tracing()
                ):
                    try:
                        return native_op(x) if number == default else native_op(x, number)
                    except (NotImplementedError, RuntimeError):  # a layout without it
                        pass
            elif out is x or type(out) is tensor:
                try:
                    # A script would record a comparison of shapes.
                    if out is x or (
                        out.is_same_size(x) and out.is_contiguous() and x.is_contiguous()
                    ):
                        if number == default:
                            return native_op(x, out=out)
                        return native_op(x, number, out=out)
                except RuntimeError:  # of another dtype or device, or what PyTorch says again
                    pass
        return otherwise(x, lambd, out)

    return kernel


def _recorded(operation: Operation, x: Any, *arguments: Any) -> Any:
    """Record the call of the public function in a graph of torch.fx."""
    module = next(d.module for d in dispatchers if d.operation.name == operation.name)
    function = getattr(sys.modules[module], operation.name)
    *parameters, out = arguments
    proxy = next(a for a in (x, *arguments) if isinstance(a, torch.fx.Proxy))
    options = {} if out is None else {"out": out}
    own = [_written(operation.name, p) for p in parameters]
    return proxy.tracer.create_proxy("call_function", function, (x, *own), options)


def _written(name: str, parameter: Any) -> Any:
    """Return a number as one that the code of a graph can spell."""
    if type(parameter) in (bool, int, float) or isinstance(
        parameter, (torch.Tensor, torch.fx.Proxy)
    ):
        return parameter
    try:
        number = float(parameter)
        exact = number == parameter or number != number
    except (TypeError, ValueError, OverflowError):
        exact = False
    if exact and not isinstance(parameter, (str, np.ndarray)):
        return number
    raise TypeError(
        f"{name}: a graph of torch.fx cannot hold {parameter!r} of type "
        f"{type(parameter).__name__}; pass a float, an int or a tensor"
    )


def _skip_frame(function: Any) -> None:
    """Let Dynamo run a function as it is where a graph was broken before it.

    Only what it calls would be traced then, with other errors than the function's own.
    """
    frames = torch._C._dynamo.eval_frame
    action = getattr(frames, "_FrameAction", None)  # since 2.7
    if action is not None:
        strategy = frames._FrameExecStrategy(action.SKIP, action.SKIP)
        frames.set_code_exec_strategy(function.__code__, strategy)


def _traced(operation: Operation, check: Callable[..., Any]) -> Callable[..., Any]:
    constant = _constants(operation)
    whole = operation.accuracy != "exact"

    def is_integer(x: Any) -> bool:
        return not (x.dtype.is_floating_point or x.is_complex())

    def kernel(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        tensors = []
        for index, parameter in enumerate(parameters):
            if isinstance(parameter, torch.Tensor):
                tensors.append(parameter)
            elif isinstance(parameter, np.ndarray) and parameter.ndim == 0:
                scalar = torch.as_tensor(parameter).to(x.device)  # a NumPy scalar, to Dynamo
                floats = whole and is_integer(x) and scalar.dtype.is_floating_point
                tensors.append(_whole_tensor(operation.name, scalar, x) if floats else scalar)
            elif whole and isinstance(parameter, float) and is_integer(x) and _is_whole(parameter):
                tensors.append(_tensor(int(parameter), x))
            elif isinstance(parameter, (int, float)) and not isinstance(parameter, bool):
                tensors.append(_tensor(parameter, x))
            else:  # a fraction, a decimal, or what is refused
                tensors.append(_tensor(constant(index, parameter, str(x.dtype)), x))
        native, checked = check(x, tuple(tensors), out)
        return native(x, *checked, out)

    return kernel


def _is_whole(number: float) -> bool:
    """Tell whether a float is an integer; of a symbolic one a graph keeps this as a guard."""
    return -(2.0**63) < number < 2.0**63 and number == math.floor(number)


def _whole_tensor(name: str, scalar: Any, x: Any) -> Any:
    """Return a 0-d tensor of floats as unsigned integers, which the graph itself checks."""
    wide = scalar.double()
    torch._assert_async(
        (wide == wide.floor()) & (wide >= 0),
        f"{name}: lambd is negative or not whole, and x has dtype {x.dtype}, on which the "
        f"operation is exact; pass a whole number, or convert x to a floating dtype",
    )
    beyond = wide >= 2.0**63
    low = torch.where(beyond, 0.0, wide).to(torch.int64)
    high = torch.where(beyond & (wide < 2.0**64), wide - 2.0**63, 0.0).to(torch.int64)
    high = torch.where(wide < 2.0**64, high, torch.iinfo(torch.int64).max)
    return torch.where(beyond, high | torch.iinfo(torch.int64).min, low).view(torch.uint64)


def _tensor(number: Any, x: Any) -> Any:
    """Return a number as a 0-d tensor, so that a symbolic one stays symbolic.

    Addition is one of the operations that take a symbolic number without specialising it.
    """
    if not isinstance(number, int) or x.is_complex():
        return torch.zeros((), dtype=torch.float64, device=x.device) + float(number)
    # An int is exact as an integer; it is compared as such, or rounded once.
    zero = torch.zeros((), dtype=torch.int64, device=x.device)
    if x.dtype.is_floating_point:
        if -(2**63) <= number < 2**63:
            return zero + number
        rounded = float(number) if x.dtype is torch.float64 else _to_odd(number)
        return torch.zeros((), dtype=torch.float64, device=x.device) + rounded
    if number >= 2**64:
        return (zero - 1).view(torch.uint64)  # the largest there is
    if number >= 2**63:
        return (zero + (number - 2**64)).view(torch.uint64)
    return zero + number if number >= -(2**63) else zero - 1


def _to_odd(number: int) -> float:
    """Return a float that rounds to every narrower type as a large integer itself does."""
    size = abs(number)
    beyond = max(size.bit_length() - 53, 0)
    kept = size >> beyond
    kept |= size != kept << beyond
    return math.copysign(math.ldexp(kept, beyond) if beyond < 971 else math.inf, number)


def _constants(operation: Operation) -> Callable[..., Any]:
    """Return ``constant(index, value, dtype)``, which a compiler asks once for each value."""

    def constant(index: int, value: Any, dtype: str) -> float | int:
        """Return the rounded number."""
        form = FORMATS.get(dtype.removeprefix("torch."), FORMATS["float64"])
        return round_parameter(operation, operation.parameters[index], value, form).value

    constant._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return constant
