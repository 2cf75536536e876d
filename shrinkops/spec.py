"""What a backend or a kit may need of the specification: formats, thresholds, operations.

Backends import this module when their kernels load; it imports no array library.
"""

from __future__ import annotations

from shrinkops._numbers.formats import FORMATS, FloatFormat, Format, IntegerFormat, float_format
from shrinkops._numbers.rounding import limit_bits, round_once
from shrinkops._numbers.threshold import (
    Threshold,
    check_broadcast,
    is_real_number,
    number_of,
    round_threshold,
    threshold_bounds,
)
from shrinkops.operations._clauses import clauses
from shrinkops.operations._declaration import Clause, Operation, Parameter, Piece
from shrinkops.operations._function import OperationCallable, define, public_function

from ._errors import type_name

__all__ = [
    "FORMATS",
    "Clause",
    "FloatFormat",
    "Format",
    "IntegerFormat",
    "Operation",
    "OperationCallable",
    "Parameter",
    "Piece",
    "Threshold",
    "check_broadcast",
    "clauses",
    "define",
    "float_format",
    "is_real_number",
    "limit_bits",
    "number_of",
    "public_function",
    "round_once",
    "round_threshold",
    "threshold_bounds",
    "type_name",
]
