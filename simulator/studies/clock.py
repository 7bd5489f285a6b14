"""The effect of a study's clocks on DRAMs that are given in cycles of the array."""

from simulator.base.wording import listed
from simulator.dram.section import IN_TIME
from simulator.machines import Hardware
from simulator.machines.links import at
from simulator.studies.study import Study

CLOCK = "clock_ghz"


def clock_note(study: Study, axes: set[str]) -> str | None:
    """Return a sentence if the study's clocks scale a DRAM too; None: they do not.

    Args:
        study: the study.
        axes: names of the axes with more than one value.

    """
    if CLOCK not in axes:
        return None
    names, files = set(study.axis_names), study.inputs.hardware.values()
    keys = [
        cycles
        for cycles, time in IN_TIME.items()
        if cycles in names
        or (time not in names and any(at(data, cycles) is not None for data in files))
    ]
    return _sentence(keys)


def clock_note_of(hardware: Hardware) -> str | None:
    """Return the same sentence on one machine, whose clock a search chose."""
    if not hardware.dram_has_fixed_timing:
        return None
    names = {cycles: cycles.rpartition(".")[2] for cycles in IN_TIME}
    return _sentence([key for key, name in names.items() if getattr(hardware.dram, name)])


def _sentence(keys: list[str]) -> str | None:
    if not keys:
        return None
    verb = "is" if len(keys) == 1 else "are"
    return f"`{CLOCK}` scales the DRAM too because {listed(keys)} {verb} in cycles of the array"
