"""The mapper's cases in each random configuration."""

from collections.abc import Iterator
from itertools import chain

from simulator import Result
from simulator.machines import Hardware
from simulator.workload import Layer, Workload
from tests.recorded.configurations import RATES, TABLES

CASES = (
    *(f"DRAM of {rate} bytes per cycle" for rate in RATES),
    "DRAM table",
    *(f"DRAM table {table}" for table in TABLES),
    "one-ported buffer",
    "one-ported index buffer",
    "one-ported activation buffer",
    "one-ported buffer of several banks",
    "one-ported buffer and DRAM table",
    *(f"weights loaded once per {reuse}" for reuse in ("layer", "row", "step")),
    *(f"inputs held as {reuse}" for reuse in ("rows", "patches", "step")),
    "LUT",
    "several LUT passes",
    "LUT of sub-banks",
    "LUT read with real indices",
    "direct dot products",
    "full-precision layer",
    "Huffman code",
    "grouped convolution",
    "several images",
    *(f"activations of {bits} bit" for bits in (1, 2, 8)),
    "transfer of padding only",
    "output pixels spread over the PEs",
    "several layers",
)
"""Names of the cases, in the order of the README's table."""


def cases_of(result: Result) -> set[str]:
    """The cases of a result's run."""
    hardware, workload = result.hardware, result.run.workload
    return {*_of_hardware(hardware), *_of_workload(workload), *_of_run(result)}


def _of_hardware(hardware: Hardware) -> Iterator[str]:
    dram, memory = hardware.memory.dram, hardware.memory
    table = dram.timing != "fixed"
    ported = {
        "index": memory.index_buffer.ports == 1,
        "activation": memory.activation_buffer.ports == 1,
    }
    yield f"DRAM of {float(hardware.dma_channel.bytes_per_cycle):g} bytes per cycle"
    if table:
        yield from ("DRAM table", f"DRAM table {dram.timing}")
    if any(ported.values()):
        yield "one-ported buffer"
        yield from (f"one-ported {name} buffer" for name, one in ported.items() if one)
        if table:
            yield "one-ported buffer and DRAM table"
    if any((buffer.banks or 1) > 1 for buffer in memory.buffers.values()):
        yield "one-ported buffer of several banks"
    if hardware.array.spatial == "output_pixels":
        yield "output pixels spread over the PEs"


def _of_workload(workload: Workload) -> Iterator[str]:
    yield f"activations of {workload.activation_bits} bit"
    if workload.batch > 1:
        yield "several images"
    if len(workload.layers) > 1:
        yield "several layers"
    if any(layer.groups > 1 for layer in workload.layers):
        yield "grouped convolution"
    if any(x.paddings.height >= x.extents.height for x in workload.layers):
        yield "transfer of padding only"  # the first row of output sees no input


def _of_run(result: Result) -> Iterator[str]:
    rows = zip(result.layer_rows(), result.run.workload.layers, strict=True)
    yield from chain.from_iterable(_of_layer(row, layer, result.hardware) for row, layer in rows)


def _of_layer(row: dict[str, str], layer: Layer, hardware: Hardware) -> Iterator[str]:
    pe = hardware.array.pe
    yield f"weights loaded once per {row['weights_read_once_per']}"
    yield f"inputs held as {row['input_buffering']}"
    if layer.kernels is not None and hardware.memory.index_buffer.encoding == "huffman":
        yield "Huffman code"
    match row["mode"]:
        case "mac":
            yield "full-precision layer"
        case "direct":
            yield "direct dot products"
        case "lut":
            yield "LUT"
            if layer.subset_size > pe.lut_size:
                yield "several LUT passes"
            if pe.lut_subbanks != "none":
                yield "LUT of sub-banks"
            if layer.kernels is not None:
                yield "LUT read with real indices"
