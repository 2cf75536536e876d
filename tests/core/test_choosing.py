"""Which backend takes a class: what is asked, what an error means, what goes first."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

LIBRARY = """
import numpy as np, shrinkops
TABLE = shrinkops.hardshrink(np.linspace(-1, 1, 9))
class Array:
    dtype = np.dtype("float64"); shape = ()
"""
PLUGIN = """
import shrinkops
class Acme(shrinkops.Backend):
    name = framework = "acme_lib"
    dtypes = frozenset({"float64"})
    def handles(self, cls):
        import acme_lib
        return cls is acme_lib.Array
    def kernel(self, operation):
        return lambda x, lambd, out: "computed by acme_lib"
@shrinkops.hookimpl
def shrinkops_backends():
    return [Acme()]
"""


def needs(library: str) -> pytest.MarkDecorator:
    """Skip where a library is not installed; it is not imported here to see that."""
    return pytest.mark.skipif(find_spec(library) is None, reason=f"needs {library}")


# Passing states


def test_a_library_that_computes_with_shrinkops_while_it_is_imported(site: Any) -> None:
    site.install("acme-plugin", PLUGIN)
    (site.folder / "acme_lib.py").write_text(LIBRARY)
    told = site.run(
        """
        import acme_lib
        print(shrinkops.hardshrink(acme_lib.Array()), names(), aside(), works())
        """
    )
    assert told == "computed by acme_lib ['acme_lib'] [] True"


def test_a_plugin_module_that_computes_while_it_is_imported_by_hand(site: Any) -> None:
    first = "import numpy, shrinkops\nshrinkops.hardshrink(numpy.ones(1))\n"
    site.install("acme", first + site.acme)
    assert site.run("import acme; print(works(), names(), aside())") == "True ['acme'] []"


@needs("jax")
def test_a_class_that_arrives_in_the_middle_of_a_frameworks_import(site: Any) -> None:
    """Through an import hook, while JAX's own modules are half there."""
    told = site.run(
        """
        import builtins
        real, seen = builtins.__import__, []
        def watching(name, *rest):
            if name.startswith("jax") and len(seen) < 40:
                seen.append(works(np.ones(2).view(type("C", (np.ndarray,), {})) + 0.5) or True)
            return real(name, *rest)
        builtins.__import__ = watching
        import jax
        builtins.__import__ = real
        print(len(seen) > 10, works(jax.numpy.asarray([0.25, 1.0])), aside())
        """,
        warnings="ignore",
    )
    assert told == "True True []"


@needs("torch")
def test_stand_ins_in_sys_modules_take_no_backend_away(site: Any) -> None:
    told = site.run(
        """
        import types
        from unittest import mock
        class Sphinx(types.ModuleType):  # as autodoc_mock_imports makes them: with a spec
            Tensor = mock.NonCallableMock()
            __spec__ = types.SimpleNamespace(name="torch", loader=None)
        stand_ins = {
            "None": None, "MagicMock": mock.MagicMock(), "stub": types.ModuleType("torch"),
            "of its kind": mock.MagicMock(spec=types.ModuleType), "Sphinx": Sphinx("torch"),
        }
        import torch
        for label, stand_in in stand_ins.items():
            shrinkops.refresh()
            with mock.patch.dict(sys.modules, {"torch": stand_in}):
                assert works(), label
                assert works(np.float64([0.25, 1]).view(type("C", (np.ndarray,), {}))), label
            assert works(torch.tensor([0.25, 1.0])), label
            assert "torch" not in aside(), label
        print("done")
        """,
        warnings="ignore",
    )
    assert told == "done"


ODD = {
    "metaclass": """
        class Meta(type):
            def __getattr__(cls, name):
                raise LookupError(f"no column {name}")
        class Odd(metaclass=Meta): pass
    """,
    "metaclass for every attribute": """
        class Meta(type):
            def __getattribute__(cls, name):
                raise LookupError(f"no column {name}")
        class Odd(metaclass=Meta): pass
    """,
    "subclass check": """
        class Meta(type):
            @property
            def __mro__(cls): raise LookupError
        class Odd(metaclass=Meta): pass
    """,
    "descriptor": """
        class Late:
            def __get__(self, instance, owner): raise LookupError
        class Odd:
            __array_namespace__ = array = Late()
    """,
}


