"""Costs of streaming pipelines: area, memories and actions, derived in a second way."""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import ceil, log2
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given
from msgspec import structs

from simulator import Result, load_hardware, load_workload, simulate
from simulator.analysis.running import run_one
from simulator.machines.families import family_of
from simulator.machines.family import Mapping
from simulator.machines.streaming.area import area_by_layer, layer_memories, plan_area
from simulator.machines.streaming.folding import plan_of
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.memories import Memory, memories_of
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Fold, Folding, Streaming
from simulator.machines.streaming.shapes import Parallelism, Shape, divisors
from simulator.machines.streaming.widths import sum_bits, tree_adders
from simulator.workload import Layer, Workload, configure
from tests.vector_networks import conv, net

pytestmark = pytest.mark.unit

NET = (
    conv("first", 8),
    {"name": "norm", "type": "norm"},
    conv("shared", 16, stride=2),
    {"name": "other", "type": "norm"},
    {"name": "pool", "type": "pool", "kernel": [1, 3], "stride": [1, 3]},
    conv("full", 4, kernel=1, padding=0, precision="full"),
    conv("side", 4, kernel=1, padding=0, precision="full", **{"from": "pool"}),
    {"name": "add", "type": "add", "other": "full"},
)
"""Every kind of stage with weights, a pool, a fork, and a join."""


def machine(*overrides: str) -> Streaming:
    return load_hardware("streaming-r18", ["folding.cycles=900", *overrides])  # type: ignore[return-value] # of this family


def mapping(*overrides: str, **options: Any) -> Mapping[MappedStage]:
    hardware = machine(*overrides)
    return family_of(hardware).map(net(*NET, **{"tau": 4, **options}), hardware)


def shapes(workload: Workload, hardware: Streaming) -> dict[str, Shape]:
    return {shape.name: shape for shape in Network(workload, hardware).shapes()}


# --- bits ---------------------------------------------------------------------------------------


@given(st.integers(1, 70), st.integers(1, 9))
def test_adders_of_a_tree(numbers: int, bits: int) -> None:
    """Let adders take three bits of a column, or the last two, until every column has one."""
    columns = Counter(dict.fromkeys(range(bits), numbers))
    adders = 0
    while busy := [column for column, count in columns.items() if count > 1]:
        column = min(busy)
        columns[column] -= 2 if columns[column] > 2 else 1
        columns[column + 1] += 1
        adders += 1
    assert tree_adders(numbers, bits) == adders


def addresses(plan: Plan, layer: Layer) -> dict[int, set[tuple[int, ...]]]:
    """[PE] the weights that a PE reads, as (output, input) pairs, fold by fold."""
    found: dict[int, set[tuple[int, ...]]] = {pe: set() for pe in range(plan.fold.pe)}
    per_group = layer.out_channels // layer.groups
    folds = product(range(layer.groups), range(plan.neuron_folds), range(plan.synapse_folds))
    for group, neuron, synapse in folds:
        for pe, lane in product(range(plan.fold.pe), range(plan.fold.simd)):
            output = group * per_group + neuron * plan.fold.pe + pe
            found[pe].add((output, synapse * plan.fold.simd + lane))
    return found


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bits", [1, 4])
def test_every_weight_has_its_bits(groups: int, bits: int) -> None:
    hardware = machine("full_precision.bits=4")
    kind = {"precision": "full"} if bits == 4 else {}
    workload = net(conv("first", 8, groups=groups, **kind), conv("last"))
    shape = shapes(workload, hardware)["first"]
    layer = shape.layer
    assert isinstance(layer, Layer)
    for simd, pe in product(shape.simd_options, divisors(shape.most_pe)):
        plan = Plan(shape=shape, fold=Parallelism(pe, simd, 1))
        memory = named(memories_of(plan, streamed=False), "weight_memory")
        used = addresses(plan, layer)
        assert all(len(pairs) * bits == memory.words * memory.bits for pairs in used.values())
        assert sum(map(len, used.values())) == layer.weights
        assert memory.total_bits == 8 * ceil(plan.stored_bits / 8) == layer.weights * bits


