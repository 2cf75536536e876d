"""Resolution, registration and explanation, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import shrinkops
from shrinkops._call.dispatcher import Dispatcher, dispatchers
from shrinkops._plugins.registry import registry

(DISPATCHER,) = [d for d in dispatchers if d.operation.name == "hardshrink"]


class Box:
    """An array type of this test, around a NumPy array."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.dtype = self.values.dtype
        self.shape = self.values.shape


class BoxBackend(shrinkops.Backend):
    name = "box"
    framework = "numpy"
    dtypes = frozenset({"float64"})
    asked: list[type]

    def __init__(self, name: str = "box", priority: int = 0) -> None:
        self.name = name
        self.priority = priority
        self.asked = []

    def handles(self, cls: type) -> bool:
        self.asked.append(cls)
        return issubclass(cls, Box)

    def native(self, operation: str) -> Any:
        return lambda x, threshold, out: Box(
            np.where(np.abs(x.values) <= threshold.value, 0.0, x.values)
        )


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    for entry in registry.entries():
        if entry.distribution == "registered by hand":
            shrinkops.unregister(entry.backend.name)


def test_a_registered_backend_serves_its_type() -> None:
    assert shrinkops.register(BoxBackend()) == ["box"]
    result = shrinkops.hardshrink(Box([0.25, 1.0]))
    assert isinstance(result, Box)
    assert result.values.tolist() == [0.0, 1.0]


def test_a_class_of_backend_can_be_registered() -> None:
    assert shrinkops.register(BoxBackend) == ["box"]


def test_a_module_like_plugin_with_the_hook_can_be_registered() -> None:
    class Plugin:
        @shrinkops.hookimpl
        def shrinkops_backends(self) -> list[shrinkops.Backend]:
            return [BoxBackend("box"), BoxBackend("other box", priority=1)]

    assert shrinkops.register(Plugin()) == ["box", "other box"]
    assert shrinkops.explain(Box([1.0])).backend == "other box"
    shrinkops.unregister("other box")
    assert shrinkops.explain(Box([1.0])).backend == "box"


def test_unregistering_makes_the_type_unknown_again() -> None:
    shrinkops.register(BoxBackend())
    shrinkops.hardshrink(Box([1.0]))
    shrinkops.unregister("box")
    with pytest.raises(shrinkops.UnsupportedArrayError, match=r"no backend takes .*Box"):
        shrinkops.hardshrink(Box([1.0]))
    with pytest.raises(ValueError, match=r"no backend is named 'box'; registered: .*numpy"):
        shrinkops.unregister("box")


def test_a_second_backend_of_a_name_is_refused_naming_both_distributions() -> None:
    with pytest.raises(ValueError, match=r"'numpy'.*'shrinkops'.*registered by hand"):
        shrinkops.register(BoxBackend("numpy"))
    assert shrinkops.hardshrink(np.ones(1)).tolist() == [1.0]


def test_a_tie_is_an_error_naming_both_and_priority_solves_it() -> None:
    shrinkops.register(BoxBackend("one"))
    shrinkops.register(BoxBackend("two"))
    with pytest.raises(shrinkops.UnsupportedArrayError) as caught:
        shrinkops.hardshrink(Box([1.0]))
    message = str(caught.value)
    assert "'one' registered by hand, 'two' registered by hand" in message
    assert "priority" in message
    shrinkops.register(BoxBackend("three", priority=1))
    assert shrinkops.explain(Box([1.0])).backend == "three"


