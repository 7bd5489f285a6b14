"""Real indices determine the timing: LUT passes, ports and sub-banks, Huffman codes."""

import re
import sys
from dataclasses import replace
from itertools import pairwise, product
from math import ceil
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from simulator.base.columns import Ints
from simulator.base.errors import InputError
from simulator.machines import Hardware, load_hardware
from simulator.machines.lut_array.banks import Bank, bank_of
from simulator.machines.lut_array.expected import expected_accumulate, share_within
from simulator.machines.lut_array.huffman import (
    MAX_LENGTH,
    canonical_code,
    code_lengths,
    stream_bits,
)
from simulator.machines.lut_array.indices import accumulates_of
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.planning import plan_layers
from simulator.workload import Layer, Workload
from simulator.workload.kernels import KernelSet
from tests.build import INSTANT, layer, machine, network, of_kind, times, traced, with_kernels
from tests.conftest import ROOT
from tests.numbering import Kind

pytestmark = pytest.mark.cycle


def plan_of(one: Layer, hardware: Hardware) -> LayerPlan:
    return plan_layers(network(one), hardware)[0]


def accumulates(one: Layer, overrides: dict[str, Any]) -> list[int]:
    """Cycles of every accumulate in the program."""
    _, trace = traced(network(one), INSTANT | overrides)
    return of_kind(trace, Kind.ACCUMULATE, trace.occupied).tolist()


def pairs(row: list[int], units: int = 64) -> np.ndarray:
    """Repeat the indices for every unit."""
    return np.repeat(np.array(row)[:, None], units, axis=1)


class TestPasses:
    """64 kernels in a LUT of 32 entries: index i is in pass i // 32."""

    def test_the_indices_say_how_many_outputs_fall_into_a_pass(self) -> None:
        indices = pairs([0] * 100 + [40] * 28)
        one = with_kernels(layer(64, 128, 1, 1, tau=6), indices)
        _, trace = traced(network(one), INSTANT)
        # 100 / 4 = 25 cycles, 28 / 4 = 7; fills of 32 from cycle 1 on
        assert times(trace, Kind.FILL) == [(1, 33), (33, 65)]
        assert times(trace, Kind.ACCUMULATE) == [(33, 58), (65, 72)]

    @pytest.mark.parametrize(("more", "cycles"), [(0, [16, 16]), (1, [17, 16]), (4, [17, 16])])
    def test_the_array_waits_for_its_fullest_unit(self, more: int, cycles: list[int]) -> None:
        indices = pairs([0, 63] * 64)  # 64 outputs in each pass: 16 cycles
        indices[1 : 2 * more : 2, 17] = 0  # unit 17 has `more` outputs more in pass 0
        # 64 + 1 = 65 outputs: ceil(65 / 4) = 17, 64 + 4: 17; pass 1 still has units with 64
        one = with_kernels(layer(64, 128, 1, 1, tau=6), indices)
        assert accumulates(one, {}) == cycles

    def test_a_pass_that_no_output_needs_is_filled_all_the_same(self) -> None:
        one = with_kernels(layer(64, 128, 1, 1, tau=6), pairs([5] * 128))
        _, trace = traced(network(one), INSTANT)
        assert times(trace, Kind.FILL) == [(1, 33), (33, 65)]
        assert times(trace, Kind.ACCUMULATE) == [(33, 65), (65, 65)]  # 128 / 4 = 32, then 0
        assert times(trace, Kind.DRAIN) == [(65, 97)]

    def test_groups_of_units_have_their_own_indices(self) -> None:
        indices = np.concatenate([pairs([0] * 128), pairs([0, 63] * 64)], axis=1)
        one = with_kernels(layer(128, 128, 1, 1, tau=6), indices)
        assert accumulates(one, {}) == [32, 0, 16, 16]

    def test_a_unit_at_a_time_where_pes_are_pixels(self) -> None:
        indices = np.concatenate([pairs([0] * 128, 1), pairs([0, 63] * 64, 1)], axis=1)
        one = with_kernels(layer(2, 128, 8, 8, tau=6), indices)
        assert accumulates(one, {"array.spatial": "output_pixels"}) == [32, 0, 16, 16]

    def test_several_pixels_share_the_indices_of_their_units(self) -> None:
        one = with_kernels(layer(16, 128, 2, 2, tau=6), pairs([0] * 100 + [40] * 28, 16))
        assert accumulates(one, {}) == [25, 7]  # four pixels in one step

    def test_blocks_and_convolution_groups_are_rows_of_the_indices(self) -> None:
        # two groups of 16 channels -> 128 outputs; group 0 reads pass 0 only, group 1 evenly
        indices = np.concatenate([pairs([1] * 128, 16), pairs([1, 33] * 64, 16)])
        one = with_kernels(layer(32, 256, 1, 4, groups=2, tau=6), indices)
        assert accumulates(one, {}) == [32, 0, 16, 16]

    def test_vectors_of_1x1_layers(self) -> None:
        one = with_kernels(layer(512, 128, 1, 1, kernel=1, tau=6), pairs([0] * 100 + [40] * 28))
        assert accumulates(one, {}) == [25, 7]

    def test_a_subset_of_41_kernels_takes_a_pass_of_21_and_one_of_20(self) -> None:
        one = with_kernels(layer(64, 128, 1, 1, tau=6), pairs([20] * 80 + [21] * 48), size=41)
        _, trace = traced(network(one), INSTANT)
        assert of_kind(trace, Kind.FILL, trace.occupied).tolist() == [21, 20]
        assert of_kind(trace, Kind.ACCUMULATE, trace.occupied).tolist() == [20, 12]

    def test_shapes_spread_evenly_and_real_indices_do_not(self) -> None:
        random = np.random.default_rng(1).integers(0, 64, (128, 64))
        fullest = np.count_nonzero(random < 32, axis=0).max()
        one = layer(64, 128, 1, 1, tau=6)
        assert accumulates(one, {}) == [16, 16]
        assert accumulates(with_kernels(one, random), {})[0] == ceil(fullest / 4) > 16

    def test_the_table_is_left_out_where_these_indices_make_it_slow(self) -> None:
        # one pass of 32: max(32, 33 / 4) < 33; two sub-banks and all reads odd: 33 cycles, no gain
        odd = [1, 3, 5, 7] * 8 + [1]
        one = with_kernels(layer(64, 33, 1, 1, tau=5), pairs(odd))
        even = with_kernels(layer(64, 33, 1, 1, tau=5), pairs([0] * 33))
        two = machine({"array.pe.lut_subbanks": 2})
        assert plan_of(one, machine()).mode == "lut"
        assert plan_of(one, two).mode == "direct"
        assert plan_of(even, two).mode == "lut"