def named(memories: Iterator[Memory], name: str) -> Memory:
    (found,) = (memory for memory in memories if memory.name == name)
    return found


def test_memories_of_shared_kernels() -> None:
    """A table entry and an index for every kernel, input and output, each counted."""
    plan = next(x.plan for x in mapping().weighted if x.layer.name == "shared")
    assert plan is not None
    layer, memories = plan.layer, list(memories_of(plan, streamed=False))
    indices = sum(layer.unit_bits for _ in product(range(16), range(8)))  # outputs x channels
    assert named(iter(memories), "index_memory").total_bits == indices
    entries = sum(plan.entry_bits for _ in product(range(2), range(plan.fold.simd), range(2**4)))
    assert named(iter(memories), "lut").total_bits == entries  # two banks
    assert plan.entry_bits == 5  # -9 to 9
    assert named(iter(memories), "subset").total_bits == 16 * 9
    assert sum_bits(plan) == 8  # -72 to 72
    assert named(iter(memories), "sum_memory").total_bits == 16 * 8
    # rows of the padded map, 6 + 2 columns x 8 channels of 1 bit; kernel 3 + stride 2 rows
    assert named(iter(memories), "line_buffer").total_bits == 5 * 8 * 8
    # 8-bit outputs, as the full-precision layer reads: a factor and an offset per channel
    assert named(iter(memories), "threshold_memory").total_bits == 16 * (8 + 8)


@pytest.mark.parametrize("weights", ["on_chip", "streamed"])
def test_bits_of_fifos_are_those_of_the_channels(weights: str) -> None:
    """Every word of space in the program is a word of a FIFO's memory; tables are LUTs."""
    mapped = mapping(f"memory.weights={weights}")
    channels = {channel.name: count for channel, count in mapped.program.channels.items()}
    expected = Counter[str]()
    for layer in mapped.layers:
        for stage in layer.stages:
            fifos = [*stage.sources, *filter(None, [getattr(stage, "weights", None)])]
            for fifo in fifos:
                expected[layer.layer.name] += channels[fifo.space.name] * fifo.bits
    assert sum(expected.values()) > 0
    for layer in mapped.layers:
        memories = layer_memories(layer, machine(f"memory.weights={weights}"))
        found = sum(one.total_bits for one in memories if one.name.endswith("fifo"))
        assert found == expected[layer.layer.name], layer.layer.name


# --- area ---------------------------------------------------------------------------------------


@st.composite
def stages(draw: st.DrawFn) -> tuple[Shape, Streaming]:
    """A stage with weights, after a layer that may give it several bits per value."""
    channels = draw(st.sampled_from([4, 6, 8, 16]))
    kernel = draw(st.sampled_from([1, 3]))
    fields = {"kernel": kernel, "padding": kernel // 2, "stride": draw(st.integers(1, 2))}
    last = conv("last", draw(st.sampled_from([4, 8, 12])), **fields)
    last["precision"] = draw(st.sampled_from(["binary", "binary", "full"]))
    layers = [conv("first", channels), last]
    layers += [{"name": "norm", "type": "norm"}] * draw(st.integers(0, 1))
    options = {"tau": draw(st.sampled_from([2, 4])), "activation_bits": draw(st.integers(1, 4))}
    weights = draw(st.sampled_from(["on_chip", "streamed"]))
    hardware = machine(f"memory.weights={weights}", f"fifos.depth={draw(st.integers(1, 70))}")
    return shapes(net(*layers, **options), hardware)["last"], hardware


@given(stages())
def test_area_grows_with_parallelism(drawn: tuple[Shape, Streaming]) -> None:
    shape, hardware = drawn
    options = {
        "pe": divisors(shape.most_pe),
        "simd": shape.simd_options,
        "dots": divisors(shape.most_dots),
    }
    for key, others in (("pe", ("simd", "dots")), ("dots", ("pe", "simd"))):
        for chosen in product(*(options[other] for other in others)):
            given_keys = dict(zip(others, chosen, strict=True))
            sizes = [
                plan_area(
                    Plan(shape=shape, fold=Parallelism(**given_keys, **{key: value})), hardware
                )
                for value in options[key]
            ]
            assert all(a < b for a, b in pairwise(sizes)), (key, given_keys, sizes)


@given(stages(), st.integers(0, 30))
def test_the_rule_finds_the_least_area(drawn: tuple[Shape, Streaming], share: int) -> None:
    """Every combination, one by one, has more area or is too slow."""
    shape, hardware = drawn
    folds = product(divisors(shape.most_pe), shape.simd_options, divisors(shape.most_dots))
    plans = [Plan(shape=shape, fold=Parallelism(*fold)) for fold in folds]
    least, most = (f(plan.cycles for plan in plans) for f in (min, max))
    cycles = least + (most - least) * share // 30
    allowed = [plan for plan in plans if plan.cycles <= cycles]
    hardware = machine(
        f"folding.cycles={cycles}", f"memory.weights={hardware.memory.weights}",
        f"fifos.depth={hardware.fifos.depth}",
    )  # fmt: skip
    best = min(plan_area(plan, hardware) for plan in allowed)
    found = plan_of(shape, hardware)
    assert found.cycles <= cycles
    assert plan_area(found, hardware) == best


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 4), st.integers(1, 2))
def test_a_deeper_memory_is_no_smaller(words: int, bits: int, banks: int, ports: int) -> None:
    few, more = (Memory("m", count, bits, banks=banks, ports=ports) for count in (words, words + 1))
    assert few.cells + few.logic <= more.cells + more.logic
    assert few.is_sram == (few.cells > 0)


