"""The machine's words for commands: units, kinds, signals; and what transfers cost."""

from enum import IntEnum

from simulator.hardware import Hardware
from simulator.loops import Machine, Rates
from simulator.machines.lut_array.rates import rate_of


class Unit(IntEnum):
    """The machine's units, in the order in which timelines show them."""

    DRAM_WEIGHTS = 0
    DRAM_INPUTS = 1
    DRAM_OUTPUTS = 2
    INDEX_FETCH = 3
    DOT = 4
    ACCUMULATE = 5
    DRAIN = 6
    MAC = 7


class Kind(IntEnum):
    """What a command does, in the order in which causes of the same cycle are named."""

    FILL = 0
    DIRECT = 1
    MAC = 2
    ACCUMULATE = 3
    FETCH_INDICES = 4
    LOAD_WEIGHTS = 5
    READ_INPUTS = 6
    DRAIN = 7
    WRITE_OUTPUTS = 8


UNIT_OF = {
    Kind.LOAD_WEIGHTS: Unit.DRAM_WEIGHTS,
    Kind.READ_INPUTS: Unit.DRAM_INPUTS,
    Kind.FETCH_INDICES: Unit.INDEX_FETCH,
    Kind.FILL: Unit.DOT,
    Kind.DIRECT: Unit.DOT,
    Kind.MAC: Unit.MAC,
    Kind.ACCUMULATE: Unit.ACCUMULATE,
    Kind.DRAIN: Unit.DRAIN,
    Kind.WRITE_OUTPUTS: Unit.DRAM_OUTPUTS,
}


class Signal(IntEnum):
    """What commands wait for; docs/machine.md has the rules."""

    LOADED = 0
    """A chunk is in the index buffer."""
    INPUT_READ = 1
    """Input activations are in their buffer."""
    FETCHED = 2
    """A chunk is in the PEs' index registers."""
    FILLED = 3
    """A bank holds a pass's dot products."""
    BANK_READ = 4
    """A bank has been read and may be filled again."""
    STEP = 5
    """A step is done."""
    TRANSFER = 6
    """The steps that one transfer of inputs serves are done."""
    ROW = 7
    """A row of output is done."""
    DRAINED = 8
    """A visit's sums have left the line buffer."""
    WRITTEN = 9
    """An output slot has been written out."""
    REGISTERS = 10
    """A set of index registers may be rewritten."""
    ROOM = 11
    """A chunk in the index buffer is not read again."""
    LAYER = 12
    """A layer's last output is written."""


MACHINE = Machine(
    units=tuple(unit.name.lower() for unit in Unit),
    kinds=tuple(kind.name.lower() for kind in Kind),
    unit_of=tuple(UNIT_OF[kind] for kind in Kind),
    signals=len(Signal),
    lasting=frozenset({Signal.REGISTERS, Signal.ROOM, Signal.LAYER}),
    step=Signal.STEP,
    trailing=frozenset({Kind.DRAIN, Kind.WRITE_OUTPUTS}),
    room=Signal.ROOM,
)


def rates_of(hardware: Hardware) -> tuple[Rates | None, ...]:
    """Per kind: what its transfers cost on a machine; None where cycles do not come from bytes."""
    dram, index_buffer = hardware.memory.dram, hardware.memory.index_buffer
    rates: dict[Kind, tuple[float, int]] = {
        Kind.LOAD_WEIGHTS: (dram.bytes_per_cycle, dram.latency_cycles),
        Kind.READ_INPUTS: (dram.bytes_per_cycle, dram.latency_cycles),
        Kind.WRITE_OUTPUTS: (dram.bytes_per_cycle, 0),
        Kind.FETCH_INDICES: (index_buffer.bytes_per_cycle, 0),
    }
    return tuple(_rates(*rates[kind]) if kind in rates else None for kind in Kind)


def _rates(bytes_per_cycle: float, latency: int) -> Rates:
    exact = rate_of(bytes_per_cycle)
    return Rates(exact.numerator, exact.denominator, latency)
