"""The entries that one bank of the LUT delivers in a cycle.

The accumulators of a PE take the outputs of a pass in order, up to `accumulators` at a time: a
*bundle*. Accumulators of one bundle that need the same entry share its read. A bundle takes

    max(ceil(distinct entries / read ports), max over sub-banks of the sub-bank's distinct entries)

cycles, the shortest possible time. Reads of one sub-bank follow each other. Reads of different
sub-banks always have a schedule in which no cycle has more reads than ports (McNaughton's
wrap-around rule, 1959). PEs run in lock-step: the k-th bundle takes as long as in the slowest PE.

`indices.py` computes this time for the indices of a network, `expected.py` for uniformly random
indices.
"""

from dataclasses import dataclass, replace

from simulator.machines.lut_array.schema import LutArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """One bank of a PE's LUT, as the accumulators see it."""

    entries: int
    accumulators: int
    read_ports: int
    """Entries read per cycle, at most `accumulators`."""
    subbanks: int
    """Single-ported parts: entry e is in part e % subbanks; `entries` parts never conflict."""

    @property
    def always_in_a_cycle(self) -> bool:
        """True if every bundle takes one cycle."""
        return self.read_ports >= self.accumulators and self.subbanks >= self.entries

    @property
    def unhindered(self) -> "Bank":
        """The same bank with a port for every accumulator and no sub-banks."""
        return replace(self, read_ports=self.accumulators, subbanks=self.entries)


def bank_of(hardware: LutArray) -> Bank:
    """The bank that a hardware file with a LUT describes."""
    pe = hardware.array.pe
    ports = pe.accumulators if pe.lut_read_ports == "accumulators" else pe.lut_read_ports
    subbanks = pe.lut_size if pe.lut_subbanks == "none" else pe.lut_subbanks
    return Bank(
        entries=pe.lut_size,
        accumulators=pe.accumulators,
        read_ports=min(ports, pe.accumulators),
        subbanks=min(subbanks, pe.lut_size),
    )
