"""A trace: a table of the commands that ran, one per row, and the vocabulary of its indices."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints, Names
from simulator.program.vocabulary import Vocabulary, names


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DramCounts:
    """DRAM activity for each command; 0 for commands of other units."""

    activates: Ints
    """[N] rows opened."""
    row_miss: Ints
    """[N] cycles that the data of the command's last burst waited for its row to be opened."""
    refresh: Ints
    """[N] cycles that these data waited for a refresh; like `row_miss`, between the command's start
    and its data."""
    burst_command: Ints
    """[B] command of each burst, in the order in which the DRAM served them; empty in a trace from
    a file."""
    burst_end: Ints
    """[B] memory cycle in which the data of each burst ends; empty in a trace from a file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """N commands in the order layer, step, unit; commands of one unit in the order of time."""

    vocabulary: Vocabulary
    layers: tuple[str, ...]
    layer: Ints
    """[N] index into `layers`, of the row's section, or of its unit if all layers run at once;
    never decreases."""
    step: Ints
    """[N] step of the layer that the command belongs to, or first serves."""
    unit: Ints
    """[N] index into `units`."""
    kind: Ints
    """[N] index into `kinds`."""
    start: Ints
    """[N] first cycle."""
    end: Ints
    """[N] cycle in which the unit is free again."""
    latency: Ints
    """[N] cycles from `end` until the result can be used."""
    bytes: Ints
    """[N] bytes moved (DRAM channels: whole bursts)."""
    pes: Ints
    """[N] PEs that work; 0 on units that are not PEs."""
    penalty: Ints
    """[N] cycles of a command that have a cause of their own: windows that take longer to read than
    the dot products, or lookups that wait for the LUT."""
    lost: Ints
    """[N] cycles of a command lost to writes into a buffer with one port."""
    channel: Ints
    """[N] index into `channels`: the channel whose token came last. -1: the command started as soon
    as its unit was free."""
    cause: Ints
    """[N] row of the command that decided the start. -1: none, because the command starts in cycle
    0."""
    dram: DramCounts | None = None
    """DRAM activity, if the DRAM has a timing table."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.start)

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the units."""
        return names(self.vocabulary.units)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of commands."""
        return names(self.vocabulary.kinds)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return names(self.vocabulary.channels)

    @property
    def occupied(self) -> Ints:
        """[N] cycles for which each command occupies its unit."""
        return self.end - self.start

    @property
    def ready(self) -> Ints:
        """[N] cycle from which each command's result can be used."""
        return self.end + self.latency

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories of cycles on the critical path."""
        return names(self.vocabulary.categories)

    @property
    def at_once(self) -> bool:
        """True if all layers run at once, in one section; False: a section per layer."""
        return self.vocabulary.at_once

    @property
    def section(self) -> Ints:
        """[N] section of each command."""
        return np.zeros_like(self.layer) if self.at_once else self.layer

    @property
    def section_ends(self) -> Ints:
        """[sections] cycle in which the last result of each section and all before can be used.

        The next section's time begins then. A section takes 0 cycles if all its results are ready
        by the end of an earlier section.
        """
        ends = np.zeros(1 if self.at_once else len(self.layers), dtype=np.int64)
        np.maximum.at(ends, self.section, self.ready)
        return np.maximum.accumulate(ends)

    @property
    def section_starts(self) -> Ints:
        """[sections] cycle in which each section's time begins: the end of the previous ones."""
        return np.concatenate(([0], self.section_ends))[:-1]

    @property
    def layer_starts(self) -> Ints:
        """[layers] cycle in which each layer's time begins.

        If all layers run at once, a layer's time extends from the first start of its units to the
        end of their last command: 0 to 0 without commands.
        """
        if not self.at_once:
            return self.section_starts
        starts = np.full(len(self.layers), self.cycles)
        np.minimum.at(starts, self.layer, self.start)
        starts[self.layer_ends == 0] = 0
        return starts

    @property
    def layer_ends(self) -> Ints:
        """[layers] cycle in which each layer's time ends; see `layer_starts`."""
        if not self.at_once:
            return self.section_ends
        ends = np.zeros(len(self.layers), dtype=np.int64)
        np.maximum.at(ends, self.layer, self.end)
        return ends

    @property
    def cycles(self) -> int:
        """Cycles of the whole run: from cycle 0 until the last result can be used."""
        return int(np.max(self.ready, initial=0))

    def tables(self, rows: int) -> Iterator[dict[str, Ints | Names]]:
        """Columns of up to `rows` rows at a time; the column `command` numbers the rows.

        Times are in cycles. `waits_for` is the channel's name.
        """
        columns: dict[str, Ints | Names] = {
            "command": np.arange(len(self)),
            "layer": Names(self.layer, self.layers),
            "unit": Names(self.unit, self.units),
            "kind": Names(self.kind, self.kinds),
            "step": self.step,
            "start_cycle": self.start,
            "end_cycle": self.end,
            "latency_cycles": self.latency,
            "bytes": self.bytes,
            "pes": self.pes,
            "penalty_cycles": self.penalty,
            "port_lost_cycles": self.lost,
            "waits_for": Names(self.channel, self.channels),
            "cause": self.cause,
        }
        if self.dram is not None:
            columns |= {
                "dram_activates": self.dram.activates,
                "dram_row_miss_cycles": self.dram.row_miss,
                "dram_refresh_cycles": self.dram.refresh,
            }
        for first in range(0, len(self), rows):
            part = slice(first, first + rows)
            yield {name: column[part] for name, column in columns.items()}
