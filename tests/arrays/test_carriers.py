"""The kit judges real types that hold arrays; here by a slice, whole by its command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CARRIERS = {
    "Pandas": ("pandas", "HS-ARR-3*"),
    "Astropy": ("astropy.units", "HS-ARR-4*"),
    "Xarray": ("xarray", "HS-VAL-1*"),
    "Pint": ("pint", "HS-LAM-3*"),
    "Sparse": ("sparse", "HS-LAM-6*"),
    "Masked": ("numpy", "HS-LAM-6*"),
    "DaskMany": ("dask.array", "HS-ARR-5*"),
    "DaskWhole": ("dask.array", "HS-VAL-4*"),
}


@pytest.mark.parametrize("name", CARRIERS)
def test_conforms(name: str) -> None:
    library, checks = CARRIERS[name]
    pytest.importorskip(library, reason="optional library")
    done = subprocess.run(
        [sys.executable, "-m", "shrinkops", "conformance", f"carriers:{name}", "--check", checks],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    assert "CONFORMS" in done.stdout
