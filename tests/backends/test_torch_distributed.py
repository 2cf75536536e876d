"""PyTorch: DTensors over two processes; placements are kept and nothing is communicated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

WORKER = """
import sys
import torch
import torch.distributed as dist
import shrinkops
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode

rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
mesh = dist.device_mesh.init_device_mesh("cpu", (2,))
torch.manual_seed(0)
whole = torch.randn(6, 4)
columns = torch.rand(4)
for placements in ([Shard(0)], [Shard(1)], [Replicate()]):
    x = distribute_tensor(whole, mesh, placements)
    each = distribute_tensor(torch.full_like(whole, 0.25), mesh, placements)
    for name in ("hardshrink", "softshrink", "shrink", "firmshrink", "garrote"):
        function = getattr(shrinkops, name)
        thresholds = [(0.5, 0.5), (0.0, 0.0), (torch.tensor(0.5), 0.5), (each, 0.25)]
        thresholds.append((distribute_tensor(torch.tensor(0.5), mesh, [Replicate()]), 0.5))
        if placements == [Shard(0)]:
            thresholds.append((columns, columns))
        for lambd, plain in thresholds:
            with CommDebugMode() as communication:
                y = function(x, lambd)
            assert communication.get_total_counts() == 0, (name, placements)
            assert type(y) is DTensor and y.placements == x.placements and y.shape == x.shape
            assert torch.equal(y.full_tensor(), function(whole, plain)), (name, placements)
        leaf = distribute_tensor(whole, mesh, placements).requires_grad_()
        with CommDebugMode() as communication:
            function(leaf, 0.5).to_local().sum().backward()
        assert communication.get_total_counts() == 0
        assert leaf.grad.placements == x.placements
pending = DTensor.from_local(whole, mesh, [Partial()])
for make in (lambda: shrinkops.hardshrink(pending), lambda: shrinkops.garrote(pending, 0.5)):
    try:
        make()
    except TypeError as error:
        assert "redistribute" in str(error), error
    else:
        raise AssertionError("a pending sum was taken")
dist.destroy_process_group()
print("done")
"""


def test_dtensors_over_two_processes(tmp_path: Path) -> None:
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    workers = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for worker in workers:
            output, errors = worker.communicate(timeout=300)
            assert worker.returncode == 0, errors
            assert output.split() == ["done"]
    finally:
        for worker in workers:
            worker.kill()
