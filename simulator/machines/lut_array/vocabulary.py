"""Units, channels, categories, kinds of commands and rates of the paper's array."""

from typing import NamedTuple

from simulator.base.quantities import rate_of
from simulator.machines.categories import (
    INPUTS_LATENCY,
    INPUTS_TRANSFER,
    REFRESHES,
    ROW_MISSES,
    WAIT_FOR_LAYER,
    WEIGHTS_LATENCY,
    WEIGHTS_TRANSFER,
    WRITES,
)
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.overlap import Overlap
from simulator.machines.vector.units import Ports
from simulator.machines.vector.vocabulary import CHANNELS as VECTOR_CHANNELS
from simulator.machines.vector.vocabulary import (
    VECTOR,
    VECTOR_OPERATIONS,
    VECTOR_SPACE,
    VECTOR_UNIT,
)
from simulator.machines.vector.vocabulary import start_tokens as vector_tokens
from simulator.program import Balance, Category, Channel, CountsAs, Kind, Rate, Unit

DRAM_WEIGHTS = Unit("dram_weights", "DRAM weights", letter="W", dram="read")
DRAM_INPUTS = Unit("dram_inputs", "DRAM inputs", letter="I", dram="read")
DRAM_OUTPUTS = Unit("dram_outputs", "DRAM outputs", letter="O", dram="write")
INDEX_FETCH = Unit("index_fetch", "index fetch", letter="F")
DOT_UNITS = Unit("dot", "dot units", letter="D")
ACCUMULATORS = Unit("accumulate", "accumulators", letter="A")
DRAIN_UNIT = Unit("drain", "drain", letter="R")
MAC_UNIT = Unit("mac", "MAC unit", letter="M")
UNITS = (
    DRAM_WEIGHTS, DRAM_INPUTS, DRAM_OUTPUTS, INDEX_FETCH, DOT_UNITS, ACCUMULATORS, DRAIN_UNIT,
    MAC_UNIT, VECTOR_UNIT,
)  # fmt: skip

INDEX_BUFFER = Channel("index_buffer", "space in the index buffer")
"""Tokens are bytes."""
WEIGHT_TILE = Channel("weight_tile", "a weight tile from DRAM")
REGISTERS = Channel("registers", "a free set of index registers")
INDICES = Channel("indices", "indices in the registers")
ACTIVATION_BUFFER = Channel("activation_buffer", "space in the activation buffer")
"""Tokens are bytes."""
INPUTS = Channel("inputs", "inputs from DRAM")
BANK = Channel("bank", "a free LUT bank")
FILLED_BANK = Channel("filled_bank", "a filled LUT bank")
PARTIAL_SUMS = Channel("partial_sums", "the drain of the previous output tile")
SUMS = Channel("sums", "the sums of an output tile")
OUTPUT_SLOT = Channel("output_slot", "a free output slot")
OUTPUTS = Channel("outputs", "the outputs of a transfer")
PREVIOUS_OUTPUTS = Channel("previous_outputs", "the outputs of the previous layer", Balance.EDGE)
"""The layer's first read takes its token; if layers overlap, reads take tokens of single writes."""
PREVIOUS_LAYER = Channel("previous_layer", "the end of the previous layer", Balance.EDGE)
"""The layer's first step takes its token."""
STEP_DONE = Channel("step_done", "the previous step")
"""This channel and those below serve only a layer whose steps read their own inputs."""
DRAIN_DONE = Channel("drain_done", "the previous drain")
INPUTS_FOR_LOAD = Channel("inputs_for_load", "the inputs of the step")
INPUTS_FOR_FETCH = Channel("inputs_for_fetch", "the inputs of the step")
ARRAY_CHANNELS = (
    INDEX_BUFFER, WEIGHT_TILE, REGISTERS, INDICES, ACTIVATION_BUFFER, INPUTS, BANK, FILLED_BANK,
    PARTIAL_SUMS, SUMS, OUTPUT_SLOT, OUTPUTS, PREVIOUS_OUTPUTS, PREVIOUS_LAYER, STEP_DONE,
    DRAIN_DONE, INPUTS_FOR_LOAD, INPUTS_FOR_FETCH,
)  # fmt: skip
CHANNELS = (*ARRAY_CHANNELS, *VECTOR_CHANNELS)

FILLS = Category("fill", "LUT fill", noun="LUT fills", color="#0072B2")
DIRECT_STEPS = Category("direct", "direct dot products", short="dot products", color="#5E8FD0")
WINDOW_READS = Category("window_read", "window reads", color="#2F4B7C")
ACCUMULATES = Category("accumulate", "accumulate", noun="accumulation", color="#009E73")
LUT_CONFLICTS = Category("lut_conflict", "LUT conflicts", color="#B5179E")
INDEX_FETCHES = Category(
    "index_fetch", "index fetch", noun="index fetches", short="index port", color="#E69F00"
)
BUFFER_CONFLICTS = Category(
    "buffer_conflict", "buffer port conflicts", short="buffer port", color="#6A0DAD"
)
DRAINS = Category("drain", "drain", noun="drains", color="#8C6D31")
MACS = Category("mac", "MAC", noun="full-precision MACs", color="#7F7F7F")
CATEGORIES = (
    FILLS, DIRECT_STEPS, WINDOW_READS, ACCUMULATES, LUT_CONFLICTS, INDEX_FETCHES, BUFFER_CONFLICTS,
    DRAINS, MACS, VECTOR_OPERATIONS, WEIGHTS_TRANSFER, WEIGHTS_LATENCY, INPUTS_TRANSFER,
    INPUTS_LATENCY, WRITES, ROW_MISSES, REFRESHES, WAIT_FOR_LAYER,
)  # fmt: skip
"""All categories, in the order of reports."""

