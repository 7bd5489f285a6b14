"""The shipped networks from `simulate train`: they need no torch."""

from pathlib import Path

import pytest

from simulator import load_workload
from simulator.base.shipped import trained_names
from tests.conftest import ROOT, Command

TAUS = {"trained-r20-1": None, "trained-r20-0.67": 6, "trained-r20-0.56": 5, "trained-r20-0.44": 4}


@pytest.mark.unit
@pytest.mark.parametrize("name", TAUS)
def test_a_trained_network_has_its_kernels(name: str) -> None:
    workload = load_workload(name)
    shapes = load_workload("r20-digits")
    assert [x.name for x in workload.layers] == [x.name for x in shapes.layers]
    for layer in workload.binary_layers:
        assert layer.tau == TAUS[name]
        assert layer.kernels is not None
        assert layer.kernels.indices.shape == (layer.out_channels, layer.in_channels)
        size = 512 if layer.tau is None else 2**layer.tau
        assert len(set(layer.kernels.subset.tolist())) == size  # no duplicates


@pytest.mark.unit
def test_all_are_shipped() -> None:
    assert set(TAUS) <= set(trained_names())


@pytest.mark.command
def test_the_committed_speeds_are_what_the_command_makes(command: Command, tmp_path: Path) -> None:
    done = command("reproduce", "training-speed", "--out", "again")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
    for name in done.stdout.split():
        assert (tmp_path / name).read_text() == (ROOT / "reports" / Path(name).name).read_text()
