"""Whatever a plugin raises, wherever it does: its own line in the table, and nothing else.

Every exception is crossed with every place where foreign code runs; the plugins of one test are
all there at once, so one that ends a loop takes others with it.
"""

from __future__ import annotations

from typing import Any

EXCEPTIONS = {
    "plain": "ValueError('plain')",
    "no_words": "ValueError",
    "str_raises": "BadStr()",
    "str_exits": "ExitStr()",
    "repr_raises": "BadRepr('x')",
    "huge": "ValueError('y' * 100_000)",
    "controls": "ValueError('a\\n\\r\\x1b[2Jc\\u202e')",
    "surrogate": "ValueError('\\udc80')",
    "markup": "ValueError('[bold]x[/nope] {0} %s')",
    "stop": "StopIteration(3)",
    "exit": "SystemExit(0)",
    "group": "ExceptionGroup('several', [ValueError(1)])",
    "not_implemented": "NotImplementedError",
    "odd_arguments": "ValueError(object(), [1])",
    "warning": "UserWarning('w')",
    "library": "ImportError('libacme.so')",
    "decoding": "UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'bad')",
    "recursion": "RecursionError('deep')",
    "key": "KeyError('numpy')",
    "refusal": "shrinkops.UnsupportedArrayError('none takes it')",
}

HEAD = """
import shrinkops
from shrinkops import Backend, hookimpl
class BadStr(Exception):
    def __str__(self): raise RuntimeError("no words")
class ExitStr(Exception):
    def __str__(self): raise SystemExit(0)
class BadRepr(Exception):
    def __repr__(self): raise RuntimeError("no repr")
class Plain(Backend):
    name = framework = "numpy"
    dtypes = frozenset({"float64"})
    def __init__(self): self.name = NAME
    def handles(self, cls): return cls.__name__ == NAME
    def kernel(self, operation): return lambda *a: NAME
"""

WHEN_READ = {
    "import": "raise {error}",
    "hook": "def backends(): raise {error}",
    "constructor": "class Plain(Plain):\n    def __init__(self): raise {error}",
    "iteration": "def backends():\n    yield Plain()\n    raise {error}",
    **{
        attribute: f"class Plain(Plain):\n    def __init__(self): pass\n"
        f"    @property\n    def {attribute}(self): raise {{error}}"
        for attribute in ("name", "framework", "dtypes", "features", "priority", "install",
                          "any_library")
    },
}  # fmt: skip
HOOK = """
@hookimpl
def shrinkops_backends():
    return backends() if "backends" in globals() else [Plain()]
"""


def test_everything_that_fails_while_plugins_are_read(site: Any) -> None:
    wanted = []
    for place, line in WHEN_READ.items():
        for kind, error in EXCEPTIONS.items():
            name = f"{place}_{kind}"
            source = f"NAME = {name!r}\n{HEAD}{line.format(error=error)}\n{HOOK}"
            site.install(name, source)
            wanted.append(name)
    site.install("zz_healthy", site.acme.replace('"acme"', '"zz_healthy"'))
    told = site.run(
        """
        print(works(), names(), len(aside()))
        rows = {row.name: row for row in shrinkops.backends()}
        print(len(str(shrinkops.backends())) > 100, len(rows))
        print(all(rows[name].state == "quarantined" and rows[name].reason for name in aside()))
        class Mine: pass
        print(len(refused(Mine())) > 100, shrinkops.explain(Mine).backend)
        shrinkops.refresh()
        print(works(), names(), len(aside()))
        """,
        warnings="ignore",
        **{**site.QUICK, "SHRINKOPS_BLOCK": "torch,jax,cupy,dask"},
    )
    healthy = f"True ['zz_healthy'] {len(wanted)}"
    first, table, said, refusal, again = told.splitlines()
    assert (first, again) == (healthy, healthy)
    assert table == f"True {len(wanted) + 4}"  # numpy, ufunc, array_api, and the healthy one
    assert (said, refusal) == ("True", "True None")


WHEN_USED = ("handles", "kernel", "native", "namespace", "installed", "array_types",
             "capabilities", "kernel_in_use", "unavailable", "dtype_name", "format")  # fmt: skip


def test_everything_that_fails_while_a_backend_is_used(site: Any) -> None:
    told = site.run(
        f"""
        exceptions, places = {EXCEPTIONS!r}, {WHEN_USED!r}
        exec({HEAD!r})
        def failing(place, error):
            def fail(*_): raise eval(error)
            fails = property(fail) if place == "capabilities" else fail
            own = {{place: fails}}
            if place in ("native", "namespace", "dtype_name", "format"):
                own["kernel"] = Backend.kernel
            return type("Failing", (Plain,), own)
        classes, made = {{}}, {{}}
        for place in places:
            for kind, error in exceptions.items():
                NAME = f"{{place}}_{{kind}}"
                backend = failing(place, error)()
                backend.handles = backend.handles if place == "handles" else (
                    lambda cls, name=NAME: cls.__name__ == name)
                if place not in ("native", "namespace", "dtype_name", "format", "kernel"):
                    backend.kernel = lambda operation, name=NAME: lambda *a: name
                shrinkops.register(backend)
                made[NAME] = backend
                classes[NAME] = type(NAME, (), {{"dtype": np.dtype("float64"), "shape": ()}})
        wrong = []
        for _ in range(2):
            for name, cls in classes.items():
                for ask in (lambda: shrinkops.hardshrink(cls()), works,
                            lambda: repr(shrinkops.explain(cls)),
                            lambda: shrinkops.get_backend(made[name]).hardshrink(cls())):
                    try:
                        ask()
                    except shrinkops.UnsupportedArrayError as error:
                        len(str(error))
                    except BaseException as error:
                        if not name.startswith(("namespace", "dtype_name", "format")):
                            wrong.append((name, type(error).__name__))
                        elif type(error).__name__ in ("NameError", "AttributeError"):
                            wrong.append((name, type(error).__name__))
            len(str(shrinkops.backends()))
            shrinkops.refresh()
        print(works(), wrong)
        """,
        warnings="ignore",
        **{**site.QUICK, "SHRINKOPS_BLOCK": "torch,jax,cupy,dask"},
    )
    assert told == "True []"
