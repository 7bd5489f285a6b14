"""Which machines only the event engine can run."""

from simulator.hardware import Hardware


def why_not_fast(hardware: Hardware) -> str | None:
    """Say why the fast engine cannot run a machine; None: it can."""
    timing = hardware.memory.dram.timing
    if timing != "fixed":
        return (
            f"memory.dram.timing is {timing}: transfers' times are known only while the program "
            "runs"
        )
    for key, buffer in hardware.memory.buffers.items():
        if buffer.ports == 1:
            return f"{key}.ports is 1: conflicts are known only while the program runs"
    return None
