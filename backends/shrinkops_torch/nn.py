"""The operations as modules of PyTorch, in place of ``torch.nn.Hardshrink`` and its kin.

Invariants
----------
- A module computes what the public function computes, on the arguments it shows.
- Fixed numbers are plain attributes and leave ``state_dict`` empty, as in ``torch.nn``;
  learnable ones are parameters, tensors that are not learned are buffers.
- Annotations are objects, not strings, for TorchScript reads them.
- With one number per channel the channels lie along ``axis`` of the input.
"""

from typing import Any

import torch
from torch import Tensor

import shrinkops
from shrinkops._call.parameters import check_constants

__all__ = ["Firmshrink", "Garrote", "Hardshrink", "Shrink", "Softshrink"]


class _Shrinkage(torch.nn.Module):
    """An operation with its parameters; its name, not its function, for TorchScript keeps that."""

    def __init__(
        self,
        operation: str,
        values: dict[str, Any],
        learnable: bool,
        num_parameters: int | None,
        axis: int,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.operation = operation
        numbers = [v for v in values.values() if not isinstance(v, torch.Tensor)]
        if len(numbers) == len(values):
            declared = getattr(shrinkops, operation).operation
            checked = check_constants(declared, type(self).__name__, tuple(numbers))
            values = dict(zip(values, checked, strict=True))
        if num_parameters is not None and num_parameters < 1:
            raise ValueError(
                f"{type(self).__name__}: num_parameters={num_parameters} is not positive; pass "
                f"the number of channels, or None for one number for all of them"
            )
        self.learnable = learnable
        self.axis = axis
        self.num_parameters = num_parameters
        for name, value in values.items():
            if not (learnable or num_parameters or isinstance(value, torch.Tensor)):
                setattr(self, name, value)
                continue
            tensor = torch.as_tensor(value, device=device)
            if dtype is not None or not tensor.is_floating_point():
                tensor = tensor.to(dtype or torch.get_default_dtype())
            elif not isinstance(value, torch.Tensor):
                tensor = tensor.to(torch.get_default_dtype())
            if tensor.ndim > 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} has shape {tuple(tensor.shape)}, expected one "
                    f"number or one for each channel; call the function for any other shape"
                )
            if num_parameters is not None:
                tensor = tensor.expand(num_parameters)
            elif tensor.ndim:
                self.num_parameters = tensor.numel()
            tensor = tensor.detach().clone()
            if learnable:
                self.register_parameter(name, torch.nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)

    def forward(self, x: Tensor) -> Tensor:
        """Return the operation of ``x``."""
        return self._shrunk(x)  # type: ignore[no-any-return]

    @torch.jit.ignore  # type: ignore[untyped-decorator]
    def _shrunk(self, x: Tensor) -> Tensor:
        function = getattr(shrinkops, self.operation)
        values = [getattr(self, name) for name in function.operation.parameter_names]
        if self.num_parameters is not None:
            # To the last axis, where a number for each channel broadcasts as it is.
            moved: Tensor = function(x.movedim(self.axis, -1), *values)
            return moved.movedim(-1, self.axis)
        return function(x, *values)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Return the arguments as ``repr`` shows them."""
        names = getattr(shrinkops, self.operation).operation.parameter_names
        values = [getattr(self, name) for name in names]
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        if not tensors:
            return ", ".join(map(str, values))
        shown = [
            f"{name}={value.item() if torch.is_tensor(value) else value:.4g}"
            for name, value in zip(names, values, strict=True)
            if not (torch.is_tensor(value) and value.ndim)
        ]
        if self.num_parameters is not None:
            shown += [f"num_parameters={self.num_parameters}", f"axis={self.axis}"]
        if self.learnable:
            shown.append("learnable=True")
        return ", ".join(shown)


class Hardshrink(_Shrinkage):
    """`shrinkops.hardshrink` as a module, in place of ``torch.nn.Hardshrink``.

    Parameters
    ----------
    lambd : real number or 1-D tensor, default 0.5
        The threshold λ, rounded once to the dtype of the input. Negative: nothing is zeroed.
    learnable : bool, default False
        Make the number a parameter of the module, which an optimizer moves. A channel whose
        threshold is moved below 0 passes as it is.
    num_parameters : int, optional
        One number for each of so many channels; by default one for all.
    axis : int, default 1
        The axis of the channels.
    device, dtype
        Of parameters and buffers.

    Raises
    ------
    TypeError
        A number is not a real number.
    ValueError
        A number is one that the operation refuses, or a tensor has more than one axis.

    Notes
    -----
    The derivative by the threshold is 0, so it is learned by other means than its gradient.

    Examples
    --------
    >>> import torch
    >>> from shrinkops_torch.nn import Hardshrink
    >>> m = Hardshrink()
    >>> m
    Hardshrink(0.5)
    >>> m(torch.tensor([-2.0, 0.5, 0.75]))
    tensor([-2.0000,  0.0000,  0.7500])
    """

    def __init__(
        self,
        lambd: Any = 0.5,
        *,
        learnable: bool = False,
        num_parameters: int | None = None,
        axis: int = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        values = {"lambd": lambd}
        super().__init__("hardshrink", values, learnable, num_parameters, axis, device, dtype)


class Softshrink(_Shrinkage):
    """`shrinkops.softshrink` as a module, in place of ``torch.nn.Softshrink``.

    Parameters
    ----------
    lambd : real number or 1-D tensor, default 0.5
        The threshold λ, not negative.
    learnable : bool, default False
        Make the number a parameter of the module, which an optimizer moves. A channel whose
        threshold is moved below 0 passes as it is.
    num_parameters : int, optional
        One number for each of so many channels; by default one for all.
    axis : int, default 1
        The axis of the channels.
    device, dtype
        Of parameters and buffers.

    Raises
    ------
    TypeError
        A number is not a real number.
    ValueError
        A number is one that the operation refuses, or a tensor has more than one axis.

    Examples
    --------
    >>> import torch
    >>> from shrinkops_torch.nn import Softshrink
    >>> m = Softshrink(learnable=True, num_parameters=2)
    >>> m
    Softshrink(num_parameters=2, axis=1, learnable=True)
    >>> m(torch.ones(1, 2, 3)).sum().backward()
    >>> m.lambd.grad
    tensor([-3., -3.])
    """

    def __init__(
        self,
        lambd: Any = 0.5,
        *,
        learnable: bool = False,
        num_parameters: int | None = None,
        axis: int = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        values = {"lambd": lambd}
        super().__init__("softshrink", values, learnable, num_parameters, axis, device, dtype)


class Shrink(_Shrinkage):
    """`shrinkops.shrink` as a module.

    Parameters
    ----------
    lambd : real number or 1-D tensor, default 0.5
        The threshold λ. Negative: the input passes as it is.
    bias : real number or 1-D tensor, default 0.0
        Subtracted from the magnitudes outside the band.
    learnable : bool, default False
        Make the numbers parameters of the module, which an optimizer moves. A channel whose
        threshold is moved below 0 passes as it is.
    num_parameters : int, optional
        One number for each of so many channels; by default one for all.
    axis : int, default 1
        The axis of the channels.
    device, dtype
        Of parameters and buffers.

    Raises
    ------
    TypeError
        A number is not a real number.
    ValueError
        A number is one that the operation refuses, or a tensor has more than one axis.

    Examples
    --------
    >>> import torch
    >>> from shrinkops_torch.nn import Shrink
    >>> m = Shrink(0.5, bias=0.25)
    >>> m(torch.tensor([-2.0, 0.5, 0.75]))
    tensor([-1.7500,  0.0000,  0.5000])
    """

    def __init__(
        self,
        lambd: Any = 0.5,
        bias: Any = 0.0,
        *,
        learnable: bool = False,
        num_parameters: int | None = None,
        axis: int = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        values = {"lambd": lambd, "bias": bias}
        super().__init__("shrink", values, learnable, num_parameters, axis, device, dtype)


class Firmshrink(_Shrinkage):
    """`shrinkops.firmshrink` as a module.

    Parameters
    ----------
    lambd : real number or 1-D tensor, default 0.5
        The threshold λ, not negative.
    mu : real number or 1-D tensor, default 1.0
        The magnitude from which on elements are kept, not below ``lambd``.
    learnable : bool, default False
        Make the numbers parameters of the module, which an optimizer moves. A channel whose
        threshold is moved below 0 passes as it is.
    num_parameters : int, optional
        One number for each of so many channels; by default one for all.
    axis : int, default 1
        The axis of the channels.
    device, dtype
        Of parameters and buffers.

    Raises
    ------
    TypeError
        A number is not a real number.
    ValueError
        A number is one that the operation refuses, or a tensor has more than one axis.

    Notes
    -----
    A learned ``mu`` below ``lambd`` counts as equal to it.

    Examples
    --------
    >>> import torch
    >>> from shrinkops_torch.nn import Firmshrink
    >>> m = Firmshrink()
    >>> m
    Firmshrink(0.5, 1.0)
    >>> m(torch.tensor([-2.0, 0.5, 0.75]))
    tensor([-2.0000,  0.0000,  0.5000])
    """

    def __init__(
        self,
        lambd: Any = 0.5,
        mu: Any = 1.0,
        *,
        learnable: bool = False,
        num_parameters: int | None = None,
        axis: int = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        values = {"lambd": lambd, "mu": mu}
        super().__init__("firmshrink", values, learnable, num_parameters, axis, device, dtype)


class Garrote(_Shrinkage):
    """`shrinkops.garrote` as a module.

    Parameters
    ----------
    lambd : real number or 1-D tensor, default 0.5
        The threshold λ, not negative.
    learnable : bool, default False
        Make the number a parameter of the module, which an optimizer moves. A channel whose
        threshold is moved below 0 passes as it is.
    num_parameters : int, optional
        One number for each of so many channels; by default one for all.
    axis : int, default 1
        The axis of the channels.
    device, dtype
        Of parameters and buffers.

    Raises
    ------
    TypeError
        A number is not a real number.
    ValueError
        A number is one that the operation refuses, or a tensor has more than one axis.

    Examples
    --------
    >>> import torch
    >>> from shrinkops_torch.nn import Garrote
    >>> m = Garrote()
    >>> m(torch.tensor([-2.0, 0.5, 1.0]))
    tensor([-1.8750,  0.0000,  0.7500])
    """

    def __init__(
        self,
        lambd: Any = 0.5,
        *,
        learnable: bool = False,
        num_parameters: int | None = None,
        axis: int = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        values = {"lambd": lambd}
        super().__init__("garrote", values, learnable, num_parameters, axis, device, dtype)
