"""shrinkops for the arrays of array-api-strict.

Importing this module imports nothing but shrinkops: array_api_strict is imported
inside the methods, which are first called when one of its arrays exists.
"""

from __future__ import annotations

from typing import Any

from shrinkops import Backend, hookimpl

__all__ = ["ArrayApiStrictBackend", "shrinkops_backends"]


class ArrayApiStrictBackend(Backend):
    """`array_api_strict` arrays, computed by the generic definitions."""

    name = "array_api_strict"
    framework = "array_api_strict"
    framework_distribution = "array-api-strict"
    install = "pip install array-api-strict"
    dtypes = frozenset(
        {"float32", "float64"}
        | {f"int{width}" for width in (8, 16, 32, 64)}
        | {f"uint{width}" for width in (8, 16, 32, 64)}
    )
    features = frozenset({"array_lambd", "out"})

    def handles(self, cls: type) -> bool:
        """Take the library's one array class, which has no public name."""
        import array_api_strict

        return cls is type(array_api_strict.empty(0))

    def namespace(self) -> Any:
        """Return the Array API namespace that the generic definitions use."""
        import array_api_strict

        return array_api_strict

    def astype(self, x: Any, dtype: Any) -> Any:
        """Round an array of thresholds; overflow to inf is silent."""
        import numpy as np

        with np.errstate(all="ignore"):
            return super().astype(x, dtype)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the one backend of this distribution."""
    return [ArrayApiStrictBackend()]
