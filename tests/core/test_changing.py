"""register, unregister, refresh and the handle of a backend."""

from __future__ import annotations

from typing import Any

import pytest


def test_what_is_registered_by_hand_stays_when_it_is_installed_too(site: Any) -> None:
    told = site.run(
        """
        import shutil
        for n in ("beta", "acme", "zeta"): shrinkops.register(make(n))
        install("site", "acme-x")
        sys.path.insert(0, "site")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            shrinkops.refresh()
        print(names(), aside(), [str(w.message) for w in caught])
        try:  # a warning as an error: nothing is lost
            shrinkops.refresh()
        except RuntimeWarning as warning:
            print("two backends are named 'acme'" in str(warning))
        print(names(), aside(), works())
        shutil.rmtree("site"); shrinkops.refresh()
        print(names(), aside())
        """
    )
    first, raised, second, third = told.splitlines()
    assert first.startswith("['acme', 'beta', 'zeta'] ['acme_x']")
    assert "one registered by hand, one from distribution 'acme-x'" in first
    assert (raised, second) == ("True", "['acme', 'beta', 'zeta'] ['acme_x'] True")
    assert third == "['acme', 'beta', 'zeta'] []"


def test_what_was_unregistered_stays_away_unless_it_is_installed(site: Any) -> None:
    site.install("acme")
    told = site.run(
        """
        import types
        two = types.ModuleType("two")
        two.shrinkops_backends = shrinkops.hookimpl(lambda: [make("one"), make("other")])
        shrinkops.register(two); shrinkops.unregister("one"); shrinkops.unregister("acme")
        print(names())
        shrinkops.refresh()
        print(names())
        class Plugin:
            def __init__(self, name): self.name = name
            @shrinkops.hookimpl
            def shrinkops_backends(self): return [make(self.name)]
        print(shrinkops.register(Plugin("a")), shrinkops.register(Plugin("b")))
        shrinkops.refresh()
        print(names())
        """
    )
    assert told.splitlines() == [
        "['other']", "['acme', 'other']", "['a'] ['b']", "['a', 'acme', 'b', 'other']",
    ]  # fmt: skip


def test_refresh_sees_every_kind_of_repair(site: Any) -> None:
    told = site.run(
        """
        broken = {
            "hook": ACME.replace("[Acme()]", "[Acme(1)]"),
            "unmarked": ACME.replace("@hookimpl", ""),
            "handles": ACME.replace("decimal", "numpy").replace("return False", "return 1 / 0"),
            "imports": "1 / 0",
            "inner": "from inner_part import *\\n1 / 0",
            "same_size": ACME.replace("[Acme()]", "[Acmf()]"),
        }
        def put(name, source):
            install("site", name, source.replace('"acme"', repr(name)))
        for name, source in broken.items(): put(name, source)
        sys.path.insert(0, "site")
        works(); print(names(), aside())
        for name in broken: put(name, ACME)
        shrinkops.refresh()
        print(works(), names(), aside())
        """,
        warnings="ignore",
    )
    listed = "['handles', 'hook', 'imports', 'inner', 'same_size', 'unmarked']"
    assert told.splitlines() == [f"[] {listed}", f"True {listed} []"]


def test_refresh_takes_the_new_kernel_of_an_edited_plugin(site: Any) -> None:
    source = site.acme.replace("decimal", "numpy").replace("return False", "return cls is list")
    told = site.run(
        f"""
        source = {source!r} + "    pass\\nAcme.kernel = lambda self, op: lambda x, l, out: 'old'"
        install("site", "acme", source)
        sys.path.insert(0, "site")
        print(shrinkops.hardshrink([1.0]))
        install("site", "acme", source.replace("old", "new"))
        print(shrinkops.hardshrink([1.0]))
        shrinkops.refresh()
        print(shrinkops.hardshrink([1.0]))
        before = registry.find("acme"), registry.find("numpy"), sys.modules["acme"]
        shrinkops.refresh()
        print(sys.modules["acme"] is before[2], registry.find("numpy") is before[1])
        """
    )
    assert told.splitlines() == ["old", "old", "new", "True True"]


def test_refresh_leaves_a_library_alone_that_is_its_own_plugin(site: Any) -> None:
    told = site.run(
        """
        source = ACME.replace("decimal", "acme").replace("return False", "return cls is Array")
        source += "\\nclass Array: pass\\nAcme.kernel = lambda self, op: lambda x, l, out: 'acme'"
        install("site", "acme", source)
        sys.path.insert(0, "site")
        import acme
        x = acme.Array()
        print(shrinkops.hardshrink(x))
        install("site", "acme", source + "\\n# edited")
        shrinkops.refresh()
        print(shrinkops.hardshrink(x))
        """
    )
    assert told.splitlines() == ["acme", "acme"]


