"""The systolic array: cycles without an engine, tiles, transfers, actions and area."""

import csv
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.check.check import random_kernels
from simulator.check.reference import convolve
from simulator.engine import event, fast
from simulator.engine.summary import Summary, summarize
from simulator.machines.family import Change, Mapping
from simulator.machines.hardware import value_of
from simulator.machines.systolic import MappedLayer, map_workload
from simulator.machines.systolic.actions import layer_actions, memories
from simulator.machines.systolic.addresses import Addresses
from simulator.machines.systolic.area import area
from simulator.machines.systolic.capacity import INPUT_KIB, OUTPUT_KIB, WEIGHT_KIB, next_sizes
from simulator.machines.systolic.compute import compute
from simulator.machines.systolic.expected import expected_cycles, expected_ends
from simulator.machines.systolic.gemm import Gemm
from simulator.machines.systolic.moves import input_reads, weight_loads, writes
from simulator.machines.systolic.no_effect import why_no_effect
from simulator.machines.systolic.notes import notes
from simulator.machines.systolic.units import section_of
from simulator.machines.systolic.vocabulary import ARRAY, UNITS
from simulator.program.written import written
from simulator.workload import Layer, Workload, load_workload
from tests.build import layer, network
from tests.conftest import ROOT
from tests.strategies import KERNELS
from tests.systolic import DATAFLOWS, IDEAL, SMALL, systolic

pytestmark = pytest.mark.unit

Overrides = dict[str, Any]
SHORT = {"os": DATAFLOWS[0], "ws": DATAFLOWS[1], "is": DATAFLOWS[2]}


def mapped(workload: Workload, overrides: Overrides) -> Mapping[MappedLayer]:
    """Map a workload onto a small machine with some keys overridden."""
    return map_workload(workload, systolic(SMALL | overrides))


def both(mapping: Mapping[MappedLayer]) -> Summary:
    """Run a mapping with both engines, which agree."""
    slow, quick = summarize(event.run(mapping.program)), fast.totals(mapping.program)
    for name in ("ends", "busy", "bytes", "pe_cycles", "spent", "waits"):
        assert (getattr(slow, name) == getattr(quick, name)).all(), name
    return slow


def product_of(pixels: int, reduction: int, channels: int, **more: Any) -> Layer:
    """A layer that is one matrix product."""
    return layer(reduction, channels, 1, pixels, kernel=1, **{"full_precision": True} | more)


def gemm(overrides: Overrides, shape: Layer, activation_bits: int = 1) -> Gemm:
    """The matrix products of a layer."""
    return mapped(network(shape, activation_bits=activation_bits), overrides).layers[0].plan.gemm


# --- cycles --------------------------------------------------------------------------------------


def scalesim() -> list[dict[str, str]]:
    """The rows of SCALE-Sim's table."""
    lines = (ROOT / "tests/scalesim.csv").read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def scalesim_mapping(row: dict[str, str]) -> Mapping[MappedLayer]:
    """Map a row's matrix product with ideal memory."""
    size = int(row["array"].partition("x")[0])
    large = dict.fromkeys(
        [f"memory.{x}_scratchpad.kib" for x in ("input", "weight", "output")], 4e4
    )
    shape = product_of(*(int(row[key]) for key in ("pixels", "reduction", "filters")))
    keys = {
        "array.rows": size,
        "array.columns": size,
        "array.dataflow": SHORT[row["dataflow"]],
        "array.overlap_folds": False,
        "memory.transfer_steps": 1 << 20,
    }
    return mapped(network(shape), keys | large | IDEAL)


def test_scalesim_cycles() -> None:
    """Both engines and the closed form have the cycles of all 66 rows."""
    rows = scalesim()
    assert len(rows) == 66
    for row in rows:
        mapping = scalesim_mapping(row)
        ends = [
            expected_cycles(mapping.layers[0].plan),
            fast.totals(mapping.program).cycles,
            int(event.run(mapping.program).layer_ends[0]),
        ]
        assert ends == 3 * [int(row["cycles"])], row


def test_padded_layers_are_scalesim_products() -> None:
    """Layers of a network have the pixels, reduction and filters of SCALE-Sim's rows."""
    r20 = {x.name: x for x in load_workload("r20").layers}
    conv1, conv2 = r20["layer1.0.conv1"], next(x for x in r20.values() if x.stride == 2)
    one = {"array.pe.input_bits": 1, "array.pe.weight_bits": 1}
    for shape, numbers in ((conv1, (1024, 144, 16)), (conv2, (256, 144, 32))):
        product = gemm(one, shape)
        assert (product.pixels, product.reduction, product.channels) == numbers


