"""The policy of `lut_array`: lifetimes of weights, and input buffering."""

from collections import defaultdict
from itertools import chain, compress, pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.base.errors import InputError
from simulator.machines.lut_array.buffering import Buffering, input_space, plan_buffering
from simulator.machines.lut_array.layer import layer_of
from simulator.machines.lut_array.mapper import Mapping, map_workload
from simulator.machines.lut_array.outputs import output_space
from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.planning import plan_layers
from simulator.machines.lut_array.records import Layer as Records
from simulator.machines.lut_array.units import output_tiles
from simulator.machines.lut_array.vocabulary import (
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
    INDEX_BUFFER,
    INDEX_FETCH,
)
from simulator.machines.lut_array.weights import loaded_for
from simulator.machines.lut_array.window import Window
from simulator.program import Writer
from simulator.workload import Layer, Workload, configure, load_workload
from tests.build import layer, machine, network
from tests.nest import pixels_in_order
from tests.strategies import Overrides, layers, machines, networks

pytestmark = pytest.mark.unit

NARROW = {"array.pe.partial_sums": 4}
"""4 outputs per output block."""
FEW = {"array.pes": 4}
"""4 channels per input block; one pixel per step for 4 channels or more."""


def plan_of(one: Layer, overrides: Overrides) -> LayerPlan:
    (plan,) = plan_layers(network(one), machine(overrides))
    return plan


def bytes_of(key: str, size: int) -> Overrides:
    """Overrides of a buffer with this many bytes."""
    return {f"memory.{key}.kib": (size + 0.5) / 1024}


def records(one: Layer, overrides: Overrides) -> Records:
    plan = plan_of(one, overrides)
    return layer_of(plan, loaded_for(plan), plan_buffering(plan))


class TestWeights:
    def letters(self, one: Layer, overrides: Overrides) -> str:
        """Letters of each output tile: Loads, Fetches, Releases registers, frees the Buffer."""
        found, made = [], records(one, overrides)
        for _, weights in output_tiles(made, Writer(plain=True), lambda tile: tile.weights):
            does = (weights.loads, weights.fetches, weights.releases, weights.frees)
            found.append("".join(compress("LFRB", does)) or "-")
        return " ".join(found)

    def test_one_weight_tile_is_fetched_once(self) -> None:
        # 2 rows x 3 pixels, one output block and one input block
        assert self.letters(layer(4, 4, 2, 3), FEW) == "LFB - - - - R"

    def test_an_output_block_is_fetched_once_per_row(self) -> None:
        two_blocks = layer(4, 8, 2, 3)
        assert self.letters(two_blocks, FEW | NARROW) == "LF - R LF - R FB - R FB - R"
        # 2 weight tiles of 4 x 4 x 9 bit = 18 B do not fit
        small = FEW | NARROW | bytes_of("index_buffer", 35)
        assert self.letters(two_blocks, small) == "LFB - R LFB - R LFB - R LFB - R"

    def test_input_blocks_are_fetched_for_every_step(self) -> None:
        four_tiles = layer(8, 8, 2, 2)
        keys = FEW | NARROW
        assert self.letters(four_tiles, keys) == "LFR FR LFR FR FR FRB FR FRB"
        row = keys | bytes_of("index_buffer", 71)  # 4 x 18 B do not fit
        assert self.letters(four_tiles, row) == "LFR FRB LFR FRB LFR FRB LFR FRB"
        step = keys | bytes_of("index_buffer", 35)  # 2 x 18 B do not fit
        assert self.letters(four_tiles, step) == "LFRB LFRB LFRB LFRB LFRB LFRB LFRB LFRB"

    def test_the_mac_unit_reads_the_index_buffer_in_every_step(self) -> None:
        one = layer(4, 4, 2, 2, full_precision=True)
        keys = FEW | {"memory.activation_buffer.transfer_pixels": 1}
        assert self.letters(one, keys) == "LF - - RB"

    def test_the_subset_comes_with_the_first_weight_tile(self) -> None:
        # 8 kernels x 9 bit = 9 B; 4 x 4 x 3 bit = 6 B; outputs 8 x 2 input blocks
        made = records(layer(8, 8, 1, 2, tau=3), FEW | NARROW | {"array.pe.lut_entries": "none"})
        found = [
            made.tile_bytes(weights, input_block)
            for block, weights in output_tiles(made, Writer(plain=True), lambda tile: tile.weights)
            for input_block in block.input_blocks.written_out
        ]
        assert found == [15, 6, 15, 6, 6, 6, 6, 6]

    @pytest.mark.parametrize(
        ("size", "reuse"), [(72, "layer"), (71, "row"), (36, "row"), (35, "step"), (18, "step")]
    )
    def test_the_longest_lifetime_that_fits(self, size: int, reuse: str) -> None:
        keys = FEW | NARROW | bytes_of("index_buffer", size)
        assert loaded_for(plan_of(layer(8, 8, 2, 2), keys)) == reuse

    def test_no_weight_tile_fits(self) -> None:
        keys = FEW | NARROW | bytes_of("index_buffer", 17)
        with pytest.raises(InputError, match=r"index_buffer\.kib .* needs at least 0\.02 KiB"):
            loaded_for(plan_of(layer(8, 8, 2, 2), keys))


