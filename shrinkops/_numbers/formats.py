"""What the threshold rules need to know about each element type, as one table.

Invariants
----------
- A dtype is known here by its canonical name ("float16", "int8", ...), never by
  a framework's object, so this module imports no array library.
- ``magnitude`` is an element's bit pattern without its sign bit. For every
  floating format listed here, unsigned comparison of magnitudes orders the
  absolute values, and every NaN lies above ``top_bits`` unless
  ``nan_is_negative_zero`` says that the format keeps its only NaN in the
  pattern of -0.
- Adding a dtype to the project means adding a row.
"""

from __future__ import annotations

from shrinkops._frozen import Frozen

__all__ = ["FORMATS", "FloatFormat", "Format", "IntegerFormat", "float_format"]


class FloatFormat(Frozen):
    """A binary floating-point format, or a complex format by its components.

    Attributes
    ----------
    name : str
        Canonical dtype name.
    width : int
        Bits of one real component.
    precision : int
        Significand bits, the hidden one included.
    bias : int
        Exponent bias; the smallest normal number is ``2**(1 - bias)``.
    max_bits : int
        Magnitude of the largest finite number.
    top_bits : int
        Magnitude of the largest value that is not NaN: infinity, or
        ``max_bits`` where the format has no infinity.
    kind : {"float", "complex"}
    nan_is_negative_zero : bool
        True for the ``fnuz`` formats.
    """

    name: str
    width: int
    precision: int
    bias: int
    max_bits: int
    top_bits: int
    kind: str = "float"
    nan_is_negative_zero: bool = False

    @property
    def sign_bit(self) -> int:
        """The bit pattern that holds the sign alone."""
        return 1 << (self.width - 1)

    @property
    def magnitude_mask(self) -> int:
        """The bit pattern that drops the sign."""
        return self.sign_bit - 1

    @property
    def smallest_normal_bits(self) -> int:
        """Magnitude of the smallest normal number."""
        return 1 << (self.precision - 1)

    def value_of(self, bits: int) -> tuple[int, int]:
        """Return ``(significand, exponent)`` of a finite magnitude: significand * 2**exponent."""
        fraction_bits = self.precision - 1
        field, fraction = bits >> fraction_bits, bits & ((1 << fraction_bits) - 1)
        if field == 0:
            return fraction, 1 - self.bias - fraction_bits
        return fraction | (1 << fraction_bits), field - self.bias - fraction_bits

    @property
    def largest(self) -> str:
        """The largest finite number, for messages."""
        significand, exponent = self.value_of(self.max_bits)
        if exponent < 0 or significand << exponent < 10**6:
            return repr(significand * 2.0**exponent)
        from decimal import Context  # no digits of a quad's 4933: Python limits their number

        context = Context(prec=40)
        value = context.multiply(significand, context.power(2, exponent))
        digits = "".join(map(str, value.as_tuple().digits))
        return f"{digits[0]}.{digits[1:4]}e{value.adjusted()}"  # cut, not rounded: itself valid


class IntegerFormat(Frozen):
    """A two's complement or unsigned integer type."""

    name: str
    width: int
    signed: bool
    kind: str = "integer"

    @property
    def largest_magnitude(self) -> int:
        """``|INT_MIN|`` for signed types, the maximum for unsigned ones."""
        return 1 << (self.width - 1) if self.signed else (1 << self.width) - 1

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of the type."""
        if self.signed:
            return -(1 << (self.width - 1)), (1 << (self.width - 1)) - 1
        return 0, (1 << self.width) - 1

    @property
    def largest(self) -> str:
        """The largest number, for messages."""
        return str(self.limits[1])


Format = FloatFormat | IntegerFormat

_FLOATS = (
    #           name                  bits prec bias    largest finite      largest not NaN
    FloatFormat("float16", 16, 11, 15, 0x7BFF, 0x7C00),
    FloatFormat("bfloat16", 16, 8, 127, 0x7F7F, 0x7F80),
    FloatFormat("float32", 32, 24, 127, 0x7F7FFFFF, 0x7F800000),
    FloatFormat("float64", 64, 53, 1023, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000),
    FloatFormat("float8_e5m2", 8, 3, 15, 0x7B, 0x7C),
    FloatFormat("float8_e4m3", 8, 4, 7, 0x77, 0x78),
    FloatFormat("float8_e4m3fn", 8, 4, 7, 0x7E, 0x7E),
    FloatFormat("float8_e3m4", 8, 5, 3, 0x6F, 0x70),
    FloatFormat("float8_e5m2fnuz", 8, 3, 16, 0x7F, 0x7F, nan_is_negative_zero=True),
    FloatFormat("float8_e4m3fnuz", 8, 4, 8, 0x7F, 0x7F, nan_is_negative_zero=True),
    FloatFormat("float8_e4m3b11fnuz", 8, 4, 11, 0x7F, 0x7F, nan_is_negative_zero=True),
    FloatFormat("float4_e2m1fn", 4, 2, 1, 0x7, 0x7),  # no infinity and no NaN
    # Component formats of the complex types: lambd is rounded to the component.
    FloatFormat("complex64", 32, 24, 127, 0x7F7FFFFF, 0x7F800000, kind="complex"),
    FloatFormat("complex128", 64, 53, 1023, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, kind="complex"),
    # What a C "long double" may be; a backend maps its own dtype to one of them.
    # x87 stores its leading significand bit; here it is written without, so 79 bits.
    FloatFormat("x87", 79, 64, 16383, 0x3FFF7FFFFFFFFFFFFFFF, 0x3FFF8000000000000000),
    FloatFormat(
        "binary128",
        128,
        113,
        16383,
        0x7FFEFFFFFFFFFFFFFFFFFFFFFFFFFFFF,
        0x7FFF0000000000000000000000000000,
    ),
)

_INTEGERS = tuple(
    IntegerFormat(f"{'' if signed else 'u'}int{width}", width, signed)
    for signed in (True, False)
    for width in (2, 4, 8, 16, 32, 64)
)

_ALL: tuple[Format, ...] = (*_FLOATS, *_INTEGERS)

FORMATS: dict[str, Format] = {f.name: f for f in _ALL}
"""Every element type that the threshold rules understand, by canonical name."""


def float_format(name: str) -> FloatFormat:
    """Return the rules of a floating or complex element type.

    Parameters
    ----------
    name : str
        Canonical dtype name.

    Raises
    ------
    ValueError
        No floating format has that name.

    Examples
    --------
    >>> float_format("float16").largest
    '65504.0'
    """
    form = FORMATS.get(name)
    if not isinstance(form, FloatFormat):
        raise ValueError(f"no floating format is named {name!r}; see FORMATS for those that are")
    return form
