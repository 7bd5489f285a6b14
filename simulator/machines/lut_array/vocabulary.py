"""Units, channels, categories, kinds of commands and rates of the paper's array."""

from simulator.hardware import Hardware
from simulator.machines.lut_array.rates import rate_of
from simulator.program import Category, Channel, CountsAs, Kind, Rate, Unit, Vocabulary

DRAM_WEIGHTS = Unit("dram_weights", "DRAM weights")
DRAM_INPUTS = Unit("dram_inputs", "DRAM inputs")
DRAM_OUTPUTS = Unit("dram_outputs", "DRAM outputs")
INDEX_FETCH = Unit("index_fetch", "index fetch")
DOT_UNITS = Unit("dot", "dot units")
ACCUMULATORS = Unit("accumulate", "accumulators")
DRAIN_UNIT = Unit("drain", "drain")
MAC_UNIT = Unit("mac", "MAC unit")
UNITS = (
    DRAM_WEIGHTS, DRAM_INPUTS, DRAM_OUTPUTS, INDEX_FETCH, DOT_UNITS, ACCUMULATORS, DRAIN_UNIT,
    MAC_UNIT,
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
PREVIOUS_OUTPUTS = Channel("previous_outputs", "the outputs of the previous layer")
"""For the layer's first read."""
PREVIOUS_LAYER = Channel("previous_layer", "the end of the previous layer")
"""For the layer's first step."""
STEP_DONE = Channel("step_done", "the previous step")
"""This and the channels below: only in a layer whose steps read their own inputs."""
DRAIN_DONE = Channel("drain_done", "the previous drain")
INPUTS_FOR_LOAD = Channel("inputs_for_load", "the inputs of the step")
INPUTS_FOR_FETCH = Channel("inputs_for_fetch", "the inputs of the step")
CHANNELS = (
    INDEX_BUFFER, WEIGHT_TILE, REGISTERS, INDICES, ACTIVATION_BUFFER, INPUTS, BANK, FILLED_BANK,
    PARTIAL_SUMS, SUMS, OUTPUT_SLOT, OUTPUTS, PREVIOUS_OUTPUTS, PREVIOUS_LAYER, STEP_DONE,
    DRAIN_DONE, INPUTS_FOR_LOAD, INPUTS_FOR_FETCH,
)  # fmt: skip

FILLS = Category("fill", "LUT fill")
DIRECT_STEPS = Category("direct", "direct dot products")
WINDOW_READS = Category("window_read", "window reads")
ACCUMULATES = Category("accumulate", "accumulate")
LUT_CONFLICTS = Category("lut_conflict", "LUT conflicts")
INDEX_FETCHES = Category("index_fetch", "index fetch")
BUFFER_CONFLICTS = Category("buffer_conflict", "buffer port conflicts")
DRAINS = Category("drain", "drain")
MACS = Category("mac", "MAC")
WEIGHTS_TRANSFER = Category("read_weights", "weights: DRAM transfer")
WEIGHTS_LATENCY = Category("weights_latency", "weights: DRAM latency")
INPUTS_TRANSFER = Category("read_inputs", "inputs: DRAM transfer")
INPUTS_LATENCY = Category("inputs_latency", "inputs: DRAM latency")
WRITES = Category("write_outputs", "outputs: DRAM write")
ROW_MISSES = Category("row_miss", "DRAM row misses")
REFRESHES = Category("refresh", "DRAM refresh")
LAYER_BEFORE = Category("layer_before", "wait for previous layer")
CATEGORIES = (
    FILLS, DIRECT_STEPS, WINDOW_READS, ACCUMULATES, LUT_CONFLICTS, INDEX_FETCHES, BUFFER_CONFLICTS,
    DRAINS, MACS, WEIGHTS_TRANSFER, WEIGHTS_LATENCY, INPUTS_TRANSFER, INPUTS_LATENCY, WRITES,
    ROW_MISSES, REFRESHES, LAYER_BEFORE,
)  # fmt: skip
"""In the order of reports."""

FILL = Kind("fill", DOT_UNITS, counts_as=CountsAs(FILLS, penalty=WINDOW_READS))
DIRECT = Kind("direct", DOT_UNITS, counts_as=CountsAs(DIRECT_STEPS, penalty=WINDOW_READS))
MAC = Kind("mac", MAC_UNIT, counts_as=CountsAs(MACS))
ACCUMULATE = Kind(
    "accumulate", ACCUMULATORS, counts_as=CountsAs(ACCUMULATES, penalty=LUT_CONFLICTS)
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
    counts_as=CountsAs(INPUTS_TRANSFER, INPUTS_LATENCY, entry=LAYER_BEFORE),
)
DRAIN = Kind("drain", DRAIN_UNIT, counts_as=CountsAs(DRAINS))
WRITE_OUTPUTS = Kind("write_outputs", DRAM_OUTPUTS, rate="write", counts_as=CountsAs(WRITES))
KINDS = (
    FILL, DIRECT, MAC, ACCUMULATE, FETCH_INDICES, LOAD_WEIGHTS, READ_INPUTS, DRAIN, WRITE_OUTPUTS,
)  # fmt: skip
"""In the order in which causes of the same cycle are named."""

VOCABULARY = Vocabulary.of(UNITS, KINDS, CHANNELS, CATEGORIES)

OUTPUT_SLOTS = 2
"""One fills while the other is written out."""


def start_tokens(hardware: Hardware) -> dict[Channel, int]:
    """Every channel with the tokens that it starts with."""
    memory, pe = hardware.memory, hardware.array.pe
    return dict.fromkeys(CHANNELS, 0) | {
        INDEX_BUFFER: int(memory.index_buffer.kib * 1024),
        ACTIVATION_BUFFER: int(memory.activation_buffer.kib * 1024),
        REGISTERS: pe.index_register_sets,
        BANK: pe.lut_banks,
        PARTIAL_SUMS: 1,
        OUTPUT_SLOT: OUTPUT_SLOTS,
        PREVIOUS_OUTPUTS: 1,
        PREVIOUS_LAYER: 1,
    }


def rates_of(hardware: Hardware) -> dict[str, Rate]:
    """Rates by the names that kinds give them; only DRAM reads have a latency."""
    dram, index_buffer = hardware.memory.dram, hardware.memory.index_buffer
    return {
        "read": Rate(rate_of(dram.bytes_per_cycle), dram.latency_cycles),
        "write": Rate(rate_of(dram.bytes_per_cycle)),
        "indices": Rate(rate_of(index_buffer.bytes_per_cycle)),
    }
