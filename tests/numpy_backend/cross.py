"""Build the compiled kernel for another processor, and run its tests there, emulated.

    python tests/numpy_backend/cross.py --arch aarch64 [--write docs/records] [--root FOLDER]
    python tests/numpy_backend/cross.py --arch s390x        # big-endian
    python tests/numpy_backend/cross.py --arch armhf        # 32 bits; long double is double

Needs Debian or a relative of it, CMake, and what it names if it is missing: a cross compiler,
QEMU's user emulation, and mmdebstrap, which unpacks Python, NumPy and pytest for that processor
into a folder (about 200 MB) and installs nothing. It runs, under emulation: the tests of the core
and of the NumPy backend, the conformance kit, and the proof over all 8- and 16-bit patterns and a
slice of float32. On ARM64 it also reads the disassembly: every loop that has to be is a vector
loop. `cross_windows.py` is the check for Windows. The exit status is 1 after any failure.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = ("numpy", "torch", "jax", "cupy")
PACKAGES = (
    "python3", "libpython3-dev", "python3-numpy", "python3-pytest", "python3-hypothesis",
    "python3-pluggy", "python3-click", "python3-rich",
)  # fmt: skip
NARROW = ("float16", "int8", "uint8", "int16", "uint16")
ML_DTYPES = ("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn",
             "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")  # fmt: skip


@dataclass(frozen=True)
class Target:
    """What the tools call a processor."""

    debian: str
    triplet: str
    qemu: str
    cpu: str = ""  # of QEMU; its default on ARM64 spends most of the time on pointer signatures
    vector: str = ""  # matches a vector comparison in a disassembly

    @property
    def compiler(self) -> str:
        return f"{self.triplet}-gcc"


TARGETS = {
    "aarch64": Target("arm64", "aarch64-linux-gnu", "aarch64", "cortex-a57",
                      r"\b(cm|fcm)(gt|ge|hi|hs|lt|le|eq)\s+v\d+\.\d+[bhsd]"),
    "s390x": Target("s390x", "s390x-linux-gnu", "s390x"),
    "armhf": Target("armhf", "arm-linux-gnueabihf", "arm"),
}  # fmt: skip


def qemu(target: Target) -> str | None:
    """Return the emulator's path."""
    return shutil.which(f"qemu-{target.qemu}-static") or shutil.which(f"qemu-{target.qemu}")


def require(target: Target, unpack: bool) -> None:
    """End with the names of the packages that are missing."""
    missing = [] if qemu(target) else ["qemu-user-static"]
    wanted = {target.compiler: f"gcc-{target.triplet} libc6-dev-{target.debian}-cross"}
    wanted |= {"cmake": "cmake (3.26 or later)"}
    wanted |= {"mmdebstrap": "mmdebstrap"} if unpack else {}
    missing += [package for tool, package in wanted.items() if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"cross: install {' '.join(missing)} (Debian's package names)")


def unpack(target: Target, suite: str, folder: Path, arch: str) -> None:
    """Unpack Python and what the tests import for the processor into a folder."""
    command = ["mmdebstrap", "--variant=extract", f"--architectures={target.debian}",
               f"--include={','.join(PACKAGES)}", suite, str(folder)]  # fmt: skip
    subprocess.run(command, check=True)
    if not (folder / "lib").exists():  # a package's script makes it, and none has run
        (folder / "lib").symlink_to("usr/lib")
    (python,) = (folder / "usr/bin").glob("python3.[0-9][0-9]")
    version = python.name.removeprefix("python")
    tags = [f"--platform=manylinux{tag}_{arch}" for tag in ("_2_28", "_2_27", "2014")]
    packages = str(folder / "usr/lib/python3/dist-packages")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary=:all:", *tags,
           f"--python-version={version}", f"--target={packages}", "ml_dtypes"]  # fmt: skip
    if subprocess.run(pip, check=False).returncode:
        print("cross: ml_dtypes has no build for it; its types are left out", flush=True)


