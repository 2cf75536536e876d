"""The backends of this repository, spelled out: what is not installed is skipped, not absent."""

from shrinkops.benchmark import make_suite

FAMILY = ["hardshrink", "softshrink", "shrink", "firmshrink", "garrote"]

globals().update(make_suite(["numpy"], operations=FAMILY, modes=["out", "fresh"]))
globals().update(make_suite(["torch"]))
globals().update(make_suite(["jax"], modes=["fresh", "jit", "derivative"]))
