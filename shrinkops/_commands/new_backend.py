"""The command ``shrinkops new-backend NAME --framework MODULE``.

Invariants
----------
- What is declared was tried: element types and features that the library here computes rightly.
- A folder that is there is never written into; one that is written is whole.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import click

from shrinkops import Backend
from shrinkops._plugins.registry import registry
from shrinkops._target import operations

from .command import Command
from .output import Output
from .status import Exit
from .template import FILES

__all__ = ["command"]

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_DTYPES = (
    "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip


@click.command(
    "new-backend",
    cls=Command,
    epilog="Example: shrinkops new-backend strict --framework array_api_strict",
)
@click.argument("name")
@click.option(
    "--framework", required=True, metavar="MODULE", help="Import name of the array library."
)
@click.option(
    "--namespace",
    metavar="MODULE",
    help="Its Array API namespace, where that is another module.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to write; by default shrinkops-NAME here.",
)
@click.pass_obj
def command(
    output: Output, name: str, framework: str, namespace: str | None, folder: Path | None
) -> Exit:
    """Write a distribution that brings a backend for an array library.

    The library is imported and tried: what it computes rightly is declared. The result
    installs, conforms, has tests and benchmarks, and is yours to edit.
    """
    values = _names(name, framework, namespace or framework)
    folder = folder or Path(values["distribution"])
    if folder.exists() or folder.is_symlink():
        raise click.UsageError(f"{folder} is there already; choose another --folder or name")
    if not folder.absolute().parent.is_dir():
        raise click.UsageError(f"there is no folder {str(folder.absolute().parent)!r}")
    values |= _tried(values)
    _write(folder, values)
    output.line(f"wrote {folder}: {values['cls']} for {framework}")
    for what in ("dtypes", "features"):
        found = " ".join(values[what].translate(str.maketrans("", "", '{}"()')).split())
        output.paragraph(f"{what}: {found.rstrip(',') or 'none'}")
    output.line("next:")
    for line in (
        f"pip install -e '{folder}[test]'",
        f"shrinkops conformance {name}",
        f"shrinkops bench {name}",
    ):
        output.line(f"    {line}")
    return Exit.CONFORMS


def _names(name: str, framework: str, namespace: str) -> dict[str, str]:
    if not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} is no name of a backend; write lower-case letters and digits, as acme"
        )
    taken = registry.find(name)
    if taken is not None:
        raise click.UsageError(
            f"a backend {name!r} is there already, from {taken.distribution}; choose another name"
        )
    words = re.split("[_-]", name)
    owners = importlib.metadata.packages_distributions().get(framework.partition(".")[0], [])
    return {
        "name": name,
        "framework": framework,
        "namespace": namespace,
        "framework_distribution": owners[0] if owners else framework.partition(".")[0],
        "distribution": f"shrinkops-{'-'.join(words)}",
        "package": f"shrinkops_{'_'.join(words)}",
        "imports": "\n".join(sorted(["import numpy as np", f"import {namespace} as xp"])),
        "cls": "".join(word.capitalize() for word in words) + "Backend",
    }


def _tried(values: dict[str, str]) -> dict[str, str]:
    """Import the library and return what it computes rightly."""
    for module in (values["framework"], values["namespace"]):
        try:
            xp = importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise click.UsageError(
                f"{module} cannot be imported, and so not be tried: {type(error).__name__}: {error}"
            ) from error
    missing = [n for n in ("asarray", "empty", "where", "astype") if not hasattr(xp, n)]
    if missing:
        raise click.UsageError(
            f"{values['namespace']} is no Array API namespace: it has no {', '.join(missing)}; "
            f"name the one that is with --namespace, or write the backend by hand as the guide "
            f"'Write a backend' shows"
        )
    scope: dict[str, Any] = {"__name__": values["package"]}
    every = {"dtypes": repr(set(_DTYPES)), "features": "{'array_lambd', 'out'}"}
    exec(Template(FILES["src/$package/__init__.py"]).substitute(values | every), scope)
    backend: Backend = scope[values["cls"]]()
    dtypes = [dtype for dtype in _DTYPES if _computes(backend, dtype)]
    if "float32" not in dtypes:
        raise click.UsageError(
            f"{values['namespace']} does not compute float32 by the generic definitions; write "
            f"the backend by hand as the guide 'Write a backend' shows"
        )
    tries = {"array_lambd": _takes_arrays, "out": _takes_out}
    features = [name for name, attempt in tries.items() if _holds(attempt, backend)]
    return {"dtypes": _set(dtypes), "features": _set(features)}


def _set(names: list[str]) -> str:
    if not names:
        return "()"
    text = ", ".join(f'"{name}"' for name in names)
    if len(text) < 60:
        return "{" + text + "}"
    lines = "".join(f'            "{name}",\n' for name in names)
    return "\n        {\n" + lines + "        }\n    "


def _computes(backend: Backend, dtype: str) -> bool:
    import numpy as np

    values = np.array([3, 1, 0, 2, 100], dtype)

    def attempt(backend: Backend) -> bool:
        x = backend.adapter().from_numpy(values)
        y = _kernel(backend)(x, 2, None)
        return backend.dtype_name(y) == dtype and _read(backend, y) == [3, 0, 0, 0, 100]

    return _holds(attempt, backend)


def _takes_arrays(backend: Backend) -> bool:
    x, lambd = _arrays(backend, [1, 3], [2, 2])
    return _read(backend, _kernel(backend)(x, lambd, None)) == [0, 3]


def _takes_out(backend: Backend) -> bool:
    x, out = _arrays(backend, [1, 3], [7, 7])
    return _kernel(backend)(x, 2, out) is out and _read(backend, out) == [0, 3]


def _arrays(backend: Backend, *lists: list[int]) -> Iterator[Any]:
    import numpy as np

    adapter = backend.adapter()
    return (adapter.from_numpy(np.array(values, np.float32)) for values in lists)


def _read(backend: Backend, x: Any) -> list[Any]:
    return list(backend.adapter().to_numpy(x).tolist())


def _kernel(backend: Backend) -> Any:
    return backend.kernel(operations()["hardshrink"])


def _holds(attempt: Any, backend: Backend) -> bool:
    with contextlib.suppress(Exception):
        return bool(attempt(backend))
    return False


def _write(folder: Path, values: dict[str, str]) -> None:
    """Write all files beside the folder, then give it its name."""
    parent = folder.absolute().parent
    try:
        made = Path(tempfile.mkdtemp(prefix=".shrinkops-", dir=parent))
    except OSError as error:
        raise click.FileError(str(folder), error.strerror or str(error)) from error
    try:
        for name, text in FILES.items():
            path = made / Template(name).substitute(values)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(values), encoding="utf-8")
        made.chmod(0o755)
        made.rename(folder)
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise click.FileError(str(folder), error.strerror or str(error)) from error
