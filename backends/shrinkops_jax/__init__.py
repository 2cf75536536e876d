"""The JAX backend: a declaration that imports nothing but shrinkops.

The kernels are in ``_kernels``, loaded when the first array arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shrinkops import Backend, hookimpl

if TYPE_CHECKING:
    from shrinkops.spec import Operation

    from ._adapter import JaxAdapter

__all__ = ["JaxBackend", "shrinkops_backends"]


class JaxBackend(Backend):
    """`jax.Array` and the tracers of jit, grad and vmap."""

    name = "jax"
    framework = "jax"
    install = "pip install 'shrinkops[jax]'"
    dtypes = frozenset(
        {
            *("float16", "bfloat16", "float32", "float64"),
            *("float8_e3m4", "float8_e4m3", "float8_e4m3fn", "float8_e5m2"),
            *("float8_e4m3b11fnuz", "float8_e4m3fnuz", "float8_e5m2fnuz", "float4_e2m1fn"),
            *("int2", "int4", "int8", "int16", "int32", "int64"),
            *("uint2", "uint4", "uint8", "uint16", "uint32", "uint64"),
            *("complex64", "complex128"),
        }
    )
    # XLA's loops on the CPU flush subnormals in arithmetic; decisions are made on bits.
    features = frozenset(
        {"array_lambd", "autodiff", "jit", "vmap", "devices", "flushes_subnormals"}
    )
    no_out = "JAX arrays are immutable"

    def handles(self, cls: type) -> bool:
        import jax

        # Tracers are not subclasses of jax.Array, though isinstance says so.
        return issubclass(cls, (jax.Array, jax.core.Tracer))

    def kernel(self, operation: Operation) -> Any:
        from . import _kernels

        return _kernels.remembering(super().kernel(operation), operation)

    def native(self, operation: str, dtype: str) -> Any:
        from . import _kernels

        return _kernels.native(operation, dtype)

    def namespace(self) -> Any:
        import jax.numpy

        return jax.numpy

    def kernel_in_use(self) -> str:
        return "one jitted function per operation, on magnitude bits"

    def array_types(self) -> tuple[str, ...]:
        return ("jax.Array", "jax tracers")

    def adapter(self) -> JaxAdapter:
        from ._adapter import JaxAdapter

        return JaxAdapter(self)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the JAX backend."""
    return [JaxBackend()]
