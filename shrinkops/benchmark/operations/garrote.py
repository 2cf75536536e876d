"""What garrote is compared with; see `_family`."""

from __future__ import annotations

from ._family import peers_of, suite_for

__all__ = ["PEERS", "SUITE"]

PEERS = peers_of("garrote")
SUITE = suite_for(PEERS)
