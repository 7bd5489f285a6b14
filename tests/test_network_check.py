"""`--check` in scope network: values of whole networks, against numpy and trained classes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given

from simulator import InputError, load_hardware, load_workload
from simulator.base.shipped import images_file
from simulator.check import check_workload, plain
from simulator.check.check import read_input
from simulator.cli import cli
from simulator.machines.vector import compute
from simulator.machines.vector.numbers import Numbers, exponent_for, moved, rounded, stored
from simulator.workload import Workload, configure
from simulator.workload.values import LayerValues, images_sha256
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

FEW = 3
DIGITS = ROOT / "workloads/trained/digits.npy"

ALL_KINDS = """
name: kinds
title: Every kind of layer
ops_convention: main_paper
input: {channels: 3, height: 13, width: 11}
layers:
  - {name: stem, type: conv, precision: full, out_channels: 12, kernel: 3, stride: [2, 1],
     padding: 1}
  - {name: stem_bn, type: norm}
  - {name: max, type: pool, kernel: 3, stride: 2, padding: 1}
  - {name: a, type: conv, precision: binary, out_channels: 12, kernel: 3, padding: 1}
  - {name: a_bn, type: norm}
  - {name: b, type: conv, precision: binary, out_channels: 12, kernel: 3, padding: 1, groups: 2}
  - {name: b_bn, type: norm}
  - {name: sum, type: add, other: max}
  - {name: slope, type: activation, function: prelu}
  - {name: bits4, type: conv, precision: binary, activation_bits: 4, out_channels: 8, kernel: 1}
  - {name: bits4_bn, type: norm}
  - {name: bits4_max, type: pool, kernel: 2, stride: 1}
  - {name: bits3, type: conv, precision: binary, activation_bits: 3, out_channels: 8, kernel: 1}
  - {name: relu, type: activation}
  - {name: hard, type: activation, from: slope, function: hardtanh}
  - {name: mean, type: pool, mode: average, kernel: 3, stride: 2, padding: 1, ceil_mode: true}
  - {name: small, type: pool, from: relu, kernel: 1, stride: 2, ceil_mode: true}
  - {name: both, type: concat, from: mean, others: [mean]}
  - {name: mixed, type: shuffle, groups: 4}
  - {name: regions, type: roi_pool, size: 2, count: 3}
  - {name: fc1, type: linear, precision: full, out_features: 9}
  - {name: fc2, type: linear, precision: full, out_features: 5}
"""


LOW = """
name: low
title: An image of one row
ops_convention: main_paper
input: {channels: 17, height: 1, width: 4}
layers:
  - {name: conv, type: conv, precision: binary, out_channels: 6, kernel: 3, padding: 1}
  - {name: max, type: pool, kernel: [1, 2], stride: 3, padding: [0, 1]}
  - {name: mean, type: pool, from: conv, kernel: [1, 4], stride: 2, padding: [0, 2], mode: average}
  - {name: end, type: linear, from: max, precision: full, out_features: 5}
