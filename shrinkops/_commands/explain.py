"""The command ``shrinkops explain``."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import shrinkops
from shrinkops._errors import FAULTS, said

from .command import Command, suggestion
from .output import Output
from .status import Exit

if TYPE_CHECKING:
    import numpy as np

    from shrinkops._plugins.status import Explanation

__all__ = ["command"]


@click.command("explain", cls=Command, epilog="Example: shrinkops explain torch.nn:Parameter")
@click.argument("subject", metavar="TYPE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(output: Output, subject: str, as_json: bool) -> Exit:
    """Tell which backend takes an array type, who else was asked, and why.

    TYPE is module:Class, such as numpy:ndarray or torch.nn:Parameter, or a .npy file,
    for the array in it. Exits with 1 where no backend takes it.
    """
    if subject.endswith(".npy"):
        array = _open_npy(subject)
        answer = shrinkops.explain(array)
        about = f"{subject}: {array.dtype} array of shape {array.shape}"
        refused = _refused_dtype(answer, array)
    else:
        answer, about, refused = shrinkops.explain(_find_class(subject)), "", ""
    if as_json:
        output.json(dataclasses.asdict(answer) | {"dtype_refused": refused}, indent=2)
    else:
        for line in (about, repr(answer), refused):
            if line:
                output.line(line)
    return Exit.DEVIATES if answer.backend is None or refused else Exit.CONFORMS


def _find_class(subject: str) -> type:
    module, colon, attribute = subject.partition(":")
    if not colon or not module or not attribute:
        raise click.BadParameter(
            f"{subject!r} is neither module:Class, such as numpy:ndarray, nor a .npy file",
            param_hint="TYPE",
        )
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise click.BadParameter(
            f"{error}{_remedy(error.name or module)}", param_hint="TYPE"
        ) from error
    except AttributeError as error:
        close = suggestion(attribute, dir(sys.modules.get(module)))
        raise click.BadParameter(
            f"{subject!r} cannot be loaded: AttributeError: {error}{close}", param_hint="TYPE"
        ) from error
    except FAULTS as error:  # whatever a module raises at import
        raise click.BadParameter(
            f"{subject!r} cannot be loaded: {said(error)}", param_hint="TYPE"
        ) from error
    if not isinstance(found, type):
        raise click.BadParameter(
            f"{subject!r} is a {type(found).__name__}, expected a class such as numpy:ndarray",
            param_hint="TYPE",
        )
    return found


def _remedy(module: str) -> str:
    """Name the command that installs a missing library, or a library of a similar name."""
    from shrinkops._plugins.registry import registry

    root = module.partition(".")[0]
    lines = {e.backend.framework: e.backend.install for e in registry.entries()}
    return f"; the remedy: {lines[root]}" if lines.get(root) else suggestion(root, lines)


def _open_npy(path: str) -> np.ndarray[Any, Any]:
    import numpy as np

    if not Path(path).is_file():
        raise click.BadParameter(f"{path!r}: there is no such file", param_hint="TYPE")
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # NumPy raises several kinds for bytes that are not its own
        raise click.BadParameter(
            f"{path!r} is not a .npy file of plain numbers: {error}", param_hint="TYPE"
        ) from error


def _refused_dtype(answer: Explanation, array: np.ndarray[Any, Any]) -> str:
    """Say so where the backend takes the type and not the element type (HS-TYP-4)."""
    from shrinkops._target import find_target

    if answer.backend is None:
        return ""
    backend = find_target(answer.backend).backend
    if backend.dtype_name(array) in backend.dtypes:
        return ""
    return (
        f"{answer.backend!r} does not take dtype {array.dtype}; "
        f"its dtypes are {', '.join(sorted(backend.dtypes))}"
    )
