"""What a check is given: its arrays, and the ways to convict the backend.

Invariants
----------
- Every conviction carries a script that shows it; `Shown` says what the script claims.
- A failed comparison is reduced to one element where that alone shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from . import _script
from ._arrays import Arrays, Call, Environment, public_function
from ._bits import bits_of, hex_of, same, show
from ._model import Deviation, NotApplicable
from ._overrides import advice
from ._script import Shown

__all__ = ["Call", "Context", "Environment", "Shown", "public_function"]

_Array = np.ndarray[Any, Any]
_Function = Callable[..., Any]


class Context(Arrays):
    """One item's view of the environment, and its verdicts."""

    # Results

    def verify(self, call: Call, function: _Function | None = None) -> None:
        """Make a call and convict it where its result is not the specified one."""
        lambd = self.operation.default if call.lambd is Call.DEFAULT else call.lambd
        want, either = self.suite.expected(call.x, lambd, self.number)
        self.verify_against(call, want, either, function)

    def verify_against(
        self, call: Call, want: _Array, either: _Array | None = None,
        function: _Function | None = None,
    ) -> None:  # fmt: skip
        """Make a call and compare its result with a given one."""
        public = function is not None and function is self.public
        try:
            got = self.run(call, function)
        except NotApplicable:
            raise
        except Deviation as error:
            if not error.script:
                error.script = self.script(call, self._like(call), str(error), public)
            raise
        except Exception as error:
            raise self.unexpected(call, error, public) from error
        wrong = self.differing(call.x, got, want, either)
        if wrong is None:
            return
        smallest = self._reduced(call, want, wrong, function)
        alone = smallest is not call
        other = None if either is None or not either.reshape(-1)[wrong] else smallest.x
        claim = _script.bits_claim(
            self,
            want.reshape(-1)[wrong : wrong + 1] if alone else want,
            0 if alone else wrong,
            other,
        )
        comparison = self._comparison(call.x, got, want, wrong)
        raise Deviation(
            f"{self.dtype}, {_described(call)}, element {wrong} of shape {call.x.shape}: "
            f"{comparison}",
            value=hex_of(self._bits_at(got, wrong), self.number),
            script=self.script(smallest, Shown(claim), comparison, public),
        )

    def match(
        self, x: _Array, got: _Array, want: _Array, what: str, *, either: _Array | None = None,
        value: str = "", call: Call | None = None, before: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Convict a result that the check has already, where it is not ``want``.

        The script's ``y``, from the call or from ``before``, is the wrong result.
        """
        wrong = self.differing(x, got, want, either)
        if wrong is None:
            return
        other = None if either is None or not either.reshape(-1)[wrong] else x
        claim = _script.bits_claim(self, want, wrong, other)
        message = f"{what}: element {wrong}: {self._comparison(x, got, want, wrong)}"
        self.demand(False, message, value=value, call=call, shown=Shown(claim, before))

    def differing(
        self, x: _Array, got: _Array, want: _Array, either: _Array | None = None
    ) -> int | None:
        """Return the flat index of the first wrong element, None where there is none."""
        equal = same(got, want, self.number)
        if either is not None and either.any():
            zero = same(got, np.zeros_like(got), self.number)
            equal |= either & (zero | same(got, x, self.number))
        if equal.all():
            return None
        return int(np.flatnonzero(~np.atleast_1d(equal))[0])

    def _comparison(self, x: _Array, got: _Array, want: _Array, wrong: int) -> str:
        texts = [show(self._bits_at(a, wrong), self.number) for a in (x, want, got)]
        return f"x = {texts[0]}, expected {texts[1]}, got {texts[2]}"

    def _bits_at(self, array: _Array, index: int) -> int:
        return bits_of(array.reshape(-1)[index : index + 1], self.number)[0]

    def _reduced(self, call: Call, want: _Array, wrong: int, function: _Function | None) -> Call:
        """Return the call with one element, where that alone shows the deviation."""
        if isinstance(call.lambd, np.ndarray) or call.x.size < 2:
            return call
        one = replace(call, x=call.x.reshape(-1)[wrong : wrong + 1])
        right = want.reshape(-1)[wrong : wrong + 1]
        try:
            alone = self.run(one, function)
        except Exception:
            return call
        return one if self.differing(one.x, alone, right) is not None else call

    def _like(self, call: Call) -> Shown:
        """Claim that the result has the dtype and the shape of x."""
        return Shown(
            f"(read(y).dtype, read(y).shape) == (np.dtype({_dtype_source(call.x.dtype)}), "
            f"{call.x.shape})"
        )

    # Errors

    def unexpected(
        self, call: Call, error: Exception, public: bool = False, before: Sequence[str] = ()
    ) -> Deviation:
        """Convict a call of raising where a result is specified."""
        name = type(error).__name__
        first = str(error).splitlines()[0] if str(error) else ""
        lines, expression = _script.arranged(self, call)
        lines += [*before, f"y = {expression}", f"# expected a result, raises {name}"]
        return Deviation(
            f"raised {name}: {first}{advice(error, self.backend)}", raised=name,
            script=_script.written(self, lines, public),
        )  # fmt: skip

    def raised(self, error: Exception, what: str, lines: Sequence[str]) -> Deviation:
        """Convict lines, which are no plain call, of raising."""
        if isinstance(error, Deviation) and error.script:
            return error
        name = type(error).__name__
        body = [*lines, f"# expected a result, raises {name}"]
        return Deviation(
            f"{what}: raised {name}: {error}{advice(error, self.backend)}", raised=name,
            script=_script.written(self, body),
        )  # fmt: skip

    def refuses(
        self, exception: type[Exception], action: Callable[[], Any], *words: str, what: str,
        call: Call | None = None, lines: Sequence[str] = (), expression: str = "",
        public: bool = False,
    ) -> None:  # fmt: skip
        """Convict an action that does not raise the specified error, with its words.

        Its script is that of ``call`` or, where it is no such call, ``lines`` and then
        ``expression``.
        """

        def convict(message: str, ended: type[Exception] | None, **more: str) -> Deviation:
            setup: list[str] = []
            made = ""
            if call is not None:
                setup, made = _script.arranged(self, self._first_alone(call, ended, public))
            # A class of the kit's is one of the script's there: its module is another.
            spoken = [word.rpartition(".")[2] if "shrinkops." in word else word for word in words]
            tried = _script.raising(expression or made, exception, spoken)
            body = [*setup, *lines, *tried, f"# {message}"]
            return Deviation(message, script=_script.written(self, body, public), **more)

        try:
            got = action()
        except exception as error:
            missing = [word for word in words if word not in str(error)]
            name = type(error).__name__
            if missing:
                raise convict(
                    f"{what}: {name} does not name {', '.join(missing)}: {error}",
                    type(error), raised=name,
                ) from error  # fmt: skip
            return
        except Exception as error:
            name = type(error).__name__
            raise convict(
                f"{what}: expected {exception.__name__}, raised {name}: {error}",
                type(error), raised=name,
            ) from error  # fmt: skip
        raise convict(
            f"{what}: expected {exception.__name__}, got {_brief(got)}", None,
            value="no exception",
        )  # fmt: skip

    def _first_alone(self, call: Call, ended: type[Exception] | None, public: bool) -> Call:
        """Return the call with its first element, where it ends in the same way."""
        if isinstance(call.lambd, np.ndarray) or call.layout or call.x.size < 2:
            return call
        one = replace(call, x=call.x.reshape(-1)[:1])
        function = self.public if public and self.public is not None else self.function
        try:
            x, arguments, keywords = self.arrange(one)
            function(x, *arguments, **keywords)
        except Exception as error:
            return one if type(error) is ended else call
        return one if ended is None else call

    # Anything else

    def demand(
        self, condition: bool, message: str, *, shown: Shown, value: str = "",
        call: Call | None = None, public: bool = False,
    ) -> None:  # fmt: skip
        """Convict with a message unless the condition holds."""
        if not condition:
            raise Deviation(message, value=value, script=self.script(call, shown, message, public))

    def script(self, call: Call | None, shown: Shown, message: str, public: bool = False) -> str:
        """Write a script: make the arguments, call, claim."""
        lines: list[str] = []
        if call is None:
            lines += shown.before
        else:
            setup, expression = _script.arranged(self, call)
            lines += [*setup, *shown.before, f"y = {expression}", "print(y)"]
        return _script.written(
            self, [*lines, *shown.after, f"assert {shown.claim}, {message!r}"], public
        )

    def crash_script(self, message: str, claim: str = "") -> str:
        """Write the last call that a check made, for what it did not expect."""
        lines: list[str] = []
        names: list[str] = []
        arguments, keywords = self.last or ((), {})
        given = [*zip(("x", "lambd", "out"), arguments, strict=False), *keywords.items()]
        for name, value in given:
            if self.backend.handles(type(value)):
                lines += _script.made(self, name, self.read(value))
            else:
                lines.append(f"{name} = {_script.lambda_source(value)}")
            names.append(f"{name}={name}" if name in keywords else name)
        if self.last is not None:
            lines.append(f"y = f({', '.join(names)})")
        if claim:
            lines.append(f"assert {claim}, {message!r}")
        quoted = [f"# {line}" for line in message.splitlines()]
        return _script.written(self, [*lines, *quoted])


def _described(call: Call) -> str:
    lambd = (
        "λ an array" if isinstance(call.lambd, np.ndarray)
        else "λ left at its default" if call.lambd is Call.DEFAULT
        else f"λ = {_script.lambda_source(call.lambd)}"
    )  # fmt: skip
    aside = (("layout", call.layout), ("out", call.out), ("under", call.transformation))
    return lambd + "".join(f", {label} {text}" for label, text in aside if text)


def _dtype_source(dtype: np.dtype[Any]) -> str:
    return f"np.{dtype.name}" if dtype.type.__module__ == "numpy" else f"ml_dtypes.{dtype.name}"


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else text[:77] + "..."
