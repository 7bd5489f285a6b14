"""Small valid lists of layers: our own, SCALE-Sim's, Timeloop's and ZigZag's."""

_CONVOLUTIONS = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
stem, 9, 10, 5, 5, 3, 8, 2,
body, 8, 7, 3, 3, 8, 9, 1,
tall, 8, 7, 3, 1, 9, 8, 2, 1,

DPdeep, 7, 7, 3, 3, 8, 2, 1,
body, 5, 5, 1, 1, 9, 10, 1,
"""
_PRODUCTS = "Layer, M, N, K,\nqk, 6, 8, 12,\nlinear, 1, 10, 9,\n"
_PROBLEM = """\
problem:
  shape:
    name: conv
    dimensions: [C, M, R, S, N, P, Q, G]
    coefficients:
    - {name: Wstride, default: 1}
    - {name: Hdilation, default: 1}
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]], [[R]], [[S]], [[G]]]}
    - name: Inputs
      projection: [[[N]], [[C]], [[R], [P, Wstride]], [[S, Hdilation], [Q]], [[G]]]
    - name: Outputs
      projection: [[[N]], [[M]], [[Q]], [[P]], [[G]]]
      read_write: true
  instance: {C: 4, M: 6, R: 3, S: 3, N: 2, P: 5, Q: 4, G: 3, Wstride: 2, Hdilation: 2}
"""
_ZIGZAG = """\
- id: 0
  name: stem
  operator_type: Conv
  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=1*oy+2*fy]
  loop_dims: [B, K, C, OY, OX, FY, FX]
  loop_sizes: [1, 8, 3, 5, 6, 3, 3]
  pr_loop_dims: [IX, IY]
  pr_loop_sizes: [13, 9]
  padding: [[1, 0], [0, 0]]
  operand_precision: {W: 8, I: 8, O: 16, O_final: 8}
  operand_source: {I: 0, W: 0}
- id: 1
  operator_type: Pooling
  equation: O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, G, OY, OX, FX, FY]
  loop_sizes: [1, 8, 2, 3, 3, 3]
  operand_precision: {I: 8, W: 0, O: 16, O_final: 8}
- id: 2
  operator_type: Gemm
  equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2]
  loop_sizes: [5, 6, 9]
  operand_precision: {W: 8, I: 8, O: 32, O_final: 8}
"""
_WHOLE = """\
name: whole
title: Layers of every kind
ops_convention: main_paper
input: {channels: 3, height: 8, width: 8}
shortcut_bits: 12
layers:
  - {name: stem, type: conv, precision: full, out_channels: 8, kernel: 3, padding: 1}
  - {name: bn, type: norm}
  - {name: pool, type: pool, kernel: 3, stride: 2, padding: 1, mode: average}
  - {name: a, type: conv, precision: binary, out_channels: 8, kernel: 3, padding: 1}
  - {name: a.bn, type: norm}
  - {name: sum, type: add, other: pool}
  - {name: act, type: activation}
  - {name: join, type: concat, others: [pool]}
  - {name: mix, type: shuffle, groups: 2}
  - {name: regions, type: roi_pool, size: 2, count: 3}
  - {name: b, type: conv, precision: binary, out_channels: 8, kernel: 1}
  - {name: end, type: global_pool}
  - {name: fc, type: linear, precision: full, out_features: 4}
"""
_LISTED = """\
name: listed
title: A list of layers
ops_convention: main_paper
layers:
  - {name: a, type: conv, precision: binary, out_channels: 9, kernel: 3, activation_bits: 8,
     input: {channels: 3, height: 7, width: 6}}
  - {name: b, type: conv, precision: full, out_channels: 4, kernel: [1, 5], stride: [2, 1],
     padding: [0, 2], dilation: [1, 1], input: {channels: 4, height: 5, width: 5, images: 2}}
  - {name: c, type: concat, others: [b]}
  - {name: d, type: linear, precision: binary, out_features: 5}
"""
LAYERS = {
    "convolutions.csv": _CONVOLUTIONS,
    "products.csv": _PRODUCTS,
    "problem.yaml": _PROBLEM,
    "zigzag.yaml": _ZIGZAG,
    "layers.yaml": _LISTED,
    "whole.yaml": _WHOLE,
}
"""Contents of each file."""