@needs("pandas")
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_class_that_cannot_be_looked_at_takes_no_backend_away(site: Any, odd: str) -> None:
    import textwrap

    told = site.run(
        textwrap.dedent(odd)
        + textwrap.dedent(
            """
            import pandas as pd
            strict = make("strict", lambda self, cls: hasattr(cls, "array") and False)
            shrinkops.register(strict)
            print("no backend takes" in refused(Odd()), aside())
            print(works(pd.Series([0.25, 1.0])), works(), names())
            print(shrinkops.explain(Odd()).backend)
            """
        ),
        warnings="ignore",
    )
    assert told.splitlines() == ["True []", "True True ['strict']", "None"]


def test_a_metaclass_that_answers_to_every_name_makes_no_array(site: Any) -> None:
    told = site.run(
        """
        class Meta(type):
            def __getattr__(cls, name): return lambda *_: None
        class Column(metaclass=Meta): pass
        print("no backend takes __main__.Column" in refused(Column()))
        """
    )
    assert told == "True"


def test_a_backend_that_always_fails_is_set_aside_whatever_the_class(site: Any) -> None:
    told = site.run(
        """
        import abc
        shrinkops.register(make("broken", lambda self, cls: cls.colour, priority=-200))
        class Mine(abc.ABC): pass
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print("set aside: broken" in refused(Mine()))
        print(len(caught), aside(), "set aside: broken" in refused(Mine()))
        """
    )
    assert told.splitlines() == ["True", "1 ['broken'] True"]


def test_the_limit_of_recursion_in_a_predicate_is_the_callers(site: Any) -> None:
    told = site.run(
        """
        def deep(n, x):
            if n:
                return deep(n - 1, x)
            try:
                return works(x)
            except RecursionError:
                return None
        works()
        for depth in range(880, 992, 2):
            deep(depth, np.ones(2).view(type("C", (np.ndarray,), {})))
        print(works(np.float64([0.25, 1]).view(type("C", (np.ndarray,), {}))), aside())
        """
    )
    assert told == "True []"


def test_a_lazy_framework_is_not_loaded(site: Any) -> None:
    (site.folder / "acme_lib.py").write_text("print('loaded')\nclass Array: pass")
    site.install("acme-plugin", PLUGIN)
    told = site.run(
        """
        import importlib.util
        spec = importlib.util.find_spec("acme_lib")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["acme_lib"] = module
        spec.loader.exec_module(module)
        print(works(), shrinkops.explain(np.ndarray).backend)
        print(shrinkops.hardshrink(module.Array()))
        """
    )
    assert told.splitlines() == ["True numpy", "loaded", "computed by acme_lib"]


# The same answer in every order

FAST = """
import importlib, itertools
(folder := __import__("pathlib").Path("accel.py")).write_text("")
def computed(x=None):
    y = shrinkops.hardshrink(np.array([0.25, 1.0]) if x is None else x)
    return y if isinstance(y, str) else "numpy"
"""


def test_what_runs_depends_on_no_order_of_calls_and_imports(site: Any) -> None:
    told = site.run(
        FAST
        + """
def register():
    shrinkops.register(make("fast", lambda self, cls: cls is np.ndarray, framework="accel",
                            priority=10, kernel=lambda self, op: lambda x, l, out: "fast"))
steps = {"register": register, "call": computed, "explain": lambda: shrinkops.explain(np.ndarray),
         "import": lambda: importlib.import_module("accel")}
for order in itertools.permutations(steps):
    for step in order:
        steps[step]()
        ran = computed()
        assert shrinkops.explain(np.ndarray).backend == ran, (order, step, ran)
    assert computed() == "fast", order
    del sys.modules["accel"]
    shrinkops.unregister("fast")
    assert computed() == "numpy", order
print("done")
"""
    )
    assert told == "done"


def test_explain_and_the_call_agree_after_an_abc_has_learned_a_class(site: Any) -> None:
    told = site.run(
        FAST
        + """
import abc
class Wrapped(abc.ABC): pass
class Mine(np.ndarray): pass
shrinkops.register(make("wrapped", lambda self, cls: issubclass(cls, Wrapped), priority=1,
                        kernel=lambda self, op: lambda x, l, out: "wrapped"))
x = np.array([0.25, 1.0]).view(Mine)
print(computed(x))
Wrapped.register(Mine)
print(shrinkops.explain(x).backend, computed(x))
"""
    )
    assert told.splitlines() == ["numpy", "wrapped wrapped"]


