"""Configurations that only the event engine can run."""

from simulator.dram import section
from simulator.machines.lut_array.schema import LutArray


def why_not_fast(hardware: LutArray) -> str | None:
    """Return the reason why the fast engine cannot run the hardware, as a clause, if any."""
    if reason := section.why_not_fast(hardware.dram):
        return reason
    buffers = hardware.memory.buffers
    shared = [f"{key}.ports" for key, buffer in buffers.items() if buffer.ports == 1]
    if shared:
        which = f"{shared[0]} is" if len(shared) == 1 else f"{' and '.join(shared)} are"
        return f"{which} 1, and conflicts depend on the timing of the run"
    return None
