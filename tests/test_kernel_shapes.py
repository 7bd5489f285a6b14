"""Binary kernels of any size: rules against plain arithmetic, kernels against plain numpy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import InputError, load_hardware, load_workload, simulate, sweep
from simulator.analysis.running import run_one
from simulator.analysis.title import scope_data, title
from simulator.check import check_workload
from simulator.machines.families import family_of
from simulator.machines.lut_array.area import area, bank_bits
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.planning import plan_layers
from simulator.workload import Layer, Workload, configure
from simulator.workload.extract import extract
from simulator.workload.kernels import ids_of
from simulator.workload.ops import count
from simulator.workload.sides import PerAxis
from simulator.workload.store import read_workload, write_workload
from simulator.workload.subsets import chosen, one_bit, units_of
from tests.build import INSTANT, layer, machine, network, with_random_kernels
from tests.conftest import Command

pytestmark = pytest.mark.unit

SHAPES: list[PerAxis] = [2, 5, 7, (1, 7), (7, 1), (2, 3)]
NETWORK = """
name: shapes
title: Shapes
ops_convention: main_paper
input: {channels: 16, height: 9, width: 11}
layers:
- {name: a, type: conv, precision: binary, out_channels: 24, kernel: 5, padding: 2}
- {name: b, type: conv, precision: binary, out_channels: 16, kernel: [1, 7], stride: [2, 1],
   padding: [0, 3]}
- {name: c, type: conv, precision: binary, out_channels: 16, kernel: [7, 1], padding: [6, 0],
   dilation: [2, 1]}
- {name: d, type: conv, precision: binary, out_channels: 16, kernel: 2, stride: 2}
"""
FULL = """
name: full
title: Full
ops_convention: main_paper
input: {channels: 3, height: 8, width: 8}
layers:
- {name: a, type: conv, precision: full, out_channels: 8, kernel: 5, padding: 2}
- {name: b, type: linear, precision: full, out_features: 4}
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(NETWORK, encoding="utf-8")
    return path


def plan_of(one: Layer, keys: dict[str, Any] | None = None, bits: int = 1) -> LayerPlan:
    return plan_layers(network(one, activation_bits=bits), machine(keys))[0]


class TestUnits:
    @pytest.mark.parametrize(
        ("kernel", "weights", "tau"), [(1, 8, 8), (2, 4, 4), (3, 9, 9), (5, 25, 9), ((1, 7), 7, 7)]
    )
    def test_a_kernel_has_its_weights(self, kernel: PerAxis, weights: int, tau: int) -> None:
        one = layer(16, 8, 9, 9, kernel=kernel)
        assert (one.unit_weights, one.largest_tau) == (weights, tau)
        assert one.units_in == (2 if kernel == 1 else 16)

    def test_a_network_has_one_tau_and_its_mean_bits(self, net: Path) -> None:
        workload = configure(load_workload(net), tau=5)
        assert [x.tau for x in workload.layers] == [5, 5, 5, 4]
        kernels = [16 * 24, 24 * 16, 16 * 16, 16 * 16]
        weights = np.dot(kernels, [25, 7, 7, 4])
        assert workload.bits == np.dot(kernels, [5, 5, 5, 4]) / weights
        by_bits = configure(load_workload(net), bits=round(workload.bits, 2))
        assert by_bits.layers == workload.layers

    def test_tau_9_of_a_larger_kernel_is_a_subset(self, tmp_path: Path) -> None:
        five = NETWORK[: NETWORK.index("- {name: b")]
        (tmp_path / "five.yaml").write_text(five, encoding="utf-8")
        workload = load_workload(tmp_path / "five.yaml")
        assert configure(workload, bits=0.36).layers[0].tau == 9  # 9 / 25
        with pytest.raises(InputError, match=r"bits 0.56: not available.* 0.36 \(tau 9\), or 1"):
            configure(workload, bits=0.56)
        with pytest.raises(InputError, match="tau of a 10: expected 1 to 9"):
            configure(workload, taus={"a": 10})

    def test_operations_count_the_weights_of_a_kernel(self) -> None:
        one = layer(16, 64, 4, 4, kernel=5, tau=3)
        sub_bit, one_bit_ = network(one), network(replace(one, tau=None))
        # 16 pixels, 16 channels: 25 x 8 dot products and 64 / 2 additions; 25 x 64 at 1 bit
        assert count(sub_bit, "main_paper").bit_ops_g == 16 * 16 * (25 * 8 + 32) / 1e9
        assert count(one_bit_, "main_paper").bit_ops_g == 16 * 16 * 25 * 64 / 1e9
        assert count(sub_bit, "main_paper").params_mbit == 16 * 64 * 3 / 1e6


