"""How a layer's output pixels are cut: rows of pixel steps, and transfers within a row.

A *pixel step* is what the array works on at once. A *transfer* is a run of pixel steps of one row
whose inputs come in, and whose outputs go out, together: a *piece* of its row. Rows have `per_row`
pixel steps, the last may have fewer. Blocks and groups do not matter here.
"""

from simulator.mapping.given import Given


def steps_of_row(given: Given, row: int) -> int:
    """Pixel steps of a row."""
    return min(given.per_row, given.pixel_steps - row * given.per_row)


def pieces_of_row(given: Given, row: int) -> int:
    """Transfers of a row."""
    return -(-steps_of_row(given, row) // given.per_transfer)


def first_step(given: Given, row: int, piece: int) -> int:
    """First pixel step of a transfer."""
    return row * given.per_row + piece * given.per_transfer


def steps_of_piece(given: Given, row: int, piece: int) -> int:
    """Pixel steps of a transfer."""
    return min(given.per_transfer, steps_of_row(given, row) - piece * given.per_transfer)


def pixels_before(given: Given, step: int) -> int:
    """Output pixels of all pixel steps before this one."""
    return min(step * given.per_step, given.pixels)


def last_pixel(given: Given, row: int, piece: int) -> int:
    """Last output pixel of a transfer."""
    behind = first_step(given, row, piece) + steps_of_piece(given, row, piece)
    return pixels_before(given, behind) - 1


PARTS = (
    steps_of_row, pieces_of_row, first_step, steps_of_piece, pixels_before, last_pixel,
)  # fmt: skip
"""What can be compiled, the called before the calling."""
