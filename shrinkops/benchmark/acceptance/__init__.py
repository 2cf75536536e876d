"""One command for the first machine with a GPU: what never ran there runs, and is recorded.

``shrinkops bench cupy --acceptance`` judges CuPy, and PyTorch and JAX on the same card: the
conformance kit, every kernel in odd sizes and layouts (under compute-sanitizer too, where it is
there), and the bandwidth against a copy within the device's memory.

Invariants
----------
- Needs neither click nor rich nor asv: the backends' libraries, NumPy, pluggy, pytest and
  hypothesis will do.
- Each part is a process of its own: what one breaks (a context, a device, the interpreter) costs
  that part alone, and what is known by then is on the disk.
- A part that did not run says why, and is never a success. Parts without timings share the
  machine's cores; those with timings run alone.
- The same parts run on a CPU with ``--device cpu``, for any target, so that they are tested.
"""

from __future__ import annotations

from ._command import accept, main

__all__ = ["accept", "main"]