@pytest.mark.parametrize("dataflow", DATAFLOWS)
@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (5, 3)])
def test_arrays_that_are_not_square(dataflow: str, rows: int, columns: int) -> None:
    """Fill and drain take rows + columns - 2 cycles, a preload takes `rows`."""
    keys = {"array.rows": rows, "array.columns": columns, "array.dataflow": dataflow}
    alone = {"array.overlap_folds": False} | IDEAL
    shape = product_of(2, 2, 2)  # one fold of 2 steps
    preload = 0 if dataflow == "output_stationary" else rows
    assert both(mapped(network(shape), keys | alone)).cycles == preload + 2 + 3 + 5 - 2 - 1


@pytest.mark.parametrize(
    ("dataflow", "cycles"),
    [
        # 4 x 4 PEs; 3 folds of 2 steps: max(2, 4) between folds, alone 2 + 6, one less
        ("output_stationary", 2 * 4 + 8 - 1),
        # 3 folds of 12 steps, 4 to preload: 4 + 2 x 12 + 12 + 6 - 1
        ("weight_stationary", 4 + 2 * 12 + 18 - 1),
        # 3 strips of 1 fold of 4 steps
        ("input_stationary", 4 + 2 * 4 + 10 - 1),
    ],
)
def test_overlap(dataflow: str, cycles: int) -> None:
    shapes = {
        "output_stationary": product_of(12, 2, 4),
        "weight_stationary": product_of(12, 12, 4),
        "input_stationary": product_of(12, 4, 4),
    }
    keys = {"array.dataflow": dataflow, "array.overlap_folds": True} | IDEAL
    assert both(mapped(network(shapes[dataflow]), keys)).cycles == cycles


def test_a_strip_waits_for_space() -> None:
    """Two strips of 4 x 4 sums fit; the third waits until the first has left, 4 + 6 cycles."""
    keys = {"array.dataflow": "input_stationary", "array.overlap_folds": True} | IDEAL
    two = {"memory.output_scratchpad.kib": 2 * 16 * 4 / 1024}
    three = {"memory.output_scratchpad.kib": 3 * 16 * 4 / 1024}
    waits, fits = (
        both(mapped(network(product_of(12, 4, 4)), keys | x)).cycles for x in (two, three)
    )
    assert (waits, fits) == (4 + 10 + 4 + 6 - 1, 4 + 2 * 4 + 10 - 1)


@st.composite
def shapes(draw: st.DrawFn) -> Layer:
    kernel, groups = draw(st.sampled_from(KERNELS)), draw(st.sampled_from([1, 1, 1, 2, 3]))
    full = draw(st.sampled_from([False, False, True]))
    bare = layer(
        groups * draw(st.integers(1, 9)),
        groups * draw(st.integers(1, 12)),
        draw(st.integers(1, 5)),
        draw(st.integers(1, 6)),
        kernel=kernel,
        stride=draw(st.integers(1, 3) | st.just((2, 1))),
        groups=groups,
        full_precision=full,
    )
    tau = None if full else draw(st.sampled_from([None, 3, 5]))
    return replace(bare, tau=tau and min(tau, bare.largest_tau))


@st.composite
def networks(draw: st.DrawFn) -> Workload:
    return network(
        *draw(st.lists(shapes(), min_size=1, max_size=3)),
        batch=draw(st.sampled_from([1, 1, 2])),
        activation_bits=draw(st.sampled_from([1, 1, 2, 8])),
    )


