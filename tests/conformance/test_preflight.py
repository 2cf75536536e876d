"""What is wrong with a declaration is said before any check, with the remedy."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from shrinkops_numpy import NumpyBackend

import shrinkops
from shrinkops.adapter import Adapter
from shrinkops.conformance import UnusableTargetError, run


class _Adapter(Adapter):
    is_numpy = True


class TakesNoScalars(_Adapter):
    def from_numpy(self, array, device=None):
        return np.atleast_1d(array).copy()


class RefusesEmpty(_Adapter):
    def from_numpy(self, array, device=None):
        if not array.size:
            raise ValueError("no elements")
        return array.copy()


class ReadsDoubles(_Adapter):
    def to_numpy(self, x):
        return np.asarray(x, np.float64)


def with_(**attributes):
    return type("Given", (NumpyBackend,), {"dtypes": frozenset({"float32"}), **attributes})


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"name": ""}, "name is '', expected a non-empty string"),
        ({"name": "a\x1b"}, "expected a printable name"),
        ({"framework": 3}, "framework is 3"),
        ({"priority": "10"}, "priority is '10', expected an integer"),
        ({"dtypes": {"float32"}}, "expected a frozenset"),
        ({"features": frozenset({"array_lambda"})}, "did you mean 'array_lambd'"),
        ({"features": frozenset({"outs", "vmaps"})}, "did you mean 'vmap'"),
        ({"dtypes": frozenset({"float32", "float23"})}, "did you mean 'float32'"),
        ({"dtypes": frozenset({"float32", "quaternion"})}, "'quaternion', which nothing knows"),
        ({"adapter": lambda self: TakesNoScalars(self)}, r"made shape (1,) of a 0-d array"),
        ({"adapter": lambda self: RefusesEmpty(self)}, "cannot make an empty array"),
        ({"adapter": lambda self: ReadsDoubles(self)}, "made float64 of shape () of a 0-d array"),
        ({"dtype_name": lambda self, x: "float"}, "dtype_name says 'float'"),
        ({"adapter": lambda self: sys.exit(0)}, "SystemExit"),
        ({"adapter": lambda self: None}, "None is no shrinkops.adapter.Adapter"),
        ({"handles": lambda self, cls: 1 / 0}, "handles(numpy.ndarray) raised ZeroDivisionError"),
        ({"handles": lambda self: True}, "handles(numpy.ndarray) raised TypeError"),
        ({"handles": lambda self, cls: cls is int}, "is False of what its adapter makes"),
    ],
)
def test_it_is_refused_before_any_check(attributes, words):
    with pytest.raises(UnusableTargetError) as found:
        run(with_(**attributes), operations=["hardshrink"], check=["HS-VAL-1"])
    assert words in str(found.value)


def test_all_problems_are_told_at_once():
    wrong = with_(features=frozenset({"outs"}), dtypes=frozenset({"float33"}))
    with pytest.raises(UnusableTargetError, match=r"(?s)outs.*float33"):
        run(wrong)


def test_a_sound_one_passes():
    assert run(with_(), operations=["hardshrink"], check=["HS-VAL-1"]).conforms


class Plain(shrinkops.Backend):
    name = "plain"
    framework = "numpy"
    dtypes = frozenset({"float32"})

    def handles(self, cls):
        return cls is np.ndarray

    def namespace(self):
        return np

    def adapter(self):
        return _Adapter(self)


def raises(*_):
    raise RuntimeError("boom")


@pytest.mark.parametrize("method", ["native", "kernel"])
@pytest.mark.parametrize("way", [raises, lambda _, operation: raises(), lambda *_: sys.exit(0)])
def test_a_kernel_that_does_not_load_fails_its_checks(method, way):
    given = type("Given", (Plain,), {method: way})
    report = run(given, operations=["hardshrink"], check=["HS-VAL-1"])
    assert not report.conforms
    results = [result for each in report.runs for result in each.results]
    assert {result.state.value for result in results} == {"failed"}
    assert all("boom" in r.message or "SystemExit" in r.message for r in results)


class Lacking:
    """NumPy's functions but one."""

    def __getattr__(self, name):
        if name in ("where", "astype"):
            raise AttributeError(f"no {name} here", name=name, obj=self)
        return getattr(np, name)


LACKING = Lacking()


@pytest.mark.parametrize(
    ("attributes", "check", "words"),
    [
        ({"namespace": lambda self: LACKING}, "HS-VAL-1", "the namespace lacks where"),
        (
            {"namespace": lambda self: LACKING, "features": frozenset({"array_lambd"})},
            "HS-LAM-6",
            "the inherited Backend.astype",
        ),
    ],
)
def test_a_failure_names_what_to_override(attributes, check, words):
    report = run(type("Given", (Plain,), attributes), operations=["hardshrink"], check=[check])
    results = [result for each in report.runs for result in each.results]
    assert any(words in result.message for result in results), [r.message for r in results]


def test_installed_of_a_namespace_package(tmp_path, monkeypatch):
    """A folder of the name is no library; a namespace package of a distribution is one."""

    class Spaced(shrinkops.Backend):
        name = "spaced"
        framework = "a_spaced_library"

    assert not Spaced().installed()
    (tmp_path / "a_spaced_library").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not Spaced().installed()
    (tmp_path / "a_spaced_library" / "arrays.py").write_text("", "utf-8")
    info = tmp_path / "a_spaced_library-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: a-spaced-library\nVersion: 1.0\n")
    (info / "RECORD").write_text("a_spaced_library/arrays.py,,\n")
    assert Spaced().installed()
    monkeypatch.setitem(sys.modules, "a_spaced_library", None)
    assert not Spaced().installed()


def test_a_kernel_that_leaves_the_program_has_a_script_that_shows_it():
    class Leaves(Plain):
        def native(self, operation, dtype):
            return lambda *_: sys.exit(0)

    report = run(Leaves, operations=["softshrink"], check=["SS-ARR-2/paths"])
    (result,) = [result for each in report.runs for result in each.results if result.item.dtype]
    assert "except SystemExit as left:" in result.script
    assert result.message.endswith("raised SystemExit: 0")