def test_an_interrupted_refresh_loses_nothing(site: Any) -> None:
    site.install("acme")
    site.install("beta", site.acme.replace("acme", "beta"))
    told = site.run(
        """
        shrinkops.register(make("mine"))
        print(works(), names())
        module = sys.modules["acme"]
        install(".", "acme", "raise KeyboardInterrupt")
        try:
            shrinkops.refresh()
        except KeyboardInterrupt:
            print("interrupted")
        print(works(), names(), aside(), sys.modules["acme"] is module)
        install(".", "acme")
        shrinkops.refresh()
        print(works(), names())
        """
    )
    listed = "['acme', 'beta', 'mine']"
    assert told.splitlines() == [
        f"True {listed}", "interrupted", f"True {listed} [] True", f"True {listed}",
    ]  # fmt: skip


def test_one_row_per_name(site: Any) -> None:
    site.install("acme-x", site.acme, point="numpy = acme_x")
    told = site.run(
        """
        odd = lambda self, cls: 1 / 0
        shrinkops.register(make("again", odd)); works()
        print([(r.name, r.state) for r in shrinkops.backends() if r.name == "again"])
        shrinkops.register(make("again")); works()
        print([(r.name, r.state) for r in shrinkops.backends() if r.name == "again"])
        shrinkops.register(make("third", odd)); works()
        shrinkops.unregister("third")
        rows = [r.name for r in shrinkops.backends()]
        print(len(rows) == len(set(rows)), "third" in rows, "numpy of acme-x" in rows)
        """,
        warnings="ignore",
        **site.QUICK,
    )
    assert told.splitlines() == [
        "[('again', 'quarantined')]", "[('again', 'ready')]", "True False True",
    ]  # fmt: skip


def test_a_cell_that_is_run_again_is_told_the_remedy(site: Any) -> None:
    told = site.run(
        """
        import importlib
        open("acme.py", "w").write(ACME)
        import acme
        shrinkops.register(acme.Acme())
        again = acme.Acme()
        for plugin in (again, acme.Acme, acme, importlib.reload(acme), None, 3, lambda: None):
            try:
                print(shrinkops.register(plugin))
            except Exception as error:
                print(type(error).__name__ + ":", error)
        print(shrinkops.register(again, replace=True), registry.find("acme").backend is again)
        try:
            shrinkops.register(make("numpy"))
        except ValueError as error:
            print(error)
        numpy = make("numpy", lambda self, cls: cls is np.ndarray,
                     kernel=lambda self, op: lambda x, l, out: "mine")
        shrinkops.register(numpy, replace=True)
        print(shrinkops.hardshrink(np.ones(1)), shrinkops.get_backend("ufunc").name)
        shrinkops.refresh()
        print(shrinkops.hardshrink(np.ones(1)), aside())
        shrinkops.unregister("numpy"); shrinkops.refresh()
        print(works(), names())
        """
    )
    lines = told.splitlines()
    remedy = "pass replace=True, or call shrinkops.unregister('acme') first"
    for line in lines[:4]:
        assert line.startswith("ValueError: a backend named 'acme' is registered by hand already")
        assert line.endswith(remedy)
    assert lines[4].startswith("TypeError: register: got None, expected a shrinkops.Backend")
    assert lines[5].startswith("TypeError: plugin 'int' implements no hook shrinkops_backends")
    assert "returned None of type NoneType" in lines[6]
    assert lines[7] == "['acme'] True"
    assert "two backends are named 'numpy': one from distribution 'shrinkops'" in lines[8]
    assert lines[9:] == ["mine ufunc", "mine []", "True ['acme']"]


WRONG = {
    "priority of text": ("priority='10'", "priority is '10', expected an integer"),
    "priority of None": ("priority=None", "priority is None, expected an integer"),
    "complex priority": ("priority=1j", "priority is 1j, expected an integer"),
    "true priority": ("priority=True", "priority is True, expected an integer"),
    "priority that raises": ("priority=property(lambda s: 1 / 0)", "priority raised ZeroDivision"),
    "name with a comma": ("name='a,b'", "name is 'a,b', expected a printable name without commas"),
    "name with a colon": ("name='a:b'", "name is 'a:b', expected a printable name without commas"),
    "no name": ("name=None", "name is None, expected a non-empty string"),
    "framework of bytes": ("framework=b'x'", "framework is b'x', expected a non-empty string"),
    "dtypes as a set": ("dtypes={'float32'}", "dtypes is {'float32'}, expected a frozenset"),
    "features of numbers": ("features=frozenset({1})", "expected a frozenset of names"),
}


@pytest.mark.parametrize(("attribute", "message"), WRONG.values(), ids=WRONG)
def test_attributes_are_validated_at_registration(attribute: str, message: str) -> None:
    import shrinkops

    attributes = {"name": "wrong", "framework": "numpy", "handles": lambda self, cls: False}
    attributes |= eval(f"dict({attribute})")
    backend = type("Wrong", (shrinkops.Backend,), attributes)()
    with pytest.raises(TypeError) as caught:
        shrinkops.register(backend)
    assert message in str(caught.value)
    with pytest.raises(TypeError):
        shrinkops.get_backend(backend)


def test_attributes_are_read_once(site: Any) -> None:
    told = site.run(
        """
        backend = make("fickle", priority=np.int64(3))
        shrinkops.register(backend)
        backend.priority, backend.name, backend.framework = "10", None, 3
        print(works(), names(), shrinkops.explain(np.ones(1)).backend)
        shrinkops.unregister("fickle")
        print(names())
        """
    )
    assert told.splitlines() == ["True ['fickle'] numpy", "[]"]