@st.composite
def machines(draw: st.DrawFn) -> Overrides:
    scratchpads = ("input", "weight", "output")
    kib, buffers = st.sampled_from([0.1, 0.3, 1, 8]), st.integers(1, 3)
    return {
        "array.dataflow": draw(st.sampled_from(DATAFLOWS)),
        "array.overlap_folds": draw(st.booleans()),
        "array.rows": draw(st.integers(1, 9)),
        "array.columns": draw(st.integers(1, 9)),
        "array.pe.input_bits": draw(st.sampled_from([1, 4, 8])),
        "array.pe.weight_bits": draw(st.sampled_from([1, 8])),
        "array.pe.dot_width": draw(st.sampled_from([1, 3, 8])),
        "full_precision.bits": draw(st.sampled_from([4, 8, 16])),
        "subbit_weights": draw(st.sampled_from(["decoded", "expanded"])),
        "memory.ideal": draw(st.sampled_from([False, False, False, True])),
        "memory.dram.bytes_per_cycle": draw(st.sampled_from([0.3, 1, 4, 64])),
        "memory.dram.latency_cycles": draw(st.sampled_from([0, 5, 60])),
        "memory.dram.burst_bytes": draw(st.sampled_from([1, 8, 64])),
        "memory.transfer_steps": draw(st.sampled_from([1, 7, 64])),
        **{f"memory.{name}_scratchpad.kib": draw(kib) for name in scratchpads},
        **{f"memory.{name}_scratchpad.buffers": draw(buffers) for name in scratchpads},
    }


def mapping_of(workload: Workload, overrides: Overrides) -> Mapping[MappedLayer]:
    """Map, or leave the example out if a scratchpad is too small."""
    try:
        mapping = mapped(workload, overrides)
    except InputError:
        assume(False)
        raise
    assume(mapping.program.commands < 5000)  # quick
    return mapping


@pytest.mark.invariant
@given(networks(), machines())
def test_cycles_of_random_machines(workload: Workload, overrides: Overrides) -> None:
    """Both engines have the times of the recurrence."""
    mapping = mapping_of(workload, overrides)
    assert both(mapping).ends.tolist() == expected_ends(mapping.hardware, mapping.layers)


@pytest.mark.invariant
@given(shapes(), machines())
def test_ideal_memory_has_a_closed_form(shape: Layer, overrides: Overrides) -> None:
    enough = {"memory.output_scratchpad.kib": 4096}
    mapping = mapping_of(network(shape), overrides | enough | IDEAL)
    plan = mapping.layers[0].plan
    assume(plan.sums != "dram")
    assert fast.totals(mapping.program).cycles == expected_cycles(plan)


@pytest.mark.invariant
@given(networks(), machines())
def test_loops_write_what_every_iteration_would(workload: Workload, overrides: Overrides) -> None:
    for each in mapping_of(workload, overrides).layers:
        plain = section_of(each.records, spills=each.plan.sums == "dram", plain=True)
        for unit, body in each.section.bodies.items():
            looped, unlooped = written(body), written(plain.bodies[unit])
            assert [looped.commands[n] for n in looped.index] == [
                unlooped.commands[n] for n in unlooped.index
            ]
            assert looped.step.tolist() == unlooped.step.tolist()


# --- matrix products -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("input_bits", "weight_bits", "bits", "elements"),
    [
        (8, 8, 8, 18),
        (8, 8, 16, 4 * 18),
        (16, 8, 16, 2 * 18),
        (8, 8, 32, 16 * 18),
        (1, 1, 2, 4 * 18),
    ],
)
def test_wide_operands_take_parts(
    input_bits: int, weight_bits: int, bits: int, elements: int
) -> None:
    keys = {"array.pe.input_bits": input_bits, "array.pe.weight_bits": weight_bits}
    shape = layer(2, 4, 3, 3, full_precision=True)
    product = gemm(keys | {"full_precision.bits": bits}, shape)
    assert product.reduction == elements
    assert product.input_bits * elements == product.weight_bits * elements == 18 * bits


@pytest.mark.parametrize(
    ("dot_width", "activation_bits", "elements"),
    [(1, 1, 90), (9, 1, 10), (8, 1, 12), (64, 1, 2), (8, 2, 24), (8, 8, 90), (64, 8, 16)],
)
def test_binary_layers_take_the_faster_way(
    dot_width: int, activation_bits: int, elements: int
) -> None:
    shape = layer(10, 4, 3, 3)
    product = gemm({"array.pe.dot_width": dot_width}, shape, activation_bits)
    assert product.reduction == elements
    by_bits = elements < 90
    assert product.binary_products == (9 * 4 * 90 * activation_bits if by_bits else 0)


def test_indices_travel_to_the_decoder() -> None:
    """16 channels x 144 weights: 5 bits per kernel of 9, and 32 kernels with the first load."""
    shape = layer(16, 16, 4, 4, tau=5)
    large = {"memory.dram.burst_bytes": 1, "array.rows": 144, "array.columns": 16}
    sizes = {
        way: both(mapped(network(shape), large | {"subbit_weights": way})).bytes[0, 0]
        for way in ("decoded", "expanded")
    }
    assert sizes == {"decoded": 16 * 16 * 5 / 8 + 32 * 9 / 8, "expanded": 16 * 16 * 9 / 8}


