"""Batches: weights that come once serve several images."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.machines.family import Mapping
from simulator.machines.lut_array.planning import plan_layers
from simulator.machines.lut_array.vocabulary import DRAM_WEIGHTS
from simulator.machines.systolic.mapper import map_workload as systolic_mapping
from simulator.workload import Layer, Workload
from tests.build import layer, machine, network, trace_of
from tests.strategies import Overrides, layers, machines, mapping_of, networks
from tests.systolic import DATAFLOWS, systolic
from tests.systolic import SMALL as SMALL_ARRAY

pytestmark = pytest.mark.unit

SMALL = {"memory.index_buffer.kib": 8.0}
"""An index buffer for some output blocks of the layers below, not for a whole layer."""


def blocks_of(one: Layer, batch: int, activation_bytes: int) -> tuple[int, ...]:
    kib = (activation_bytes + 0.5) / 1024
    keys = {"memory.activation_buffer.kib": kib, "array.pes": 8}
    (plan,) = plan_layers(network(one, batch=batch), machine(keys))
    return plan.image_blocks


def weight_bytes(mapping: Mapping) -> int:
    """Bytes of all weight loads."""
    loads = (command for each in mapping.layers for command in each.commands(DRAM_WEIGHTS))
    return sum(command.bytes for command in loads)


@pytest.mark.parametrize("kind", [{}, {"tau": 5}, {"full_precision": True}])
def test_a_linear_layer_reads_its_weights_once_for_a_batch(kind: dict[str, int]) -> None:
    """A batch of 8 vectors takes the commands of a row of 8 pixels, to the cycle."""
    size = 16 if kind.get("full_precision") else 256
    row = mapping_of(network(layer(size, 512, 1, 8, kernel=1, **kind)), SMALL)
    vectors = layer(size, 512, 1, 1, kernel=1, **kind)
    batch = mapping_of(network(vectors, batch=8), SMALL)
    assert row.layers[0].weights == batch.layers[0].weights == "row"
    assert weight_bytes(batch) == weight_bytes(mapping_of(network(vectors), SMALL))
    assert weight_bytes(batch) == weight_bytes(row)
    assert trace_of(batch).cycles == trace_of(row).cycles


def test_a_convolution_reads_its_weights_once_per_row_of_a_batch() -> None:
    one = layer(64, 256, 4, 4)
    keys = {"memory.index_buffer.kib": 10.0}
    single, batch = (mapping_of(network(one, batch=size), keys) for size in (1, 6))
    assert single.layers[0].weights == "row"
    assert weight_bytes(single) == weight_bytes(batch) == 4 * 2 * 9216


def test_image_blocks_are_as_few_as_fit() -> None:
    """A row of a 1x1 map of 64 channels is 8 bytes, as is a transfer of 8 outputs and 8 images."""
    one = layer(64, 8, 1, 1, kernel=1)
    assert blocks_of(one, 8, 2 * 8 + 2 * 64) == (8,)
    assert blocks_of(one, 8, 2 * 8 + 2 * 64 - 1) == (4, 4)
    assert blocks_of(one, 9, 2 * 8 + 2 * 64) == (5, 4)
    assert blocks_of(one, 1, 2 + 8) == (1,)
    assert blocks_of(one, 8, 2 * 2 + 31) == (1,) * 8


def test_two_rows_of_a_convolution_fit() -> None:
    """3 rows under a row, and one that the next row adds, of 8 pixels of 1 byte."""
    one = layer(8, 8, 6, 8)
    assert blocks_of(one, 6, 2 * 8 + 6 * 4 * 8) == (6,)
    assert blocks_of(one, 6, 2 * 8 + 6 * 4 * 8 - 1) == (3, 3)


@given(layers(), machines(), st.integers(1, 9))
def test_image_blocks_hold_the_batch(one: Layer, overrides: Overrides, batch: int) -> None:
    (each,) = mapping_of(network(one, batch=batch), overrides).layers
    blocks = each.plan.image_blocks
    assert sum(blocks) == batch
    assert max(blocks) - min(blocks) <= 1
    assert each.inputs == "rows" or max(blocks) == 1


@settings(max_examples=20)
@given(networks(), machines(), st.integers(1, 3))
def test_more_images_do_not_need_more_weight_bytes_each(
    workload: Workload, overrides: Overrides, batch: int
) -> None:
    one, some, twice = (
        weight_bytes(mapping_of(replace(workload, batch=size), overrides))
        for size in (1, batch, 2 * batch)
    )
    assert some <= batch * one
    assert twice <= 2 * some


@settings(max_examples=10)
@given(layers(), st.integers(1, 9))
def test_a_systolic_array_shares_weights_in_a_batch(one: Layer, batch: int) -> None:
    for dataflow in DATAFLOWS:
        array = systolic({**SMALL_ARRAY, "array.dataflow": dataflow})
        single, several = (
            systolic_mapping(network(one, batch=size), array).layers[0].plan for size in (1, batch)
        )
        once, more = (plan.loaded_elements(plan.weights) for plan in (single, several))
        assert more <= batch * once
