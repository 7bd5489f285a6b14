"""Trained networks through the command: ONNX models in, kernels out."""

import csv
from pathlib import Path

import numpy as np
import onnx
import pytest

from simulator.workload import Layer
from simulator.workload.store import read_workload, write_workload
from tests.build import network
from tests.conftest import Command
from tests.measure import drawn
from tests.test_bad_input import refused
from tests.test_kernels import AFTER, BEFORE
from tests.test_onnx import conv, reals, save, signs

pytestmark = pytest.mark.command


def save_workloads(folder: Path, **layers: Layer) -> None:
    for name, layer in layers.items():
        write_workload(network(layer), folder / f"{name}.npz")


class TestOnnx:
    @pytest.fixture(autouse=True)
    def model(self, tmp_path: Path) -> None:
        """Two layers of signs over 6x6 pixels, and one layer of real weights between them."""
        nodes = [
            conv("x", "a.conv.weight", "h"),
            conv("h", "b.conv.weight", "k"),
            conv("k", "c.conv.weight", "y", pads=[0] * 4),
        ]
        tensors = {
            "a.conv.weight": signs(64, 8, 3, 3),
            "b.conv.weight": reals(64, 64, 3, 3),
            "c.conv.weight": signs(24, 64, 1, 1),
        }
        save(tmp_path / "net.onnx", nodes, tensors, ("N", 8, "H", "W"))

    def test_extract_then_run(self, command: Command, tmp_path: Path) -> None:
        taken = ("--binarize", "b*", "--tau", "4", "--subset", "frequent", "--input-size", "6")
        done = command("extract", "net.onnx", *taken, "-o", "net.npz")
        assert done.returncode == 0, done.stderr
        layers = {layer.name: layer for layer in read_workload(tmp_path / "net.npz").layers}
        assert {name: layer.tau for name, layer in layers.items()} == {
            "a.conv": 4, "b.conv": 4, "c.conv": 4,
        }  # fmt: skip
        assert (layers["b.conv"].in_height, layers["c.conv"].out_width) == (6, 6)
        direct = command("--hw", "cofluent64", "--model", "net.onnx", *taken, "--json")
        stored = command("--hw", "cofluent64", "--model", "net.npz", "--json")
        assert direct.returncode == stored.returncode == 0, direct.stderr + stored.stderr
        assert direct.stdout == stored.stdout

    def test_signs_are_kept_to_the_last(self, command: Command, tmp_path: Path) -> None:
        """Original +-1 weights, and 1-bit kernels that --binarize chose: every sign comes back."""
        taken = ("--binarize", "b*", "--bits", "1", "--input-size", "6")
        assert command("extract", "net.onnx", *taken, "-o", "net.npz").returncode == 0
        a, b, c = read_workload(tmp_path / "net.npz").layers
        assert a.kernels is not None
        assert b.kernels is not None
        assert c.kernels is not None
        assert np.array_equal(a.kernels.signs().reshape(64, 8, 3, 3), signs(64, 8, 3, 3))
        assert np.array_equal(b.kernels.signs().reshape(64, 64, 3, 3) > 0, reals(64, 64, 3, 3) > 0)
        assert np.array_equal(c.kernels.signs().reshape(24, 64, 1, 1), signs(24, 64, 1, 1))

    def test_refused(self, command: Command, tmp_path: Path) -> None:
        model = onnx.load(tmp_path / "net.onnx")
        (tmp_path / "cut.onnx").write_bytes(model.SerializeToString()[:-2000])
        for arguments, words in (
            (["net.onnx"], "is dynamic (?x?); give the input size in pixels with --input-size"),
            (["net.onnx", "--input-size", "6", "--binarize", "d*"], "'d*' matches no layer"),
            (["net.onnx", "--input-size", "6", "--network", "r18"], "holds its own graph"),
            (["cut.onnx", "--input-size", "6"], "cut.onnx: not an ONNX model, or damaged"),
        ):
            assert words in refused(command, "extract", *arguments, "-o", "out.npz")
            assert not (tmp_path / "out.npz").exists()


class TestKernels:
    def test_snapshots(self, command: Command, tmp_path: Path) -> None:
        save_workloads(tmp_path, early=BEFORE, late=AFTER)
        done = command("kernels", "early.npz", "late.npz", "--out", "out")
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        # layer, snapshot, bits, used, of, top 16 %, entropy, new since first (511)
        assert ["conv", "late", "0.22", "2", "4", "100.0", "0.81", "1"] in lines
        with (tmp_path / "out/kernels.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert {row["snapshot"] for row in rows} == {"early", "late"}
        assert sum(int(row["count"]) for row in rows) == 8
        assert drawn(tmp_path / "out/kernels.png")
        assert drawn(tmp_path / "out/kernels.svg")

    def test_of_a_shipped_network(self, command: Command) -> None:
        """A dot in a bare name does not start a suffix."""
        done = command("kernels", "trained-r20-0.56", "--out", "out")
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["layer3.2.conv2", "trained-r20-0.56", "0.56", "32", "32"] in [x[:5] for x in lines]

    def test_of_a_trained_network(self, command: Command, tmp_path: Path) -> None:
        path = save(tmp_path / "net.onnx", [conv("x", "w", "y")], {"w": reals(64, 8, 3, 3)})
        taken = ("--binarize", "*", "--tau", "5", "--subset", "uniform")
        done = command("kernels", path, *taken, "--out", "out", "--layers", "conv", "--quiet")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        with (tmp_path / "out/kernels.csv").open() as file:
            ids = [int(row["kernel_id"]) for row in csv.DictReader(file)]
        assert ids == list(range(0, 512, 16))  # uniform: 32 kernels, 512 / 32 = 16 apart

    def test_refused(self, command: Command, tmp_path: Path) -> None:
        save_workloads(tmp_path, early=BEFORE)
        for arguments, words in (
            (["r20"], "r20: has shapes but no kernels"),
            (["early.npz", "--layers", "con"], "did you mean 'conv'?"),
            (["early.npz", "--tau", "3"], "early.npz: holds no real weights; leave out --tau"),
            (["early.npz", "--subset", "random"], "leave out --subset"),
            (["none.npz"], "none.npz: no such file"),
        ):
            assert words in refused(command, "kernels", *arguments, "--out", "out")
            assert not (tmp_path / "out").exists()