class TestPortsAndSubBanks:
    """Indices of one PE, in bundles of four lookups."""

    @pytest.mark.parametrize(
        ("bundle", "ports", "subbanks", "cycles"),
        [
            ([0, 1, 2, 3], "accumulators", "none", 1),
            ([0, 1, 2, 3], 4, "none", 1),
            ([0, 1, 2, 3], 9, "none", 1),  # more ports than accumulators: four are used
            ([0, 1, 2, 3], 3, "none", 2),  # ceil(4 / 3)
            ([0, 1, 2, 3], 2, "none", 2),
            ([0, 1, 2, 3], 1, "none", 4),
            ([7, 7, 7, 7], 1, "none", 1),  # one read, for all accumulators
            ([7, 7, 8, 8], 1, "none", 2),
            ([0, 1, 2, 3], "accumulators", 4, 1),  # sub-banks 0, 1, 2, 3
            ([0, 4, 8, 12], "accumulators", 4, 4),  # all in sub-bank 0
            ([0, 4, 8, 12], "accumulators", 8, 2),  # 0, 4, 0, 4
            ([0, 4, 8, 13], "accumulators", 4, 3),
            ([4, 4, 8, 8], "accumulators", 4, 2),
            ([0, 1, 2, 3], "accumulators", 1, 4),
            ([0, 1, 2, 3], 2, 4, 2),  # no conflict, but two reads a cycle
            ([0, 4, 8, 1], 2, 4, 3),  # three times sub-bank 0, in parallel with the fourth read
            ([31, 30, 29, 28], "accumulators", 32, 1),
        ],
    )
    def test_a_bundle(
        self, bundle: list[int], ports: int | str, subbanks: int | str, cycles: int
    ) -> None:
        one = with_kernels(layer(64, 64, 1, 1, tau=5), pairs(bundle * 16))
        keys = {"array.pe.lut_read_ports": ports, "array.pe.lut_subbanks": subbanks}
        if cycles < 4:
            assert accumulates(one, keys) == [16 * cycles]
        else:  # 64 cycles: as many as 64 direct dot products
            assert plan_of(one, machine(keys)).mode == "direct"
            assert plan_of(one, machine(keys)).accumulate_table.tolist() == [[[64]]]

    def test_bundle_by_bundle_the_slowest_pe_counts(self) -> None:
        free, stuck = [0, 1, 2, 3], [0, 4, 8, 8]  # 1 and 3 cycles in four sub-banks
        indices = pairs(free * 16)
        indices[:4, 3] = stuck  # bundle 0 of unit 3
        indices[4:8, 5] = stuck  # bundle 1 of unit 5
        one = with_kernels(layer(64, 64, 1, 1, tau=5), indices)
        # each PE alone would take 15 + 3 = 18; in lock-step 14 + 3 + 3 = 20
        assert accumulates(one, {"array.pe.lut_subbanks": 4}) == [20]

    def test_a_pass_packs_its_outputs_into_bundles(self) -> None:
        # pass 0 reads entries 0, 1, 2, 3, 0, and so on; its outputs are not adjacent in the block
        indices = pairs([0, 32, 1, 32, 2, 32, 3, 32] * 16)
        one = with_kernels(layer(64, 128, 1, 1, tau=6), indices)
        keys = {"array.pe.lut_read_ports": 2}
        assert accumulates(one, keys) == [16 * 2, 16]  # 64 / 4 bundles of two cycles, or one

    def test_entries_count_within_the_bank(self) -> None:
        # 24 entries: index 24 is entry 0 of pass 1, and is in sub-bank 0 with 28 (entry 4)
        indices = pairs([24, 28, 25, 26] * 16)
        keys = {"array.pe.lut_entries": 24, "array.pe.lut_subbanks": 4}
        one = with_kernels(layer(64, 64, 1, 1, tau=5), indices)
        assert accumulates(one, keys) == [0, 16 * 2]

    def test_fill_direct_and_drain_do_not_read_the_ports(self) -> None:
        keys = {"array.pe.lut_read_ports": 2}
        net = network(layer(64, 128, 1, 1, tau=5), layer(64, 64, 1, 1))
        (_, one), (_, other) = traced(net, INSTANT), traced(net, INSTANT | keys)
        for kind in (Kind.FILL, Kind.DIRECT, Kind.DRAIN):
            before, after = (of_kind(t, kind, t.occupied).tolist() for t in (one, other))
            assert before == after

    def test_shapes_take_the_expectation(self) -> None:
        # two reads of four entries over one port: 1 cycle if equal (1/4), 2 if not (3/4). With two
        # PEs, both take 1 with 1/16; the slower therefore takes 1 + 15/16; 8 / 2 = 4 bundles: 7.75
        # -> 8
        keys = {
            "array.pes": 2,
            "array.pe.accumulators": 2,
            "array.pe.lut_entries": 4,
            "array.pe.lut_read_ports": 1,
        }
        plan = plan_of(layer(2, 8, 1, 1, tau=2), machine(keys))
        assert plan.accumulate_table.tolist() == [[[8]]]
        # one PE alone: 4 x 1.75 = 7
        keys["array.spatial"] = "output_pixels"
        plan = plan_of(layer(2, 8, 1, 1, tau=2), machine(keys))
        assert plan.accumulate_table.tolist() == [[[7], [7]]]