class TestBuffering:
    def scheme(self, size: int) -> str:
        # a pixel of input or output is a byte; two output slots are 2 x 2 B
        keys = {"array.pes": 8, "memory.activation_buffer.transfer_pixels": 2}
        plan = plan_of(layer(8, 8, 6, 8), keys | bytes_of("activation_buffer", size))
        return plan_buffering(plan).scheme

    @pytest.mark.parametrize(
        ("size", "scheme"),
        [
            (36, "rows"),  # 4 rows x 8 pixels
            (35, "patches"),
            (16, "patches"),  # a patch of 3 rows x 4 pixels, and two output slots
            (15, "step"),
            (13, "step"),  # 3 x 3 pixels
        ],
    )
    def test_the_first_scheme_that_fits(self, size: int, scheme: str) -> None:
        assert self.scheme(size) == scheme

    @pytest.mark.parametrize(
        ("size", "patches"),
        [(12, 1), (15, 1), (16, 2), (20, 3), (24, 4), (28, 5), (32, 5), (39, 5)],
    )
    def test_as_many_patches_as_fit_up_to_a_row_and_one(self, size: int, patches: int) -> None:
        # 1x1: a patch of 2 pixels x 16 channels is 4 bytes, two output slots are 2 x 4; a row has
        # 4 transfers. Two rows are 32 bytes: with 40 all rows are held.
        keys = {"array.pes": 2, "memory.activation_buffer.transfer_pixels": 2}
        one = layer(16, 16, 6, 8, kernel=1)
        found = plan_buffering(plan_of(one, keys | bytes_of("activation_buffer", size)))
        assert found.scheme == "patches"
        part = (size - 8) // patches
        assert found.freed.ravel()[0] == part
        assert found.taken.ravel()[:2].tolist() == [size - (patches - 1) * part, part]

    def test_the_papers_array_holds_rows_of_every_layer_of_a_small_image(self) -> None:
        net = configure(load_workload("r18", (64, 64)), batch=2, scope="weights")
        found = [plan_buffering(plan).scheme for plan in plan_layers(net, machine())]
        assert set(found) == {"rows"}

    def test_no_step_fits(self) -> None:
        with pytest.raises(InputError, match=r"activation_buffer\.kib .* at least 0\.02 KiB, the"):
            self.scheme(12)

    def test_what_one_step_needs(self) -> None:
        # 3 x 3 pixels x 512 channels = 576 B, two output slots of 4 pixels x 64 bit = 32 B
        keys = {"array.pes": 512, "memory.activation_buffer.transfer_pixels": 4}
        one = layer(512, 64, 6, 8)
        assert plan_buffering(plan_of(one, keys | bytes_of("activation_buffer", 640)))
        with pytest.raises(InputError, match=r"at least 0\.63 KiB"):  # 640 / 1024 = 0.625
            plan_buffering(plan_of(one, keys | bytes_of("activation_buffer", 639)))

    @settings(max_examples=20)
    @given(networks(), machines())
    def test_space_is_taken_as_far_as_it_is_free(
        self, workload: Workload, overrides: Overrides
    ) -> None:
        for each in mapped(workload, overrides).layers:
            plan, found = each.plan, plan_buffering(each.plan)
            taken, freed = found.taken.ravel(), found.freed.ravel()
            assert not taken[found.read_bytes.ravel() == 0].any()
            assert np.all(freed >= 0)
            assert taken.sum() == freed.sum()
            freed_before = np.cumsum(freed) - freed
            size = input_space(plan, found.writes) + output_space(plan, found.writes)
            assert np.all(np.cumsum(taken) - freed_before <= size)
            self.check_first_read(found)

    def check_first_read(self, found: Buffering) -> None:
        reads = found.step_pixels if found.scheme == "step" else found.read_bytes
        assert (found.first_read is not None) == bool(reads.any())
        if found.first_read is not None:
            row, block, number = found.first_read
            assert (reads[row, number] if found.scheme == "step" else reads[row, block, number]) > 0
            assert not reads[:row].any()


