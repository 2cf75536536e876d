"""The same on a GPU; on a machine without one everything here is skipped.

Run it with ``--launch-method spawn``: CUDA does not survive a fork.
"""

from shrinkops.benchmark import make_suite

globals().update(make_suite(["torch", "jax", "cupy"], devices=["gpu"]))
