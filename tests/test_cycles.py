"""Cycle-exact timing of the accelerator; every expected number has its arithmetic."""

import random
from itertools import pairwise

import numpy as np
import pytest

from simulator.analysis.running import run_one
from simulator.engine import EngineName
from simulator.machines.lut_array.notes import notes
from simulator.workload import Layer
from tests.build import INSTANT, layer, machine, network, of_kind, times, traced
from tests.numbering import Kind

pytestmark = pytest.mark.cycle


class TestTableStep:
    def test_one_step(self) -> None:
        _, trace = traced(network(layer(64, 64, 1, 1, tau=5)), INSTANT)
        # input read [0, 1), weights [0, 1), index fetch [1, 2)
        assert times(trace, Kind.FILL) == [(1, 33)]  # 2^5 dot products, one per cycle
        assert times(trace, Kind.ACCUMULATE) == [(33, 49)]  # 64 outputs / 4 accumulators = 16
        assert times(trace, Kind.DRAIN) == [(49, 65)]  # 64 sums / 4 = 16
        assert times(trace, Kind.WRITE_OUTPUTS) == [(65, 66)]
        assert trace.cycles == 66

    def test_the_next_fill_runs_while_the_other_bank_is_read(self) -> None:
        _, trace = traced(network(layer(64, 128, 1, 4, tau=4)), INSTANT)
        # fill 16, accumulate 128 / 4 = 32: fill k waits for accumulate k - 2
        assert times(trace, Kind.FILL) == [(1, 17), (17, 33), (49, 65), (81, 97)]
        assert times(trace, Kind.ACCUMULATE) == [(17, 49), (49, 81), (81, 113), (113, 145)]

    def test_with_one_bank_fill_and_accumulate_take_turns(self) -> None:
        one_bank = INSTANT | {"array.pe.lut_banks": 1}
        _, trace = traced(network(layer(64, 64, 1, 2, tau=5)), one_bank)
        assert times(trace, Kind.FILL) == [(1, 33), (49, 81)]  # 33 + 16: after the bank's read
        assert times(trace, Kind.ACCUMULATE) == [(33, 49), (81, 97)]

    def test_with_four_banks_fills_run_further_ahead(self) -> None:
        four_banks = INSTANT | {"array.pe.lut_banks": 4}
        _, trace = traced(network(layer(64, 128, 1, 6, tau=4)), four_banks)
        # fill k waits for accumulate k - 4; accumulate 0 ends at 17 + 32 = 49, fill 3 at 65
        assert [start for start, _ in times(trace, Kind.FILL)] == [1, 17, 33, 49, 65, 81]

    def test_only_the_last_drain_of_a_layer_shows(self) -> None:
        _, trace = traced(network(layer(64, 64, 1, 3, tau=5)), INSTANT)
        # first fill 1 + 32, two more fills, accumulate 16, drain 16, write 1
        assert trace.cycles == 1 + 3 * 32 + 16 + 16 + 1
        assert times(trace, Kind.DRAIN)[0] == (49, 65)  # while fill 1 [33, 65) runs

    def test_groups_of_input_channels_are_summed_before_the_drain(self) -> None:
        _, trace = traced(network(layer(128, 128, 1, 1, tau=5)), INSTANT)
        assert times(trace, Kind.ACCUMULATE) == [(33, 65), (65, 97)]  # two groups of 64 channels
        assert times(trace, Kind.DRAIN) == [(97, 129)]

    def test_two_dots_a_cycle_halve_the_fill(self) -> None:
        _, trace = traced(
            network(layer(64, 64, 1, 1, tau=5)), INSTANT | {"array.pe.dots_per_cycle": 2}
        )
        assert times(trace, Kind.FILL) == [(1, 17)]

    def test_activations_go_bit_serially(self) -> None:
        _, trace = traced(network(layer(64, 64, 1, 1, tau=5), activation_bits=3), INSTANT)
        assert times(trace, Kind.FILL) == [(1, 97)]  # 32 dot products of 3 cycles
        assert times(trace, Kind.ACCUMULATE) == [(97, 113)]