class TestGroupedWrites:
    """Bursts of 64 bytes; a transfer is the whole map of 64 pixels."""

    @staticmethod
    def choice(one: Layer, size: int) -> tuple[str, int, str]:
        found = plan_buffering(plan_of(one, bytes_of("activation_buffer", size)))
        return found.scheme, found.patches, found.writes

    @pytest.mark.parametrize(
        ("size", "choice"),
        [
            # 20 channels of 8 bytes are 160; two output slots are 16, the shared burst is 64
            (240, ("rows", 0, "shared")),
            (239, ("rows", 0, "separate")),  # 20 bursts out; patches would be 20 bursts in
            (176, ("rows", 0, "separate")),
            (175, ("patches", 11, "shared")),
            (96, ("patches", 2, "shared")),
            (95, ("patches", 2, "separate")),
            (32, ("patches", 2, "separate")),
            (31, ("patches", 1, "separate")),
            (24, ("patches", 1, "separate")),
        ],
    )
    def test_separate_writes_if_they_allow_more_reuse(
        self, size: int, choice: tuple[str, int, str]
    ) -> None:
        assert self.choice(layer(20, 20, 8, 8, groups=20), size) == choice

    def test_not_even_separate_writes_fit(self) -> None:
        with pytest.raises(InputError, match=r"at least 0\.03 KiB, the input of one step and two"):
            self.choice(layer(20, 20, 8, 8, groups=20), 23)

    @pytest.mark.parametrize(
        ("size", "choice"),
        [
            # a group writes 72 bytes: separate 4 x 2 bursts, shared 5; 4 patches are 4 bursts
            (240, ("rows", 0, "shared")),
            (239, ("patches", 3, "shared")),
            (216, ("patches", 1, "shared")),
            (215, ("rows", 0, "separate")),  # shared writes do not fit
            (176, ("rows", 0, "separate")),
            (175, ("patches", 2, "separate")),
        ],
    )
    def test_not_if_the_busier_dma_unit_moves_more_bytes(
        self, size: int, choice: tuple[str, int, str]
    ) -> None:
        assert self.choice(layer(4, 36, 8, 8, groups=4), size) == choice


