"""What a backend or a kit may need of the specification: formats, thresholds, operations.

Backends import this module when their kernels load; it imports no array library.
"""

from __future__ import annotations

from ._errors import type_name
from ._formats import FORMATS, FloatFormat, Format, IntegerFormat, float_format
from ._operation import Clause, Operation
from ._rounding import limit_bits, round_once
from ._threshold import (
    Threshold,
    check_broadcast,
    is_real_number,
    round_threshold,
    threshold_bounds,
)

__all__ = [
    "FORMATS",
    "Clause",
    "FloatFormat",
    "Format",
    "IntegerFormat",
    "Operation",
    "Threshold",
    "check_broadcast",
    "float_format",
    "is_real_number",
    "limit_bits",
    "round_once",
    "round_threshold",
    "threshold_bounds",
    "type_name",
]
