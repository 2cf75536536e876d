"""The certificate: a run as JSON that another program can trust.

Invariants
----------
- Its form is ``certificate.schema.json``, whose version changes with the form.
- It names everything that the verdict depends on: specification, kit, vectors, backend,
  library, device, ledger. It has no time of day, so two equal runs differ in seconds only.
- It counts clause by clause, names the clauses of which nothing came to a verdict, and says what
  no certificate can know.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from shrinkops._commands.output import dumps
from shrinkops._errors import said

from . import KIT_VERSION
from ._model import Result
from ._report import Run

__all__ = ["LIMITS", "SCHEMA", "certificate", "certificate_text", "described"]

SCHEMA = files(__package__ or "").joinpath("certificate.schema.json")

LIMITS = (
    "The backend ran in the process of the kit: it could tell that it was being judged and behave "
    "otherwise elsewhere, or alter the kit. Against carelessness this certificate is proof, "
    "against intent it is not.",
    "Only the devices, versions and element types that are named were tried.",
    "What is not applicable or not declared was not judged; the counts of each clause say so.",
)
"""What no certificate of this kind can know."""


def certificate(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the certificate of all runs against one target."""
    first = runs[0]
    return {
        "format": "shrinkops-certificate",
        "format_version": 2,
        "kit_version": KIT_VERSION,
        "conforms": all(run.status == 0 for run in runs),
        "backend": _backend(first),
        "environment": {
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
            "numpy": importlib.metadata.version("numpy"),
        },
        "operations": [_operation(run) for run in runs],
        "limits": list(LIMITS),
    }


def _backend(run: Run) -> dict[str, Any]:
    target = run.environment.target
    backend = target.backend
    return {
        "target": target.text,
        "name": backend.name,
        "distribution": target.distribution,
        "version": target.version or _version(target.distribution),
        "registered": target.registered,
        "framework": backend.framework,
        "framework_version": _version(backend.framework_distribution or backend.framework),
        "kernel": described(backend.kernel_in_use),
        "devices": sorted({str(i.device) for i in run.plan.items if i.device is not None})
        or [described(lambda: run.environment.adapter.devices()[0])],
        "capabilities": sorted(backend.capabilities),
    }


def described(ask: Callable[[], Any]) -> str:
    """Return what a backend says of itself; a failure of that is no verdict about its results."""
    try:
        return str(ask())
    except (Exception, SystemExit) as error:
        return f"unknown, {said(error)}"


def _version(name: str) -> str:
    version = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(version, str):
        return version
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""


def _operation(run: Run) -> dict[str, Any]:
    counts = run.counts
    suite = run.environment.suite
    return {
        "operation": suite.operation.name,
        "specification": run.specification,
        "vectors_sha256": suite.vectors_hash,
        "checks_sha256": hashlib.sha256("\n".join(suite.manifest).encode()).hexdigest(),
        "verdict": run.verdict,
        "status": int(run.status),
        "thorough": run.environment.thorough,
        "selected": run.selected,
        "counts": {name: getattr(counts, name) for name in counts.__slots__},
        "clauses": {
            name: {field: getattr(c, field) for field in c.__slots__}
            for name, c in run.clauses.items()
        },
        "not_judged": run.not_judged,
        "ledger": [
            {"check": e.check, "dtype": e.dtype, "reason": e.reason, "link": e.link}
            for e in run.ledger.entries
        ],
        "stale": run.stale,
        "seconds": round(run.seconds, 3),
        "results": [_result(result) for result in run.results],
    }


def _result(result: Result) -> dict[str, Any]:
    item = result.item
    found: dict[str, Any] = {
        "id": item.identifier,
        "check": item.check.identifier,
        "clause": item.check.clause,
        "dtype": item.dtype,
        "device": "" if item.device is None else str(item.device),
        "transformation": item.transformation,
        "provisional": item.check.provisional,
        "state": result.state.value,
    }
    optional = ("message", "value", "raised", "script")
    return found | {name: getattr(result, name) for name in optional if getattr(result, name)}


def certificate_text(runs: Sequence[Run]) -> str:
    """Return the certificate as a JSON document."""
    return dumps(certificate(runs), indent=1) + "\n"