def slow_accumulate(queues: list[list[int]], bank: Bank) -> int:
    """Simulate cycle by cycle: each PE serves its bundle; all PEs begin the next one together."""
    cycles, bundle = 0, bank.accumulators
    for first in range(0, max(map(len, queues)), bundle):
        pending = [set(queue[first : first + bundle]) for queue in queues]
        while any(pending):
            cycles += 1
            for wanted in pending:
                parts: dict[int, list[int]] = {}
                for entry in sorted(wanted):
                    parts.setdefault(entry % bank.subbanks, []).append(entry)
                fullest = sorted(parts.values(), key=len, reverse=True)
                wanted -= {part[0] for part in fullest[: bank.read_ports]}
    return cycles


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    entries = draw(st.sampled_from([1, 2, 5, 8, 32]))
    accumulators = draw(st.integers(1, 6))
    return Bank(
        entries=entries,
        accumulators=accumulators,
        read_ports=draw(st.integers(1, accumulators)),
        subbanks=draw(st.integers(1, entries)),
    )


@st.composite
def kernel_sets(draw: st.DrawFn, units: int = 9, outputs: int = 24) -> KernelSet:
    size = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    shape = (draw(st.integers(1, outputs)), draw(st.integers(1, units)))
    skew = draw(st.sampled_from([1, 1, 3]))  # to the power: small indices more often
    indices = (size * rng.random(shape) ** skew).astype(np.uint16)
    return KernelSet(9, rng.integers(0, 512, size).astype(np.uint16), indices)