class TestDirectStep:
    def test_a_1_bit_step_takes_one_cycle_per_output(self) -> None:
        _, trace = traced(network(layer(64, 64, 1, 2)), INSTANT)
        # weights [0, 1), fetch [1, 2)
        assert times(trace, Kind.DIRECT) == [(2, 66), (66, 130)]
        assert times(trace, Kind.DRAIN) == [(66, 82), (130, 146)]
        assert times(trace, Kind.FILL) == []

    def test_wide_layers_go_in_blocks_of_128(self) -> None:
        _, trace = traced(network(layer(64, 256, 1, 1)), INSTANT)
        assert times(trace, Kind.DIRECT) == [(2, 130), (130, 258)]

    @pytest.mark.parametrize(
        ("outputs", "mode"),
        [(32, "direct"), (33, "lut")],  # 2^5 = 32 dot products: no saving at 32 outputs
    )
    def test_a_table_that_saves_nothing_is_not_filled(self, outputs: int, mode: str) -> None:
        mapping, _ = traced(network(layer(64, outputs, 1, 1, tau=5)), INSTANT)
        assert mapping.layers[0].plan.mode == mode

    def test_a_fill_per_block_of_128_saves_nothing_at_tau_7(self) -> None:
        # 2^7 dot products per block against 128 outputs per block, however wide the layer
        mapping, _ = traced(network(layer(64, 512, 1, 1, tau=7)), INSTANT)
        assert mapping.layers[0].plan.mode == "direct"

    def test_one_accumulator_leaves_the_table_nothing_to_save(self) -> None:
        mapping, _ = traced(
            network(layer(64, 64, 1, 1, tau=5)), INSTANT | {"array.pe.accumulators": 1}
        )
        assert mapping.layers[0].plan.mode == "direct"


class TestPasses:
    def test_a_subset_of_64_takes_two_passes_over_32_entries(self) -> None:
        _, trace = traced(network(layer(64, 128, 1, 1, tau=6)), INSTANT)
        # uniform: 64 of 128 outputs in each pass, 64 / 4 = 16 cycles
        assert times(trace, Kind.FILL) == [(1, 33), (33, 65)]
        assert times(trace, Kind.ACCUMULATE) == [(33, 49), (65, 81)]

    def test_a_table_of_24_entries_takes_two_passes_of_16(self) -> None:
        entries = INSTANT | {"array.pe.lut_entries": 24}
        _, trace = traced(network(layer(64, 128, 1, 1, tau=5)), entries)
        # 64 of 128 outputs in each pass, 64 / 4 = 16 cycles
        assert times(trace, Kind.FILL) == [(1, 17), (17, 33)]
        assert times(trace, Kind.ACCUMULATE) == [(17, 33), (33, 49)]

    def test_passes_that_are_not_equal_differ_by_one_entry(self) -> None:
        entries = INSTANT | {"array.pe.lut_entries": 5}
        _, trace = traced(network(layer(64, 128, 1, 1, tau=5)), entries)
        # 32 kernels in 7 passes; 128 * 5 / 32 = 20 outputs -> 5 cycles, 16 outputs -> 4 cycles
        assert trace.occupied[trace.kind == Kind.FILL].tolist() == [5, 5, 5, 5, 4, 4, 4]
        assert trace.occupied[trace.kind == Kind.ACCUMULATE].tolist() == [5, 5, 5, 5, 4, 4, 4]

    def test_sums_are_overwritten_only_when_they_have_drained(self) -> None:
        three_dots = INSTANT | {"array.pe.dots_per_cycle": 3}
        _, trace = traced(network(layer(64, 128, 1, 2, tau=6)), three_dots)
        # fills of ceil(32 / 3) = 11, accumulates of 16: sums ready at 12 + 16 + 16 = 44
        assert times(trace, Kind.DRAIN)[0] == (44, 76)
        assert times(trace, Kind.FILL)[2] == (28, 39)  # the next pixel's first pass is filled
        assert times(trace, Kind.ACCUMULATE)[2] == (76, 92)  # and waits for the drain


