"""Classes whose metaclass hashes, compares or describes them in its own way."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import shrinkops
from shrinkops._classes import WeakClasses


def fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a metaclass of its own mind")


METACLASSES = {
    "eq": {"__eq__": fails, "__hash__": type.__hash__},
    "equal to all": {"__eq__": lambda *_: True, "__hash__": lambda _: 1},
    "hash": {"__hash__": fails},
    "no hash": {"__hash__": None},
    "instances": {"__instancecheck__": fails},
    "subclasses": {"__subclasscheck__": fails},
    "truth": {"__bool__": fails},
    "length": {"__len__": fails},
    "repr": {"__repr__": fails},
    "module": {"__module__": property(fails)},
    "name": {"__name__": property(fails)},
    "attributes": {"__getattr__": fails},
    "class": {"__class__": property(fails)},
}
KINDS = {
    "ndarray": ((np.ndarray,), {}),
    "ufunc": ((), {"__array_ufunc__": lambda self, *_, **__: self}),
    "nobody's": ((), {}),
}


@pytest.mark.filterwarnings("ignore:shrinkops. backend .* cannot be looked at:RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metaclass", METACLASSES.values(), ids=METACLASSES)
def test_the_metaclass_has_no_say(metaclass: dict[str, Any], kind: str) -> None:
    bases, attributes = KINDS[kind]
    meta: Any = type("Meta", (type,), metaclass)
    cls = meta("Cls", bases, dict(attributes))
    x = np.array([0.25, 1.0])
    for _ in range(2):
        if kind == "nobody's":
            with pytest.raises(shrinkops.UnsupportedArrayError, match="no backend takes"):
                shrinkops.hardshrink(object.__new__(cls))
        elif kind == "ufunc":
            array = object.__new__(cls)
            assert shrinkops.hardshrink(array) is array
        else:
            result = shrinkops.hardshrink(x.view(cls))
            assert type(result) is cls
            assert bytes(result) == bytes(shrinkops.hardshrink(x))
        assert "Cls" in repr(shrinkops.explain(cls))
        assert shrinkops.hardshrink(x).tolist() == [0.0, 1.0]
        assert type(shrinkops.hardshrink(x)) is np.ndarray


def test_an_instance_that_lies_about_its_class() -> None:
    class Liar:
        __class__ = property(fails)  # type: ignore[assignment]

    assert shrinkops.explain(Liar()).backend is None


def test_what_is_remembered_goes_with_the_class() -> None:
    found: WeakClasses[str] = WeakClasses()
    cls = type("Cls", (), {})
    found.add(cls, "first")
    found.add(cls, "second")
    assert (found.get(cls), found.get(int)) == ("second", None)
    reference = weakref.ref(cls)
    del cls
    gc.collect()
    assert reference() is None
    assert found._items == {}
