"""`--check`: the array's outputs equal a direct convolution, to the last bit."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given

from simulator import load_workload
from simulator.base.errors import InputError
from simulator.base.shipped import shipped_names
from simulator.check import Difference, check_workload, comparison
from simulator.check.activations import read_activations, seeded
from simulator.check.check import random_kernels
from simulator.check.reference import convolve
from simulator.cli import cli
from simulator.machines.lut_array import compute as array
from simulator.machines.lut_array import family
from simulator.machines.lut_array.compute import compute
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.planning import plan_layers
from simulator.workload import Layer, Workload, configure
from simulator.workload.kernels import KernelSet
from simulator.workload.sides import sides
from tests.build import layer, machine, network, with_kernels
from tests.conftest import ROOT, Command
from tests.strategies import KERNELS

pytestmark = pytest.mark.unit


def checked(
    one: Layer, *, batch: int = 1, activation_bits: int = 1, keys: dict[str, Any] | None = None
) -> None:
    """Check a layer; all its outputs must be compared and equal."""
    workload = network(one, batch=batch, activation_bits=activation_bits)
    result = check_workload(workload, machine(keys))
    (only,) = result.layers
    assert only.difference is None
    assert only.outputs == one.out_channels * one.out_pixels * batch


def shrunk(one: Layer) -> Layer:
    """The layer on a map of odd size, with the same channels, stride, padding and dilation."""
    height, width = (min(size, one.extents.height + 6) for size in (one.in_height, one.in_width))
    down, across = (
        (size + 2 * one.paddings.height - one.extents.height) // one.strides.height + 1
        for size in (height, width)
    )
    return replace(
        one,
        in_height=height,
        in_width=width,
        out_height=down,
        out_width=across,
        images=min(one.images, 2),
    )


LARGE = {"ssd300-vgg16", "faster-rcnn-r18", "r50", "r34", "vgg16", "alexnet", "birealnet18"} | {
    "binarydensenet28",
    "quicknet",
    "r50-cifar10",
    "reactnet-a",
}
"""Networks of many values."""


@pytest.mark.parametrize("bits", [0.56, 1])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else [])
        for name in shipped_names("workloads")
    ],
)
def test_every_shipped_network(name: str, bits: float) -> None:
    whole = configure(load_workload(name), **({"tau": 5} if bits < 1 else {"bits": 1}))
    # one of several equal layers is enough: random inputs make equal layers the same test
    different = {replace(shrunk(x), name="", stage=""): shrunk(x) for x in whole.binary_layers}
    result = check_workload(replace(whole, layers=tuple(different.values())), machine())
    assert result.equal
    assert result.outputs == sum(x.out_channels * x.out_pixels for x in different.values())


@pytest.mark.parametrize("name", ["r18", "r34", "r20", "r50-cifar10"])
def test_whole_networks_at_a_small_input(name: str) -> None:
    size = (32, 32) if name == "r20" else (17, 33)
    result = check_workload(configure(load_workload(name, size), tau=4), machine())
    assert result.equal
    assert len(result.layers) == len(load_workload(name).binary_layers)


@pytest.mark.parametrize("tau", [1, 2, 3, 4, 5, 6, 7, 8, 9, None])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_every_tau(tau: int | None, kernel: int, stride: int) -> None:
    if kernel == 1 and tau == 9:
        tau = None
    checked(layer(24, 40, 7, 5, kernel=kernel, stride=stride, tau=tau))


@pytest.mark.parametrize("tau", [5, 6, 7])
def test_passes(tau: int) -> None:
    keys = {"array.pe.lut_entries": 24, "array.pe.partial_sums": 256}  # 2, 3 or 6 passes
    one = layer(70, 160, 5, 6, tau=tau)
    assert plan_layers(network(one), machine(keys))[0].mode == "lut"
    checked(one, keys=keys)


@pytest.mark.parametrize("bits", [2, 3, 8, 32])
@pytest.mark.parametrize("tau", [3, None])
def test_activations_of_several_bits(bits: int, tau: int | None) -> None:
    checked(layer(20, 24, 4, 5, tau=tau), activation_bits=bits, batch=2)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    pairs = st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, groups = draw(st.sampled_from(KERNELS)), draw(st.sampled_from([1, 1, 2, 3]))
    dilation, stride = draw(st.just(1) | pairs), draw(pairs)
    padding = draw(st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3)))
    height, width = (
        draw(st.integers(max(1, step * (size - 1) + 1 - 2 * pad), 19))
        for step, size, pad in zip(sides(dilation), sides(kernel), sides(padding), strict=True)
    )
    bare = layer(
        groups * draw(st.integers(1, 20)),
        groups * draw(st.integers(1, 20)),
        height,
        width,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    tau = draw(st.none() | st.integers(1, bare.largest_tau))
    return replace(bare, tau=tau, images=draw(st.integers(1, 2)))


@st.composite
def plans(draw: st.DrawFn) -> LayerPlan:
    keys = {
        "array.pes": draw(st.integers(1, 20)),
        "array.spatial": draw(st.sampled_from(["input_channels", "output_pixels"])),
        "array.pe.lut_entries": draw(st.sampled_from([3, 8, 32, "none"])),
        "array.pe.accumulators": draw(st.integers(2, 5)),
        "array.pe.partial_sums": draw(st.integers(1, 30)),
        "array.pe.dots_per_cycle": draw(st.integers(1, 3)),
    }
    workload = network(
        draw(layers()),
        batch=draw(st.integers(1, 2)),
        activation_bits=draw(st.sampled_from([1, 1, 2, 8])),
    )
    return plan_layers(workload, machine(keys))[0]


def by_the_book(one: Layer, kernels: KernelSet, activations: np.ndarray, where: Any) -> int:
    """One output by the definition of a convolution, in plain Python."""
    channel, image, row, column = where
    per_group = one.in_channels // one.groups
    first = channel // (one.out_channels // one.groups) * per_group
    total = 0
    for number in range(per_group):
        for y in range(one.kernel_sides.height):
            for x in range(one.kernel_sides.width):
                weight = y * one.kernel_sides.width + x
                unit, weight = divmod(number, 8) if one.taps == 1 else (number, weight)
                kernel = int(kernels.subset[kernels.indices[channel, unit]])
                sign = 1 if kernel >> (one.unit_weights - 1 - weight) & 1 else -1
                down = row * one.strides.height + y * one.dilations.height - one.paddings.height
                right = column * one.strides.width + x * one.dilations.width - one.paddings.width
                if 0 <= down < one.in_height and 0 <= right < one.in_width:
                    total += sign * int(activations[image, first + number, down, right])
    return total


@given(plan=plans(), seed=st.integers(0, 9))
def test_both_ways_equal_the_definition(plan: LayerPlan, seed: int) -> None:
    one = plan.layer
    kernels = random_kernels(one, seed, 0)
    images = plan.batch * one.images
    activations = seeded(one, plan.activation_bits, seed, 0)(0, images)
    rows = range(seed % one.out_height, one.out_height)
    got, expected = (
        compute(plan, kernels, activations, rows),
        convolve(one, kernels, activations, rows),
    )
    assert got.shape == (one.out_channels, images, len(rows), one.out_width)
    assert np.array_equal(got, expected)
    rng = np.random.default_rng(seed)
    for _ in range(8):
        where = tuple(int(rng.integers(0, size)) for size in got.shape)
        book = (where[0], where[1], rows[where[2]], where[3])
        assert got[where] == by_the_book(one, kernels, activations, book)


def test_memory_is_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(layer(30, 40, 9, 7, tau=4), images=3)
    whole = check_workload(network(one, batch=2), machine())
    monkeypatch.setattr(comparison, "_HELD", 1)
    monkeypatch.setattr(comparison, "_LEAST_PIXELS", 1)
    monkeypatch.setattr(array, "_HELD", 1)
    assert check_workload(network(one, batch=2), machine()) == whole


class TestWhatIsWrongIsFound:
    """A check that cannot fail would be useless."""

    def test_a_corrupted_index(self, monkeypatch: pytest.MonkeyPatch) -> None:
        indices = np.zeros((64, 64), dtype=np.uint16)
        one = with_kernels(layer(64, 64, 3, 3, tau=5, name="conv7"), indices, 32)

        def corrupted(plan: LayerPlan, kernels: KernelSet, *rest: Any) -> np.ndarray:
            wrong = kernels.indices.copy()
            wrong[13, 5] = 9
            return compute(plan, KernelSet(9, kernels.subset, wrong), *rest)

        monkeypatch.setattr(family, "compute", corrupted)
        result = check_workload(network(one), machine())
        assert not result.equal
        found = result.layers[0].difference
        assert isinstance(found, Difference)
        assert (found.layer, found.output_channel, found.row, found.column) == ("conv7", 13, 0, 0)
        assert found.expected != found.got

    @pytest.mark.parametrize("tau", [4, None])
    def test_padding_that_counts_as_minus_1(
        self, monkeypatch: pytest.MonkeyPatch, tau: int | None
    ) -> None:
        positions = array.patch_positions

        def everywhere_inside(*arguments: Any) -> Any:
            places, inside = positions(*arguments)
            return places, np.ones_like(inside)

        one = layer(8, 40, 5, 5, tau=tau)
        monkeypatch.setattr(array, "patch_positions", everywhere_inside)
        result = check_workload(network(one), machine())
        found = result.layers[0].difference
        assert found is not None
        assert (found.row, found.column) == (0, 0)  # the corner is next to the padding
        unpadded = replace(one, padding=0, out_height=3, out_width=3)
        assert check_workload(network(unpadded), machine()).equal

    def test_through_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def one_too_many(*arguments: Any) -> np.ndarray:
            sums = compute(*arguments)
            sums[3, 0, 1, 2] += 1
            return sums

        monkeypatch.setattr(family, "compute", one_too_many)
        arguments = ["--hw", "cofluent64", "--model", "r20", "--tau", "4", "--check"]
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 1
        where = "layer1.0.conv1: output channel 3, row 1, column 2"
        assert f"check: DIFFERENT at {where}: expected" in done.output
        assert "18 of 18 layers differ from a direct convolution" in done.output
        done = CliRunner().invoke(cli, [*arguments, "--json"])
        assert done.exit_code == 1
        told = json.loads(done.stdout)["check"]
        assert told["equal"] is False
        first = told["layers"][0]["difference"]
        assert (first["output_channel"], first["row"], first["column"]) == (3, 1, 2)
        assert first["got"] == first["expected"] + 1
        done = CliRunner().invoke(cli, [*arguments, "--quiet"])
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith(f"simulate: check failed at {where}: expected ")
        assert done.stderr.count("\n") == 1


class TestCommand:
    RUN = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56", "--check")

    def test_says_what_was_compared_and_on_what(self, command: Command) -> None:
        done = command(*self.RUN)
        assert done.returncode == 0, done.stderr
        # 16 channels of 32 x 32 pixels; all layers: 6 x 16384 + 6 x 8192 + 6 x 4096
        assert "check: layer1.0.conv1 (direct): 16,384 outputs equal" in done.stdout
        assert "check: layer2.0.conv2 (direct): 8,192 outputs equal" in done.stdout
        assert "check: layer3.0.conv2 (LUT): 4,096 outputs equal" in done.stdout
        assert (
            "check: 172,032 outputs of 18 binary layers equal to a direct convolution; "
            "activations: random; kernels: random (seed 0)"
        ) in done.stdout

    def test_json_and_files(self, command: Command, tmp_path: Path) -> None:
        done = command(*self.RUN, "--check-seed", 3, "--json", "--out", "out")
        told = json.loads(done.stdout)["check"]
        assert told == json.loads((tmp_path / "out/summary.json").read_text())["check"]
        assert (told["equal"], told["seed"], told["outputs"]) == (True, 3, 172_032)
        assert told["layers"][0] == {
            "layer": "layer1.0.conv1",
            "mode": "direct",
            "kernels": "random",
            "inputs": "random",
            "outputs": 16_384,
            "difference": None,
            "equal": True,
        }

    def test_without_it_nothing_is_said(self, command: Command) -> None:
        done = command(*self.RUN[:-1], "--json")
        assert "check" not in json.loads(done.stdout)

    def test_a_given_input(self, command: Command, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        np.save(tmp_path / "x.npy", rng.choice([-1, 1], (16, 32, 32)).astype(np.int8))
        done = command(*self.RUN, "--check-input", "x.npy")
        assert done.returncode == 0, done.stderr
        assert "activations: given in 1, random in 17; kernels: random" in done.stdout

    def test_a_wrong_input_is_refused_before_the_run(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(
            "simulator.api.simulate.simulate", lambda *_, **__: pytest.fail("it ran")
        )
        line = [*map(str, self.RUN), "--check-input", "x.npy", "--out", "out"]
        for shape, options in (((3, 32, 32), []), ((16, 32, 32), ["--batch", "2"])):
            np.save("x.npy", np.ones(shape, np.int8))
            with pytest.raises(InputError, match="the first binary layer"):
                cli(line + options, standalone_mode=False)
        np.save("x.npy", np.zeros((16, 32, 32), np.int8))
        with pytest.raises(InputError, match=r"x.npy: 0 is not a 1-bit activation; use -1 or \+1"):
            cli(line, standalone_mode=False)
        assert not Path("out").exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--check-seed", "1"), "--check-seed has no effect without --check"),
            (("--check-input", "x.npy"), "--check-input has no effect without --check"),
            (("--check", "--check-seed", "-1"), "-1 is not in the range"),
            (("--check", "--check-input", "none.npy"), "none.npy: cannot be read: No such file"),
        ],
    )
    def test_wrong_options(self, command: Command, arguments: tuple[str, ...], words: str) -> None:
        done = command(*self.RUN[:-1], *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


class TestGivenInput:
    ONE = layer(3, 8, 4, 5, tau=3)

    def read(self, path: Path, batch: int = 1, bits: int = 1) -> Any:
        return read_activations(path, self.ONE, batch, bits)

    @pytest.mark.parametrize("kind", [np.int8, np.int64, np.float32])
    def test_is_used(self, tmp_path: Path, kind: type) -> None:
        values = np.random.default_rng(0).choice([-1, 1], (1, 3, 4, 5)).astype(kind)
        np.save(tmp_path / "x.npy", values)
        assert np.array_equal(self.read(tmp_path / "x.npy"), values)
        result = check_workload(network(self.ONE), machine(), inputs=tmp_path / "x.npy")
        assert result.equal
        assert result.layers[0].inputs == "given"

    def test_several_bits(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 16, (2, 3, 4, 5)))
        workload = network(self.ONE, batch=2, activation_bits=4)
        assert check_workload(workload, machine(), inputs=tmp_path / "x.npy").equal

    @pytest.mark.parametrize(
        ("values", "bits", "words"),
        [
            (np.ones((3, 5, 4)), 1, "its shape is 3x5x4, expected 1x3x4x5"),
            (np.ones((2, 3, 4, 5)), 1, "its shape is 2x3x4x5, expected 1x3x4x5"),
            (np.float64(1), 1, "its shape is that of a single number"),
            (np.zeros((3, 4, 5)), 1, "0.0 is not a 1-bit activation; use -1 or +1"),
            (np.full((3, 4, 5), 4), 2, "4 is not a 2-bit activation; use integers from 0 to 3"),
            (np.full((3, 4, 5), -1), 2, "-1 is not a 2-bit activation"),
            (np.full((3, 4, 5), 0.5), 2, "0.5 is not a 2-bit activation"),
            (np.full((3, 4, 5), np.nan), 2, "nan is not a 2-bit activation"),
            (np.full((3, 4, 5), np.nan), 1, "nan is not a 1-bit activation"),
            (np.full((3, 4, 5), "a"), 1, "its type is <U1, expected integers or floats"),
            (np.full((3, 4, 5), 1j), 1, "its type is complex128"),
        ],
    )
    def test_wrong_contents(self, tmp_path: Path, values: Any, bits: int, words: str) -> None:
        np.save(tmp_path / "x.npy", values)
        with pytest.raises(InputError) as error:
            self.read(tmp_path / "x.npy", bits=bits)
        assert words in str(error.value)
        assert "x.npy" in str(error.value)

    def test_wrong_files(self, tmp_path: Path) -> None:
        np.save(tmp_path / "good.npy", np.ones((3, 4, 5)))
        good = (tmp_path / "good.npy").read_bytes()
        header = good[:128].replace(b"(3, 4, 5)", b"(3, 40000, 50000)"[:17])
        files = {
            "empty": b"",
            "text": b"hello",
            "truncated": good[:200],
            "pickle": b"\x80\x04\x95\x00",
            "huge": header + good[128:],
        }
        np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
        np.savez(tmp_path / "archive.npz", x=np.ones((3, 4, 5)))
        for name, contents in files.items():
            (tmp_path / name).write_bytes(contents)
        for name in (*files, "object.npy", "archive.npz", "."):
            with pytest.raises(InputError, match=r"npy|cannot be read"):
                self.read(tmp_path / name)


@pytest.mark.docs
def test_the_documents_example(tmp_path: Path) -> None:
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/check.md").read_text(), re.M | re.S
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_seeds_are_seeds() -> None:
    one = layer(8, 40, 5, 5, tau=3)
    images = seeded(one, 1, 7, 2)
    assert np.array_equal(images(0, 3)[1:], images(1, 3))  # an image has its own stream
    assert not np.array_equal(images(0, 1), images(1, 2))
    assert not np.array_equal(images(0, 1), seeded(one, 1, 8, 2)(0, 1))
    assert random_kernels(one, 1, 2) == random_kernels(one, 1, 2)
    assert random_kernels(one, 1, 2) != random_kernels(one, 1, 3)
    with pytest.raises(InputError, match="seed -1"):
        check_workload(network(one), machine(), seed=-1)


def test_kernels_of_the_workload_are_taken() -> None:
    indices = np.random.default_rng(0).integers(0, 5, (40, 8))
    one = with_kernels(layer(8, 40, 5, 5, tau=3), indices, 5)
    result = check_workload(network(one), machine())
    assert (result.equal, result.layers[0].kernels) == (True, "given")


def test_full_precision_layers_are_left_out() -> None:
    whole: Workload = network(layer(3, 8, 4, 4, full_precision=True), layer(8, 40, 4, 4, tau=3))
    assert len(check_workload(whole, machine()).layers) == 1