class TestSpatial:
    def test_sixteen_channels_run_four_pixels_at_a_time(self) -> None:
        mapping, trace = traced(network(layer(16, 64, 1, 10, tau=5)), INSTANT)
        assert mapping.layers[0].plan.pixels_per_step == 4
        assert len(times(trace, Kind.FILL)) == 3  # 10 pixels: 4 + 4 + 2
        pes = of_kind(trace, Kind.FILL, trace.pes)
        assert pes.tolist() == [64, 64, 32]  # 2 pixels of 16 channels leave half the PEs idle

    def test_a_pixel_per_pe_takes_channels_one_by_one(self) -> None:
        _, trace = traced(
            network(layer(3, 64, 10, 10)), INSTANT | {"array.spatial": "output_pixels"}
        )
        # 100 pixels: 64 + 36; three channels each; 64 cycles a step
        assert len(times(trace, Kind.DIRECT)) == 2 * 3
        pes = of_kind(trace, Kind.DIRECT, trace.pes)
        assert pes.tolist() == [64] * 3 + [36] * 3

    def test_1x1_layers_take_8_channels_per_pe(self) -> None:
        mapping, trace = traced(network(layer(1024, 64, 1, 1, kernel=1, tau=5)), INSTANT)
        assert mapping.layers[0].plan.group_units == (64, 64)  # 1024 / 8 = 128 vectors
        assert len(times(trace, Kind.FILL)) == 2

    @pytest.mark.parametrize(
        ("channels", "pes", "groups"),
        [
            (100, 64, [50, 50]),
            (256, 192, [128, 128]),
            (256, 100, [86, 86, 84]),  # whole pairs
            (7, 3, [3, 2, 2]),  # a pair more does not fit
            (3, 1, [1, 1, 1]),
        ],
    )
    def test_input_blocks_are_even(self, channels: int, pes: int, groups: list[int]) -> None:
        keys = INSTANT | {"array.pes": pes}
        _, trace = traced(network(layer(channels, 64, 1, 1, tau=5)), keys)
        assert of_kind(trace, Kind.FILL, trace.pes).tolist() == groups

    def test_blocks_are_as_even_as_the_accumulators_allow(self) -> None:
        mapping, _ = traced(network(layer(64, 160, 1, 1)), INSTANT)
        assert [block.outputs for block in mapping.layers[0].plan.blocks] == [80, 80]

    def test_five_accumulators_use_all_partial_sums(self) -> None:
        five = INSTANT | {"array.pe.accumulators": 5}
        mapping, trace = traced(network(layer(64, 256, 1, 1, tau=5)), five)
        assert [block.outputs for block in mapping.layers[0].plan.blocks] == [128, 128]
        # 128 outputs / 5 accumulators
        assert trace.occupied[trace.kind == Kind.ACCUMULATE].tolist() == [26, 26]
        assert trace.occupied[trace.kind == Kind.DRAIN].tolist() == [26, 26]

    def test_grouped_convolutions_run_group_by_group(self) -> None:
        mapping, trace = traced(network(layer(32, 64, 1, 8, groups=2)), INSTANT)
        assert mapping.layers[0].plan.pixels_per_step == 4  # 16 channels per group
        assert len(times(trace, Kind.DIRECT)) == 2 * 2  # two groups, 8 / 4 pixels
        assert trace.occupied[trace.kind == Kind.DIRECT].tolist() == [32] * 4