def interpreter(target: Target, root: Path, folder: Path) -> Path:
    """Write a script that runs the emulated Python as if it were one of this machine's."""
    (python,) = (root / "usr/bin").glob("python3.[0-9][0-9]")
    libraries = root / "usr/lib" / target.triplet
    emulator = [f"{qemu(target)}", *(["-cpu", target.cpu] if target.cpu else []), "-L", f"{root}"]
    settings = {
        "PYTHONHOME": root / "usr",
        "LD_LIBRARY_PATH": f"{libraries}/blas:{libraries}/lapack",
    }
    given = " ".join(f"-E {name}={value}" for name, value in settings.items())
    script = folder / "python"
    # The script's own name as the program's, so that sys.executable is something that runs.
    script.write_text(f'#!/bin/sh\nexec {" ".join(emulator)} {given} -0 "$0" {python} "$@"\n')
    script.chmod(0o755)
    return script


def build(target: Target, root: Path, python: Path, folder: Path) -> Path:
    """Build the module for the processor; return its path."""
    numpy = next((root / "usr/lib").glob("**/numpy/_core/include"))
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_SYSTEM_NAME=Linux",
                 f"-DCMAKE_SYSTEM_PROCESSOR={target.qemu}",
                 f"-DCMAKE_C_COMPILER={target.compiler}",
                 f"-DCMAKE_C_FLAGS=-Werror -idirafter {root}/usr/include",  # for pyconfig.h
                 "-DCMAKE_CROSSCOMPILING_EMULATOR=env", f"-DPython_EXECUTABLE={python}",
                 f"-DPython_NumPy_INCLUDE_DIR={numpy}"]  # fmt: skip
    subprocess.run(configure, check=True)
    subprocess.run(["cmake", "--build", str(folder)], check=True)
    (module,) = folder.glob("_ufunc*.so")
    return module


