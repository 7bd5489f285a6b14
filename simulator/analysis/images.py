"""Times of the images of a batch in a pipeline: ends, the first image's latency, the interval.

All layers of a pipeline run at once, and several images are in it. The end of an image is the cycle
in which its last result word is in DRAM. A unit may hold a result until its next input arrives. The
image's end then waits for the following image, and the last image of the batch is drained sooner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.trace import Trace


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageTimes:
    """The ends of the N images of a batch."""

    ends: Ints
    """[N] cycle in which the last result word of each image is in DRAM; never decreases."""
    clock_ghz: float

    @property
    def first_cycles(self) -> int:
        """Latency of the first image: its end."""
        return int(self.ends[0])

    @property
    def intervals(self) -> list[int]:
        """[N - 1] cycles between the ends of neighboring images."""
        found: list[int] = np.diff(self.ends).tolist()
        return found

    @property
    def settled_from(self) -> int | None:
        """The number of the first image, from 1, after which the steady interval begins.

        The steady interval is that of the longest stretch of at least two equal intervals, or the
        last such stretch. Images before it fill the pipeline, and images after it drain it. None:
        no two neighboring intervals are equal.
        """
        first, longest, begin = None, 1, 0
        for _, stretch in groupby(self.intervals):
            length = len(list(stretch))
            if length >= max(longest, 2):
                first, longest = begin + 1, length
            begin += length
        return first

    @property
    def interval_cycles(self) -> int | None:
        """The initiation interval: cycles between images in the steady state.

        None: the intervals have not settled within the batch.
        """
        first = self.settled_from
        return None if first is None else self.intervals[first - 1]

    @property
    def last_interval(self) -> int | None:
        """The last interval that a following image may have delayed; None: only one image."""
        known = self.intervals[:-1] or self.intervals
        return known[-1] if known else None

    @property
    def images_per_second(self) -> float | None:
        """The throughput in the steady state; None if the intervals have not settled."""
        interval = self.interval_cycles
        return self.clock_ghz * 1e9 / interval if interval else None

    def plain(self) -> dict[str, Any]:
        """Return all values as plain data."""
        return {
            "first_image_cycles": self.first_cycles,
            "first_image_ms": self.first_cycles / self.clock_ghz / 1e6,
            "interval_cycles": self.interval_cycles,
            "settled_from_image": self.settled_from,
            "images_per_second": self.images_per_second,
        }


def image_ends(by_unit: Sequence[Ints], images: int) -> Ints:
    """Return [images] the cycle in which the last result of every image is in DRAM.

    Args:
        by_unit: for each unit that writes to DRAM, [commands] the cycles from which its results
            are in DRAM, in its order.
        images: images of the batch; each has an equal part of the commands.

    """
    lasts = [ready.reshape(images, -1).max(axis=1) for ready in by_unit if len(ready)]
    ends: Ints = np.max(lasts, axis=0)
    return ends


def ends_in_trace(trace: Trace, images: int) -> Ints:
    """Return [images] the ends of the images of a trace."""
    writers = trace.vocabulary.dram_units("write")
    return image_ends([trace.ready[trace.unit == unit] for unit in writers], images)