class TestIndexFetch:
    def test_indices_stay_for_the_next_pixel(self) -> None:
        _, trace = traced(network(layer(64, 64, 4, 4, tau=5)), INSTANT)
        assert len(times(trace, Kind.FETCH_INDICES)) == 1

    def test_every_change_of_group_fetches(self) -> None:
        _, trace = traced(network(layer(128, 64, 1, 2, tau=5)), INSTANT)
        assert len(times(trace, Kind.FETCH_INDICES)) == 2 * 2

    @pytest.mark.parametrize(
        ("sets", "fetches"),
        [
            # A fetch of 128 x 64 x 5 bit = 5120 bytes takes 10 cycles; fills end at 33, 65, 97, ...
            # One set: accumulates [33, 65), [75, 107), [117, 149) each wait for their own fetch.
            (1, [(1, 11), (65, 75), (107, 117), (149, 159)]),
            # Two sets: accumulates end at 65, 97, ...; fetch f waits for accumulate f - 2.
            (2, [(1, 11), (11, 21), (65, 75), (97, 107)]),
            (4, [(1, 11), (11, 21), (21, 31), (31, 41)]),
        ],
    )
    def test_sets_of_registers(self, sets: int, fetches: list[tuple[int, int]]) -> None:
        hw = INSTANT | {
            "memory.index_buffer.bytes_per_cycle": 512,
            "array.pe.index_register_sets": sets,
        }
        _, trace = traced(network(layer(256, 128, 1, 1, tau=5)), hw)
        assert times(trace, Kind.FETCH_INDICES) == fetches

    @pytest.mark.parametrize(("rate", "step"), [(160, 32), (159, 33), (80, 64)])
    def test_160_bytes_a_cycle_never_bind_at_tau_5(self, rate: int, step: int) -> None:
        hw = INSTANT | {"memory.index_buffer.bytes_per_cycle": rate}
        _, trace = traced(network(layer(1024, 128, 1, 1, tau=5)), hw)
        starts = np.diff([start for start, _ in times(trace, Kind.ACCUMULATE)])
        assert starts[2:].tolist() == [step] * len(starts[2:])  # ceil(5120 / rate) or 32


