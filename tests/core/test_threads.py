"""Threads, forks, and classes that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SLOW = "import time\ntime.sleep({})\n"


def test_an_import_in_one_thread_and_the_first_call_in_another(site: Any) -> None:
    """Each used to hold what the other waited for."""
    inside = "import time, numpy, shrinkops\ntime.sleep(0.4)\nshrinkops.hardshrink(numpy.ones(2))\n"
    site.install("acme-x", inside + site.acme)
    told = site.run(
        """
        def first():
            time.sleep(0.1)
            assert works()
        threads = [threading.Thread(target=lambda: __import__("acme_x")),
                   threading.Thread(target=first)]
        for t in threads: t.start()
        for t in threads: t.join(90)
        print([t.is_alive() for t in threads], names(), aside())
        """
    )
    assert told == "[False, False] ['acme'] []"


def test_an_application_that_computes_while_a_plugin_imports_it(site: Any) -> None:
    (site.folder / "app.py").write_text(
        "import time, numpy, shrinkops\ntime.sleep(0.4)\nshrinkops.hardshrink(numpy.ones(2))\n"
    )
    site.install("acme", "import app\n" + site.acme)
    told = site.run(
        """
        t = threading.Thread(target=lambda: __import__("app"))
        t.start(); time.sleep(0.1)
        print(works()); t.join(90)
        print(t.is_alive(), works(), names(), aside())
        """
    )
    assert told.splitlines() == ["True", "False True ['acme'] []"]


def test_a_plugin_that_joins_a_thread_which_computes(site: Any) -> None:
    starts = """
import threading, numpy, shrinkops
def work(): got.append(shrinkops.hardshrink(numpy.ones(2)).tolist())
got = []
t = threading.Thread(target=work); t.start(); t.join()
"""
    site.install("acme", starts + site.acme)
    told = site.run("print(works(), names(), sys.modules['acme'].got)")
    assert told == "True ['acme'] [[1.0, 1.0]]"


def test_a_library_that_is_imported_while_handles_imports_it(site: Any) -> None:
    (site.folder / "lib.py").write_text(
        "import time, numpy, shrinkops\ntime.sleep(0.3)\nshrinkops.hardshrink(numpy.float64(1))\n"
    )
    told = site.run(
        """
        def handles(self, cls):
            import lib
            return False
        works(); shrinkops.register(make("odd", handles))
        t = threading.Thread(target=lambda: __import__("lib"))
        t.start(); time.sleep(0.1)
        print(works(np.ones(2).view(type("C", (np.ndarray,), {})) * [0.25, 1]))
        t.join(90); print(t.is_alive(), names())
        """,
    )
    assert told.splitlines() == ["True", "False ['odd']"]


def test_a_second_first_call_waits_for_nothing_and_misses_nothing(site: Any) -> None:
    site.install("aaa-slow", SLOW.format(1.5) + site.acme.replace("acme", "slow"))
    lib = site.acme.replace("decimal", "numpy").replace(
        "return False", "return cls.__name__ == 'Arr'"
    )
    site.install(
        "bbb-lib", lib + "    pass\nAcme.kernel = lambda self, op: lambda x, l, out: 'lib'\n"
    )
    told = site.run(
        """
        class Arr: pass
        answers = {}
        def ask(name, function):
            start = time.monotonic()
            try:
                answers[name] = function()
            except Exception as error:
                answers[name] = repr(error)
        threads = [threading.Thread(target=ask, args=("first", works)),
                   threading.Thread(target=ask, args=("numpy", works)),
                   threading.Thread(target=ask, args=("lib", lambda: shrinkops.hardshrink(Arr())))]
        for t in threads: t.start(); time.sleep(0.2)
        for t in threads: t.join(90)
        print(sorted(answers.items()), names())
        """
    )
    assert "('first', True)" in told
    assert "('lib', 'lib')" in told
    assert "('numpy', True)" in told
    assert told.endswith("['acme', 'slow']")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("seconds", [0.3, 2.5])
def test_a_fork_in_the_middle_of_the_first_call(site: Any, seconds: float) -> None:
    """The parent waits a moment; for a longer import the child does without that plugin."""
    site.install("acme-slow", SLOW.format(seconds) + site.acme)
    told = site.run(
        """
        import signal
        t = threading.Thread(target=works)
        t.start()
        time.sleep(0.1)
        if (pid := os.fork()) == 0:
            signal.alarm(90)
            os._exit(0 if works() and shrinkops.explain(np.ones(1)).backend == "numpy" else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        t.join()
        print(status, works(), names(), aside())
        """,
        warnings="ignore",
    )
    assert told == "0 True ['acme'] []"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_a_predicate_is_asked_or_a_framework_imported(site: Any) -> None:
    (site.folder / "lib.py").write_text("import time\ntime.sleep(3)\n")
    told = site.run(
        """
        import signal
        def handles(self, cls):
            time.sleep(3 * (threading.current_thread() is not threading.main_thread()))
            return False
        shrinkops.register(make("slow", handles))
        shrinkops.register(make("lib", framework="lib"))
        for other in (works, lambda: __import__("lib")):
            threading.Thread(target=other, daemon=True).start()
            time.sleep(0.3)
            if (pid := os.fork()) == 0:
                signal.alarm(90)
                fresh = np.array([0.25, 1.0]).view(type("C", (np.ndarray,), {}))
                os._exit(0 if works() and works(fresh) else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
        warnings="ignore",
    )
    assert told.split() == ["0", "0"]


def test_resolve_and_a_change_of_the_registry_between(site: Any) -> None:
    """The kernel is what resolve returns: nothing is looked up after it."""
    told = site.run(
        """
        from shrinkops._call.dispatcher import dispatchers
        (dispatcher,) = [d for d in dispatchers if d.operation.name == "hardshrink"]
        real = type(dispatcher).resolve
        def between(self, cls):
            kernel = real(self, cls)
            shrinkops.register(make(f"b{len(names())}")); shrinkops.refresh()
            return kernel
        type(dispatcher).resolve = between
        print(works(), works(np.float64([0.25, 1]).view(type("C", (np.ndarray,), {}))))
        """
    )
    assert told == "True True"


def test_many_threads_do_everything_at_random() -> None:
    """For ``SHRINKOPS_TEST_STRESS_SECONDS``, 3 if it is unset; the long run is a command."""
    seconds = os.environ.get("SHRINKOPS_TEST_STRESS_SECONDS", "3")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("stress.py")), seconds],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]