# The handle


def test_a_handle_computes_by_its_backend_alone(site: Any) -> None:
    told = site.run(
        """
        import inspect, pickle
        from shrinkops import get_backend
        x = np.array([0.25, 1.0])
        h = get_backend("numpy")
        print(h.hardshrink(x), h.softshrink(x, lambd=0.75), h.firmshrink(x, 0.5, 2.0))
        print(h.shrink(x, 0.5, bias=0.25, out=np.empty(2)))
        print(str(inspect.signature(h.garrote)) == str(inspect.signature(shrinkops.garrote)))
        mine = make("mine", lambda self, cls: cls is np.ndarray,
                    kernel=lambda self, op: lambda x, *rest: self.name + " " + op.name)
        print(get_backend(mine).garrote(x), names())
        shrinkops.register(mine)
        print(get_backend("mine").hardshrink(x), get_backend("mine") == get_backend(mine))
        shrinkops.prefer("mine")
        print(shrinkops.hardshrink(x), h.hardshrink(x), pickle.loads(pickle.dumps(h)) == h)
        with_hand = get_backend("mine")
        shrinkops.unregister("mine")
        print(with_hand.hardshrink(x), works())
        for refused in (lambda: h.hardshrink([1.0]), lambda: get_backend("nunpy"),
                        lambda: get_backend(np), lambda: h.erosion):
            try:
                refused()
            except Exception as error:
                print(type(error).__name__, str(error))
        print(hasattr(h, "erosion"), {"hardshrink", "garrote"} <= set(dir(h)))
        """
    )
    lines = told.splitlines()
    assert lines[0] == "[0. 1.] [0.   0.25] [0.         0.66666667]"
    assert lines[1:3] == ["[0.   0.75]", "True"]
    assert lines[3:7] == [
        "mine garrote []", "mine hardshrink True", "mine hardshrink [0. 1.] True",
        "mine hardshrink True",
    ]  # fmt: skip
    assert lines[7].startswith(
        "UnsupportedArrayError hardshrink: backend 'numpy' does not take list"
    )
    assert lines[8].startswith("ValueError get_backend: no backend is named 'nunpy'; did you mean")
    assert lines[9].startswith("TypeError get_backend: got <module 'numpy'")
    assert lines[10].startswith("AttributeError")
    assert lines[11] == "False True"


def test_a_handle_has_operations_that_are_declared_later(site: Any) -> None:
    told = site.run(
        """
        h = shrinkops.get_backend("numpy")
        from dataclasses import replace
        from typing import Any
        from shrinkops.operations.hardshrink import OPERATION
        from shrinkops.operations._function import define
        sys.modules["later"] = sys.modules["__main__"]
        def later(x: Any, lambd: Any = 0.5, *, out: Any = None) -> Any:
            raise NotImplementedError
        later = define(replace(OPERATION, name="later"))(later)
        print(h.later(np.array([0.25, 1.0])), later(np.array([0.25, 1.0])))
        """
    )
    assert told == "[0. 1.] [0. 1.]"


def test_what_of_a_handle_and_an_operation_is_copied_and_sent(site: Any) -> None:
    told = site.run(
        """
        import copy, pickle
        from shrinkops import get_backend
        x = np.array([0.25, 1.0])
        h = get_backend("numpy")
        for thing in (h, h.softshrink, shrinkops.softshrink, shrinkops.Softshrink(0.5),
                      shrinkops.softshrink.operation):
            again = pickle.loads(pickle.dumps(thing))
            print(again == thing, copy.copy(thing) == copy.deepcopy(thing) == thing)
        shrinkops.register(make("a.b", lambda self, cls: cls is np.ndarray,
                                kernel=lambda self, op: lambda x, *rest: "a.b"))
        f = get_backend("a.b").hardshrink
        sent = pickle.dumps(f)
        print(pickle.loads(sent) is f, f(x), get_backend("a.b") is get_backend("a.b"))
        shrinkops.unregister("a.b")
        try: pickle.loads(sent)
        except AttributeError as error: print("by_name.a" in str(error))
        """
    )
    assert told.splitlines() == ["True True"] * 5 + ["True a.b True", "True"]


def test_what_a_worker_process_may_be_sent(site: Any) -> None:
    """By value too, as for a package in development; a worker has shrinkops installed."""
    pytest.importorskip("cloudpickle")
    told = site.run(
        """
        import cloudpickle, pickle
        cloudpickle.register_pickle_by_value(shrinkops)
        print(pickle.loads(cloudpickle.dumps(registry)) is registry)
        for thing in (shrinkops.hardshrink, shrinkops.Hardshrink(0.25)):
            print(pickle.loads(cloudpickle.dumps(thing))(np.array([0.25, 1.0])))
        print(pickle.loads(pickle.dumps(shrinkops.get_backend("numpy"))))
        """
    )
    assert told.splitlines()[:3] == ["True", "[0. 1.]", "[0. 1.]"]
    assert told.splitlines()[3].startswith("<backend 'numpy' of shrinkops: ")
