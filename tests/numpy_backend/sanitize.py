"""Run the tests on a kernel built with AddressSanitizer and UndefinedBehaviorSanitizer.

    python tests/numpy_backend/sanitize.py [--keep FOLDER] [pytest arguments]
    python tests/numpy_backend/sanitize.py --fuzz 300000

Needs Linux, GCC and CMake. Builds the module beside the installed one, which stays as it is, and
runs the tests of values, λ, memory, threads and other libraries once per instruction set in
processes that load the instrumented module instead; or, with ``--fuzz``, so many random calls of
``tests/tools/fuzz.py``, every instruction set in turn. Any report ends the process, so the exit
status tells.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTS = (
    "test_values.py", "test_family.py", "test_lambd.py", "test_memory.py", "test_threads.py",
    "test_foreign.py",
)  # fmt: skip

CHILD = """
import importlib.util, sys
name = "shrinkops_numpy._ufunc"
import shrinkops_numpy
spec = importlib.util.spec_from_file_location(name, sys.argv[1])
module = sys.modules[name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
shrinkops_numpy._ufunc = module
from shrinkops_numpy import _kernels
assert _kernels._ufunc.__file__ == sys.argv[1], _kernels._ufunc.__file__
if sys.argv[2] == "fuzz":
    import os, runpy
    sys.argv[1:] = ["--cases", sys.argv[4]]
    sys.path.insert(0, os.path.dirname(FUZZ))
    runpy.run_path(FUZZ, run_name="__main__")
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""
FUZZ = ROOT / "tests" / "tools" / "fuzz.py"


def build(folder: Path) -> Path:
    """Build the instrumented module in a folder; return its path."""
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DSHRINKOPS_SANITIZE=ON",
                 "-DCMAKE_BUILD_TYPE=Debug", f"-DPython_EXECUTABLE={sys.executable}"]  # fmt: skip
    subprocess.run(configure, check=True)
    subprocess.run(["cmake", "--build", str(folder)], check=True)
    (module,) = folder.glob("_ufunc*.so")
    return module


def instruction_sets() -> tuple[str, ...]:
    """Return the names of the loops that this processor can run."""
    from shrinkops_numpy import _ufunc

    names: tuple[str, ...] = _ufunc.instruction_sets()
    return names


def runtime() -> str:
    """Return the sanitizer's library, which must be loaded before everything else."""
    found = subprocess.run(
        [os.environ.get("CC", "gcc"), "-print-file-name=libasan.so"],
        check=True,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip()


def main() -> int:
    """Build, then test each instruction set; return the exit status."""
    # CMake may be in the virtual environment of a Python that was called by its path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="build in this folder and leave it")
    parser.add_argument("--fuzz", type=int, metavar="CASES", help="random calls, not the tests")
    options, extra = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        module = build(options.keep or Path(temporary))
        environment = {
            **os.environ,
            "LD_PRELOAD": runtime(),
            # Leaks at exit are the interpreter's own; test_limits.py looks for ours.
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            "PYTHONMALLOC": "malloc",
        }
        child = f"FUZZ = {str(FUZZ)!r}\n{CHILD}"
        if options.fuzz:
            command = [sys.executable, "-c", child, str(module), "fuzz", "--", str(options.fuzz)]
            return subprocess.run(command, env=environment, check=False).returncode
        status = 0
        for kernel in instruction_sets():
            print(f"--- {kernel}", flush=True)
            environment["SHRINKOPS_NUMPY_KERNEL"] = kernel
            # A report must not end in a buffer of a process that is no more.
            tests = ["-q", "--capture=sys", *(extra or [str(HERE / t) for t in TESTS])]
            command = [sys.executable, "-c", child, str(module), *tests]
            done = subprocess.run(command, env=environment, check=False)
            status = status or done.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