class TestMemory:
    def test_a_read_is_there_after_transfer_and_latency(self) -> None:
        hw = INSTANT | {"memory.dram.latency_cycles": 100, "memory.dram.bytes_per_cycle": 16}
        _, trace = traced(network(layer(64, 64, 1, 1, tau=5)), hw)
        assert times(trace, Kind.READ_INPUTS) == [(0, 4)]  # one burst of 64 bytes
        assert times(trace, Kind.FILL)[0][0] == 104  # 4 + 100; the inputs have not arrived at 103

    def test_transfers_are_whole_bursts(self) -> None:
        _, trace = traced(network(layer(64, 64, 1, 1, tau=5)))
        # 64 x 64 x 5 bit = 2560 bytes of indices and 36 of subset: 40.6 -> 41 bursts of 64
        assert of_kind(trace, Kind.LOAD_WEIGHTS, trace.bytes).tolist() == [41 * 64]
        assert of_kind(trace, Kind.READ_INPUTS, trace.bytes).tolist() == [64]
        assert of_kind(trace, Kind.WRITE_OUTPUTS, trace.bytes).tolist() == [64]

    def test_a_layer_reads_when_the_one_before_has_written(self) -> None:
        two = network(layer(64, 64, 1, 2, tau=5, name="a"), layer(64, 64, 1, 2, tau=5, name="b"))
        _, trace = traced(two)
        written = times(trace, Kind.WRITE_OUTPUTS, of_layer=0)[-1][1]
        assert times(trace, Kind.READ_INPUTS, of_layer=1)[0][0] == written

    def test_the_next_layers_weights_are_prefetched(self) -> None:
        two = network(layer(64, 64, 1, 2, tau=5, name="a"), layer(64, 64, 1, 2, tau=5, name="b"))
        _, trace = traced(two)
        first, second = (times(trace, Kind.LOAD_WEIGHTS, of_layer=n)[0] for n in (0, 1))
        assert first == (0, 164)  # 41 bursts, 4 cycles each
        assert second[0] == 164  # immediately after, long before layer a is done

    def test_a_full_index_buffer_holds_up_the_next_layers_weights(self) -> None:
        two = network(layer(64, 64, 1, 2, tau=5, name="a"), layer(64, 64, 1, 2, tau=5, name="b"))
        _, trace = traced(two, {"memory.index_buffer.kib": 3})  # 2596 bytes each: only one fits
        fetched = times(trace, Kind.FETCH_INDICES, of_layer=0)[-1][1]
        assert times(trace, Kind.LOAD_WEIGHTS, of_layer=1)[0][0] == fetched

    @pytest.mark.parametrize(
        ("kib", "reuse", "loads"),
        [
            (20.1, "layer", 4),  # 4 weight tiles of 64 x 128 x 5 bit = 5120 bytes, and 36 of subset
            (20.0, "row", 4 * 3),  # for each of 3 rows
            (10.0, "step", 4 * 9),  # for each of 9 pixels: a block's 2 tiles and 36 do not fit
        ],
    )
    def test_small_index_buffers_load_again(self, kib: float, reuse: str, loads: int) -> None:
        net = network(layer(128, 256, 3, 3, tau=5))
        mapping, trace = traced(net, {"memory.index_buffer.kib": kib})
        assert mapping.layers[0].weights == reuse
        assert len(times(trace, Kind.LOAD_WEIGHTS)) == loads

    def test_input_rows_are_read_once(self) -> None:
        mapping, trace = traced(network(layer(64, 256, 4, 8, tau=5)), {})
        assert mapping.layers[0].inputs == "rows"
        # 8 pixels of 64 channels are 64 bytes a row: 2 rows first, then one more for each
        # output row except the last, which needs only padding below it
        assert of_kind(trace, Kind.READ_INPUTS, trace.bytes).tolist() == [128, 64, 64]

    @pytest.mark.parametrize(
        ("channels", "sizes"),
        [
            # 8 pixels of 2 x 64 channels are 128 bytes a row: both groups read their half of 2 rows
            # at the first row of output, then of one more for each further row except the last
            (128, [128, 128, 64, 64, 64, 64]),
            # 2 x 8 channels are 16 bytes a row, the transfers 32 and 16: the first group's burst of
            # 64 contains the second group's bytes
            (16, [64, 64, 64]),
            # 2 x 36 channels are 72 bytes a row; the first transfer's 144 bytes are 3 bursts: the
            # first group's 72 take 2 and the second group's the third. Then 72 are 2 bursts, one
            # for each group
            (72, [128, 64, 64, 64, 64, 64]),
        ],
    )
    def test_rows_of_a_grouped_convolution_are_read_group_by_group(
        self, channels: int, sizes: list[int]
    ) -> None:
        mapping, trace = traced(network(layer(channels, 64, 4, 8, groups=2)), {})
        assert mapping.layers[0].inputs == "rows"
        assert of_kind(trace, Kind.READ_INPUTS, trace.bytes).tolist() == sizes

    @pytest.mark.parametrize(
        ("bytes_of_input", "reuse"),
        [
            (256, "rows"),  # row of output 1 needs rows 0 to 2, the next adds one: 4 x 64 bytes
            (384, "rows"),
            (255, "patches"),
            (192, "patches"),  # a patch of 3 x 8 pixels
            (191, "step"),
        ],
    )
    def test_small_activation_buffers_read_again(self, bytes_of_input: int, reuse: str) -> None:
        # two outgoing transfers of 8 pixels x 128 channels take 2 x 128 bytes
        kib = (bytes_of_input + 2 * 128) / 1024
        mapping, _ = traced(
            network(layer(64, 256, 8, 8, tau=5)), {"memory.activation_buffer.kib": kib}
        )
        assert mapping.layers[0].inputs == reuse

    def test_where_only_a_step_fits_nothing_overlaps(self) -> None:
        tiny = INSTANT | {
            "memory.dram.bytes_per_cycle": 2,
            "memory.dram.burst_bytes": 16,
            "memory.index_buffer.bytes_per_cycle": 160,
            "memory.activation_buffer.kib": 48 / 1024,  # two slots of 16 bytes, one step's 16
            "array.pe.lut_entries": 16,  # two passes
        }
        mapping, trace = traced(network(layer(128, 64, 1, 2, tau=5)), tiny)
        assert mapping.layers[0].inputs == "step"
        # the weight tile (2560 bytes, with the subset of 36: 163 bursts) waits for the step's
        # inputs (8 cycles), the fetch (16) for the weight tile; accumulates of 8 + 8
        assert times(trace, Kind.READ_INPUTS)[:2] == [(0, 8), (1344, 1352)]
        assert times(trace, Kind.LOAD_WEIGHTS) == [(8, 1312), (1352, 2632)]
        assert times(trace, Kind.FETCH_INDICES)[:2] == [(1312, 1328), (2632, 2648)]
        assert times(trace, Kind.ACCUMULATE)[:2] == [(1328, 1336), (1336, 1344)]
        # the second pixel's inputs wait for the first pixel's drain, its indices for its inputs
        assert times(trace, Kind.DRAIN)[0] == (2664, 2680)
        assert times(trace, Kind.READ_INPUTS)[2:] == [(2680, 2688), (2728, 2736)]
        assert times(trace, Kind.FETCH_INDICES)[2:] == [(2688, 2704), (2736, 2752)]

    def test_groups_write_whole_bursts_together(self) -> None:
        # 64 pixels of one channel are 8 bytes: the eighth group completes a burst of 64
        _, trace = traced(network(layer(20, 20, 8, 8, groups=20)), {})
        found = of_kind(trace, Kind.WRITE_OUTPUTS, trace.bytes).tolist()
        assert found == [0] * 7 + [64] + [0] * 7 + [64] + [0] * 3 + [64]  # 20 x 8 = 160 bytes

    def test_groups_write_separately_if_shared_bursts_leave_no_space(self) -> None:
        # 100 bytes less two slots of 8 fit two patches of 8, but not with a burst of 64
        net, small = network(layer(20, 20, 8, 8, groups=20)), {"memory.activation_buffer.kib": 0.09}
        run = run_one(net, machine(small), "event")
        assert of_kind(run.trace, Kind.WRITE_OUTPUTS, run.trace.bytes).tolist() == [64] * 20
        assert [end - start for start, end in times(run.trace, Kind.WRITE_OUTPUTS)] == [4] * 20
        assert (
            "conv writes the outputs of each group in separate bursts because shared bursts would "
            "take space of inputs in the activation buffer (0.09 KiB)."
        ) in list(notes(run))

    def test_groups_of_a_row_of_several_transfers(self) -> None:
        # a row is 2 transfers of 2 pixels; 3 channels of 8 bit are 6 bytes, 4 groups 24
        keys = {"array.pes": 3, "memory.activation_buffer.transfer_pixels": 2}
        keys |= {"memory.dram.burst_bytes": 16}
        net = network(layer(12, 12, 1, 4, groups=4), activation_bits=8)
        _, trace = traced(net, keys)
        found = of_kind(trace, Kind.WRITE_OUTPUTS, trace.bytes).tolist()
        assert found == [0, 0, 0, 0, 16, 16, 16, 16]  # after 6, 12, 18 and 24 bytes

    def test_outputs_leave_through_two_slots(self) -> None:
        slow = INSTANT | {
            "memory.dram.bytes_per_cycle": 0.5,
            "memory.activation_buffer.transfer_pixels": 1,
        }
        _, trace = traced(network(layer(64, 64, 1, 4, tau=5)), slow)
        writes, drains = times(trace, Kind.WRITE_OUTPUTS), times(trace, Kind.DRAIN)
        assert [end - start for start, end in writes] == [128] * 4  # 64 bytes at 0.5 a cycle
        assert drains[2][0] == writes[0][1]  # the third drain needs the first slot
        assert times(trace, Kind.ACCUMULATE)[3][0] >= drains[2][0]  # and delays the next overwrite


