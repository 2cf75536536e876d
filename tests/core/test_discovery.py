"""How plugins are found and loaded, in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

DAMAGED = {
    "bytes": b"[console_scripts]\nfo\xff = x:y\n",
    "half written": b"[console_scripts]\nfoo",
    "bytes of a plugin": b"[shrinkops]\nfoo = fo\xff\n",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_metadata_cost_one_warning_that_names_the_file(site: Any, text: bytes) -> None:
    site.install("zeta", site.acme.replace("acme", "zeta"))
    info = site.folder / "foo-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(text)
    told = site.run(
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print(works(), works(), names())
        print(*[w.message for w in caught], sep="\\n")
        """
    ).splitlines()
    assert told[0] == "True True ['zeta']"
    (warning,) = told[1:]
    assert str(info / "entry_points.txt") in warning


def test_a_plugin_without_metadata_is_called_by_its_folder(site: Any) -> None:
    for name in ("foo", "zeta"):
        site.install(name, site.acme.replace("acme", name))
    (site.folder / "foo-1.0.dist-info" / "METADATA").unlink()
    (site.folder / "zeta-1.0.dist-info" / "METADATA").write_text("Version: 1.0\n")
    told = site.run(
        """
        print(works(), [(e.name, e.distribution, e.version) for e in registry.entries()
                        if e.distribution != "shrinkops"])
        """
    )
    assert told == "True [('foo', 'foo', '1.0'), ('zeta', 'zeta', '1.0')]"


def test_refresh_while_an_installer_writes(site: Any) -> None:
    told = site.run(
        """
        print(works())
        install(".", "acme")
        text = open("acme-1.0.dist-info/entry_points.txt").read()
        open("acme-1.0.dist-info/entry_points.txt", "w").write(text[:15])
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            shrinkops.refresh()
        print(works(), names())
        install(".", "acme")
        shrinkops.refresh()
        print(works(), names(), aside())
        """
    )
    assert told.splitlines() == ["True", "True []", "True ['acme'] []"]


INTERRUPTS = {
    "import": ("import os\nif 'AGAIN' not in os.environ: raise {0}\n", ""),
    "hook": ("", "import os\n    if 'AGAIN' not in os.environ: raise {0}\n    "),
}


@pytest.mark.parametrize("where", INTERRUPTS)
@pytest.mark.parametrize(
    "error", ["KeyboardInterrupt", "GeneratorExit", "BaseExceptionGroup('', [KeyboardInterrupt()])"]
)
def test_after_an_interrupt_the_next_call_finds_every_plugin(
    site: Any, where: str, error: str
) -> None:
    first, hook = (part.format(error) for part in INTERRUPTS[where])
    source = site.acme.replace("return [", f"{hook}return [").replace("acme", "aa")
    site.install("aa", first + source)
    site.install("bb", site.acme.replace("acme", "bb"))
    told = site.run(
        """
        try:
            works()
        except BaseException as error:
            print(type(error).__name__)
        os.environ["AGAIN"] = "1"
        print(works(), names(), aside())
        """
    )
    assert told.splitlines() == [error.partition("(")[0], "True ['aa', 'bb'] []"]


def test_an_interrupt_while_metadata_are_read(site: Any) -> None:
    site.install("bb", site.acme.replace("acme", "bb"))
    told = site.run(
        """
        import importlib.metadata as metadata
        real = metadata.distributions
        def interrupted():
            yield next(real())
            raise KeyboardInterrupt
        metadata.distributions = interrupted
        try:
            works()
        except KeyboardInterrupt:
            print("interrupted")
        metadata.distributions = real
        print(works(), names())
        """
    )
    assert told.splitlines() == ["interrupted", "True ['bb']"]


def test_the_first_call_at_the_limit_of_recursion(site: Any) -> None:
    """At every depth where it fails nothing is kept, and the next call finds everything."""
    site.install("bb", site.acme.replace("acme", "bb"))
    told = site.run(
        """
        from shrinkops._call.dispatcher import dispatchers
        from shrinkops._plugins.backends import Backends
        def deep(n):
            if n:
                return deep(n - 1)
            try:
                return works()
            except RecursionError:
                return False
        wrong, failed = [], 0
        for depth in range(700, 990, 3):
            registry._current = Backends()  # as in a new process, but for what is imported
            for dispatcher in dispatchers:
                dispatcher._forget()
            failed += not deep(depth)
            if not works() or names() != ["bb"] or aside():
                wrong.append((depth, names(), aside()))
        print(wrong, failed > 5)
        """
    )
    assert told == "[] True"


def test_a_plugin_that_is_too_deep_by_itself_is_set_aside(site: Any) -> None:
    site.install("aa", "def f(): return f()\nf()")
    told = site.run("print(works(), works(), aside())", warnings="ignore")
    assert told == "True True ['aa']"


def test_a_plugin_that_calls_refresh(site: Any) -> None:
    hook = "import shrinkops; shrinkops.refresh()\n    return ["
    site.install("aa", site.acme.replace("acme", "aa").replace("return [", hook))
    source = site.acme.replace("acme", "bb")
    site.install("bb", f"import shrinkops\nshrinkops.refresh()\n{source}\nshrinkops.backends")
    site.install("cc", site.acme.replace("acme", "cc"))
    told = site.run(
        "print(works(), names(), aside()); shrinkops.refresh(); print(works(), names())"
    )
    assert told.splitlines() == ["True ['aa', 'bb', 'cc'] []", "True ['aa', 'bb', 'cc']"]


