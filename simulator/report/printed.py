"""The output of a function that prints on a console, as text."""

from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS = 80


def printed(draw: "Callable[[Console], object]") -> str:
    """Return the output of `draw` on a plain console of 80 columns, without trailing spaces."""
    from rich.console import Console

    out = StringIO()
    draw(Console(file=out, width=COLUMNS, color_system=None, markup=False, emoji=False))
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines())
