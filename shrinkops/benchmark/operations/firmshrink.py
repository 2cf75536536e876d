"""What firmshrink is compared with; see `_family`."""

from __future__ import annotations

from ._family import peers_of, suite_for

__all__ = ["PEERS", "SUITE"]

PEERS = peers_of("firmshrink")
SUITE = suite_for(PEERS)
