"""``shrinkops backends``."""

from __future__ import annotations

import dataclasses
import json

import pytest
from rich.cells import cell_len

import shrinkops

STATES = {"ready", "framework missing", "import failed", "no device", "quarantined"}


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_table_fits_and_is_whole(invoke, columns, options):
    result = invoke("backends", *options, columns=columns)
    assert result.exit_code == 0
    assert max(cell_len(line) for line in result.output.splitlines()) <= columns
    for row in shrinkops.backends():
        assert f" {row.name} " in result.output or f" {row.name}\n" in result.output
        if row.state == "ready":
            assert f"{row.framework} {row.framework_version}".strip() in result.output
    assert ("float32" in result.output) == bool(options)


def test_json_holds_every_column(invoke):
    result = invoke("backends", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["numpy"]["state"] == "ready"
    assert rows["numpy"]["distribution"] == "shrinkops"
    assert "float32" in rows["numpy"]["capabilities"]
    for status in shrinkops.backends():
        row = rows[status.name]
        assert row["state"] in STATES
        names = [field.name for field in dataclasses.fields(status)]
        assert row == {name: _plain(getattr(status, name)) for name in names}


def _plain(value):
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def test_missing_frameworks_come_with_the_remedy(bare):
    done = bare("backends", libraries=("click", "rich"))
    assert done.returncode == 0
    for name, extra in (("torch", "torch"), ("jax", "jax"), ("cupy", "cupy-cuda12x")):
        assert f"{name}: framework missing\n" in done.stdout
        assert f"{name} is not installed: pip install 'shrinkops[{extra}]'" in done.stdout


def test_a_broken_backend_is_a_row_not_a_traceback(invoke):
    class Broken(shrinkops.Backend):
        name = "broken"
        framework = "numpy"

        def handles(self, cls):
            return False

        def unavailable(self):
            raise OSError("libacme.so: cannot open shared object file")

    shrinkops.register(Broken())
    try:
        result = invoke("backends")
    finally:
        shrinkops.unregister("broken")
    assert result.exit_code == 0
    assert "broken: import failed" in result.output
    assert "OSError: libacme.so: cannot open shared object file" in result.output