def cut(rows: int, at: list[int]) -> tuple[int, ...]:
    """Sizes of the pieces of `rows` rows cut at these positions."""
    places = sorted({0, rows, *(place % rows for place in at)})
    return tuple(b - a for a, b in pairwise(places))


class TestAgainstOtherModels:
    @given(
        kernels=kernel_sets(),
        bank=banks(),
        unit_at=st.lists(st.integers(0, 99), max_size=3),
        at=st.lists(st.integers(0, 99), max_size=3),
    )
    def test_arrays_equal_a_loop_over_cycles_pes_and_accumulators(
        self, kernels: KernelSet, bank: Bank, unit_at: list[int], at: list[int]
    ) -> None:
        outputs, units = kernels.indices.shape
        blocks, groups = cut(outputs, at), cut(units, unit_at)
        table = accumulates_of(kernels, blocks, groups, bank)
        passes = ceil(len(kernels.subset) / bank.entries)
        assert table.shape == (len(blocks), len(groups), passes)
        for (block, group, number), cycles in np.ndenumerate(table):
            rows = slice(sum(blocks[:block]), sum(blocks[: block + 1]))
            columns = slice(sum(groups[:group]), sum(groups[: group + 1]))
            kept = np.array_split(np.arange(len(kernels.subset)), passes)[number]
            queues = [
                [int(i) - kept[0] for i in column if i in kept]
                for column in kernels.indices[rows, columns].T
            ]
            assert cycles == slow_accumulate(queues, bank)

    @pytest.mark.parametrize("reads", [1, 2, 3, 4])
    @pytest.mark.parametrize("entries", [1, 2, 3, 5])
    @pytest.mark.parametrize("ports", [1, 2, 3])
    @pytest.mark.parametrize("subbanks", [1, 2, 3, 5])
    def test_the_probabilities_equal_an_enumeration(
        self, reads: int, entries: int, ports: int, subbanks: int
    ) -> None:
        bank = Bank(
            entries=entries, accumulators=4, read_ports=ports, subbanks=min(subbanks, entries)
        )
        costs = [
            slow_accumulate([list(bundle)], bank)
            for bundle in product(range(entries), repeat=reads)
        ]
        for cycles in range(1, 6):
            share = sum(cost <= cycles for cost in costs) / len(costs)
            assert share_within(cycles, reads, entries, bank) == pytest.approx(share, abs=1e-15)

    @pytest.mark.parametrize(
        ("subbanks", "least", "most"),
        [
            # 128 reads hit 512 x (1 - (1 - 1/512)^128) = 113.4 entries on average
            (1, 114, 114),  # one by one
            (16, 8, 20),  # 113.4 / 16 = 7.1 in each part, more in the fullest part
            (512, 2, 2),  # 64 ports: 65 to 128 entries take two cycles
        ],
    )
    def test_wide_pes_are_counted_too(self, subbanks: int, least: int, most: int) -> None:
        bank = Bank(entries=512, accumulators=128, read_ports=64, subbanks=subbanks)
        assert least <= expected_accumulate(128, 512, 1, bank) <= most

    @pytest.mark.parametrize(("ports", "subbanks"), [(1, 4), (2, 4), (4, 2), (4, 1), (2, 2)])
    def test_the_expectation_of_two_pes_equals_an_enumeration(
        self, ports: int, subbanks: int
    ) -> None:
        bank = Bank(entries=4, accumulators=2, read_ports=min(2, ports), subbanks=subbanks)
        bundles = list(product(range(4), repeat=2))
        slower = [
            slow_accumulate([list(one), list(other)], bank)
            for one, other in product(bundles, bundles)
        ]
        mean = sum(slower) / len(slower)
        for count in (1, 4, 16, 100):  # bundles; the expectation of a sum is the sum
            assert expected_accumulate(2 * count, 4, 2, bank) == ceil(count * mean - 1e-9)

    def test_random_indices_come_out_near_the_expectation(self) -> None:
        rng = np.random.default_rng(0)
        hardware = machine({"array.pe.lut_subbanks": 8})
        bare = layer(512, 512, 1, 1, tau=5)
        real = with_kernels(bare, rng.integers(0, 32, (512, 512)))
        expected, actual = (plan_of(one, hardware).accumulate_table.sum() for one in (bare, real))
        assert abs(actual / expected - 1) < 0.03


