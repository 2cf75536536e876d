"""Frozen records: dataclasses to whoever uses them, and cheap to define."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from shrinkops._frozen import Frozen


class Point(Frozen):
    """A record."""

    x: int
    y: int = 2

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError(f"x is {self.x}")


class Named(Point):
    name: str = "origin"


def test_values_defaults_and_order() -> None:
    point = Named(1, name="p")
    assert (point.x, point.y, point.name) == (1, 2, "p")
    assert repr(point) == "Named(x=1, y=2, name='p')"
    assert point == Named(x=1, name="p", y=2) != Named(1)
    assert hash(point) == hash(Named(1, 2, "p"))
    assert Point(1) != Named(1)


@pytest.mark.parametrize("wrong", [(), (1, 2, 3)])
def test_the_fields_are_asked_for(wrong: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match=r"Point takes \(x, y=2\), got "):
        Point(*wrong)


@pytest.mark.parametrize("named", [{"z": 1}, {"x": 1}])
def test_no_other_field_and_none_twice(named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point takes"):
        Point(1, **named)


def test_nothing_changes_it() -> None:
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: delattr(point, "x")):
        with pytest.raises(AttributeError, match=r"immutable.*dataclasses\.replace"):
            change()
    with pytest.raises(ValueError, match="x is -1"):
        dataclasses.replace(point, x=-1)


def test_it_is_a_dataclass_to_others() -> None:
    point = Named(1)
    assert dataclasses.replace(point, y=3) == Named(1, 3)
    assert dataclasses.asdict(point) == {"x": 1, "y": 2, "name": "origin"}
    fields = dataclasses.fields(point)
    assert [field.name for field in fields] == ["x", "y", "name"]
    assert [field.type for field in fields] == ["int", "int", "str"]


def test_it_is_copied_and_sent() -> None:
    point = Named(1, name="p")
    assert copy.deepcopy(point) is copy.copy(point) is point
    assert pickle.loads(pickle.dumps(point)) == point