def test_fifo_depth_and_layers_add_up() -> None:
    sizes = []
    for depth in (2, 3, 20, 400):
        one = mapping(f"fifos.depth={depth}")
        hardware = machine(f"fifos.depth={depth}")
        parts = family_of(hardware).area(hardware, one.layers)
        by_layer = area_by_layer(one.layers, hardware).values()
        assert sum(parts.values()) == sum(sum(layer.values()) for layer in by_layer)
        sizes.append(sum(parts.values()))
    assert sizes == sorted(set(sizes))


def test_a_popcount_by_hand() -> None:
    """One PE with 16 1-bit inputs per cycle: XNORs, a tree, an accumulator, a threshold."""
    folding = Folding(cycles=900, layers={"first": Fold(pe=1, simd=16)})
    hardware = structs.replace(machine(), folding=folding)
    one = family_of(hardware).map(net(*NET, bits=1), hardware).layers[0]
    parts = area_by_layer([one], hardware)["first"]
    assert parts["multipliers"] == 16 * 2
    assert parts["adder_trees"] == ceil(15 * Fraction(16, 3))  # 16 - 1 ones in 10000
    # 16 channels x 9: sums from -144 to 144 take 9 bits
    assert parts["accumulators"] == 9 * (16 + 17) // 3
    assert parts["comparators"] == 9 * 16 // 3


# --- PEs ----------------------------------------------------------------------------------------


def test_pes_are_multipliers_and_adders_of_all_stages() -> None:
    one = mapping()
    folds = [x.plan.fold for x in one.weighted if x.plan is not None]
    assert one.pes == sum(pe * simd for pe, simd, _ in folds) > 1
    assert machine().pes is None


# --- actions ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["on_chip", "streamed"])
def ran(request: pytest.FixtureRequest) -> Any:
    hardware = machine(f"memory.weights={request.param}", "fifos.depth=9")
    return run_one(net(*NET, tau=4, batch=3), hardware, "fast")


def test_actions_are_those_of_the_commands(ran: Any) -> None:
    """Walk through the commands of all units: words by the tokens, products by the PEs."""
    family = family_of(ran.hardware)
    (section,) = ran.mapping.program.sections
    for number, mapped in enumerate(ran.mapping.layers):
        counts = family.actions(mapped, ran.summary.bytes[number])
        walked = Counter[tuple[str, str]]()
        for stage in mapped.stages:
            commands = section.counts[stage.unit]
            taken = Counter[str]()
            for command, times in commands:
                for channel, tokens in command.takes:
                    taken[channel.name] += times * tokens
            walk(stage, mapped, commands, taken, walked)
        same = {key: counts.get(key, 0) for key in walked}
        assert same == dict(walked), mapped.layer.name


