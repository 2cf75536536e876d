"""What a backend is compared with.

Invariants
----------
- A peer is data: a name, the library it needs, whose arrays it takes, and the call.
- A peer that departs from the specification says in which clauses. It is then
  compared by value on the data that are timed; every other one bit for bit,
  corners included. A peer that fails its comparison is not timed.
- The peers of an operation are in ``operations/<its name>``; copies, which serve all
  operations, are here.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from shrinkops.operations._declaration import Operation

from ._calls import Call
from ._work import Skip, Work

__all__ = ["COPY", "Peer", "cupy_copy", "data_of", "find_peers", "floor_of", "suite_of"]


@dataclass(frozen=True)
class Peer:
    """Something that a user might call instead.

    Attributes
    ----------
    name : str
        As tables show it and ``--against`` takes it.
    library : str
        Import name of what it needs.
    takes : str
        Import name of the library whose arrays it takes. "numpy" also serves every other
        target on the host, on the same memory; "" serves all.
    build : callable
        ``build(work)`` returns the `Call`.
    departs : str
        Clauses of the specification that it does not keep.
    dtypes : frozenset of str or None
        None: every one.
    copies : bool
        It only moves the data, so its result is compared with the input.
    rounds : bool
        It computes by another formula, so its result is compared to within a few units in the
        last place of x.
    """

    name: str
    library: str
    takes: str
    build: Callable[[Work], Call]
    departs: str = ""
    dtypes: frozenset[str] | None = None
    copies: bool = False
    rounds: bool = False

    def obstacle(self, work: Work) -> str:
        """Say why it cannot be compared on these arrays, or return ""."""
        on_host = self.takes == "numpy" and work.case.device == "cpu"
        if self.takes not in ("", work.framework) and not on_host:
            return f"it takes arrays of {self.takes}, not of {work.framework}"
        if self.dtypes is not None and work.case.dtype not in self.dtypes:
            return f"it does not take {work.case.dtype}"
        if work.case.mode == "derivative" and not self.copies:
            return "it computes no derivative"
        if importlib.util.find_spec(self.library) is None:
            return f"{self.library} is not installed"
        return ""

    def call(self, work: Work) -> Call:
        """Return the call, ready to be timed.

        Raises
        ------
        Skip
            It cannot be compared on these arrays.
        """
        reason = self.obstacle(work)
        if reason:
            raise Skip(f"peer {self.name!r} is left out: {reason}")
        return self.build(work)


def _numpy_copy(work: Work) -> Call:
    return work.host_call(np.copyto, work.host_out, work.host_x)


def _torch_copy(work: Work) -> Call:
    import torch

    out = torch.empty_like(work.x) if work.out is None else work.out
    return work.call(out.copy_, work.x.detach())


def cupy_copy(work: Work) -> Call:
    """Return the copy within a CUDA device's memory, by CuPy."""
    import cupy

    def copy(out: Any, x: Any) -> Any:
        cupy.copyto(out, x)
        return out  # copyto returns nothing that could be waited for

    out = cupy.empty_like(work.x) if work.out is None else work.out
    return work.call(copy, out, work.x)


def _jax_copy(work: Work) -> Call:
    import jax.numpy as jnp

    return work.call(jnp.copy, work.x)


_DEVICE_COPIES = {"torch": _torch_copy, "cupy": cupy_copy, "jax": _jax_copy}
"""Copies within the memory of a device, by framework."""


def floor_of(work: Work) -> Call | None:
    """Return the quickest copy of a case's bytes; None on a device that no copy is known for."""
    if work.case.device == "cpu":
        return _numpy_copy(work)
    build = _DEVICE_COPIES.get(work.framework)
    return None if build is None else build(work)


def _copy(work: Work) -> Call:
    """Copy like the case: into a warm output, or into a new one and its page faults."""
    floor = floor_of(work)
    if floor is None:
        raise Skip(f"no copy on the {work.case.device} is known for {work.framework}")
    if work.case.mode == "out" or work.case.device != "cpu":
        return floor
    return work.host_call(work.host_x.copy)


COPY = "copy"
"""The peer that every operation has: the same bytes on the same device, only moved."""

_COPY = Peer(COPY, "numpy", "", _copy, copies=True)


def data_of(operation: Operation) -> ModuleType | None:
    """Return the module with an operation's peers, if it has one."""
    name = f"{__package__}.operations.{operation.name}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def find_peers(operation: Operation) -> dict[str, Peer]:
    """Return an operation's peers by name, the copy first."""
    peers = {COPY: _COPY}
    data: Any = data_of(operation)
    if data is not None:
        peers |= {peer.name: peer for peer in data.PEERS}
    return peers


def suite_of(operation: Operation) -> dict[str, tuple[str, ...]]:
    """Return the names of the peers that each target is usually compared with; "" for others."""
    found: dict[str, tuple[str, ...]] = getattr(data_of(operation), "SUITE", {})
    return {"": (), **found}