"""


@pytest.mark.parametrize("hw", ["cofluent64", "tpu-like"])
def test_a_low_image_and_windows_mostly_of_padding(tmp_path: Path, hw: str) -> None:
    """A map of one row is not the input of a fully connected layer."""
    (tmp_path / "low.yaml").write_text(LOW)
    workload = configure(load_workload(tmp_path / "low.yaml"), scope="network", batch=2, tau=4)
    assert check_workload(workload, load_hardware(hw)).equal


@pytest.fixture
def kinds(tmp_path: Path) -> Workload:
    (tmp_path / "kinds.yaml").write_text(ALL_KINDS)
    return load_workload(tmp_path / "kinds.yaml")


@pytest.mark.parametrize("hw", ["cofluent64", "tpu-like"])
@pytest.mark.parametrize("keys", [[], ["vector.fused=false"], ["full_precision.bits=8"]])
def test_every_kind_equals_its_twin(kinds: Workload, hw: str, keys: list[str]) -> None:
    workload = configure(kinds, scope="network", batch=2, tau=4)
    result = check_workload(workload, load_hardware(hw, keys))
    assert result.equal
    assert [x.layer for x in result.layers] == [x.name for x in workload.all_layers]
    pixels = {x.name: x.out_channels * x.out_pixels for x in workload.all_layers}
    assert {x.layer: x.outputs for x in result.layers} == {n: 2 * p for n, p in pixels.items()}
    told = {x.layer: x.kernels for x in result.layers}
    assert (told["a"], told["a_bn"], told["max"]) == ("random", "random", "none")


def test_a_seed_gives_other_values(kinds: Workload) -> None:
    workload, machine = configure(kinds, scope="network"), load_hardware("cofluent64")
    one, again, other = (check_workload(workload, machine, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one.equal
    assert other.equal
    assert other != one


@pytest.mark.parametrize(
    ("function", "layer"),
    [
        ("add", "sum"),
        ("average_pool", "mean"),
        ("max_pool", "max"),
        ("activation", "slope"),
        ("affine", "stem_bn"),
        ("codes", "a_bn"),
        ("matrix_product", "stem"),
        ("shuffle", "mixed"),
        ("regions", "regions"),
    ],
)
def test_a_wrong_result_is_found(
    kinds: Workload, monkeypatch: pytest.MonkeyPatch, function: str, layer: str
) -> None:
    right = getattr(compute, function)

    def wrong(*arguments: Any) -> Any:
        result = right(*arguments)
        values = result.values if isinstance(result, Numbers) else result
        values[(-1,) * values.ndim] -= 1 << 50 if isinstance(result, Numbers) else 2
        return result

    monkeypatch.setattr(compute, function, wrong)
    result = check_workload(configure(kinds, scope="network"), load_hardware("cofluent64"))
    assert not result.equal
    assert result.first_difference is not None
    assert result.first_difference.layer == layer
    assert result.failure == f"at {result.first_difference}"


class TestDefinitions:
    """Thresholds and rounding, by counting."""

    @given(
        scale=st.sampled_from([-1.5, -0.1, 0.0, 0.07, 1.0, 2.0]),
        shift=st.sampled_from([-3.0, -0.3, 0.0, 0.07, 1.0, 4.5]),
        alpha=st.sampled_from([-0.5, 1.0, 0.25]),
        bits=st.integers(1, 4),
        exponent=st.integers(-2, 3),
    )
    def test_thresholds(
        self, scale: float, shift: float, alpha: float, bits: int, exponent: int
    ) -> None:
        sums = np.arange(-40, 41)
        both, summand = np.array([scale * alpha]), np.array([shift])
        limits = compute.thresholds(both, summand, 0, exponent, bits)
        got = compute.codes(sums[None, None, None], both, limits, bits).ravel()
        for number, code in zip(sums.tolist(), got.tolist(), strict=True):
            value = scale * alpha * number + shift
            if bits == 1:
                assert code == (1 if value > 0 else -1)
            else:
                expected = int(np.floor(value * 2.0**exponent + 0.5))
                assert code == min(max(expected, 0), 2**bits - 1)

    def test_numbers_are_rounded_to_nearest_and_saturate(self) -> None:
        assert rounded(np.array([5, 6, 7, -5, -6, -7]), 2).tolist() == [1, 2, 2, -1, -1, -2]
        assert rounded(np.array([3]), -2).tolist() == [12]
        assert moved(Numbers(np.array([1000, -1000]), 4), 4, 8).values.tolist() == [127, -127]
        assert stored(np.array([0.5, -0.5, 0.49]), 0).tolist() == [1, 0, 0]

    @given(st.floats(1e-6, 1e6), st.integers(2, 24))
    def test_the_scale_is_the_finest_that_fits(self, largest: float, bits: int) -> None:
        most = 2 ** (bits - 1) - 1
        exponent = exponent_for(largest, most)
        assert largest * 2.0**exponent <= most
        assert exponent == 50 or largest * 2.0 ** (exponent + 1) > most

    def test_pools_and_shuffles(self, kinds: Workload) -> None:
        by_name = {x.name: x for x in kinds.vector_layers}
        x = np.random.default_rng(0).normal(size=(2, 24, 7, 6))
        mean = by_name["mean"]
        out = plain.vector_output(mean, [x], LayerValues(), None)
        framed = np.pad(x, ((0, 0), (0, 0), (1, 3), (1, 3)))
        for row, column in np.ndindex(mean.out_height, mean.out_width):
            window = framed[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            assert np.allclose(out[:, :, row, column], window.sum((2, 3)) / 9)
        shuffled = plain.vector_output(by_name["mixed"], [x], LayerValues(), None)
        # ShuffleNet with 4 groups of 6: the first channel of each group, then the second, ...
        order = [group * 6 + place for place in range(6) for group in range(4)]
        assert np.array_equal(shuffled, x[:, order])


# Trained networks --------------------------------------------------------------------------------


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """The first shipped images."""
    np.save(tmp_path / "few.npy", np.load(DIGITS)[:FEW])
    return tmp_path / "few.npy"


def trained(name: str, images: int | None = None) -> Workload:
    """A trained network, which knows the classes of its first images."""
    workload = configure(load_workload(name), scope="network")
    known = workload.predictions
    assert known is not None
    if images is None:
        return workload
    some = np.load(DIGITS)[:images]
    fewer = replace(known, images_sha256=images_sha256(some), classes=known.classes[:images])
    return replace(workload, predictions=fewer)


@pytest.mark.parametrize("hw", ["cofluent64", "tpu-like"])
def test_a_trained_network_predicts_its_classes(hw: str, few: Path) -> None:
    workload = trained("trained-r20-0.56", FEW)
    result = check_workload(workload, load_hardware(hw), inputs=few)
    assert result.equal
    assert result.classes is not None
    assert (result.classes.as_trained, result.classes.as_forward) == (FEW, FEW)
    assert {x.kernels for x in result.layers} == {"given", "none"}


@pytest.mark.slow
@pytest.mark.parametrize("bits", ["1", "0.67", "0.56", "0.44"])
def test_all_test_images(bits: str) -> None:
    result = check_workload(
        trained(f"trained-r20-{bits}"), load_hardware("cofluent64"), inputs=DIGITS
    )
    assert result.equal
    assert result.classes is not None
    assert (result.classes.images, result.classes.as_trained) == (899, 899)


def test_another_class_fails(few: Path) -> None:
    workload = trained("trained-r20-0.56", FEW)
    assert workload.predictions is not None
    classes = workload.predictions.classes.copy()
    got, classes[1] = int(classes[1]), (classes[1] + 1) % 10
    other = replace(workload, predictions=replace(workload.predictions, classes=classes))
    result = check_workload(other, load_hardware("cofluent64"), inputs=few)
    assert not result.equal
    assert result.first_difference is None
    assert result.failure == (
        f"at image 1: class {got}, but the trained network predicts {classes[1]}"
    )
    assert result.classes is not None
    assert result.classes.as_trained == FEW - 1


@pytest.mark.parametrize("options", [{"tau": 4}, {"bits": 32}, {"activation_bits": 2}])
def test_another_network_has_no_trained_classes(options: dict[str, Any], few: Path) -> None:
    known = trained("trained-r20-0.56", FEW).predictions
    loaded = replace(load_workload("trained-r20-0.56"), predictions=known)
    workload = configure(loaded, scope="network", **options)
    result = check_workload(workload, load_hardware("cofluent64"), inputs=few)
    assert result.equal
    assert result.classes is not None
    assert result.classes.trained is None


class TestCommand:
    LINE = ("--hw", "cofluent64", "--model", "trained-r20-0.56", "--scope", "network", "--check")

    def test_prints_the_classes(self, few: Path) -> None:
        done = CliRunner().invoke(cli, [*self.LINE, "--check-input", str(few)])
        assert done.exit_code == 0, done.output
        text = " ".join(done.output.split())
        assert "check: layer2.0.conv1 (LUT): 3,072 outputs equal" in text
        assert "80 layers equal to their numpy twins; images: given; values: given" in text
        assert (
            "check: 3 of 3 images: the same class as a plain forward pass in floating point"
        ) in text
        assert "trained network" not in text  # whose classes of these images are unknown

    def test_json(self, few: Path) -> None:
        done = CliRunner().invoke(cli, [*self.LINE, "--check-input", str(few), "--json"])
        told = json.loads(done.stdout)["check"]
        assert told["equal"] is True
        assert told["classes"]["machine"] == told["classes"]["forward"]
        assert told["classes"]["trained"] is None
        assert told["layers"][0]["inputs"] == "network"

    def test_wrong_images(self, tmp_path: Path) -> None:
        workload = configure(load_workload("trained-r20-0.56"), scope="network")
        for values, words in (
            (np.zeros((3, 1, 8, 7)), "its shape is 3x1x8x7, expected images x 1x8x8"),
            (np.zeros((0, 1, 8, 8)), "its shape is 0x1x8x8"),
            (np.full((1, 1, 8, 8), np.nan), "not finite"),
            (np.full((1, 1, 8, 8), "a"), "its type is <U1"),
        ):
            np.save(tmp_path / "x.npy", values)
            with pytest.raises(InputError, match=words):
                read_input(tmp_path / "x.npy", workload)

    def test_a_shipped_file_of_images(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert images_file(Path("digits.npy")).read_bytes() == DIGITS.read_bytes()
        assert images_file(Path("else.npy")) == Path("else.npy")
        Path("digits.npy").write_bytes(b"mine")
        assert images_file(Path("digits.npy")) == Path("digits.npy")
