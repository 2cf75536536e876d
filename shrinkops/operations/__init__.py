"""The operations, one module each, which holds everything that is said about it.

Imported in the order of the specification: the kits list them so.
"""

# isort: off
from . import hardshrink as hardshrink
from . import softshrink as softshrink
from . import shrink as shrink
from . import firmshrink as firmshrink
from . import garrote as garrote