class TestMoreNeverCosts:
    @given(kernels=kernel_sets(), bank=banks(), at=st.lists(st.integers(0, 99), max_size=3))
    def test_ports_and_multiples_of_subbanks(
        self, kernels: KernelSet, bank: Bank, at: list[int]
    ) -> None:
        blocks, groups = (len(kernels.indices),), cut(kernels.indices.shape[1], at)
        before = accumulates_of(kernels, blocks, groups, bank)
        more = replace(
            bank,
            read_ports=min(bank.read_ports + 1, bank.accumulators),
            subbanks=min(2 * bank.subbanks, bank.entries),  # every part cut in two, or no limit
        )
        assert np.all(accumulates_of(kernels, blocks, groups, more) <= before)
        for reads in (1, 3, 24):
            assert expected_accumulate(reads, bank.entries, 7, more) <= expected_accumulate(
                reads, bank.entries, 7, bank
            )

    @given(kernels=kernel_sets(units=40), key=st.sampled_from(["lut_read_ports", "lut_subbanks"]))
    def test_whole_runs(self, kernels: KernelSet, key: str) -> None:
        outputs, units = kernels.indices.shape
        one = with_kernels(layer(units, outputs, 2, 3, tau=6), kernels.indices, len(kernels.subset))
        runs = []
        for value in (1, 2, 4, 8):
            keys = {f"array.pe.{key}": value, "array.pe.dots_per_cycle": 4}
            mapping, trace = traced(network(one), keys)
            runs.append((mapping.layers[0].plan.mode, trace.cycles))
        for (mode, cycles), (next_mode, next_cycles) in pairwise(runs):
            if mode == next_mode:
                assert next_cycles <= cycles

    def test_the_defaults_restrict_nothing(self) -> None:
        bank = bank_of(machine())
        assert bank == Bank(entries=32, accumulators=4, read_ports=4, subbanks=32)
        assert bank == bank_of(machine({"array.pe.lut_read_ports": 4, "array.pe.lut_subbanks": 32}))
        assert bank_of(machine({"array.pe.accumulators": 8})).read_ports == 8