def test_the_environment_counts_from_the_next_refresh_on(site: Any) -> None:
    told = site.run(
        """
        print(works(), shrinkops.explain(np.ndarray).backend)
        os.environ["SHRINKOPS_BLOCK"] = "numpy,ufunc"
        print(works(), shrinkops.explain(np.ndarray).backend)
        shrinkops.refresh()
        print("blocked by SHRINKOPS_BLOCK: numpy" in refused(np.ones(1)),
              shrinkops.explain(np.ndarray).backend)
        """
    )
    assert told.splitlines() == ["True numpy", "True numpy", "True None"]


def test_the_ufunc_backend_is_asked_before_numpy_is_imported(site: Any) -> None:
    told = site.run(
        """
import sys, shrinkops
class Plain: pass
class Speaks:
    def __array_ufunc__(self, *_, **__): return self
def told(x):
    try:
        return type(shrinkops.hardshrink(x)).__name__
    except TypeError as error:
        return str(error).partition(":")[0]
print(told(Plain()), "numpy" in sys.modules)
before = told(Speaks())
import numpy
print(before == told(Speaks()), shrinkops.explain(Speaks).backend)
""",
        prelude="",
    )
    assert told.splitlines() == ["hardshrink False", "True ufunc"]


# What goes first


def test_a_subclass_s_own_backend_wins_without_a_priority(site: Any) -> None:
    told = site.run(
        """
        class Deeper(np.ma.MaskedArray): pass
        kernel = lambda self, op: lambda x, l, out: "masked"
        x = np.ma.array([0.25, 1.0])
        print(works(x))
        own = lambda self, cls: cls is np.ma.MaskedArray
        shrinkops.register(make("masked", own, kernel=kernel))
        print(shrinkops.hardshrink(x), works(), shrinkops.explain(x).reason)
        print(shrinkops.explain(Deeper).backend)
        shrinkops.unregister("masked")
        shrinkops.register(make("masked", lambda self, cls: issubclass(cls, np.ma.MaskedArray)))
        print(shrinkops.explain(Deeper).backend, shrinkops.explain(np.ma.MaskedArray).backend)
        shrinkops.register(make("same", lambda self, cls: issubclass(cls, np.ma.MaskedArray)))
        print(refused(x))
        """
    )
    lines = told.splitlines()
    assert lines[0] == "True"
    assert (
        lines[1] == "masked True takes the type, at priority 0, and fewer of its bases than 'numpy'"
    )
    assert lines[2:4] == ["numpy", "masked masked"]
    assert "is taken by several backends of priority 0: 'masked' registered by hand" in lines[4]
    assert "'same' registered by hand" in lines[4]


def test_prefer_and_its_environment_variable(site: Any) -> None:
    code = """
def computed():
    return shrinkops.explain(np.ndarray).backend
for name in ("low", "lower"):
    shrinkops.register(make(name, lambda self, cls: cls is np.ndarray, priority=-len(name)))
"""
    told = site.run(
        code
        + """
print(computed())
shrinkops.prefer("low")
print(computed())
with shrinkops.prefer("ufunc", "lower", "low") as preference:
    print(computed(), preference)
    with shrinkops.prefer():
        print(computed())
    print(computed())
print(computed())
shrinkops.unregister("low")
print(computed())
try:
    shrinkops.prefer("numpi")
except ValueError as error:
    print(error)
"""
    )
    assert told.splitlines()[:-1] == [
        "numpy", "low", "lower <preferred: ufunc, lower, low>", "numpy", "lower", "low", "numpy",
    ]  # fmt: skip
    assert "no backend is named 'numpi'; did you mean 'numpy'?" in told
    told = site.run(code + "print(computed())", SHRINKOPS_PREFER="lower, low", warnings="ignore")
    assert told == "lower"


# What a refusal says


@needs("torch")
def test_a_refusal_names_what_was_set_aside_or_blocked(site: Any) -> None:
    site.install("acme-x", "raise OSError('libacme.so: cannot open')")
    told = site.run(
        """
        import torch, types
        sys.modules["acme"] = types.ModuleType("acme")
        class Array: __module__ = "acme"
        print(refused(Array()))
        print(refused(torch.ones(2)))
        print(refused([1.0]))
        """,
        warnings="ignore",
        SHRINKOPS_BLOCK="torch",
    )
    acme, tensor, plain = told.splitlines()
    assert "set aside: acme_x (import failed: OSError: libacme.so: cannot open)" in acme
    assert "blocked" not in acme
    assert "blocked by SHRINKOPS_BLOCK: torch" in tensor
    assert "acme_x" not in plain


def test_a_refusal_says_that_no_plugin_was_read(site: Any) -> None:
    told = site.run("print(refused(np.ones(1)))", SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "ready: none" in told
    assert "SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD is set, so no installed plugin was read" in told
