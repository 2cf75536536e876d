"""The table of types is what the tool finds; a few of its rows are found again here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> Any:
    name = "wrapped_tool"
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "tools" / "wrapped.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["pandas DataFrame", "astropy Quantity", "dask Array"])
def test_rows(tool: Any, name: str) -> None:
    kind = next(kind for kind in tool.KINDS if kind.name == name)
    pytest.importorskip(kind.library, reason="optional library")
    page = (ROOT / "docs" / "wrapped-arrays.md").read_text(encoding="utf-8")
    for operation in ("hardshrink", "firmshrink"):
        seen = tool.cells(kind, operation)
        assert f"| {name} | all five | {' | '.join(seen)} |" in page


def test_every_kind_is_on_the_page(tool: Any) -> None:
    page = (ROOT / "docs" / "wrapped-arrays.md").read_text(encoding="utf-8")
    assert all(f"| {kind.name} |" in page for kind in tool.KINDS)
    assert "**no**" not in page
