"""Workload files: reading returns the written data, to the last byte."""

import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from string import ascii_letters

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import InputError, load_hardware, load_workload, simulate
from simulator.workload import Layer, Workload, configure
from simulator.workload.choice import Choice
from simulator.workload.extract import extract
from simulator.workload.kernels import KernelSet
from simulator.workload.store import write_workload
from simulator.workload.subsets import kernels_of, units_of
from simulator.workload.trained import TrainedLayer
from tests.build import layer, network
from tests.trained import BINARY, NETWORK, SHAPES, state_dict

pytestmark = pytest.mark.invariant


def written(workload: Workload) -> tuple[bytes, Workload]:
    """The bytes of a workload file, and the data read from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.npz"
        write_workload(workload, path)
        return path.read_bytes(), load_workload(path)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """A layer with any kernels, including subsets with duplicates or fewer than 2^tau kernels."""
    kernel = draw(st.sampled_from([1, 3]))
    groups = draw(st.sampled_from([1, 1, 2]))
    per_group, outputs = draw(st.integers(1, 19)), draw(st.integers(1, 9)) * groups
    shape = layer(per_group * groups, outputs, 5, 6, kernel=kernel, groups=groups)
    tau = draw(st.none() | st.integers(1, shape.unit_weights))
    shape = replace(shape, tau=tau, name=draw(st.text(ascii_letters + "./ é✓", min_size=1)))
    if draw(st.booleans()):
        return shape
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    size = draw(st.integers(1, 2**shape.unit_bits))
    subset = rng.integers(0, 2**shape.unit_weights, size).astype(np.uint16)
    indices = rng.integers(0, size, (outputs, shape.units_in)).astype(np.uint16)
    return replace(shape, kernels=KernelSet(shape.unit_weights, subset, indices))


@given(st.lists(layers(), min_size=1, max_size=4, unique_by=lambda x: x.name))
def test_any_layers_come_back_and_go_out_again_as_the_same_bytes(some: list[Layer]) -> None:
    workload = network(*some)
    data, back = written(workload)
    assert back == workload
    assert written(back) == (data, workload)


@given(
    st.integers(0, 99),
    st.sampled_from(["refined", "random", "uniform", "frequent", None]),
    st.integers(1, 8),
    st.sampled_from([None, (9, 9), (16, 11)]),
)
def test_extracted_workloads_do_too(
    seed: int, method: str | None, tau: int, size: tuple[int, int] | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "small.yaml").write_text(NETWORK)
        np.savez(Path(folder) / "state.npz", **state_dict(tau=tau, seed=seed))
        workload = extract(
            Path(folder) / "state.npz",
            network=Path(folder) / "small.yaml",
            input_size=size,
            choice=Choice(subset=method),  # type: ignore[arg-type]
        ).workload
    data, back = written(workload)
    assert back == workload
    assert written(back)[0] == data


@given(st.integers(0, 99), st.sampled_from(BINARY), st.integers(1, 8))
def test_indices_read_back_expand_to_the_binarised_weights(seed: int, name: str, tau: int) -> None:
    shape = SHAPES[name]
    weights = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    kernels = kernels_of(TrainedLayer(name=name, weights=weights), tau, "random", (seed,))
    outputs, channels, kernel, _ = shape
    groups = 4 if name == "a.conv2" else 1
    one = layer(channels * groups, outputs, 9, 9, kernel=kernel, groups=groups, tau=tau)
    _, back = written(network(replace(one, kernels=kernels)))
    read = back.layers[0].kernels
    assert read is not None
    # nearest rows, written out: the row that agrees most with the weights
    rows = 2.0 * (kernels.subset[:, None] >> np.arange(read.unit_weights - 1, -1, -1) & 1) - 1
    for at in np.ndindex(outputs, one.units_in):
        best = (rows @ units_of(weights)[at].astype(float)).argmax()
        assert (read.signs()[at] == rows[best]).all()


class TestFile:
    @pytest.fixture
    def stored(self, tmp_path: Path) -> Path:
        (tmp_path / "small.yaml").write_text(NETWORK)
        np.savez(tmp_path / "state.npz", **state_dict(tau=3))
        found = extract(tmp_path / "state.npz", network=tmp_path / "small.yaml")
        write_workload(found.workload, tmp_path / "stored.npz")
        return tmp_path / "stored.npz"

    def test_numpy_reads_its_arrays(self, stored: Path) -> None:
        kernels = load_workload(stored).binary_layers[0].kernels
        assert kernels is not None
        with np.load(stored) as arrays:
            assert arrays["a.conv1.subset"].tolist() == kernels.subset.tolist()
            assert arrays["a.conv1.indices"].tolist() == kernels.indices.tolist()
            assert arrays["workload.json"].startswith(b'{"version":1,"network":{"name":"state"')

    def test_bytes_hold_no_time_and_no_compression(self, stored: Path) -> None:
        with zipfile.ZipFile(stored) as archive:
            for info in archive.infolist():
                assert info.date_time == (1980, 1, 1, 0, 0, 0)
                assert info.compress_type == zipfile.ZIP_STORED
                assert info.create_system == 3

    def test_sizes_are_derived_again(self, stored: Path) -> None:
        whole, larger = load_workload(stored), load_workload(stored, (18, 27))
        assert (larger.input_height, larger.input_width) == (18, 27)
        assert larger.layers[1].out_width == 27
        assert [x.kernels for x in larger.layers] == [x.kernels for x in whole.layers]
        hardware = load_hardware("cofluent64")
        assert simulate(larger, hardware).cycles > simulate(whole, hardware).cycles

    def test_sizes_of_a_graph_cannot(self, tmp_path: Path) -> None:
        write_workload(network(layer(8, 8, 4, 4, tau=3)), tmp_path / "graph.npz")
        with pytest.raises(InputError, match=r"graph at 4x4; instead of --input-size"):
            load_workload(tmp_path / "graph.npz", (8, 8))

    def test_a_configured_workload_is_refused(self, stored: Path, tmp_path: Path) -> None:
        configured = configure(load_workload(stored))  # without its full-precision layers
        with pytest.raises(ValueError, match="not those of its network"):
            write_workload(configured, tmp_path / "other.npz")

    def test_names_that_a_file_may_not_hold(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"U\+0000"):
            write_workload(network(layer(8, 8, 4, 4, name="a\0b")), tmp_path / "other.npz")
