"""Where a run's state lies."""

from itertools import accumulate

import numpy as np

from simulator.engine.kernel import NEVER, Frames, Rings
from simulator.loops import LoopBody


class Layout:
    """Where what lies: the layer's end, when units are free, their busy cycles, the rings."""

    def __init__(self, body: LoopBody, reach: list[int], depth: int) -> None:
        """Make room for the furthest wait and the deepest nest of any layer."""
        machine = body.machine
        self.units = len(machine.units)
        self.room = machine.room
        oldest = int(np.concatenate(body.room_ages).max(initial=0))
        needed = [*reach]
        needed[self.room] = max(needed[self.room], oldest)
        self.size = [max(size, 1) for size in needed]
        """[signals] posts that are kept."""
        *self.base, self.width = accumulate(self.size, initial=1 + 2 * self.units)
        """[signals] where each ring begins, and where the last one ends."""
        self.depth = depth + 1
        self.lasting = machine.lasts
        """[signals] 1: its ring lasts between layers."""

    def fresh(self) -> list[int]:
        """[width] the state before anything has run."""
        state = [NEVER] * self.width
        state[: 1 + 2 * self.units] = [0] * (1 + 2 * self.units)
        return state


class RunState:
    """What the interpreted kernel keeps between layers."""

    def __init__(self, layout: Layout) -> None:
        """Lay out the state."""
        self.units = layout.units
        self.state = layout.fresh()
        self.rings = Rings(layout.base, layout.size, [0] * len(layout.size), layout.room)
        begin, turn, again, jumped, limit = ([0] * layout.depth for _ in range(5))
        before, shift, posted = ([0] * (layout.depth * layout.width) for _ in range(3))
        self.frames = Frames(begin, turn, again, jumped, limit, before, shift, posted, layout.width)
        self._base, self._size, self._lasting = layout.base, layout.size, layout.lasting

    def start_layer(self) -> None:
        """Forget what lasts only for a layer."""
        self.state[0] = 0
        for unit in range(self.units):
            self.state[1 + self.units + unit] = 0
        for base, size, lasting in zip(self._base, self._size, self._lasting, strict=True):
            if not lasting:
                self.state[base : base + size] = [NEVER] * size
