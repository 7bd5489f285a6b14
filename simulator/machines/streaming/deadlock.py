"""Deadlocks at joins, found before a run: the FIFO that is too small, and the words it needs.

A path of a join with a sliding-window unit gives its first word only after many words of its input.
Until then, the FIFO of the other path must hold that path's words. If it cannot, the fork waits for
space, and the join waits for words, forever. Counts alone decide it: a run of two images on the
fast engine shows every deadlock, because all images after the second one have the same commands.
"""

from collections.abc import Mapping
from dataclasses import replace

from simulator.base.errors import InputError
from simulator.base.wording import counted
from simulator.engine.fast import totals
from simulator.machines.streaming.build import Pipeline, pipeline_of
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.programs import program_of_pipeline
from simulator.program import Program, ProgramError
from simulator.program.fifos import with_depths

_IMAGES = 2


def require_no_deadlock(network: Network, built: Pipeline, enough: Mapping[str, int]) -> None:
    """Raise if the FIFO of a join is too small.

    Args:
        network: the network.
        built: its pipeline.
        enough: words of the FIFOs of joins with which no join stops, by FIFO.

    Raises:
        InputError: a join stops forever; the message names the FIFO and the words that it needs.

    """
    small = [one for one in built.fifos if one.depth < enough.get(one.name, 0)]
    if not small:
        return
    program = _shortened(network, built)
    depths = {one.name: max(enough[one.name], _IMAGES * one.words) for one in small}
    for one in small:
        depths[one.name] = one.depth
        if not _runs(program, depths):
            least = _least(program, depths, one)
            raise InputError(
                f"the join {one.owner} stops forever: its FIFO {one.name} holds "
                f"{counted(one.depth, 'word')} and needs {least:,}; see fifos.joins, fifos.depths, "
                "and fifos.limit"
            )


def _shortened(network: Network, built: Pipeline) -> Program:
    """Return the program of a pipeline for at most two images."""
    workload = network.workload
    short = replace(workload, batch=min(workload.batch, _IMAGES))
    joins = {one.name: one.depth for one in built.fifos}
    pipeline = pipeline_of(Network(short, network.hardware), joins)
    return program_of_pipeline(pipeline, short, network.hardware)


def _runs(program: Program, depths: Mapping[str, int]) -> bool:
    """True if a program with these depths of some FIFOs comes to its end."""
    try:
        totals(with_depths(program, depths))
    except ProgramError:
        return False
    return True


def _least(program: Program, depths: Mapping[str, int], fifo: Fifo) -> int:
    """Return the least depth of a FIFO with which the program comes to its end."""
    least, most = fifo.depth + 1, _IMAGES * fifo.words
    while least < most:
        middle = (least + most) // 2
        if _runs(program, {**depths, fifo.name: middle}):
            most = middle
        else:
            least = middle + 1
    return most
