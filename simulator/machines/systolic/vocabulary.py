"""Units, channels, categories, kinds of commands, and rates of a systolic array."""

from fractions import Fraction
from typing import NamedTuple

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
from simulator.machines.systolic.schema import Systolic
from simulator.machines.vector.units import Ports
from simulator.machines.vector.vocabulary import CHANNELS as VECTOR_CHANNELS
from simulator.machines.vector.vocabulary import (
    VECTOR,
    VECTOR_OPERATIONS,
    VECTOR_SPACE,
    VECTOR_UNIT,
)
from simulator.machines.vector.vocabulary import start_tokens as vector_tokens
from simulator.program import Category, Channel, CountsAs, Kind, Rate, Unit

DRAM_WEIGHTS = Unit("dram_weights", "DRAM weights", letter="W", dram="read")
DRAM_INPUTS = Unit("dram_inputs", "DRAM inputs", letter="I", dram="read")
DRAM_SUMS = Unit("dram_sums", "DRAM partial sums", letter="S", dram="read")
DRAM_OUTPUTS = Unit("dram_outputs", "DRAM outputs", letter="O", dram="write")
PRELOAD_UNIT = Unit("preload", "operand preload", letter="P")
ARRAY = Unit("array", "array", letter="A")
UNITS = (DRAM_WEIGHTS, DRAM_INPUTS, DRAM_SUMS, DRAM_OUTPUTS, PRELOAD_UNIT, ARRAY, VECTOR_UNIT)

WEIGHT_BUFFER = Channel("weight_buffer", "a free buffer of the weight scratchpad")
WEIGHTS = Channel("weights", "weights from DRAM")
INPUT_BUFFER = Channel("input_buffer", "a free buffer of the input scratchpad")
INPUTS = Channel("inputs", "inputs from DRAM")
REGISTERS = Channel("registers", "a free set of operand registers")
STATIONARY = Channel("stationary", "the stationary operand")
RETURN_SPACE = Channel("return_space", "space for returning partial sums")
"""Tokens are bytes."""
RETURNED_SUMS = Channel("returned_sums", "partial sums from DRAM")
SPILLED_SUMS = Channel("spilled_sums", "partial sums in DRAM")
OUTPUT_SPACE = Channel("output_space", "space in the output scratchpad")
"""Tokens are bytes."""
RESULTS = Channel("results", "the results of a piece")
PREVIOUS_OUTPUTS = Channel("previous_outputs", "the outputs of the previous layer")
PREVIOUS_LAYER = Channel("previous_layer", "the end of the previous layer")
"""Only if maps may stay on chip: the array then waits for the previous layer."""
ARRAY_CHANNELS = (
    WEIGHT_BUFFER, WEIGHTS, INPUT_BUFFER, INPUTS, REGISTERS, STATIONARY, RETURN_SPACE,
    RETURNED_SUMS, SPILLED_SUMS, OUTPUT_SPACE, RESULTS, PREVIOUS_OUTPUTS,
)  # fmt: skip
CHANNELS = (*ARRAY_CHANNELS, PREVIOUS_LAYER, *VECTOR_CHANNELS)

STREAMS = Category(
    "stream", "moving operands", noun="steps of the array", short="array steps", color="#0072B2"
)
PRELOADS = Category("preload", "operand preload", noun="operand preloads", color="#E69F00")
SKEW = Category(
    "skew", "array fill and drain", noun="fills and drains of the array", short="fill and drain",
    color="#8C6D31",
)  # fmt: skip
SUMS_TRANSFER = Category(
    "partial_sums", "partial sums: DRAM transfer",
    noun="transfers of partial sums", short="DRAM sums", color="#6A0DAD", hideable=True,
)  # fmt: skip
SUMS_LATENCY = Category(
    "partial_sums_latency", "partial sums: DRAM latency",
    noun="transfers of partial sums", short="sums latency", color="#B79AD6", hideable=True,
)  # fmt: skip
CATEGORIES = (
    STREAMS, PRELOADS, SKEW, VECTOR_OPERATIONS, WEIGHTS_TRANSFER, WEIGHTS_LATENCY,
    INPUTS_TRANSFER, INPUTS_LATENCY, SUMS_TRANSFER, SUMS_LATENCY, WRITES, ROW_MISSES, REFRESHES,
    WAIT_FOR_LAYER,
)  # fmt: skip
"""Categories in the order of reports."""


class Transfers(NamedTuple):
    """Kinds of DRAM transfers."""

    load_weights: Kind
    read_inputs: Kind
    read_sums: Kind
    write_sums: Kind
    write_outputs: Kind