class TestHuffman:
    @pytest.mark.parametrize(
        ("histogram", "lengths"),
        [
            ([1, 1, 2, 4], [3, 3, 2, 1]),
            ([5, 5, 5, 5], [2, 2, 2, 2]),
            ([0, 7, 0, 0], [0, 1, 0, 0]),  # a single symbol still takes a bit
            ([3, 0, 9, 0], [1, 0, 1, 0]),
            ([4, 3, 2, 1, 1], [2, 2, 2, 3, 3]),
        ],
    )
    def test_lengths(self, histogram: list[int], lengths: list[int]) -> None:
        assert code_lengths(np.array(histogram)).tolist() == lengths

    def test_no_word_is_longer_than_the_limit(self) -> None:
        fibonacci = [1, 1]
        while len(fibonacci) < 30:
            fibonacci.append(fibonacci[-1] + fibonacci[-2])
        lengths = code_lengths(np.array(fibonacci))  # Huffman's algorithm would take 29 bits
        assert lengths.max() <= MAX_LENGTH
        assert sum(2.0**-lengths) <= 1

    @given(kernels=kernel_sets(units=20), at=st.lists(st.integers(0, 99), max_size=3))
    def test_a_stream_is_as_long_as_it_says_and_decodes(
        self, kernels: KernelSet, at: list[int]
    ) -> None:
        indices = kernels.indices
        lengths = code_lengths(np.bincount(indices.ravel(), minlength=len(kernels.subset)))
        code = canonical_code(lengths)
        words = {format(word, f"0{length}b"): s for s, (word, length) in enumerate(code) if length}
        blocks, groups = cut(len(indices), [3, 7]), cut(indices.shape[1], at)
        table = stream_bits(kernels, blocks, groups, False)
        for (block, group), bits in np.ndenumerate(table):
            rows = slice(sum(blocks[:block]), sum(blocks[: block + 1]))
            columns = slice(sum(groups[:group]), sum(groups[: group + 1]))
            tile = indices[rows, columns].ravel().tolist()
            stream = "".join(format(code[s][0], f"0{code[s][1]}b") for s in tile)
            assert len(stream) == bits
            decoded, word = [], ""
            for bit in stream:
                word += bit
                if word in words:
                    decoded.append(words[word])
                    word = ""
            assert (decoded, word) == (tile, "")

    @given(kernels=kernel_sets(units=20))
    def test_never_more_bits_than_fixed_length_and_never_less_than_the_entropy(
        self, kernels: KernelSet
    ) -> None:
        counts = np.bincount(kernels.indices.ravel())
        bits = (code_lengths(counts) * counts).sum()
        fixed = max(1, int(len(kernels.subset) - 1).bit_length())
        share = counts[counts > 0] / counts.sum()
        assert counts.sum() * -(share * np.log2(share)).sum() - 1e-6 <= bits
        assert bits <= counts.sum() * fixed

    def test_what_moves(self) -> None:
        # 32 of 64 rows are index 0 and the rest 1, 2 evenly: 1, 2 and 2 bits
        indices = pairs([0, 1, 0, 2] * 16)
        one = with_kernels(layer(64, 64, 1, 1, tau=5), indices)
        huffman = {"memory.index_buffer.encoding": "huffman"}
        _, fixed = traced(network(one))
        mapping, coded = traced(network(one), huffman)
        # 64 units x (32 x 1 + 32 x 2) bits = 768 bytes; 36 of subset, 32 x 4 bits = 16 of lengths
        assert mapping.layers[0].plan.stored_table.tolist() == [[768]]
        assert mapping.layers[0].plan.subset_bytes == 36 + 16
        # 820 bytes: 13 bursts of 64 instead of 41
        assert of_kind(coded, Kind.LOAD_WEIGHTS, coded.bytes).tolist() == [13 * 64]
        assert of_kind(fixed, Kind.LOAD_WEIGHTS, fixed.bytes).tolist() == [41 * 64]
        # decoded: the same 2560 bytes, 16 cycles into the registers
        for trace in (fixed, coded):
            assert of_kind(trace, Kind.FETCH_INDICES, trace.bytes).tolist() == [2560]
        # (41 - 13) x 64 / 16 = 112 cycles earlier, and these indices are the bottleneck
        assert fixed.cycles - coded.cycles == 112

    def test_what_fits(self) -> None:
        # 768 + 52 bytes fit 0.81 KiB (829 bytes), 2560 + 36 do not
        one = with_kernels(layer(64, 64, 1, 1, tau=5), pairs([0, 1, 0, 2] * 16))
        small = {
            "memory.index_buffer.encoding": "huffman",
            "memory.index_buffer.kib": 0.81,
        }
        mapping, _ = traced(network(one), small)
        assert mapping.layers[0].weights == "layer"

    def test_1_bit_layers_code_their_kernels(self) -> None:
        one = with_kernels(layer(64, 64, 1, 1), pairs([511, 0, 511, 100] * 16), size=512)
        plan = plan_of(one, machine({"memory.index_buffer.encoding": "huffman"}))
        assert plan.decoded_table.tolist() == [[64 * 64 * 9 // 8]]
        assert plan.stored_table.tolist() == [[64 * (32 * 1 + 32 * 2) // 8]]
        assert plan.subset_bytes == 512 * 4 // 8  # lengths of 512 kernels

    def test_shapes_stay_at_fixed_length(self) -> None:
        huffman = machine({"memory.index_buffer.encoding": "huffman"})
        coded, fixed = (plan_of(layer(64, 64, 1, 1, tau=5), hw) for hw in (huffman, machine()))
        assert coded.stored_table.tolist() == fixed.stored_table.tolist() == [[2560]]
        assert coded.subset_bytes == fixed.subset_bytes == 36


def test_an_r18_sized_network_is_planned_by_arrays() -> None:
    """The code calls no Python function per index: it has far fewer calls than indices."""
    from simulator import load_workload
    from simulator.workload import configure

    rng = np.random.default_rng(0)
    bare = configure(load_workload("r18"), tau=6)
    layers = [
        with_kernels(x, rng.integers(0, 64, (x.out_channels, x.units_in)))
        for x in bare.binary_layers
    ]
    keys = {"array.pe.lut_subbanks": 4, "memory.index_buffer.encoding": "huffman"}
    tables: list[Ints] = []
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        for plan in plan_layers(network(*layers), machine(keys)):
            tables += [plan.accumulate_table, plan.stored_table]
    finally:
        sys.setprofile(None)
    assert calls < sum(x.out_channels * x.units_in for x in layers) / 4
    assert all(table.min() > 0 for table in tables)


class TestWhatTheReportSays:
    @staticmethod
    def notes(workload: Workload, *settings: str, tau: int | None = None) -> str:
        from simulator.api.simulate import simulate, with_settings

        result = simulate(workload, load_hardware("cofluent64", settings), tau=tau)
        return "\n".join(with_settings(result, "cofluent64", settings).notes())

    @staticmethod
    def trained(tau: int = 6, skew: int = 3) -> Workload:
        rng = np.random.default_rng(0)
        bare = layer(64, 128, 4, 4, tau=tau)
        indices = (bare.subset_size * rng.random((128, 64)) ** skew).astype(int)
        return network(with_kernels(bare, indices))

    def test_passes(self) -> None:
        assert "spreads outputs evenly" in self.notes(network(layer(64, 128, 2, 2)), tau=6)
        told = self.notes(self.trained())
        assert "conv needs several LUT passes because its subset" in told
        assert "evenly" not in told

    def test_conflicts(self) -> None:
        setting = "array.pe.lut_subbanks=4"
        shapes = self.notes(network(layer(64, 128, 2, 2)), setting, tau=5)
        assert "wait for the LUT's ports or sub-banks, as uniformly random indices" in shapes
        assert "lut_subbanks none -> 4 lengthens the run from " in shapes
        assert "according to the layers' own indices" in self.notes(self.trained(5), setting)

    def test_how_long_conflicts_take(self) -> None:
        # alternating bundles of 1 and of 3 cycles: 2 instead of 1 on average
        one = with_kernels(layer(64, 64, 2, 2, tau=5), pairs([0, 1, 2, 3, 0, 4, 8, 1] * 8))
        told = self.notes(network(one), "array.pe.lut_subbanks=4")
        assert "accumulation takes 2.00 times as long in conv because lookups wait" in told

    def test_encoding(self) -> None:
        setting = "memory.index_buffer.encoding=huffman"
        shapes = self.notes(network(layer(64, 128, 2, 2)), setting, tau=5)
        assert "conv is stored at fixed length because the workload has only its shape" in shapes
        assert "fixed -> huffman has no effect because the workload has only shapes" in shapes
        told = self.notes(self.trained(5), setting)
        # 64 x 128 x 5 bit = 5120 bytes
        assert re.search(r"code lengths of 1 layer in \d\.\d kB instead of 5.1 kB", told)

    @pytest.mark.parametrize(
        ("setting", "more", "reason"),
        [
            ("array.pe.lut_read_ports=4", (), "equally long for their entries at both values"),
            ("array.pe.lut_subbanks=4", ("array.pe.accumulators=1",), "no layer uses the LUT"),
            ("array.pe.lut_read_ports=accumulators", (), "already has this value"),
            ("memory.index_buffer.encoding=fixed", (), "already has this value"),
        ],
    )
    def test_settings_that_change_nothing(
        self, setting: str, more: tuple[str, ...], reason: str
    ) -> None:
        told = self.notes(self.trained(5), setting, *more)
        (line,) = [x for x in told.splitlines() if x.startswith(setting.partition("=")[0])]
        assert "has no effect because" in line
        assert reason in line


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("array.pe.lut_read_ports=0", "array.pe.lut_read_ports is 0: expected int >= 1"),
        ("array.pe.lut_subbanks=all", "unknown key 'all': expected none, a whole number, or"),
        (
            "memory.index_buffer.encoding=zip",
            "encoding is 'zip': invalid enum value 'zip', expected fixed or huffman",
        ),
    ],
)
def test_wrong_values_are_refused(setting: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        load_hardware("cofluent64", [setting])


def test_keys_may_be_left_out(tmp_path: Path) -> None:
    text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
    names = ("lut_read_ports", "lut_subbanks", "encoding")
    lines = [line for line in text.splitlines() if not line.strip().startswith(names)]
    assert len(lines) == len(text.splitlines()) - 3
    (tmp_path / "hw.yaml").write_text("\n".join(lines))
    assert load_hardware(tmp_path / "hw.yaml") == load_hardware("cofluent64")
