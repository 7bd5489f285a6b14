"""Where in the index buffer each chunk lies, and the program whose reads and writes meet there."""

from dataclasses import replace

import numpy as np

from simulator.hardware import Hardware
from simulator.mapping.addresses import Places, rate_of
from simulator.mapping.builder import Kind, Unit
from simulator.mapping.mapper import Mapping
from simulator.program import Program, SharedPort


def with_port(program: Program, mapping: Mapping, hardware: Hardware) -> Program:
    """Return the program with the index buffer's port, or as it is if the buffer has two.

    Loads lie behind each other in the buffer, a ring, in whole bursts; a fetch reads where the last
    load of its chunk lies.
    """
    buffer = hardware.memory.index_buffer
    if buffer.ports > 1:
        return program
    rate = rate_of(buffer.bytes_per_cycle)
    line, lines = (np.zeros(len(program), dtype=np.int64) for _ in range(2))
    loads = np.flatnonzero(program.kind == Kind.LOAD_WEIGHTS)
    begins = (np.cumsum(program.bytes[loads]) - program.bytes[loads]) % int(buffer.kib * 1024)
    line[loads] = begins * rate.denominator // rate.numerator
    lines[loads] = -(-program.bytes[loads] * rate.denominator // rate.numerator)
    for number, mapped in enumerate(mapping.layers):
        places = Places(mapped.plan)
        mine = program.layer == number
        fetches = np.flatnonzero(mine & (program.kind == Kind.FETCH_INDICES))
        of_layer = np.flatnonzero(mine & (program.kind == Kind.LOAD_WEIGHTS))
        # by chunk, then by time: a fetch belongs to the last load of its chunk not behind it
        span = int(program.step[mine].max(initial=0)) + 1
        key = places.chunk(program.step[of_layer]) * span + program.step[of_layer]
        order = np.argsort(key, kind="stable")
        wanted = places.chunk(program.step[fetches]) * span + program.step[fetches]
        last = np.searchsorted(key[order], wanted, side="right") - 1
        line[fetches] = line[of_layer[order[last]]]
    return replace(
        program,
        port=SharedPort(
            reader=int(Unit.INDEX_FETCH),
            writer=int(Unit.DRAM_WEIGHTS),
            banks=buffer.banks or 1,
            line=line,
            lines=lines,
        ),
    )
