"""Run the tests on a kernel built with AddressSanitizer and UndefinedBehaviorSanitizer.

    python tests/numpy_backend/sanitize.py [--keep FOLDER] [pytest arguments]

Needs Linux, GCC and CMake. Builds the module beside the installed one, which stays as it is, and
runs the tests of values, λ, memory and other libraries once per instruction set in processes that
load the instrumented module instead. Any report ends the process, so the exit status tells.
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
TESTS = ("test_values.py", "test_lambd.py", "test_memory.py", "test_foreign.py")

CHILD = """
import importlib.util, sys
name = "shrinkops_numpy._ufunc"
import shrinkops_numpy
spec = importlib.util.spec_from_file_location(name, sys.argv[1])
module = sys.modules[name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
shrinkops_numpy._ufunc = module
import pytest
from shrinkops_numpy import _kernels
assert _kernels._ufunc.__file__ == sys.argv[1], _kernels._ufunc.__file__
sys.exit(pytest.main(sys.argv[2:]))
"""


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
        status = 0
        for kernel in instruction_sets():
            print(f"--- {kernel}", flush=True)
            environment["SHRINKOPS_NUMPY_KERNEL"] = kernel
            # A report must not end in a buffer of a process that is no more.
            tests = ["-q", "--capture=sys", *(extra or [str(HERE / t) for t in TESTS])]
            command = [sys.executable, "-c", CHILD, str(module), *tests]
            done = subprocess.run(command, env=environment, check=False)
            status = status or done.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