def walk(
    stage: Any, mapped: MappedStage, commands: Any, taken: Counter[str], walked: Counter[Any]
) -> None:
    """Add a unit's actions, from its commands."""
    plan, name = mapped.plan, stage.name
    assert plan is not None
    deep = {x.name for x in layer_memories(mapped, machine("fifos.depth=9"))} >= {"deep_fifo"}
    for fifo in [*stage.sources, *filter(None, [getattr(stage, "weights", None)])]:
        words = taken[fifo.items.name]
        shallow = not deep or fifo.depth < 9
        kind = "fifo" if shallow else "deep_fifo"
        if getattr(stage, "weights", None) is not fifo:
            walked[name, f"{kind}_read_bit"] += words * fifo.bits
            walked[name, f"{kind}_write_bit"] += words * fifo.bits
    worked = sum(times * command.cycles * command.pes for command, times in commands)
    written = sum(taken[fifo.space.name] for fifo in stage.targets[:1])
    pe, simd, dots = plan.fold
    if name.endswith(".mvtu"):
        if plan.shape.thresholds:
            bits = sum_bits(plan)
            walked[name, "threshold_bit"] = written * pe * bits
            out_bits = plan.shape.target.bits  # one threshold, or a factor and an offset
            kept = bits if out_bits == 1 else out_bits + bits
            walked[name, "threshold_memory_read_bit"] = written * pe * kept
        if plan.shape.shared:
            walked[name, "lut_read_bit"] = worked * plan.entry_bits
            walked[name, "index_memory_read_bit"] = worked * mapped.layer.unit_bits
            walked[name, "sum_memory_write_bit"] = worked // simd * sum_bits(plan)
        elif plan.shape.weight_bits > 1:
            walked[name, "mac"] = worked
        else:
            walked[name, "dot"] = ceil(worked * plan.shape.in_bits / 9)
            walked[name, "add_bit"] = worked // simd * sum_bits(plan)
    if name.endswith(".dots"):
        entries = sum(times * command.cycles for command, times in commands) * simd * dots
        walked[name, "lut_write_bit"] = entries * plan.entry_bits
        walked[name, "dot"] = entries  # 9 products of 1 bit each
        walked[name, "subset_read_bit"] = entries // simd * 9
    if name.endswith(".window"):
        walked[name, "line_buffer_write_bit"] = taken[stage.source.items.name] * stage.source.bits
        walked[name, "line_buffer_read_bit"] = written * stage.target.bits
    if name.endswith((".dma", ".output")) or name.endswith(".weights"):
        moved = sum(times * command.bytes for command, times in commands)
        walked[name, f"dram_{stage.rate}_byte"] = moved


def test_energy_adds_up_and_leaks_by_gates_and_sram() -> None:
    result: Result = simulate(
        net(*NET, tau=4), "streaming-r18", scope="network", set={"folding.cycles": 900}
    ).with_energy("45nm")
    energy = result.energy
    assert energy is not None
    for part in ("layer", "unit", "action"):
        assert sum(energy.run.by(part).values()) == energy.run.attojoules
    family = family_of(result.hardware)
    gates = sum(size for part, size in result.area.items() if part not in family.buffers)
    kib = family.buffer_kib(result.hardware, result.run.mapping.layers)
    leaked = energy.table.leakage_aj(gates, kib, result.hardware.clock_ghz)
    assert energy.run.by("action")["leakage_cycle"] == leaked * sum(
        layer.cycles for layer in result.run.layers
    )


def test_streamed_weights_cost_their_bytes() -> None:
    chip, dram = (
        simulate(
            net(*NET, tau=4), "streaming-r18", scope="network",
            set={"folding.cycles": 900, "memory.weights": weights},
        )
        for weights in ("on_chip", "streamed")
    )  # fmt: skip
    more = dram.run.dram_bytes["read"] - chip.run.dram_bytes["read"]
    streams = [s for x in dram.run.mapping.layers for s in x.stages if s.name.endswith(".weights")]
    assert more == sum(one.folds * one.fold_bytes for one in streams) > 0
    assert "weight_memory" not in dram.area


