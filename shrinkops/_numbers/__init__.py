"""Numbers: element types, exact values, rounding."""