def _transfers(read: str | None, write: str | None) -> Transfers:
    return Transfers(
        load_weights=Kind(
            "load_weights", DRAM_WEIGHTS, read, CountsAs(WEIGHTS_TRANSFER, WEIGHTS_LATENCY)
        ),
        read_inputs=Kind(
            "read_inputs",
            DRAM_INPUTS,
            read,
            CountsAs(INPUTS_TRANSFER, INPUTS_LATENCY, entry=WAIT_FOR_LAYER),
        ),
        read_sums=Kind("read_sums", DRAM_SUMS, read, CountsAs(SUMS_TRANSFER, SUMS_LATENCY)),
        write_sums=Kind("write_sums", DRAM_OUTPUTS, write, CountsAs(SUMS_TRANSFER)),
        write_outputs=Kind("write_outputs", DRAM_OUTPUTS, write, CountsAs(WRITES)),
    )


TIMED = _transfers("read", "write")
IDEAL = _transfers(None, None)
"""Transfers of ideal memory: they have bytes, but take no time."""

STREAM = Kind("stream", ARRAY, counts_as=CountsAs(STREAMS), side="PEs", in_steps=True)
LEAVE = Kind("leave", ARRAY, rate="skew", counts_as=CountsAs(SKEW))
DRAIN = Kind("drain", ARRAY, counts_as=CountsAs(SKEW))
PRELOAD = Kind("preload", PRELOAD_UNIT, counts_as=CountsAs(PRELOADS))


def transfers_of(*, ideal: bool) -> Transfers:
    """Kinds of transfers of ideal or of real memory."""
    return IDEAL if ideal else TIMED


def kinds_of(*, ideal: bool) -> tuple[Kind, ...]:
    """All kinds, in the order in which a report names causes of the same cycle."""
    return (STREAM, LEAVE, DRAIN, VECTOR, PRELOAD, *transfers_of(ideal=ideal))


class Terms(NamedTuple):
    """The terms of a program."""

    units: tuple[Unit, ...]
    kinds: tuple[Kind, ...]
    categories: tuple[Category, ...]


def terms_of(*, ideal: bool, vector_unit: bool) -> Terms:
    """Terms of a program of ideal or of real memory, with or without those of the vector unit."""
    kinds = kinds_of(ideal=ideal)
    if vector_unit:
        return Terms(UNITS, kinds, CATEGORIES)
    return Terms(
        units=tuple(unit for unit in UNITS if unit is not VECTOR_UNIT),
        kinds=tuple(kind for kind in kinds if kind is not VECTOR),
        categories=tuple(one for one in CATEGORIES if one is not VECTOR_OPERATIONS),
    )


def vector_ports(*, ideal: bool, keeps_maps: bool) -> Ports:
    """Terms that vector layers share with the layers of the array.

    Args:
        ideal: True for ideal memory.
        keeps_maps: True if maps may stay on chip.

    """
    transfers = transfers_of(ideal=ideal)
    return Ports(
        read=transfers.read_inputs,
        write=transfers.write_outputs,
        space=VECTOR_SPACE,
        previous_outputs=PREVIOUS_OUTPUTS,
        previous_layer=PREVIOUS_LAYER if keeps_maps else None,
    )


def start_tokens(machine: Systolic, *, vector_unit: bool, keeps_maps: bool) -> dict[Channel, int]:
    """Initial tokens of every channel.

    Args:
        machine: the array.
        vector_unit: False without the channels of the vector unit.
        keeps_maps: True if maps may stay on chip.

    """
    memory = machine.memory
    return dict.fromkeys(ARRAY_CHANNELS, 0) | {
        WEIGHT_BUFFER: memory.weight_scratchpad.buffers,
        INPUT_BUFFER: memory.input_scratchpad.buffers,
        RETURN_SPACE: memory.output_scratchpad.bytes // 2,
        OUTPUT_SPACE: memory.output_scratchpad.bytes,
        REGISTERS: machine.array.register_sets,
        PREVIOUS_OUTPUTS: 1,
        **({PREVIOUS_LAYER: 1} if keeps_maps else {}),
        **(vector_tokens(memory.input_scratchpad.bytes) if vector_unit else {}),
    }


def rates_of(machine: Systolic) -> dict[str, Rate]:
    """Rates, by the names that kinds use; `skew` moves no bytes and has a latency."""
    channel, array = machine.dma_channel, machine.array
    return {
        "read": Rate(*channel),
        "write": Rate(channel.bytes_per_cycle),
        "skew": Rate(Fraction(1), array.rows + array.columns - 2),
    }
