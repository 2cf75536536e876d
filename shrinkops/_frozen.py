"""Frozen records whose classes cost nothing at import, which is what a user waits for.

A dataclass compiles its methods, a millisecond or two for each class; these classes share theirs.
They are dataclasses to whoever asks: `dataclasses.replace`, ``fields`` and ``asdict`` take them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform

__all__ = ["Frozen"]


class _Fields:
    """``__dataclass_fields__``, made when somebody asks for it."""

    def __get__(self, instance: Frozen | None, cls: type[Frozen]) -> dict[str, Any]:
        import dataclasses

        missing = object()
        columns = [
            (name, kind, dataclasses.field() if default is missing else _field(default))
            for name, kind in cls._fields.items()
            for default in [cls._defaults.get(name, missing)]
        ]
        made: Any = dataclasses.make_dataclass(cls.__name__, columns)
        return dict(made.__dataclass_fields__)


def _field(default: Any) -> Any:
    import dataclasses

    return dataclasses.field(default_factory=lambda: default)


@dataclass_transform(frozen_default=True, field_specifiers=())
class Frozen:
    """Base of a record: its annotations are its fields, in order, their values the defaults."""

    _fields: ClassVar[dict[str, Any]] = {}
    _defaults: ClassVar[dict[str, Any]] = {}
    __dataclass_fields__: ClassVar[Any] = _Fields()

    def __init_subclass__(cls) -> None:
        own = vars(cls).get("__annotations__", {})
        cls._fields = {**cls._fields, **own}
        cls._defaults = {**cls._defaults, **{n: vars(cls)[n] for n in own if n in vars(cls)}}

    def __init__(self, *values: Any, **named: Any) -> None:
        fields = self._fields
        if len(values) == len(fields) and not named:  # the shortest way for the most there are
            self.__dict__.update(zip(fields, values, strict=True))
            self.__post_init__()
            return
        given = dict(zip(fields, values, strict=False))
        state = {**self._defaults, **given, **named}
        if len(values) > len(fields) or state.keys() != fields.keys() or given.keys() & named:
            wanted = ", ".join(n + (f"={self._defaults[n]!r}" if n in self._defaults else "")
                               for n in fields)  # fmt: skip
            got = ", ".join([*map(repr, values), *(f"{n}={v!r}" for n, v in named.items())])
            raise TypeError(f"{type(self).__name__} takes ({wanted}), got ({got})")
        self.__dict__.update({name: state[name] for name in fields})
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the fields; for subclasses."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __replace__(self, **changes: Any) -> Self:
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{type(self).__name__} is immutable, cannot set {name!r}; make another one, for "
            f"example with dataclasses.replace"
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__qualname__}({fields})"