DOT_SIDE, ADDER_SIDE = "dot units", "accumulators"
"""The two sides of the LUT."""

FILL = Kind("fill", DOT_UNITS, counts_as=CountsAs(FILLS, penalty=WINDOW_READS), side=DOT_SIDE)
DIRECT = Kind(
    "direct",
    DOT_UNITS,
    counts_as=CountsAs(DIRECT_STEPS, penalty=WINDOW_READS),
    side=DOT_SIDE,
    in_steps=True,
)
MAC = Kind("mac", MAC_UNIT, counts_as=CountsAs(MACS), side=DOT_SIDE, in_steps=True)
ACCUMULATE = Kind(
    "accumulate",
    ACCUMULATORS,
    counts_as=CountsAs(ACCUMULATES, penalty=LUT_CONFLICTS),
    side=ADDER_SIDE,
    in_steps=True,
)
FETCH_INDICES = Kind(
    "fetch_indices", INDEX_FETCH, rate="indices", counts_as=CountsAs(INDEX_FETCHES)
)
LOAD_WEIGHTS = Kind(
    "load_weights",
    DRAM_WEIGHTS,
    rate="read",
    counts_as=CountsAs(WEIGHTS_TRANSFER, WEIGHTS_LATENCY),
)
READ_INPUTS = Kind(
    "read_inputs",
    DRAM_INPUTS,
    rate="read",
    counts_as=CountsAs(INPUTS_TRANSFER, INPUTS_LATENCY, entry=WAIT_FOR_LAYER),
)
DRAIN = Kind("drain", DRAIN_UNIT, counts_as=CountsAs(DRAINS))
WRITE_OUTPUTS = Kind("write_outputs", DRAM_OUTPUTS, rate="write", counts_as=CountsAs(WRITES))
KINDS = (
    FILL, DIRECT, MAC, VECTOR, ACCUMULATE, FETCH_INDICES, LOAD_WEIGHTS, READ_INPUTS, DRAIN,
    WRITE_OUTPUTS,
)  # fmt: skip
"""All kinds; their order decides between causes of a wait in the same cycle."""


def vector_ports(overlap: Overlap) -> Ports:
    """Terms of the vector layers.

    Args:
        overlap: with `layers`, data of several layers is in the activation buffer.

    """
    return Ports(
        read=READ_INPUTS,
        write=WRITE_OUTPUTS,
        space=VECTOR_SPACE if overlap == "none" else ACTIVATION_BUFFER,
        previous_outputs=PREVIOUS_OUTPUTS,
        previous_layer=PREVIOUS_LAYER,
    )


OUTPUT_SLOTS = 2
"""One slot fills while the outputs DMA writes the other."""


class Terms(NamedTuple):
    """The terms of a program."""

    units: tuple[Unit, ...]
    kinds: tuple[Kind, ...]
    categories: tuple[Category, ...]


WITH_VECTOR_UNIT = Terms(UNITS, KINDS, CATEGORIES)
WITHOUT_VECTOR_UNIT = Terms(
    units=tuple(unit for unit in UNITS if unit is not VECTOR_UNIT),
    kinds=tuple(kind for kind in KINDS if kind is not VECTOR),
    categories=tuple(one for one in CATEGORIES if one is not VECTOR_OPERATIONS),
)


def start_tokens(hardware: LutArray, *, vector_unit: bool) -> dict[Channel, int]:
    """Every channel with its number of tokens at the start.

    Args:
        hardware: the hardware configuration.
        vector_unit: False without the channels of the vector unit.

    """
    memory, pe = hardware.memory, hardware.array.pe
    activations, alone = int(memory.activation_buffer.kib * 1024), hardware.overlap == "none"
    return dict.fromkeys(ARRAY_CHANNELS, 0) | {
        INDEX_BUFFER: int(memory.index_buffer.kib * 1024),
        ACTIVATION_BUFFER: activations,
        REGISTERS: pe.index_register_sets,
        BANK: pe.lut_banks,
        PARTIAL_SUMS: 1,
        OUTPUT_SLOT: OUTPUT_SLOTS,
        PREVIOUS_OUTPUTS: int(alone),
        PREVIOUS_LAYER: int(alone),
        **(vector_tokens(activations if alone else 0) if vector_unit else {}),
    }


def rates_of(hardware: LutArray) -> dict[str, Rate]:
    """Rates by the names that kinds give them; only DRAM reads have a latency."""
    channel, index_buffer = hardware.dma_channel, hardware.memory.index_buffer
    return {
        "read": Rate(*channel),
        "write": Rate(channel.bytes_per_cycle),
        "indices": Rate(rate_of(index_buffer.bytes_per_cycle)),
    }
