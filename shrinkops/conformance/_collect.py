"""The decorator by which a suite's modules enter their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ._model import Check, Form

if TYPE_CHECKING:
    from ._context import Context

__all__ = ["Collector"]

_Function = Callable[["Context"], None]


class Collector:
    """Collects the checks of one suite module."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def __call__(
        self,
        identifier: str,
        title: str,
        *,
        kinds: Iterable[str] = ("float",),
        dtypes: Iterable[str] = (),
        needs: Iterable[str] = (),
        lacks: Iterable[str] = (),
        tries: str = "",
        transformed: bool = False,
        form: Form = Form.PROPERTY,
        since: str = "1.0",
        provisional: bool = False,
    ) -> Callable[[_Function], _Function]:
        """Enter the decorated function as a check; see `Check` for the parameters."""

        def enter(function: _Function) -> _Function:
            self.checks.append(
                Check(
                    identifier=identifier,
                    function=function,
                    title=title,
                    form=form,
                    kinds=frozenset(kinds),
                    dtypes=frozenset(dtypes),
                    needs=frozenset(needs),
                    lacks=frozenset(lacks),
                    tries=tries,
                    transformed=transformed,
                    since=since,
                    provisional=provisional,
                )
            )
            return function

        return enter