# --- roofs --------------------------------------------------------------------------------------


def test_roofs_of_cnv() -> None:
    hardware = load_hardware("cnv-w1a1")
    workload = configure(load_workload("cnv-w1a1"), bits=1, scope="network")
    layers = family_of(hardware).map(workload, hardware).weighted
    peak, pace = family_of(hardware).roofs(hardware, layers)
    # 16 x 3, 32 x 32, 16 x 32 twice, 4 x 32, 32, 4, 8, 4: every multiplier works in every cycle
    assert peak.macs_per_cycle == pytest.approx(48 + 1024 + 2 * 512 + 128 + 32 + 4 + 8 + 4)
    assert pace.macs_per_cycle == pytest.approx(sum(x.layer.macs for x in layers) / 32768)


# --- published estimates ------------------------------------------------------------------------


def finn_luts(plan: Plan, layer: Layer) -> float:
    """LUTs of an MVAU with weights in block RAM, as FINN estimates them.

    Source: Xilinx/finn, matrixvectoractivation_hls.py, `lut_estimation`.
    """
    (pe, simd, _), bits = plan.fold, plan.shape.in_bits + 1
    products = simd * (2 * ceil(bits / 6) - 1) * bits
    tree = bits * (2 * simd - 1)
    alpha = log2(layer.taps * layer.in_channels) + bits - 1
    sums = ceil(alpha + log2(1 + 2**-alpha) + 1)
    thresholds = sums * ceil(plan.neuron_folds / 64) + sums if plan.shape.thresholds else 0
    return 300 + 1.1 * pe * (products + tree + sums + thresholds)


def finn_block_rams(plan: Plan) -> int:
    """Block RAMs of 18 kbit for the weights of an MVAU, as FINN estimates them.

    Source: Xilinx/finn, matrixvectoractivation.py, `bram_estimation`.
    """
    words, bits = plan.synapse_folds * plan.neuron_folds, plan.fold.simd * plan.fold.pe
    if bits == 1:
        return ceil(words / 16384)
    if bits == 2:
        return ceil(words / 8192)
    if bits <= 4:
        return ceil(words / 4096) * ceil(bits / 4)
    if bits <= 9:
        return ceil(words / 2048) * ceil(bits / 9)
    if bits <= 18 or words > 512:
        return ceil(words / 1024) * ceil(bits / 18)
    return ceil(words / 512) * ceil(bits / 36)


LOGIC = ("multipliers", "adder_trees", "accumulators", "comparators")


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation."""
    return float(pd.Series(one).rank().corr(pd.Series(other).rank()))


def test_finn_estimates_rank_the_layers_of_cnv_alike() -> None:
    """The units differ: LUTs and block RAMs of an FPGA, against gates and bits."""
    hardware = load_hardware("cnv-w1a1")
    workload = configure(load_workload("cnv-w1a1"), bits=1, scope="network")
    layers = family_of(hardware).map(workload, hardware).weighted
    sizes = area_by_layer(layers, hardware)
    logic = [sum(sizes[x.layer.name].get(part, 0) for part in LOGIC) for x in layers]
    luts = [finn_luts(x.plan, x.layer) - 300 for x in layers]
    assert rank_correlation(logic, luts) == pytest.approx(0.9)
    *ratios, last = (gates / lut for gates, lut in zip(logic, luts, strict=True))
    assert 1.2 < min(ratios) < max(ratios) < 2
    assert 6 < last < 8  # four accumulators with a product each: a LUT, but 11 gates, per bit
    bits = [named(memories_of(x.plan, streamed=False), "weight_memory").total_bits for x in layers]
    rams = [finn_block_rams(x.plan) for x in layers]
    filled = [one / (18 * 1024 * ram) for one, ram in zip(bits, rams, strict=True)]
    assert rams == [2, 29, 15, 15, 24, 36, 8, 16, 2]
    assert rank_correlation(bits, rams) == pytest.approx(0.714, abs=1e-3)
    assert min(filled) == pytest.approx(0.047, abs=1e-3)  # 1,728 bits in two block RAMs
    assert max(filled) == pytest.approx(0.889, abs=1e-3)