# Classes


def test_classes_that_nobody_holds_are_collected(site: Any) -> None:
    told = site.run(
        """
        import gc, weakref
        torch = None
        class Duck:
            dtype, shape = np.dtype("float64"), (2,)
        duck = make("duck", lambda self, cls: issubclass(cls, Duck),
                    kernel=lambda self, op: lambda x, *rest: x)
        shrinkops.register(duck)
        alive = []
        def cell(i):
            array = type(f"Cell{i}", (np.ndarray,), {"big": bytearray(1_000_000)})
            other = type(f"Duck{i}", (Duck,), {})
            shrink = shrinkops.get_backend("numpy").shrink
            for f in (shrinkops.hardshrink, shrinkops.garrote, shrink):
                f(np.ones(2).view(array))
            shrinkops.hardshrink(other())
            shrinkops.explain(array)
            alive.extend(map(weakref.ref, (array, other)))
        for i in range(30): cell(i)
        gc.collect()
        print(sum(r() is not None for r in alive))
        for i in range(3):   # a cell that is run again
            exec("class Mine(np.ndarray): big = bytearray(10)", globals())
            alive.append(weakref.ref(Mine))
            works(np.ones(2).view(Mine) * [0.25, 1])
        gc.collect()
        print(sum(r() is not None for r in alive))
        import types
        sys.modules["lost"] = lost = types.ModuleType("lost")
        lost.Gone = type("Gone", (np.ndarray,), {"__module__": "lost"})
        works(np.float64([0.25, 1]).view(lost.Gone))
        gone = weakref.ref(lost.Gone)
        del lost.Gone
        works(np.float64(1).reshape(1) * [0.25, 1]); shrinkops.hardshrink(np.float32(1))
        gc.collect()
        print(gone() is None)
        """
    )
    assert told.splitlines() == ["0", "1", "True"]


def test_memory_and_cost_are_flat_for_classes_without_end(site: Any) -> None:
    """100,000 take as long as 25,000 for each; the count is ``SHRINKOPS_TEST_CLASSES``."""
    pytest.importorskip("resource")
    count = os.environ.get("SHRINKOPS_TEST_CLASSES", "6000")
    told = site.run(
        f"""
        import gc, resource
        count = {count}
        base = np.ones(2, "f4")
        def spend(n):
            for _ in range(n):
                shrinkops.hardshrink(base.view(type("C", (np.ndarray,), {{}})), 0.5)
            gc.collect()
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        first = spend(count // 3)
        last = spend(count - count // 3)
        print(last - first < 20_000, last - first)
        """
    )
    assert told.startswith("True"), told


COMPILED = """
torch = __import__("torch")
from torch._dynamo.testing import CompileCounter
counter = CompileCounter()
f = torch.compile(lambda x: shrinkops.hardshrink(x), backend=counter, fullgraph=True)
x = torch.tensor([0.25, 1.0])
"""


@pytest.mark.parametrize("first", ["", "shrinkops.hardshrink(x)"], ids=["compiled first", "called"])
def test_a_compiled_function_is_compiled_once(site: Any, first: str) -> None:
    pytest.importorskip("torch")
    told = site.run(
        f"""
{COMPILED}
{first}
f(x); f(x)
for i in range(12):
    shrinkops.register(make("a")); shrinkops.unregister("a")
    assert works() and works(np.ones(2).view(type("C", (np.ndarray,), {{}})) * [0.25, 1])
    assert f(x).tolist() == [0, 1]
works(np.float64(1) * np.array([0.25, 1])); shrinkops.hardshrink(np.float32(1)); shrinkops.refresh()
assert f(x).tolist() == [0, 1]
print(counter.frame_count)
shrinkops.register(make("mine", lambda self, cls: issubclass(cls, torch.Tensor), framework="torch",
                        priority=1, kernel=lambda self, op: lambda x, *rest: x + 1))
print(f(x).tolist(), counter.frame_count)
shrinkops.unregister("mine")
print(f(x).tolist())
""",
        warnings="ignore",
    )
    assert told.splitlines() == ["1", "[1.25, 2.0] 2", "[0.0, 1.0]"]
