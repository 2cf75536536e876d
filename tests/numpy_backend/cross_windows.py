"""Compile the kernel's C sources as for Windows, without Windows: the next best to MSVC itself.

    python tests/numpy_backend/cross_windows.py --python FOLDER

FOLDER is an unpacked source release of CPython 3.11 or 3.12 (on Debian, of the source package
python3.11), whose Include and PC are Windows' own headers; NumPy's come out of its wheel for
Windows, which pip fetches. Clang compiles twice in its guise of Microsoft's compiler: as itself,
and as if it were not Clang, which is the way that MSVC takes through the sources. Then GCC for
MinGW, where `long` has 32 bits too. Objects are looked at for fused multiply-adds and thrown away;
nothing is linked or run. The C library's headers are MinGW's, but for two where Microsoft's
differ.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "backends/shrinkops_numpy/src"
MINGW = Path("/usr/x86_64-w64-mingw32/include")
DEFINED = ("-DPy_LIMITED_API=0x030b0000", "-DSHRINKOPS_X86_64")

GCC_NAME = "x86_64-w64-mingw32-gcc"
PACKAGES = {"clang": "clang", "objdump": "binutils", GCC_NAME: "gcc-mingw-w64-x86-64"}

HEADERS = {
    "complex.h": """#pragma once
typedef struct { double _Val[2]; } _Dcomplex;
typedef struct { float _Val[2]; } _Fcomplex;
typedef struct { long double _Val[2]; } _Lcomplex;
double creal(_Dcomplex); double cimag(_Dcomplex);
float crealf(_Fcomplex); float cimagf(_Fcomplex);
long double creall(_Lcomplex); long double cimagl(_Lcomplex);
""",
    "setjmp.h": "#pragma once\ntypedef long long jmp_buf[32];\n",
    # Clang's own intrinsics first: MinGW's headers take attributes away from all but GCC.
    "first.h": """#define NO_OLDNAMES
#define __MM_MALLOC_H
#include <immintrin.h>
#include <intrin.h>
#ifdef AS_IF_NOT_CLANG
#undef __clang__
#endif
""",
}
CLANG = (
    "clang", "--driver-mode=cl", "--target=x86_64-pc-windows-msvc", "-fmsc-version=1939",
    "/std:c11", "/O2", "/W4", "/WX", "/fp:precise", "-Wno-unknown-pragmas", "/FIfirst.h",
)  # fmt: skip
GCC = (GCC_NAME, "-std=c11", "-O3", "-Wall", "-Wextra", "-Werror",
       "-ffp-contract=off", "-mlong-double-64")  # fmt: skip
FLAGS: dict[str, dict[str, tuple[str, ...]]] = {
    "clang": {"avx2": ("/arch:AVX2",), "avx512": ("/arch:AVX512",)},
    "gcc": {"avx2": ("-mavx2",),
            "avx512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl")},
}  # fmt: skip


def numpy_headers(folder: Path) -> Path:
    """Unpack the headers of NumPy's wheel for Windows; return their folder."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
           "--platform=win_amd64", "--python-version=3.11", "numpy", "-d", str(folder)]  # fmt: skip
    subprocess.run(pip, check=True)
    (wheel,) = folder.glob("numpy-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if n.startswith("numpy/_core/include/")]
        archive.extractall(folder, names)
    print(f"headers of {wheel.name}")
    return folder / "numpy/_core/include"


def commands(headers: list[Path], substitutes: Path) -> dict[str, list[str]]:
    """Return each compiler's command, without file and flags for it."""
    msvc = [f for folder in (substitutes, *headers, MINGW) for f in ("-imsvc", str(folder))]
    gcc = [f for folder in headers for f in ("-isystem", str(folder))]
    return {
        "clang as MSVC": [*CLANG, *DEFINED, *msvc],
        "clang as MSVC, not as Clang": [*CLANG, *DEFINED, "-DAS_IF_NOT_CLANG", *msvc],
        "gcc for MinGW": [*GCC, *DEFINED, *gcc],
    }


def main() -> int:
    """Compile each source by each compiler; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", type=Path, required=True, help="CPython's source release")
    options = parser.parse_args()
    missing = [package for tool, package in PACKAGES.items() if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"cross_windows: install {' '.join(missing)} (Debian's package names)")
    if not (options.python / "PC/pyconfig.h").exists():
        raise SystemExit(f"cross_windows: {options.python} has no PC/pyconfig.h; see --help")
    sources = sorted(SOURCE.glob("*.c"))
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in HEADERS.items():
            (folder / name).write_text(text)
        headers = [options.python / "PC", options.python / "Include", numpy_headers(folder)]
        for name, command in commands(headers, folder).items():
            good = 0
            for source in sources:
                flags = FLAGS[name[: name.index(" ")]].get(source.stem.partition("_")[2], ())
                out = folder / f"{source.stem}.obj"
                last = ["/c", f"/Fo{out}", "--"] if "clang" in name else ["-c", "-o", str(out)]
                done = subprocess.run([*command, *flags, *last, str(source)], check=False)
                text = "" if done.returncode else subprocess.run(
                    ["objdump", "-d", str(out)], check=True, capture_output=True, text=True
                ).stdout  # fmt: skip
                fused = text.count("\tvfm") + text.count("\tvfnm")
                if fused and "not as Clang" not in name:  # it does not know MSVC's own pragma
                    print(f"{source.name}: {fused} fused multiply-adds")
                    continue
                good += done.returncode == 0
            print(f"{name}: {good} of {len(sources)} sources")
            failed += good != len(sources)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
