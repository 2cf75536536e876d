"""The conformance kit: it convicts wrong implementations, and certifies right ones.

Run it as ``shrinkops conformance TARGET`` or as
``pytest -p shrinkops.conformance.plugin --pyargs shrinkops.conformance --shrinkops-backend
TARGET``. TARGET is a backend's name, or ``module:attribute`` for a `shrinkops.Backend` that
need not be registered.

How the modules hang together
-----------------------------
- An operation's suite (``conformance/<operation>/``) holds all that is its own: the exact
  definition, the vectors, the checks, the mutants. Everything else is generic.
- ``_plan`` turns a suite and a target into items (check × dtype × device ×
  transformation), which fixes the denominator before anything runs.
- ``_engine`` runs items and judges them against the ledger. The command and the pytest
  module both call it, so they cannot disagree.
- ``_report`` counts, gives the verdict and the exit status; ``_certificate``, ``_html``
  and ``_junit`` write it down.

Importing this package imports neither the kit's modules nor an array library.
"""

from __future__ import annotations

__all__ = ["KIT_VERSION"]

KIT_VERSION = "1.1"
"""Version of the kit. A check that enters later carries its version."""
