"""The table of transformations is what the tool finds; a few of its cells are found again here."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "transformed.md"


@pytest.fixture(scope="module")
def tool() -> Iterator[Any]:
    pytest.importorskip("ml_dtypes")
    sys.path.insert(0, str(ROOT / "tests" / "tools"))
    try:
        yield importlib.import_module("transformed")
    finally:
        sys.path.remove(str(ROOT / "tests" / "tools"))


def row(way: str) -> list[str]:
    lines = [x for x in PAGE.read_text("utf-8").splitlines() if x.startswith(f"| {way} |")]
    return [c.strip() for c in lines[0].split("|")[2:-1]]


@pytest.mark.parametrize(
    ("name", "way", "dtype"),
    [
        ("torch", "`out=`", "bfloat16"),
        ("torch", "`backward`", "complex64"),
        ("torch", "double backward", "float64"),
        ("torch", "`jit.trace`", "float8_e4m3fn"),
        ("torch", "sparse CSR", "uint64"),
        ("torch", "nested, jagged", "float32"),
        ("jax", "eager", "float4_e2m1fn"),
        ("jax", "`grad` by λ", "float32"),
        ("jax", "made under `enable_x64`, used outside", "uint64"),
    ],
)
def test_cells(tool: Any, name: str, way: str, dtype: str) -> None:
    pytest.importorskip(name)
    (library,) = tool.libraries([name])
    tried = next(w for w in library.ways if w.name == way)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries, as in the tool
        seen = tool.cell(library, tried, dtype, [])
    found = row(way)[list(library.dtypes).index(dtype)]
    assert seen.split(" [")[0] == found.split(" [")[0]


def test_every_way_is_on_the_page(tool: Any) -> None:
    for name in ("torch", "jax"):
        pytest.importorskip(name)
        for way in tool.libraries([name])[0].ways:
            assert row(way.name)
    assert "**wrong**" not in PAGE.read_text("utf-8")
