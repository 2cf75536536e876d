"""Device clocks and peers. Without a GPU: that what they call exists, and the host's clock."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shrinkops._target import find_target, operations
from shrinkops.benchmark._calls import wall_clock
from shrinkops.benchmark._clocks import CLOCKS
from shrinkops.benchmark._compare import compare
from shrinkops.benchmark._peers import find_peers
from shrinkops.benchmark._processes import _PEAK_OF_A_DEVICE, peak_outputs, run_python
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._session import usual_peers
from shrinkops.benchmark._suite import make_suite
from shrinkops.benchmark._work import Case, Skip, find_device, make_work

OPERATION = operations()["hardshrink"]


def _skip_without_gpu(name: str) -> None:
    try:
        find_device(find_target(name), "gpu")
    except Skip as reason:
        pytest.skip(str(reason))


def _sleep(calls: Any) -> None:
    for _ in calls:
        time.sleep(0.001)


def test_torch_is_timed_by_the_host_where_there_is_no_cuda() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("CUDA is there: its events are the clock")
    waited: list[object] = []
    seconds = CLOCKS["torch"](_sleep, 3, waited.append)
    assert 0.003 <= seconds < 1
    assert waited == [None]


def test_torch_has_what_its_clock_calls() -> None:
    torch = pytest.importorskip("torch")
    assert callable(torch.cuda.synchronize)
    assert "enable_timing" in inspect.signature(torch.cuda.Event.__new__).parameters
    for method in ("record", "synchronize", "elapsed_time"):
        assert callable(getattr(torch.cuda.Event, method))


def test_cupy_has_what_its_clock_calls() -> None:
    cupy = pytest.importorskip("cupy")
    for method in ("record", "synchronize"):
        assert callable(getattr(cupy.cuda.Event, method))
    assert callable(cupy.cuda.get_elapsed_time)
    assert callable(cupy.cuda.get_current_stream)
    assert callable(cupy.cuda.Stream.null.synchronize)
    assert callable(cupy.copyto)


def test_the_host_is_timed_by_the_hosts_clock() -> None:
    work = make_work(find_target("numpy"), OPERATION, Case(10))
    assert work.call(abs, -1).clock is wall_clock


def test_each_benchmark_of_a_suite_for_gpus_asks_for_one(
    quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    # One that took another device would file a processor's figure under a GPU's name.
    (cls,) = make_suite(["numpy"], sizes=[10], dtypes=["float32"], devices=["gpu"]).values()
    values = {"size": 10, "dtype": "float32", "device": "gpu"}
    skipped = 0
    for name, benchmark in vars(cls).items():
        if name.startswith("track_") and name != "track_import":
            getattr(cls(), name)(*(values[n] for n in benchmark.param_names))
            skipped += 1
    assert capsys.readouterr().out.count("has no gpu here") == skipped > 8


@pytest.mark.parametrize("name", ["torch", "jax", "cupy"])
def test_every_mode_and_peer_on_a_gpu(name: str) -> None:
    _skip_without_gpu(name)
    target = find_target(name)
    measured = 0
    for mode in ("out", "fresh", "derivative"):
        case = Case(100_000, mode=mode, device="gpu")
        try:
            work = make_work(target, OPERATION, case)
        except Skip:
            continue
        for peer in usual_peers(OPERATION)(target):
            if not peer.obstacle(work):
                (figure,) = compare(target, OPERATION, case, [peer], Plan(blocks=5))
                assert figure.seconds.median > 0
                measured += 1
    assert measured >= 2


@pytest.mark.parametrize("name", sorted(CLOCKS))
def test_events_agree_with_the_host_on_long_work(name: str) -> None:
    _skip_without_gpu(name)
    case = Case(30_000_000, mode="fresh", device="gpu")
    work = make_work(find_target(name), OPERATION, case)
    call = find_peers(OPERATION)["copy"].call(work)
    call()
    by_events = CLOCKS[name](call.loop, 50, call.synchronize)
    by_host = wall_clock(call.loop, 50, call.synchronize)
    assert 0.5 < by_events / by_host < 2


def test_what_a_library_tells_of_its_peak_memory_is_counted_in_outputs(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text(
        "import tracemalloc\n"
        "from shrinkops.adapter import Adapter\n"
        "from shrinkops_numpy import NumpyBackend\n"
        "class Counting(Adapter):\n"
        "    def peak_bytes(self, function, x):\n"
        "        tracemalloc.start()\n"
        "        result = function(x)\n"
        "        return tracemalloc.get_traced_memory()[1]\n"
        "class Told(NumpyBackend):\n"
        "    def adapter(self):\n"
        "        return Counting(self)\n"
        "class Twice(Told):\n"
        "    def kernel(self, operation):\n"
        "        right = super().kernel(operation)\n"
        "        return lambda x, lambd, out: right(x.copy(), lambd, out)\n"
    )
    values = {"operation": "hardshrink", "dtype": "float32", "size": 1 << 20, "device": "cpu"}
    told = [
        float(run_python(_PEAK_OF_A_DEVICE.format(target=f"told:{name}", **values),
                         {"PYTHONPATH": str(tmp_path)}))
        for name in ("Told", "Twice")
    ]  # fmt: skip
    assert told == pytest.approx([1, 2], abs=0.01)


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_a_library_that_does_not_tell_is_not_called(name: str) -> None:
    if not find_target(name).backend.installed():
        pytest.skip(f"{name} is not installed")
    adapter = find_target(name).backend.adapter()
    x = adapter.from_numpy(np.ones(3, np.float32), adapter.devices()[0])
    assert adapter.peak_bytes(lambda _: pytest.fail("it was called"), x) is None


def test_libraries_have_what_their_peak_is_read_with() -> None:
    torch = pytest.importorskip("torch")
    for name in ("memory_allocated", "max_memory_allocated", "reset_peak_memory_stats"):
        assert callable(getattr(torch.cuda, name))
    cupy = pytest.importorskip("cupy")
    for name in ("free_all_blocks", "used_bytes", "total_bytes"):
        assert callable(getattr(cupy.get_default_memory_pool(), name))


@pytest.mark.parametrize("name", ["torch", "cupy", "jax"])
def test_a_call_on_a_gpu_takes_its_output_and_little_more(name: str) -> None:
    pytest.importorskip(name)
    _skip_without_gpu(name)
    assert 0.9 < peak_outputs(name, "hardshrink", Case(10_000_000, "float32", "fresh", "gpu")) < 1.6
