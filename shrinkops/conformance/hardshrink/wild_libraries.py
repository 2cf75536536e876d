"""What `wild` needs of libraries that have no backend here: a session, a few adapters.

Invariants
----------
- Nothing is imported before an implementation is judged.
- A wrapper adds no check and repairs nothing: what the library answers is the answer.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops._plugins.backend import Backend, Kernel
from shrinkops.adapter import Adapter
from shrinkops.operations._declaration import Operation

__all__ = ["keras", "numexpr", "onnx_runtime", "paddle_backend", "sigpy"]


def numexpr(x: Any, lambd: Any) -> Any:
    """Evaluate the idiom with numexpr."""
    import numexpr

    return numexpr.evaluate("where(abs(x) > lambd, x, 0)", {"x": x, "lambd": lambd})


def sigpy(x: Any, lambd: Any) -> Any:
    """Call SigPy."""
    import sigpy

    return sigpy.thresh.hard_thresh(lambd, x)


def keras(x: Any, lambd: Any) -> Any:
    """Call Keras on its NumPy backend."""
    os.environ.setdefault("KERAS_BACKEND", "numpy")  # read when Keras is imported
    import keras

    return keras.ops.hard_shrink(x, lambd)


def onnx_runtime(x: Any, lambd: Any) -> Any:
    """Run a model of one Shrink node with ONNX Runtime."""
    return _session(x.dtype.name, x.ndim, float(lambd)).run(None, {"x": x})[0]


@functools.cache
def _session(dtype: str, axes: int, lambd: float, bias: float = 0.0) -> Any:
    import onnx
    import onnxruntime

    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    shape = [f"n{i}" for i in range(axes)]
    ends = [onnx.helper.make_tensor_value_info(name, element, shape) for name in ("x", "y")]
    node = onnx.helper.make_node("Shrink", ["x"], ["y"], lambd=lambd, bias=bias)
    graph = onnx.helper.make_graph([node], "hardshrink", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 9)]  # the first that has Shrink, and still its version
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def _paddle() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses a compiler cache, when it is imported
        import paddle
    return paddle


class _PaddleAdapter(Adapter):
    imports = ("import paddle",)
    from_source = "paddle.to_tensor(a)"

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        del device
        return _paddle().to_tensor(array.copy())

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        array: np.ndarray[Any, Any] = x.numpy()
        return array

    def vjp(self, function: Callable[[Any], Any], x: Any, cotangent: Any) -> Any:
        leaf = x.clone().detach()
        leaf.stop_gradient = False
        return _paddle().grad([function(leaf)], [leaf], grad_outputs=[cotangent])[0]


class _Paddle(Backend):
    """PaddlePaddle's own hardshrink."""

    name = "paddle"
    framework = "paddle"
    dtypes = frozenset({"float32", "float64"})
    features = frozenset({"autodiff"})

    def handles(self, cls: type) -> bool:
        return issubclass(cls, _paddle().Tensor)

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype).rpartition(".")[2]

    def adapter(self) -> Adapter:
        return _PaddleAdapter(self)

    def kernel(self, operation: Operation) -> Kernel:
        hardshrink = getattr(_paddle().nn.functional, operation.name)
        return lambda x, lambd, out: hardshrink(x, lambd)  # noqa: ARG005  it has no out


def paddle_backend() -> Backend:
    """Return PaddlePaddle's hardshrink as a backend."""
    return _Paddle()