class TestCycles:
    @pytest.mark.parametrize(("kernel", "parts"), [(2, 1), ((1, 7), 1), (3, 1), (5, 3), (7, 6)])
    def test_a_dot_product_takes_a_cycle_for_9_weights(self, kernel: PerAxis, parts: int) -> None:
        direct = plan_of(layer(16, 64, 3, 3, kernel=kernel))
        assert direct.direct_cycles(direct.blocks[0]) == 64 * parts
        lut = plan_of(layer(16, 64, 3, 3, kernel=kernel, tau=3), bits=2)
        assert lut.mode == "lut"
        assert lut.pass_fill_cycles() == (8 * 2 * parts,)
        two = plan_of(layer(16, 65, 3, 3, kernel=kernel), {"array.pe.dots_per_cycle": 2})
        assert two.direct_cycles(two.blocks[0]) == 33 * parts  # 65 outputs
        many = plan_of(layer(16, 64, 3, 3, kernel=kernel), {"array.pe.dots_per_cycle": 64})
        assert many.direct_cycles(many.blocks[0]) == max(parts, 64 // 4)

    @pytest.mark.parametrize("kernel", SHAPES)
    @pytest.mark.parametrize("tau", [None, 2])
    @pytest.mark.parametrize("engine", ["event", "fast"])
    def test_a_layer_in_closed_form(self, kernel: PerAxis, tau: int | None, engine: str) -> None:
        one = layer(64, 32, 6, 8, kernel=kernel, tau=tau)
        hardware = machine(INSTANT)
        run = run_one(network(one), hardware, engine)
        parts, pixels = -(-one.taps // 9), one.out_pixels
        fill, accumulate, drain = 4 * parts, 8, 8
        expected = 2 + pixels * 32 * parts + drain + 1
        if tau is not None:
            expected = 1 + fill + (pixels - 1) * max(fill, accumulate) + accumulate + drain + 1
        assert run.cycles == expected
        assert family_of(hardware).expected_cycles(run.mapping.layers[0]) == expected

    def test_a_word_of_windows_has_the_weights_of_a_cycle(self) -> None:
        five = plan_of(layer(64, 32, 6, 8, kernel=5))
        assert (five.activation_word, five.window_words(64)) == (72, 3)  # 200 bytes
        row = plan_of(layer(64, 32, 6, 8, kernel=(1, 7)))
        assert (row.activation_word, row.window_words(64)) == (56, 1)

    def test_bytes_of_weights_and_subset(self) -> None:
        sub_bit, one_bit_ = (plan_of(layer(16, 32, 3, 3, kernel=5, tau=tau)) for tau in (5, None))
        assert (sub_bit.weight_bytes, sub_bit.subset_bytes) == (16 * 32 * 5 // 8, 32 * 25 // 8)
        assert (one_bit_.weight_bytes, one_bit_.subset_bytes) == (16 * 32 * 25 // 8, 0)

    def test_1_bit_kernels_of_more_than_9_weights_have_no_huffman_code(self) -> None:
        keys = {"memory.index_buffer.encoding": "huffman"}
        for kernel, coded in ((3, True), ((1, 7), True), (5, False)):
            one = with_random_kernels(layer(16, 32, 3, 3, kernel=kernel), 0)
            assert plan_of(one, keys).huffman == coded
            assert plan_of(with_random_kernels(replace(one, tau=3, kernels=None), 0), keys).huffman

    @pytest.mark.parametrize("hardware", ["cofluent64", "tpu-like"])
    def test_a_network_of_many_shapes(self, net: Path, hardware: str) -> None:
        runs = [simulate(net, hardware, tau=3, engine=engine) for engine in ("event", "fast")]
        ends = [one.run.summary.ends.tolist() for one in runs]
        assert ends[0] == ends[1]
        assert check_workload(runs[0].run.workload, runs[0].hardware).equal
        assert scope_data(runs[0])["binary_kernels"] == [5, "7x1", "1x7", 2]
        assert "binary 5×5, 7×1, 1×7, and 2×2 convolutions" in title(runs[0])


class TestArea:
    def test_no_part_changes_for_kernels_of_at_most_9_weights(self) -> None:
        assert area(machine(), 2, 4) == area(machine(), 2, 9) == area(machine(), 2)

    def test_a_pe_for_5x5_kernels(self) -> None:
        small, large = area(machine(), 1), area(machine(), 1, 25)
        parts = {part for part, gates in large.items() if gates != small[part]}
        assert parts == {"dot", "input_registers", "subset", "lut", "index_registers"}
        bits = bank_bits(machine(), 1, 25)
        assert bits["subset"] == 256 * 25
        assert bits["lut"] == 32 * 6  # -25 to 25
        assert bits["index_register"] == 32 * 25

    def test_a_run_has_the_area_of_its_kernels(self, net: Path) -> None:
        found = simulate(net, "cofluent64", tau=3).area
        assert found == area(load_hardware("cofluent64"), 1, 25)

    def test_the_decoder_of_a_systolic_array(self) -> None:
        decoded = load_hardware("tpu-like", ["subbit_weights=decoded"])
        family = family_of(decoded)
        net = configure(network(layer(4, 8, 7, 7, kernel=5)), tau=3)
        layers = family.map(net, decoded).layers
        assert family.area(decoded, layers)["decoder"] > family.area(decoded, ())["decoder"]
        sizes = family.memories(decoded, layers, layers[0])
        assert sizes["decoder"] == decoded.decoder_entries * 25 / 8192


class TestKernels:
    @pytest.mark.parametrize("shape", [(6, 5, 5, 5), (6, 5, 1, 7), (6, 5, 7, 9), (6, 5, 2, 1)])
    def test_one_bit_is_the_signs(self, shape: tuple[int, ...]) -> None:
        weights = random_weights(shape)
        kernels = one_bit(units_of(weights))
        assert np.array_equal(kernels.signs().reshape(shape), np.where(weights > 0, 1, -1))
        assert kernels.ids.tolist() == [[id_by_hand(unit) for unit in row] for row in weights]

    @pytest.mark.parametrize("method", ["random", "uniform", "frequent"])
    @pytest.mark.parametrize("shape", [(20, 9, 5, 5), (20, 9, 7, 9)])
    def test_a_chosen_subset_has_the_nearest_kernels(
        self, method: Any, shape: tuple[int, ...]
    ) -> None:
        units = units_of(random_weights(shape))
        kernels = chosen(method, units, 4, (0, 0))
        ids = kernels.subset.tolist()
        assert ids == sorted(set(ids))
        assert len(ids) == 16
        rows = np.array([[1 if i >> n & 1 else -1 for n in range(units.shape[-1])] for i in ids])
        distances = ((units[:, :, None] - rows[:, ::-1]) ** 2).sum(axis=-1)
        picked = np.take_along_axis(distances, kernels.indices[..., None].astype(int), axis=-1)
        assert picked[..., 0] == pytest.approx(distances.min(axis=-1))

    def test_frequent_takes_the_most_used(self) -> None:
        weights = random_weights((8, 4, 5, 5))
        weights[:4, 1] = weights[5:, 2] = weights[0, 0]
        kernels = chosen("frequent", units_of(weights), 1, (0, 0))
        assert id_by_hand(weights[0, 0]) in kernels.subset.tolist()

    def test_extraction_gives_the_signs_of_every_shape(self, net: Path, tmp_path: Path) -> None:
        weights = {x.name: random_weights(shape_of(x)) for x in load_workload(net).layers}
        np.savez(tmp_path / "n.npz", **{f"{name}.weight": w for name, w in weights.items()})
        found = extract(tmp_path / "n.npz", network=net).workload
        for one in found.layers:
            assert one.kernels is not None
            signs = one.kernels.signs().reshape(weights[one.name].shape)
            assert np.array_equal(signs, np.where(weights[one.name] > 0, 1, -1))
        assert stored(found, tmp_path).layers == found.layers
        assert simulate(found, "cofluent64").run.cycles > 0

    def test_a_large_subset_is_stored_and_read_again(self, tmp_path: Path) -> None:
        one = with_random_kernels(layer(300, 300, 5, 5, kernel=7, name="a"), 0)
        assert one.kernels is not None
        assert len(one.kernels.subset) > 1 << 16
        again = stored(network(one), tmp_path)
        assert again.layers[0].kernels == one.kernels


def random_weights(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def id_by_hand(unit: NDArray[Any]) -> int:
    """The id of a kernel, as text."""
    return int("".join("1" if weight > 0 else "0" for weight in unit.ravel().tolist()), 2)


def shape_of(one: Layer) -> tuple[int, ...]:
    return (one.out_channels, one.in_channels // one.groups, *one.kernel_sides)


def stored(workload: Workload, folder: Path) -> Workload:
    write_workload(workload, folder / "stored.npz")
    return read_workload(folder / "stored.npz")


class TestWithoutBinaryLayers:
    @pytest.fixture
    def full(self, tmp_path: Path) -> Path:
        path = tmp_path / "full.yaml"
        path.write_text(FULL, encoding="utf-8")
        return path

    @pytest.mark.parametrize("hardware", ["cofluent64", "tpu-like"])
    def test_a_run_of_scope_weights(self, full: Path, hardware: str) -> None:
        result = simulate(full, hardware, scope="weights")
        assert result.baseline is None
        assert [x.name for x in result.run.layers] == ["a", "b"]
        bits = simulate(full, hardware, bits=32, baseline_bits="none")
        assert bits.run.cycles == result.run.cycles

    def test_a_study(self, full: Path) -> None:
        study = sweep(full, "cofluent64", bits=1, scope="weights", jobs=1)
        assert study.frame["cycles"].tolist() == [simulate(full, "cofluent64", bits=32).run.cycles]

    def test_commands_need_no_bits(self, full: Path, command: Command) -> None:
        words = ("--model", full, "--scope", "weights")
        for done in (command("--hw", "cofluent64", *words), command("ops", *words)):
            assert (done.returncode, done.stderr) == (0, "")
            assert "all 2 layers with weights: full precision" in " ".join(done.stdout.split())

    def test_scope_binary_names_the_other_scope(self, full: Path) -> None:
        with pytest.raises(InputError, match=r"no layer is binary.*--scope weights or network$"):
            simulate(full, "cofluent64")


def test_ids_are_exact_up_to_63_weights() -> None:
    signs = np.ones((1, 63))
    assert ids_of(signs).tolist() == [(1 << 63) - 1]