@settings(max_examples=20)
@given(networks(), machines())
def test_writes_move_whole_bursts_as_soon_as_they_are_there(
    workload: Workload, overrides: Overrides
) -> None:
    for each in mapped(workload, overrides).layers:
        plan, burst = each.plan, each.plan.hardware.memory.dram.burst_bytes
        sizes = [command.bytes for command in each.commands(DRAM_OUTPUTS)]
        assert all(size % burst == 0 for size in sizes)
        bounds = transfer_bounds(plan)
        pixels = np.diff(bounds)[:, np.newaxis] + np.zeros((1, len(plan.blocks), 1), dtype=int)
        left = iter(sizes)
        for row in pixels:
            written = np.array([[next(left) if n else 0 for n in block] for block in row])
            outputs = np.array([block.outputs for block in plan.blocks])[:, np.newaxis]
            made = -(-row * sum(plan.copies) * outputs // 8)
            if each.writes == "separate":
                assert np.all((made <= written) & (written < made + burst))
                continue
            made = -(-np.cumsum(row * outputs, axis=0) * sum(plan.copies) // 8)
            waiting = made - np.cumsum(written, axis=0)
            assert np.all((waiting[:-1] >= 0) & (waiting[:-1] < burst))
            assert np.all((waiting[-1] <= 0) & (waiting[-1] > -burst))
            assert waiting.max(axis=0).clip(0).sum() <= output_space(plan, "shared")
        assert next(left, None) is None


@settings(max_examples=20)
@given(networks(), machines())
def test_weight_tiles_come_before_their_steps_and_leave_after(
    workload: Workload, overrides: Overrides
) -> None:
    """Fetches, lifetimes and bytes follow from the sequence of steps alone."""
    mapping = mapped(workload, overrides)
    assume(mapping.commands < 4000)
    for each in mapping.layers:
        if each.plan.mode == "mac":
            continue
        made = layer_of(each.plan, each.weights, plan_buffering(each.plan))
        tiles = steps_of(made)
        fetches = each.steps(INDEX_FETCH).tolist()
        changes = [step for step, (one, other) in enumerate(pairwise(tiles), 1) if one != other]
        assert fetches == [0, *changes]  # a step uses the indices of the previous step if it can
        loads = each.steps(DRAM_WEIGHTS).tolist()
        loaded = [dict(x.takes)[INDEX_BUFFER] for x in each.commands(DRAM_WEIGHTS)]
        freed = [dict(x.gives).get(INDEX_BUFFER, 0) for x in each.commands(INDEX_FETCH)]
        uses = defaultdict(list)  # positions of each load's fetches
        for position, step in enumerate(fetches):
            newest = [
                n for n, load in enumerate(loads) if load <= step and tiles[load] == tiles[step]
            ]
            uses[newest[-1]].append(position)
        assert len(uses) == len(loads)
        expected = {positions[-1]: loaded[load] for load, positions in uses.items()}
        assert freed == [expected.get(position, 0) for position in range(len(fetches))]


def steps_of(made: Records) -> list[tuple[int, int]]:
    """(output block, input block) of every step."""
    found = []
    for wide_map in made.maps.written_out:
        for row in wide_map.written_out:
            for block, part in enumerate(row.written_out):
                transfers = chain.from_iterable(x.written_out for x in part.images.written_out)
                tiles = sum(transfer.tile_count for transfer in transfers)
                found += [
                    (block, number) for _ in range(tiles) for number in range(part.block.steps)
                ]
    return found


def mapped(workload: Workload, overrides: Overrides) -> Mapping:
    try:
        return map_workload(workload, machine(overrides))
    except InputError:
        assume(False)
        raise


def test_a_longer_batch_has_the_same_rows_more_often() -> None:
    images, parts = [], []
    # 4 rows of 8 bytes for each of two images do not fit
    one_image = FEW | bytes_of("activation_buffer", 2 * 8 + 7 * 8)
    for batch in (4, 40):
        workload = network(layer(8, 8, 6, 8), batch=batch)
        (each,) = map_workload(workload, machine(one_image)).layers
        images.append(layer_of(each.plan, each.weights, plan_buffering(each.plan)).maps)
        parts.append([len(body) for body in each.section.bodies.values()])
    assert [len(each.written_out) for each in images] == [4, 40]
    assert len({row for _, image in images[0] for _, row in image}) < 12  # rows of 24
    assert [times for times, _ in images[0]] == [1, 2, 1]
    assert parts[0] == parts[1]


@settings(max_examples=40)
@given(layers(), st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_window(one: Layer, image_blocks: list[int]) -> None:
    """Count the input pixels by laying every kernel over the input."""
    window, width = Window(one, image_blocks), max(one.extents.width, one.strides.width)
    order = pixels_in_order(one, image_blocks)

    def under(first: int, end: int) -> set[tuple[int, int, int]]:
        found = set()
        for image, row, column in order[first:end]:
            top, left = (
                row * one.strides.height - one.paddings.height,
                column * one.strides.width - one.paddings.width,
            )
            found |= {
                (image, y, x)
                for y in range(max(top, 0), min(top + one.extents.height, one.in_height))
                for x in range(max(left, 0), min(left + width, one.in_width))
            }
        return found

    pixels = len(order)
    bounds = range(0, pixels + 1, max(1, pixels // 7))
    for first, end in pairwise(bounds):
        covered = {(i, y, x) for i, y, right in under(0, end) for x in range(right + 1)}
        assert int(window.covered(np.array(end))) == len(covered)
        if order[first][:2] == order[end - 1][:2]:
            assert int(window.patch(np.array(first), np.array(end))) == len(under(first, end))