def test_a_plugin_that_registers_and_computes_while_it_is_loaded(site: Any) -> None:
    more = """
import numpy, shrinkops
class Mine(Acme):
    name = "mine"
shrinkops.register(Mine())
assert shrinkops.hardshrink(numpy.ones(2)).tolist() == [1, 1]
assert shrinkops.explain(numpy.ones(2)).backend == "numpy"
"""
    site.install("acme", site.acme + more)
    told = site.run("print(works(), names()); shrinkops.refresh(); print(names())")
    assert told.splitlines() == ["True ['acme', 'mine']", "['acme', 'mine']"]


POINTS = {
    "module": "acme",
    "class": "acme:Acme",
    "instance": "acme:instance",
    "factory": "acme:factory",
    "factory of one": "acme:one",
    "plugin object": "acme:plugin",
    "class of a plugin object": "acme:Plugin",
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_what_an_entry_point_may_name(site: Any, point: str) -> None:
    more = """
instance = Acme()
def factory(): return [Acme()]
def one(): return Acme()
class Plugin:
    @hookimpl
    def shrinkops_backends(self): return [Acme()]
plugin = Plugin()
"""
    site.install("acme", site.acme + more, point=f"acme = {point}")
    code = f"""
print(works(), names())
shrinkops.unregister("acme")
import acme
print(shrinkops.register({point.replace(":", ".")}))
"""
    assert site.run(code).splitlines() == ["True ['acme']", "['acme']"]


def test_a_warning_at_import_that_is_an_error_costs_no_plugin(site: Any) -> None:
    warn = "import warnings\nwarnings.warn('acme: old', DeprecationWarning)\n"
    site.install("acme", warn + site.acme)
    told = site.run(
        """
        try:
            works()
        except DeprecationWarning as warning:
            print(warning)
        print(works(), names(), aside())
        """
    )
    assert told.splitlines() == ["acme: old", "True ['acme'] []"]


def test_the_table_has_what_each_plugin_took(site: Any) -> None:
    site.install("acme", "import time\ntime.sleep(0.2)\n" + site.acme)
    told = site.run(
        """
        rows = {row.name: row for row in shrinkops.backends()}
        print(rows["acme"].import_seconds > 0.2, rows["numpy"].import_seconds < 0.2)
        print("ms" in str(shrinkops.backends()))
        """,
        **site.QUICK,
    )
    assert told.splitlines() == ["True True", "True"]


def test_a_plugin_that_is_blocked_by_its_name_is_not_imported(site: Any) -> None:
    site.install("acme", "raise OSError")
    assert site.run("print(works(), names(), aside())", SHRINKOPS_BLOCK="acme") == "True [] []"


@pytest.mark.parametrize("variable", ["SHRINKOPS_BLOCK", "SHRINKOPS_PREFER"])
def test_an_unknown_name_in_the_environment_is_reported_once(site: Any, variable: str) -> None:
    told = site.run(
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            works(), works(np.float64(1)), shrinkops.explain(np.ones(1))
        print(*[w.message for w in caught], sep="\\n")
        """,
        **{variable: "pytorch"},
    )
    assert told.startswith(f"{variable} names 'pytorch', which is no backend here; did you mean")
    assert "'torch'?" in told
    assert len(told.splitlines()) == 1


PROGRAM = """
import importlib.metadata, numpy as np, sys
sys.path[:0] = {path}
class Nothing:
    def find_spec(self, *_): return None
    def find_distributions(self, *_): return iter(())
importlib.metadata.MetadataPathFinder.find_distributions = lambda self, *_: iter(())
import shrinkops
print(shrinkops.hardshrink(np.array([0.25, 1.0])), shrinkops.explain(np.ndarray).distribution)
from shrinkops.conformance import run
print(run("numpy", operations=["hardshrink"], check=["HS-VAL-1/vectors"]).conforms)
"""


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_our_own_backends_need_no_metadata(tmp_path: Path, kind: str) -> None:
    """A checkout on PYTHONPATH, and a zip application; nobody's metadata can be read."""
    path = [str(ROOT), str(ROOT / "backends")]
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
            for base in (ROOT, ROOT / "backends"):
                for package in base.glob("shrinkops*"):
                    for file in package.rglob("*.*"):
                        if file.suffix in (".py", ".json", ".txt", ".css", ".cuh"):
                            archive.write(file, file.relative_to(base))
        path = [str(tmp_path / "app.zip")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(path=path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        timeout=180,
        check=False,
    )
    assert done.stdout == "[0. 1.] shrinkops\nTrue\n", done.stderr


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "jax"))), reason="needs torch and jax"
)
def test_shrinkops_imported_afresh_finds_its_backends_and_the_others(site: Any) -> None:
    """A test that clears sys.modules; what builds on the old `Backend` is imported again."""
    site.install("acme")
    told = site.run(
        """
        import torch
        print(works(), names(), shrinkops.hardshrink(torch.ones(2)).sum())
        for name in [n for n in sys.modules if n == "shrinkops" or n.startswith("shrinkops.")]:
            del sys.modules[name]
        import shrinkops
        from shrinkops._plugins.registry import registry
        print(works(), names(), aside())
        import jax, torch
        print(*(shrinkops.hardshrink(a).sum() for a in (jax.numpy.ones(2), torch.ones(2))))
        """
    )
    assert told.splitlines() == ["True ['acme'] tensor(2.)", "True ['acme'] []", "2.0 tensor(2.)"]