def test_a_note_names_expanded_layers() -> None:
    for form, tau, noted in (
        ("expanded", 5, True),
        ("decoded", 5, False),
        ("expanded", None, False),
    ):
        workload = network(layer(8, 8, 4, 4, tau=tau))
        run = run_one(workload, systolic(SMALL | {"subbit_weights": form}), "fast")
        found = [note for note in notes(run) if "subbit_weights: expanded" in note]
        assert bool(found) == noted
        if found:
            assert found[0].startswith("conv runs as a 1-bit layer because DRAM has its expanded")


def test_a_multiplier_that_no_layer_uses_has_no_effect() -> None:
    workload = network(layer(8, 8, 4, 4))
    before, after = (
        run_one(
            workload,
            systolic(SMALL | {"array.pe.dot_width": 8, "array.pe.input_bits": bits}),
            "fast",
        )
        for bits in (8, 4)
    )
    change = Change(key="array.pe.input_bits", before=(before,), after=(after,))
    assert before.cycles == after.cycles
    assert why_no_effect(change) == "every layer runs bit by bit, not on the multipliers"


def test_a_decoder_that_is_too_small_is_an_error() -> None:
    keys = {"subbit_weights": "decoded", "decoder_entries": 31}
    with pytest.raises(InputError, match="decoder_entries is 31: layer conv needs at least 32, "):
        mapped(network(layer(16, 16, 4, 4, tau=5)), keys)
    every = layer(16, 16, 4, 4, tau=9)  # an index is a kernel: nothing to decode
    assert mapped(network(every), keys).layers[0].plan.gemm.subset_bits == 0


# --- transfers -----------------------------------------------------------------------------------


def moved(overrides: Overrides, shape: Layer) -> list[int]:
    """Bytes of each unit."""
    by_byte = {"memory.dram.burst_bytes": 1, "array.overlap_folds": True}
    return [int(n) for n in both(mapped(network(shape), by_byte | overrides)).bytes[0]]


def test_lifetimes_of_operands() -> None:
    """16 pixels, 8 x 9 reduction, 8 channels of 8 bits on 4 x 4 PEs: 4 strips of 2 folds."""
    shape = layer(8, 8, 4, 4, full_precision=True)
    every = {"array.dataflow": "output_stationary"}
    whole = moved(every | {"memory.input_scratchpad.kib": 8}, shape)
    assert whole[:2] == [4 * 72 * 8, 8 * 16]  # weights again for every strip; the map once
    fold = {"memory.input_scratchpad.kib": 0.2}
    assert moved(every | fold, shape)[1] == 2 * 16 * 72  # windows, for both folds of a strip
    assert moved(every | {"memory.weight_scratchpad.kib": 1.2}, shape)[0] == 72 * 8
    wide = layer(8, 8, 16, 16, full_precision=True)
    assert moved(every | {"memory.input_scratchpad.kib": 0.6}, wide)[1] == 256 * 72  # windows, once


@pytest.mark.parametrize("dataflow", DATAFLOWS[1:])
def test_partial_sums_that_do_not_fit_spill(dataflow: str) -> None:
    """16 pixels x 16 channels of 32 bits, 5 folds of a strip: a sum leaves and returns 4 times."""
    shape, keys = product_of(16, 20, 16), {"array.dataflow": dataflow}
    fits = moved(
        keys | {"memory.output_scratchpad.kib": 0.5}, shape
    )  # 4 columns x 16 x 4 bytes, twice
    assert fits[2:4] == [0, 256]
    spills = moved(keys | {"memory.output_scratchpad.kib": 0.49}, shape)
    assert spills[2:4] == [4 * 256 * 4, 4 * 256 * 4 + 256]


