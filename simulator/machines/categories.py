"""Categories of cycles that any machine with DMA units and layers has."""

from simulator.program import Category

WEIGHTS_TRANSFER = Category(
    "read_weights", "weights: DRAM transfer",
    noun="weight transfers", short="DRAM weights", color="#D55E00", hideable=True,
)  # fmt: skip
WEIGHTS_LATENCY = Category(
    "weights_latency", "weights: DRAM latency",
    noun="weight transfers", short="weight latency", color="#F0A47A", hideable=True,
)  # fmt: skip
INPUTS_TRANSFER = Category(
    "read_inputs", "inputs: DRAM transfer",
    noun="input transfers", short="DRAM inputs", color="#CC79A7", hideable=True,
)  # fmt: skip
INPUTS_LATENCY = Category(
    "inputs_latency", "inputs: DRAM latency",
    noun="input transfers", short="input latency", color="#E9BBD3", hideable=True,
)  # fmt: skip
WRITES = Category(
    "write_outputs", "outputs: DRAM write",
    noun="output writes", short="DRAM outputs", color="#9467BD",
)  # fmt: skip
ROW_MISSES = Category("row_miss", "DRAM row misses", color="#A50026")
REFRESHES = Category("refresh", "DRAM refresh", noun="DRAM refreshes", color="#F4D03F")
WAIT_FOR_LAYER = Category(
    "previous_layer", "wait for previous layer",
    noun="waits for the previous layer", short="previous layer", color="#56B4E9",
)  # fmt: skip
