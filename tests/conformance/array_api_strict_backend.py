"""A backend that conforms and is quick to judge."""

import array_api_strict

import shrinkops


class Strict(shrinkops.Backend):
    name = "strict"
    framework = "array_api_strict"
    dtypes = frozenset({"float32"})
    features = frozenset({"array_lambd"})

    def handles(self, cls):
        return issubclass(cls, type(array_api_strict.empty(0)))

    def namespace(self):
        return array_api_strict