def test_a_scratchpad_that_is_too_small_is_an_error() -> None:
    keys = {"array.dataflow": "weight_stationary", "memory.weight_scratchpad.kib": 0.03}
    with pytest.raises(InputError, match=r"memory.weight_scratchpad.kib is 0.03: layer conv needs"):
        mapped(network(product_of(16, 20, 16)), keys)
    mapped(network(product_of(16, 20, 16)), keys | {"memory.weight_scratchpad.kib": 0.04})


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_addresses(dataflow: str) -> None:
    """Tiles that move again have the same address; no two tiles share a byte."""
    keys = {f"memory.{x}_scratchpad.kib": 0.2 for x in ("input", "weight", "output")}
    mapping = mapped(
        network(layer(8, 8, 3, 6), layer(8, 8, 3, 6)), keys | {"array.dataflow": dataflow}
    )
    addresses = Addresses(mapping.layers, align=4096)
    seen: dict[int, tuple[int, str, object]] = {}
    for moves in (weight_loads, input_reads, writes):
        tiles = [(n, *move) for n, each in enumerate(mapping.layers) for move in moves(each)]
        for (number, region, tile, size), first in zip(tiles, addresses.of(moves), strict=True):
            for byte in (first, first + size - 1):
                assert seen.setdefault(byte, (number, region, tile)) == (number, region, tile)
    assert max(seen) < addresses.size


def test_a_dram_table_serves_all_channels() -> None:
    keys = {"memory.dram.timing": "ddr4-2400", "memory.dram.burst_bytes": 64}
    spills = {"array.dataflow": "weight_stationary", "memory.output_scratchpad.kib": 0.2}
    mapping = mapped(network(product_of(16, 20, 16)), keys | spills)
    assert mapping.program.dram is not None
    fixed = mapped(network(product_of(16, 20, 16)), spills | {"memory.dram.burst_bytes": 64})
    slow, quick = (summarize(event.run(x.program)) for x in (mapping, fixed))
    assert (slow.bytes == quick.bytes).all()
    assert slow.cycles > quick.cycles


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_next_sizes_are_enough_and_no_smaller_ones(dataflow: str) -> None:
    kib = {f"memory.{x}_scratchpad.kib": 0.25 for x in ("input", "weight", "output")}
    keys = {"array.dataflow": dataflow, "memory.dram.burst_bytes": 1} | kib
    net = network(layer(8, 8, 3, 6, name="small"), layer(12, 8, 6, 6, name="large"))
    plans = [x.plan for x in mapped(net, keys).layers]
    for key, unit in ((INPUT_KIB, 1), (WEIGHT_KIB, 0), (OUTPUT_KIB, 2)):
        for size, names in next_sizes(key, plans):
            after = [x.plan for x in mapped(net, keys | {key: size}).layers]
            assert not {name for _, each in next_sizes(key, after) for name in each} & {*names}
            less = [x.plan for x in mapped(net, keys | {key: size - 0.01}).layers]
            assert {name for _, each in next_sizes(key, less) for name in each} & {*names}
        size, names = next_sizes(key, plans)[-1] if next_sizes(key, plans) else (64, [])
        enough = both(mapped(net, keys | {key: size})).bytes[:, unit]
        assert (enough == both(mapped(net, keys | {key: 64})).bytes[:, unit]).all()


# --- what it computes ----------------------------------------------------------------------------


@pytest.mark.invariant
@given(shapes(), machines(), st.sampled_from([1, 2, 8]), st.integers(0, 99))
def test_sums_are_those_of_a_convolution(
    shape: Layer, overrides: Overrides, bits: int, seed: int
) -> None:
    assume(not shape.full_precision)
    (each,) = mapping_of(network(shape, batch=2, activation_bits=bits), overrides).layers
    rng = np.random.default_rng(seed)
    kernels = random_kernels(shape, seed, 0)
    size = (2, shape.in_channels, shape.in_height, shape.in_width)
    values = rng.choice([-1, 1], size) if bits == 1 else rng.integers(0, 1 << bits, size)
    rows = range(shape.out_height)
    assert (
        compute(each.plan, kernels, values, rows) == convolve(shape, kernels, values, rows)
    ).all()
    last = range(shape.out_height - 1, shape.out_height)
    assert (
        compute(each.plan, kernels, values, last)[:, :, 0]
        == convolve(shape, kernels, values, rows)[:, :, -1]
    ).all()


# --- energy and area -----------------------------------------------------------------------------