def vector_loops(target: Target, module: Path) -> str:
    """Count the loops that are vector loops; an error names those that are not."""
    command = [f"{target.triplet}-objdump", "-d", "--no-show-raw-insn", str(module)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    bodies = re.findall(r"^[0-9a-f]+ <(\w+)_baseline>:\n((?:.+\n)+)", text, re.MULTILINE)
    # A λ per complex number is a loop of its own kind, written one by one.
    loops = {name: body for name, body in bodies if not name.startswith("complex_array")}
    scalar = sorted(name for name, body in loops.items() if not re.search(target.vector, body))
    if scalar or len(loops) < 28:
        raise SystemExit(f"cross: of {len(loops)} loops these are no vector loops: {scalar}")
    return f"{len(loops)} loops, all vector loops"


def assemble(module: Path, site: Path) -> None:
    """Lay out the package as an installation would."""
    junk = shutil.ignore_patterns("__pycache__", "*.so", "src")
    shutil.copytree(ROOT / "shrinkops", site / "shrinkops", ignore=junk)
    for name in BACKENDS:
        package = f"shrinkops_{name}"
        shutil.copytree(ROOT / "backends" / package, site / package, ignore=junk)
    shutil.copy(module, site / "shrinkops_numpy")
    known = importlib.metadata.distribution("shrinkops")
    info = site / f"shrinkops-{known.version}.dist-info"
    info.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        (info / name).write_text(known.read_text(name) or "")


def run(python: Path, folder: Path, site: Path, *arguments: str) -> tuple[int, str]:
    """Run the emulated Python, show what it prints; return status and counts."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("SHRINKOPS_NUMPY_KERNEL", None)
    with subprocess.Popen([str(python), *arguments], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:  # fmt: skip
        last = counts = ""
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip("= \n") or last
            counts = line.strip("= \n") if re.search(r"\d.*(passed|comparisons)", line) else counts
    return process.returncode, counts or last


def write(
    folder: Path, arch: str, facts: dict[str, str], results: list[tuple[str, int | None, str]]
) -> None:
    """Write the record's page."""
    lines = [
        f"# The NumPy kernel on {arch}, emulated",
        "",
        *PAGE.format(arch=arch).splitlines(),
        "",
    ]
    lines += [*(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += ["| what | exit status | result |", "|---|---|---|"]
    lines += [
        f"| {what} | {'' if status is None else status} | {last} |"
        for what, status, last in results
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"numpy-cross-{arch}.md").write_text("\n".join(lines) + "\n")


PAGE = """\
What ran on a build for this processor, under QEMU's user emulation: it shows that the results are
right, and nothing of speed.
`python tests/numpy_backend/cross.py --arch {arch} --write docs/records` makes this page."""

FACTS = """
import importlib.metadata, platform, sys, numpy, pytest
version = lambda name: name + " " + importlib.metadata.version(name)
from shrinkops_numpy import _kernels
try: types = version("ml_dtypes")
except importlib.metadata.PackageNotFoundError: types = "without ml_dtypes"
print("Python", platform.python_version() + ",", version("numpy") + ",", types + ",",
      version("pytest") + ";", sys.byteorder + "-endian,", 8 * numpy.dtype("p").itemsize,
      "bits, long double of", numpy.finfo("g").nmant + 1, "bits;", _kernels.describe())
"""


def main() -> int:
    """Unpack, build, look and run; return the exit status."""
    # CMake may be in the virtual environment of a Python that was called by its path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arch", choices=TARGETS, required=True)
    parser.add_argument("--suite", default="trixie", help="Debian's release; NumPy 2 or later")
    parser.add_argument(
        "--root", type=Path, help="unpack into this folder, or use it, and leave it"
    )
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the record there")
    options = parser.parse_args()
    target = TARGETS[options.arch]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        root = (options.root or folder / "root").resolve()
        require(target, not root.exists())
        if not root.exists():
            unpack(target, options.suite, root, options.arch)
        python = interpreter(target, root, folder)
        module = build(target, root, python, folder / "build")
        results: list[tuple[str, int | None, str]] = []
        if target.vector:
            results.append(("vector loops", 0, vector_loops(target, module)))
        site, work = folder / "site", folder / "work"
        work.mkdir()
        assemble(module, site)
        _, facts = run(python, work, site, "-c", FACTS)
        extension = "without ml_dtypes" not in facts
        names = [*NARROW, *(ML_DTYPES if extension else ())]
        prove = (str(ROOT / "tests" / "tools" / "prove.py"), "--quiet")
        pytest = ("-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}", "-q",
                  "-p", "no:cacheprovider")  # fmt: skip
        for what, arguments in {
            "tests/core, tests/numpy_backend":
                (*pytest, *(str(ROOT / "tests" / name) for name in ("core", "numpy_backend"))),
            "conformance numpy": ("-m", "shrinkops", "conformance", "numpy"),
            "proof, all 8- and 16-bit patterns": (*prove, *(f"--dtype={name}" for name in names)),
            "proof, float32, slice 0/256": (*prove, "--dtype=float32", "--slice=0/256"),
        }.items():  # fmt: skip
            if what.startswith("conformance") and not extension:
                results.append((what, None, "not run: it needs ml_dtypes"))
                continue
            print(f"--- {what}", flush=True)
            results.append((what, *run(python, work, site, *arguments)))
        version = subprocess.run([target.compiler, "-dumpfullversion"], check=True,
                                 capture_output=True, text=True).stdout.strip()  # fmt: skip
        emulator = subprocess.run([f"{qemu(target)}", "--version"], check=True,
                                  capture_output=True, text=True).stdout.split()[2]  # fmt: skip
        record = {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "host": f"{platform.system()} {platform.machine()}",
            "emulator": f"QEMU {emulator}{f', {target.cpu}' if target.cpu else ''}",
            "compiler": f"GCC {version} for {target.triplet}",
            "there": facts,
        }
    for what, status, last in results:
        print(f"{what}: status {status}: {last}")
    if options.write:
        write(options.write, options.arch, record, results)
    return int(any(status for _, status, _ in results))


if __name__ == "__main__":
    sys.exit(main())
