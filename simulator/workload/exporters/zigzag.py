"""Workload files of ZigZag 3.9.1 (`zigzag/parser/workload_validator.py` checks them)."""

from typing import Any

import yaml

from simulator.workload.exporters.shapes import LeftOut
from simulator.workload.layer import Layer
from simulator.workload.workload import Workload

OPERAND_BITS = 8
"""Width of weights and activations in the accelerators that ZigZag ships."""
_SUM_BITS = 16
_EQUATION = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"


def write(workload: Workload) -> tuple[str, list[LeftOut]]:
    """Return the text of a workload file, and no layers, because the format expresses all.

    Args:
        workload: a configured workload.

    """
    layers = [_layer(layer, number, workload.batch) for number, layer in enumerate(workload.layers)]
    head = (
        f"# {workload.name}: shapes of its layers, each reading the previous one. Operands have\n"
        f"# {OPERAND_BITS} bits, as in the accelerators that ZigZag ships; it knows no sub-bit "
        "weights.\n"
    )
    return head + yaml.safe_dump(layers, sort_keys=False, default_flow_style=None), []


def _layer(layer: Layer, number: int, batch: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": layer.name,
        "operator_type": "Conv",
        "equation": _EQUATION,
        "dimension_relations": [
            f"ix={layer.strides.width}*ox+{layer.dilations.width}*fx",
            f"iy={layer.strides.height}*oy+{layer.dilations.height}*fy",
        ],
        "loop_dims": ["B", "G", "K", "C", "OY", "OX", "FY", "FX"],
        "loop_sizes": [
            batch * layer.images,
            layer.groups,
            layer.out_channels // layer.groups,
            layer.in_channels // layer.groups,
            layer.out_height,
            layer.out_width,
            *layer.kernel_sides,
        ],
        "operand_precision": {
            "W": OPERAND_BITS,
            "I": OPERAND_BITS,
            "O": _SUM_BITS,
            "O_final": OPERAND_BITS,
        },
        # a layer's own number marks an operand that no layer of the file produces
        "operand_source": {"W": number, "I": max(0, number - 1)},
        "pr_loop_dims": ["IX", "IY"],
        "pr_loop_sizes": [layer.in_width, layer.in_height],
        "padding": [[layer.paddings.width] * 2, [layer.paddings.height] * 2],
    }