def counted(each: MappedLayer) -> Counter[str]:
    """Elements and sums of a layer, fold by fold."""
    plan, counts = each.plan, Counter[str]()
    pe, stays = plan.machine.array.pe, plan.stationary
    for _ in range(plan.gemm.groups):
        for strip in range(plan.strips):
            along = min(plan.strip_size, plan.strip_total - strip * plan.strip_size)
            for place in range(plan.places):
                across = min(plan.place_size, plan.place_total - place * plan.place_size)
                counts["products"] += along * across * plan.steps
                lanes = {"strip": along * plan.steps, "place": across * plan.steps}
                for operand in (plan.inputs, plan.weights):
                    elements = lanes.get(operand.index, along * across)
                    counts[operand.name] += elements
                values = along * (plan.steps if stays else across)
                counts["sums"] += values * pe.accumulator_bits
                counts["added"] += values * pe.accumulator_bits * (stays and place > 0)
                counts["shifts"] += along * sum(range(1, across + 1)) * stays
    return counts


@pytest.mark.invariant
@given(shapes(), machines())
def test_actions_fold_by_fold(shape: Layer, overrides: Overrides) -> None:
    mapping = mapping_of(network(shape), overrides)
    (each,) = mapping.layers
    summary, product = fast.totals(mapping.program), each.plan.gemm
    actions, counts = layer_actions(each.plan, summary.bytes[0]), counted(each)
    total = Counter[str]()
    for (_, action), count in actions.items():
        total[action] += count
    assert total["mac"] == (0 if product.binary_products else counts["products"])
    assert total["input_scratchpad_read_bit"] == -(-counts["inputs"] * product.input_bits // 1)
    assert total["weight_scratchpad_read_bit"] == -(-counts["weights"] * product.weight_bits // 1)
    assert total["adder_tree_bit"] == counts["added"]
    assert actions[ARRAY.name, "output_scratchpad_write_bit"] == counts["sums"]
    index = [x.index for x in (each.plan.inputs, each.plan.weights)]
    bits = (product.input_bits, product.expanded_weight_bits)
    still = bits[index.index("fold")] if "fold" in index else Fraction(0)
    assert actions.get(("preload", "pe_register_write_bit"), 0) == -(-counts["shifts"] * still // 1)
    sizes = memories(each.plan.machine)
    for action in total:
        if action.endswith(("_read_bit", "_write_bit")):
            assert sizes[action.rpartition("_")[0].rpartition("_")[0]] > 0
    assert total["dram_read_byte"] + total["dram_write_byte"] == summary.bytes[0].sum()


def test_pe_cycles_are_products() -> None:
    """A PE that works multiplies once per cycle; the layer's last piece has a cycle less."""
    mapping = mapped(network(layer(7, 9, 5, 3, full_precision=True)), IDEAL)
    plan, stream = mapping.layers[0].plan, 0
    last = (plan.strip_total % 4 or 4) * (plan.place_total % 4 or 4)
    assert both(mapping).pe_cycles[0, stream] == plan.gemm.products - last


@pytest.mark.parametrize(
    "key",
    [
        "array.rows",
        "array.columns",
        "array.pe.input_bits",
        "array.pe.weight_bits",
        "array.pe.accumulator_bits",
        "array.pe.dot_width",
        "memory.input_scratchpad.kib",
        "memory.weight_scratchpad.kib",
        "memory.output_scratchpad.kib",
        "memory.dram.burst_bytes",
        "memory.dram.bytes_per_cycle",
        "decoder_entries",
    ],
)
@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_more_of_anything_has_more_area(dataflow: str, key: str) -> None:
    keys = {"array.dataflow": dataflow, "subbit_weights": "decoded", "decoder_entries": 16}
    machine = systolic(keys)
    value: Any = value_of(machine, key)
    more = systolic(keys | {key: 2 * value})
    assert sum(area(more).values()) > sum(area(machine).values())


def test_area_of_what_a_machine_has() -> None:
    binary = {"array.pe.input_bits": 1, "array.pe.weight_bits": 1, "array.pe.dot_width": 9}
    parts = area(systolic(SMALL | binary))
    assert parts["multipliers"] == parts["decoder"] == 0
    assert parts["dots"] == round(16 * (9 * 2 + 7 * 16 / 3) + 0.4)  # as a dot unit of the LUT array
    assert area(systolic(SMALL))["dots"] == 0
    still = area(systolic(SMALL | {"array.dataflow": "output_stationary"}))
    assert still["edge_adders"] == 0


def test_units_are_numbered_as_in_the_program() -> None:
    assert mapped(network(layer(4, 4, 2, 2)), {}).program.units == UNITS[:-1]
