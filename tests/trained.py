"""A small network and random state dicts that fit it."""

import numpy as np
from numpy.typing import NDArray

from simulator import load_workload

NETWORK = """\
name: small
title: Small
ops_convention: main_paper
input: {channels: 3, height: 9, width: 9}
layers:
  - {name: stem, type: conv, precision: full, out_channels: 12, kernel: 3, padding: 1}
  - {name: a.conv1, type: conv, precision: binary, out_channels: 16, kernel: 3, padding: 1}
  - {name: a.conv2, type: conv, precision: binary, out_channels: 16, kernel: 3, groups: 4}
  - {name: a.narrow, type: conv, precision: binary, out_channels: 12, kernel: 1}
  - {name: a.wide, type: conv, precision: binary, out_channels: 16, kernel: 1}
  - {name: pool, type: global_pool}
  - {name: fc, type: linear, precision: full, out_features: 10}
"""
SHAPES = {
    "stem": (12, 3, 3, 3),
    "a.conv1": (16, 12, 3, 3),
    "a.conv2": (16, 4, 3, 3),  # 16 channels in 4 groups
    "a.narrow": (12, 16, 1, 1),
    "a.wide": (16, 12, 1, 1),  # 12 channels: one vector of 8 and one of 4
    "fc": (10, 16),
}
BINARY = ("a.conv1", "a.conv2", "a.narrow", "a.wide")

State = dict[str, NDArray[np.float32]]


def state_dict(*, tau: int | None = None, seed: int = 0, prefix: str = "") -> State:
    """Random weights, batch norms as decoys and, with tau, patterns under the authors' names."""
    rng = np.random.default_rng(seed)
    state: State = {}
    for name, shape in SHAPES.items():
        state[f"{prefix}{name}.weight"] = rng.normal(size=shape).astype(np.float32)
        state[f"{prefix}{name}_bn.weight"] = np.ones(shape[0], np.float32)
        if tau and name in BINARY:
            size = (2**tau, 9 if shape[-1] == 3 else 8)
            patterns = rng.normal(size=size).astype(np.float32)
            state[f"{prefix}{name}.binarize.patterns"] = patterns
    return state


def state_of(model: str, *, tau: int | None = None, prefix: str = "") -> State:
    """Random weights, and with tau patterns, of a shipped network."""
    rng = np.random.default_rng(0)
    state: State = {}
    for layer in load_workload(model).layers:
        inputs = layer.in_channels // layer.groups
        shape = (layer.out_channels, inputs, layer.kernel, layer.kernel)
        weights = rng.random(shape[:2] if layer.name == "fc" else shape, dtype=np.float32) - 0.5
        state[f"{prefix}{layer.name}.weight"] = weights
        if tau and not layer.full_precision:
            patterns = rng.random((2**tau, layer.unit_weights), dtype=np.float32) - 0.5
            state[f"{prefix}{layer.name}.binarize.patterns"] = patterns
    return state
