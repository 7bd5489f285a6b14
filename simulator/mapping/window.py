"""Input pixels under output pixels 0, 1, 2, ... of a batch, in raster order."""

from simulator.compiling import Memory
from simulator.mapping.given import Given


def plan_window(given: Given, memory: Memory) -> None:
    """Write down which input rows and columns lie under each row and column of output."""
    needed, behind = 0, 0
    for row in range(given.out_height):
        top = row * given.stride - given.padding
        end = min(max(top + given.extent, 0), given.in_height)
        top = min(max(top, 0), given.in_height)
        needed += max(end - max(top, behind), 0)
        behind = end
        memory[given.top + row] = top
        memory[given.bottom + row] = end
        memory[given.needed + row] = needed
    # Along a row a transfer is contiguous: up to the next kernel, whatever lies between.
    wide = max(given.extent, given.stride)
    for column in range(given.out_width):
        left = column * given.stride - given.padding
        memory[given.left + column] = min(max(left, 0), given.in_width)
        memory[given.right + column] = min(max(left + wide, 0), given.in_width)
    memory[given.width] = memory[given.right + given.out_width - 1]
    memory[given.image] = memory[given.needed + given.out_height - 1] * memory[given.width]


def fresh(given: Given, memory: Memory, row: int) -> int:
    """Input rows under a row of output that no row of output before needs."""
    before = memory[given.needed + row - 1] if row > 0 else 0
    return memory[given.needed + row] - before


def covered(given: Given, memory: Memory, pixels: int) -> int:
    """Input pixels needed by the first `pixels` output pixels."""
    if pixels == 0:
        return 0
    line, column = divmod(pixels - 1, given.out_width)
    image, row = divmod(line, given.out_height)
    new = fresh(given, memory, row)
    before = (memory[given.needed + row] - new) * memory[given.width]
    return image * memory[given.image] + before + new * memory[given.right + column]


def done(given: Given, memory: Memory, pixel: int) -> int:
    """Input pixels, in whole rows, that no output pixel from `pixel` on needs."""
    image, row = divmod(pixel // given.out_width, given.out_height)
    held = memory[given.bottom + row] - memory[given.top + row]
    whole = (memory[given.needed + row] - held) * memory[given.width]
    return image * memory[given.image] + whole


def patch(given: Given, memory: Memory, first: int, last: int) -> int:
    """Input pixels under the output pixels `first` to `last`, read without any reuse."""
    line, last_line = first // given.out_width, last // given.out_width
    last_image, last_row = divmod(last_line, given.out_height)
    if line != last_line:
        whole = memory[given.needed + last_row] * memory[given.width]
        return last_image * memory[given.image] + whole - done(given, memory, first)
    columns = (
        memory[given.right + last - last_line * given.out_width]
        - memory[given.left + first - line * given.out_width]
    )
    return (memory[given.bottom + last_row] - memory[given.top + last_row]) * columns


PARTS = (plan_window, fresh, covered, done, patch)
"""What can be compiled, the called before the calling."""
