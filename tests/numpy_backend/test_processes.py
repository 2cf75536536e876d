"""The ufuncs work in any process that unpickles them, with the loops of every type."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

OPERATIONS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.5),
    "garrote": (0.5,),
}

WRITE = """
import pickle, sys
import ml_dtypes, numpy
from shrinkops_numpy import ufuncs
path, library = sys.argv[1:]
if library != "pickle":
    import cloudpickle as pickle
arrays = [numpy.linspace(-2, 2, 5).astype(t) for t in
          ("f2", "f4", "f8", "g", ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn)]
calls = []
for name, parameters in {"hardshrink": (0.5,), "softshrink": (0.5,), "shrink": (0.5, 0.25),
                         "firmshrink": (0.5, 1.5), "garrote": (0.5,)}.items():
    ufunc = getattr(ufuncs, name)
    for x in arrays:
        calls.append((ufunc, x, parameters, ufunc(x, *parameters).tobytes()))
pickle.dump(calls, open(path, "wb"))
"""

READ = """
import pickle, sys
calls = pickle.load(open(sys.argv[1], "rb"))
import shrinkops_numpy
for ufunc, x, parameters, want in calls:
    got = ufunc(x, *parameters)
    assert got.dtype == x.dtype and got.tobytes() == want, (ufunc, x.dtype)
print(len(calls))
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("library", ["pickle", "cloudpickle"])
def test_unpickled_first_thing_in_a_process(library: str, tmp_path: Path) -> None:
    """Nothing of shrinkops was imported there, no array came before; all types have loops."""
    pytest.importorskip("ml_dtypes", reason="its element types are optional")
    pytest.importorskip(library, reason="optional library")
    path = str(tmp_path / "calls")
    python(WRITE, path, library)
    assert python(READ, path) == "30"


def apply(call: tuple[Any, Any, Any]) -> Any:
    ufunc, x, parameters = call
    return ufunc(x, *parameters)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_pools_of_processes(method: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="its element types are optional")
    from shrinkops_numpy import ufuncs

    x = np.linspace(-2, 2, 9).astype(ml_dtypes.bfloat16)
    calls = [(getattr(ufuncs, name), x, p) for name, p in OPERATIONS.items()]
    code = (
        "import importlib.util, multiprocessing, pickle, sys\n"
        "calls = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "if __name__ == '__main__':\n"
        "    import operator, functools\n"
        f"    with multiprocessing.get_context({method!r}).Pool(1) as pool:\n"
        "        got = [pool.apply(u, (x, *p)) for u, x, p in calls]\n"
        "    print(pickle.dumps([g.tobytes() for g in got]).hex())\n"
    )
    shown = python(code, pickle.dumps(calls).hex())
    assert pickle.loads(bytes.fromhex(shown)) == [apply(call).tobytes() for call in calls]


def test_pickles_name_a_module_that_every_kernel_has() -> None:
    from shrinkops_numpy import ufuncs

    for name in OPERATIONS:
        ufunc = getattr(ufuncs, name)
        text = pickle.dumps(ufunc)
        assert pickle.loads(text) is ufunc
        if hasattr(ufunc, "__module__"):  # NumPy's from 2.2 on
            assert b"shrinkops_numpy.ufuncs" in text


def test_joblib(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib", reason="optional library")
    from shrinkops_numpy import ufuncs

    x = np.linspace(-2, 2, 9, dtype=np.float32)
    tasks = [joblib.delayed(getattr(ufuncs, name))(x, *p) for name, p in OPERATIONS.items()]
    got = joblib.Parallel(n_jobs=2)(tasks)
    want = [getattr(ufuncs, name)(x, *p) for name, p in OPERATIONS.items()]
    assert [g.tobytes() for g in got] == [w.tobytes() for w in want]