@pytest.mark.parametrize(
    ("rubbish", "message"),
    [
        (object(), "implements no hook shrinkops_backends"),
        ("text", "implements no hook shrinkops_backends"),
    ],
)
def test_what_is_no_plugin_is_refused(rubbish: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        shrinkops.register(rubbish)


def test_a_hook_that_returns_rubbish_is_refused() -> None:
    class Plugin:
        @shrinkops.hookimpl
        def shrinkops_backends(self) -> Any:
            return ["numpy"]

    with pytest.raises(
        TypeError, match=r"returned 'numpy' of type str, expected shrinkops\.Backend"
    ):
        shrinkops.register(Plugin())


@pytest.mark.parametrize("attribute", ["name", "framework"])
def test_a_backend_without_a_name_or_framework_is_refused(attribute: str) -> None:
    backend = BoxBackend()
    setattr(backend, attribute, "")
    with pytest.raises(TypeError, match=f"{attribute} is '', expected a non-empty string"):
        shrinkops.register(backend)


def test_a_backend_whose_predicate_raises_is_set_aside_and_the_rest_works() -> None:
    class Broken(BoxBackend):
        def handles(self, cls: type) -> bool:
            if issubclass(cls, Box):
                raise RuntimeError("predicate broke")
            return False

    shrinkops.register(Broken("broken", priority=5))
    shrinkops.register(BoxBackend())
    with pytest.warns(RuntimeWarning, match="'broken'.*predicate broke"):
        shrinkops.hardshrink(Box([1.0]))
    assert shrinkops.hardshrink(Box([1.0])).values.tolist() == [1.0]  # warned once
    (row,) = [r for r in shrinkops.backends() if r.name == "broken"]
    assert row.state == "quarantined"
    assert "predicate broke" in row.reason
    with pytest.warns(RuntimeWarning, match="'broken'.*predicate broke"):
        shrinkops.refresh()  # a backend registered by hand gets another chance, and fails again
    assert shrinkops.hardshrink(Box([1.0])).values.tolist() == [1.0]


def test_a_kernel_that_does_not_load_says_whose() -> None:
    class Broken(BoxBackend):
        def native(self, operation: str) -> Any:
            raise OSError("no libfast.so")

    shrinkops.register(Broken("broken"))
    with pytest.raises(
        shrinkops.UnsupportedArrayError, match=r"'broken' .*OSError: no libfast\.so"
    ):
        shrinkops.hardshrink(Box([1.0]))


def test_refresh_keeps_what_was_registered_by_hand() -> None:
    shrinkops.register(BoxBackend())
    before = DISPATCHER.table
    shrinkops.refresh()
    assert DISPATCHER.table is not before
    assert shrinkops.explain(Box([1.0])).backend == "box"
    assert shrinkops.explain(np.ones(1)).backend == "numpy"


def test_the_published_table_is_replaced_and_never_changed() -> None:
    shrinkops.hardshrink(np.ones(1))
    shrinkops.register(BoxBackend())
    shrinkops.hardshrink(np.ones(1))
    table = DISPATCHER.table
    copy = dict(table)
    shrinkops.hardshrink(Box([1.0]))
    assert table == copy
    assert Box in DISPATCHER.table


def test_a_class_is_asked_about_once() -> None:
    backend = BoxBackend()
    shrinkops.register(backend)
    for _ in range(5):
        shrinkops.hardshrink(Box([1.0]))
    # Once to resolve; the guard of the first call asks about the types of its arguments.
    resolutions = DISPATCHER.resolutions
    shrinkops.hardshrink(Box([1.0]))
    assert DISPATCHER.resolutions == resolutions


def test_an_instance_is_never_asked_before_its_framework_is_imported() -> None:
    class Absent(BoxBackend):
        framework = "a_framework_that_nobody_has"

        def handles(self, cls: type) -> bool:
            raise AssertionError("asked without its framework")

    shrinkops.register(Absent("absent"))
    shrinkops.hardshrink(np.ones(1))
    (row,) = [r for r in shrinkops.backends() if r.name == "absent"]
    assert row.state == "framework missing"
    answers = dict(shrinkops.explain(np.ones(1)).others)
    assert "not asked" in answers["absent"]


@pytest.mark.parametrize("round_", range(5))
def test_32_threads_calling_for_the_first_time_at_once(round_: int) -> None:
    kinds = [type(f"Box{i}", (Box,), {}) for i in range(4)]
    shrinkops.register(BoxBackend())
    shrinkops.hardshrink(np.ones(1))
    resolved = DISPATCHER.resolutions
    barrier = threading.Barrier(32)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        x = [*(kind([1.0, 0.25]) for kind in kinds), np.array([1.0, 0.25])][number % 5]
        barrier.wait()
        try:
            result = shrinkops.hardshrink(x)
            values = result.values if isinstance(result, Box) else result
            assert values.tolist() == [1.0, 0.0]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert DISPATCHER.resolutions - resolved == 4  # ndarray still has its backend


@pytest.mark.parametrize("value", [[1.0], (1.0,), 1.0, 1, True, None, "x", {1.0}])
def test_what_is_no_array_is_refused_with_the_remedy(value: object) -> None:
    with pytest.raises(shrinkops.UnsupportedArrayError) as caught:
        shrinkops.hardshrink(value)
    message = str(caught.value)
    assert message.startswith(f"hardshrink: no backend takes {type(value).__name__}")
    assert "ready: " in message
    assert "numpy" in message
    assert "numpy.asarray" in message


def test_a_missing_library_comes_with_its_install_line() -> None:
    class Absent(BoxBackend):
        framework = "a_framework_that_nobody_has"
        install = "pip install a-framework"

    shrinkops.register(Absent("absent"))
    with pytest.raises(TypeError, match=r"not installed: absent \(pip install a-framework\)"):
        shrinkops.hardshrink([1.0])


def test_explain_says_who_and_why() -> None:
    shrinkops.register(BoxBackend("low", priority=-1))
    shrinkops.register(BoxBackend("high", priority=1))
    told = shrinkops.explain(Box([1.0]))
    assert (told.backend, told.distribution) == ("high", "registered by hand")
    assert told.framework_version == np.__version__
    assert dict(told.others)["low"] == "takes it too, at priority -1"
    assert dict(told.others)["numpy"] == "asked: does not take it"
    assert "'high'" in repr(told)
    assert shrinkops.explain(Box).backend == "high"
    nobody = shrinkops.explain(list)
    assert nobody.backend is None
    assert repr(nobody).startswith("list: no backend: no backend takes list")


def test_the_status_table_prints_every_row() -> None:
    shrinkops.register(BoxBackend())
    table = shrinkops.backends()
    printed = str(table)
    for row in table:
        assert row.name in printed
        assert row.state in printed
    assert len(table[:2]) == 2
    assert table[0].name == next(iter(table)).name


def test_places_that_several_classes_left_are_no_obstacle_to_the_next() -> None:
    class Two(shrinkops.Backend):
        name = "two"
        framework = "numpy"
        dtypes = frozenset({"float64"})

        def handles(self, cls: type) -> bool:
            return cls in (bytes, str)

        def native(self, operation: str) -> object:
            return lambda x, threshold, out: "two"

    (hardshrink,) = (d for d in dispatchers if d.operation.name == "hardshrink")
    dispatcher = Dispatcher(hardshrink.operation)
    try:
        shrinkops.register(Two())
        for cls in (bytes, str, np.ndarray):
            dispatcher.resolve(cls)
        shrinkops.unregister("two")  # the two places before that of ndarray are free now
        dispatcher.resolve(np.float64)
        assert {np.ndarray, np.float64} <= dispatcher.table.keys()
        assert not {bytes, str} & dispatcher.table.keys()
    finally:
        dispatcher.retire()
