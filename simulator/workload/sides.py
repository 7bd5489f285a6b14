"""Sizes that may differ between rows and columns: one number, or (height, width)."""

from typing import NamedTuple

PerAxis = int | tuple[int, ...]
"""One number for both axes, or the two numbers (height, width) if they differ."""


class Sides(NamedTuple):
    """A size along the rows' axis, and along the columns' axis."""

    height: int
    width: int

    @property
    def area(self) -> int:
        """The product of both."""
        return self.height * self.width

    def __str__(self) -> str:
        """For example `3x1`."""
        return f"{self.height}x{self.width}"


def sides(value: PerAxis) -> Sides:
    """Return both sides of a size."""
    return Sides(value, value) if isinstance(value, int) else Sides(*value)


def per_axis(height: int, width: int) -> PerAxis:
    """Return one number if both sides are equal, because equal layers need equal fields."""
    return height if height == width else (height, width)


def named(value: PerAxis) -> str:
    """Return the name of a kernel's size, such as 3×3."""
    return "×".join(map(str, sides(value)))


def shown(value: PerAxis) -> int | str:
    """Return the number, or text such as `3x1`; a cell of a table."""
    return value if isinstance(value, int) else str(Sides(*value))