class TestInputBytes:
    """A 1x1 layer of stride 3 over 7x7 pixels; transfers of one output pixel, bursts of a byte."""

    BYTEWISE = INSTANT | {
        "memory.dram.burst_bytes": 1,
        "memory.activation_buffer.transfer_pixels": 1,
        "array.pes": 1,
    }

    @staticmethod
    def reads(channels: int, more: dict[str, object], engine_name: EngineName) -> list[int]:
        net = network(layer(channels, 8, 7, 7, kernel=1, stride=3, padding=0, tau=2))
        trace = run_one(net, machine(TestInputBytes.BYTEWISE | more), engine_name).trace
        return of_kind(trace, Kind.READ_INPUTS, trace.bytes).tolist()

    @pytest.mark.parametrize("name", ["event", "fast"])
    def test_columns_between_kernels_are_read_and_rows_are_not(self, name: EngineName) -> None:
        # 8 channels: a byte per pixel. Columns 0-2, 3-5, and 6, the end of the map; rows 0, 3, 6
        assert self.reads(8, {}, name) == [3, 3, 1] * 3

    @pytest.mark.parametrize("name", ["event", "fast"])
    def test_a_byte_of_two_transfers_moves_with_the_first(self, name: EngineName) -> None:
        # 3 bits per pixel; up to 3, 6, 7, 10, 13, 14, 17, 20, 21 pixels
        upto = [-(-3 * pixels // 8) for pixels in (3, 6, 7, 10, 13, 14, 17, 20, 21)]
        assert upto == [2, 3, 3, 4, 5, 6, 7, 8, 8]
        moved = [b - a for a, b in pairwise([0, *upto])]
        assert self.reads(3, {}, name) == [size for size in moved if size]  # none of 0 bytes

    @pytest.mark.parametrize("name", ["event", "fast"])
    def test_a_patch_rounds_up_by_itself(self, name: EngineName) -> None:
        # 4 bytes: two outgoing transfers of a byte, and one patch of 9 bits; no row fits
        small = {"memory.activation_buffer.kib": 4.5 / 1024}
        assert self.reads(3, small, name) == [2, 2, 1] * 3

    @pytest.mark.parametrize("name", ["event", "fast"])
    def test_every_transfer_is_whole_bursts(self, name: EngineName) -> None:
        # 2, 1, 0, 1, 1, 1, 1, 1, 0 bytes: every transfer of at least one byte moves a burst of 4
        assert self.reads(3, {"memory.dram.burst_bytes": 4}, name) == [4] * 7


class TestFullPrecision:
    def test_macs_take_their_share_of_the_mac_unit(self) -> None:
        full = layer(3, 64, 8, 8, kernel=7, stride=2, full_precision=True)
        _, trace = traced(network(full), INSTANT)
        # a transfer of 8 pixels spans two rows of 4: 8 x 64 x 3 x 49 MACs / 64 a cycle
        assert [end - start for start, end in times(trace, Kind.MAC)] == [1176] * 2

    def test_clock_changes_no_cycle_if_the_dram_counts_them(self) -> None:
        net = network(layer(64, 64, 4, 4, tau=5))
        dram = {"memory.dram.latency_cycles": 100, "memory.dram.bytes_per_cycle": 16}
        assert traced(net, {"clock_ghz": 2.0, **dram})[1].cycles == traced(net)[1].cycles
        assert traced(net, {"clock_ghz": 2.0})[1].cycles > traced(net)[1].cycles


class TestClosedForm:
    @pytest.mark.parametrize("tau", [1, 2, 3, 4, 5])
    @pytest.mark.parametrize("outputs", [40, 64, 128])
    @pytest.mark.parametrize("pixels", [1, 2, 7, 20])
    @pytest.mark.parametrize("groups", [1, 3])
    def test_uniform_table_steps(self, tau: int, outputs: int, pixels: int, groups: int) -> None:
        _, trace = traced(network(layer(64 * groups, outputs, 1, pixels, tau=tau)), INSTANT)
        fill, accumulate, steps = 2**tau, outputs // 4, pixels * groups
        start = max(1, 2 - fill)  # input read; the index fetch ends at 2, fills take longer
        steady = (steps - 1) * max(fill, accumulate)
        assert trace.cycles == start + fill + steady + accumulate + outputs // 4 + 1

    @pytest.mark.parametrize("outputs", [5, 64, 128])
    @pytest.mark.parametrize("pixels", [1, 2, 20])
    def test_uniform_direct_steps(self, outputs: int, pixels: int) -> None:
        _, trace = traced(network(layer(64, outputs, 1, pixels)), INSTANT)
        # weights 1, fetch 1, steps, drain, write 1
        assert trace.cycles == 2 + pixels * outputs + -(-outputs // 4) + 1

    def test_random_layers_and_machines(self) -> None:
        """The family's form, on layers of one output block, with any step."""
        draw, covered = random.Random(0), 0
        for _ in range(60):
            shape, keys = self.drawn(draw)
            net = network(shape, activation_bits=draw.choice([1, 3]), batch=draw.choice([1, 2]))
            engine: EngineName = draw.choice(["fast", "event"])
            run = run_one(net, machine(INSTANT | keys), engine)
            expected = run.family.expected_cycles(run.layers[0].mapped)
            assert expected in (None, run.cycles), (shape, keys, engine)
            covered += expected is not None
        assert covered > 40  # the others share register sets, or read windows for long

    @staticmethod
    def drawn(draw: random.Random) -> tuple[Layer, dict[str, object]]:
        kernel = draw.choice([1, 3])
        shape = layer(
            draw.choice([3, 16, 64, 100, 130]),
            draw.choice([1, 5, 64, 128]),
            draw.randint(1, 6),
            draw.randint(1, 12),
            kernel=kernel,
            padding=kernel // 2,
            stride=draw.choice([1, 2]),
            tau=draw.choice([None, 1, 2, 4, 5]),
        )
        return shape, {
            "array.pe.lut_banks": draw.choice([1, 2, 4]),
            "array.pe.index_register_sets": draw.choice([1, 2, 3]),
            "array.pe.accumulators": draw.choice([1, 2, 4, 8]),
            "array.pe.dots_per_cycle": draw.choice([1, 2, 4]),
            "array.pes": draw.choice([8, 16, 64, 100]),
            "array.spatial": draw.choice(["input_channels", "output_pixels"]),
            "memory.activation_buffer.transfer_pixels": draw.choice([1, 2, 8]),
        }

    def test_layers_without_a_form(self) -> None:
        layers = (
            layer(64, 256, 1, 1),  # two output blocks
            layer(64, 128, 1, 1, tau=6),  # two LUT passes
            layer(3, 64, 8, 8, kernel=7, stride=2, full_precision=True),
        )
        for one in layers:
            run = run_one(network(one), machine(INSTANT))
            assert run.family.expected_cycles(run.layers[0].mapped) is None

    def test_r18_without_overheads(self) -> None:
        """DESIGN's own arithmetic: 2x on 64 channels, 4x on wider layers."""
        hardware = machine(INSTANT)
        assert hardware.array.pes == 64
        _, trace = traced(network(layer(64, 64, 56, 56, tau=5)), INSTANT)
        assert trace.cycles == 1 + 3136 * 32 + 16 + 16 + 1
