"""Where in a buffer with one port each transfer and each read lies."""

from dataclasses import replace

import numpy as np

from simulator.columns import Ints
from simulator.hardware import Hardware
from simulator.hardware.config import ActivationBuffer, IndexBuffer
from simulator.machines.lut_array.rates import rate_of
from simulator.mapping.addresses import Places, input_offsets, window_offsets
from simulator.mapping.commands import Kind, Unit
from simulator.mapping.mapper import Mapping
from simulator.mapping.windows import window_reads
from simulator.ordered import Program, SharedPort


def with_ports(program: Program, mapping: Mapping, hardware: Hardware) -> Program:
    """Return the program with the ports that reads and writes share, if buffers have such."""
    memory = hardware.memory
    ports = []
    if memory.index_buffer.ports == 1:
        lines = _indices(program, mapping, hardware)
        ports.append(_port(memory.index_buffer, Unit.INDEX_FETCH, Unit.DRAM_WEIGHTS, lines))
    if memory.activation_buffer.ports == 1:
        lines = _activations(program, mapping)
        ports.append(_port(memory.activation_buffer, Unit.DOT, Unit.DRAM_INPUTS, lines))
    return replace(program, ports=tuple(ports))


def _port(
    buffer: IndexBuffer | ActivationBuffer, reader: Unit, writer: Unit, lines: tuple[Ints, Ints]
) -> SharedPort:
    return SharedPort(
        reader=int(reader), writer=int(writer), banks=buffer.banks or 1,
        line=lines[0], lines=lines[1],
    )  # fmt: skip


def _indices(program: Program, mapping: Mapping, hardware: Hardware) -> tuple[Ints, Ints]:
    """First line and lines of the index buffer that each load writes and each fetch reads.

    Loads lie behind each other in the buffer, a ring, in whole bursts; a fetch reads where the last
    load of its chunk lies.
    """
    buffer = hardware.memory.index_buffer
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
        lines[fetches] = program.cycles[fetches]
    return line, lines


def _activations(program: Program, mapping: Mapping) -> tuple[Ints, Ints]:
    """First line and lines of the activation buffer that each input read writes, each step reads.

    Values lie as in DRAM, so that a line holds neighbours; what a read brings, and what a step
    reads, is taken to run on from its first value.
    """
    line, lines = (np.zeros(len(program), dtype=np.int64) for _ in range(2))
    for number, mapped in enumerate(mapping.layers):
        plan, places = mapped.plan, Places(mapped.plan)
        width = plan.activation_line
        reads = np.flatnonzero((program.layer == number) & (program.kind == Kind.READ_INPUTS))
        begins = input_offsets(mapped, places, program.step[reads])
        line[reads] = begins * width.denominator // width.numerator
        lines[reads] = -(-program.bytes[reads] * width.denominator // width.numerator)
        if plan.mode != "mac":
            steps = window_reads(program, number, plan)
            begins = window_offsets(plan, places, program.step[steps])
            line[steps] = begins * width.denominator // width.numerator
            lines[steps] = plan.window_lines(program.pes[steps])
    return line, lines
