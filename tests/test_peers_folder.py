"""Folders of Timeloop problems, and binary layers of other simulators' lists by name."""

from pathlib import Path

import pytest

from simulator import InputError, load_workload
from simulator.workload.model import load_model

pytestmark = pytest.mark.unit

PROBLEM = (
    "problem:\n  shape: cnn-layer\n  instance: {{C: {}, K: 16, R: {}, S: {}, N: 1, P: 4, Q: 4}}\n"
)
"""Channels, and sides of the kernel."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three problems: 3x3 kernels of 8 and 16 channels, and a 5x5 kernel of 24 channels."""
    for number, side in ((10, 3), (2, 5), (1, 3)):
        text = PROBLEM.format(8 * number, side, side)
        (tmp_path / f"conv{number}.yaml").write_text(text)
    (tmp_path / "README.md").write_text("The layers of a network.")
    (tmp_path / "base.yaml").write_text("base: {C: 1}")
    return tmp_path


def test_the_problems_in_natural_order(folder: Path) -> None:
    network = load_workload(folder)
    layers = [(layer.name, layer.in_channels, layer.full_precision) for layer in network.layers]
    assert layers == [("conv1", 8, False), ("conv2", 16, True), ("conv10", 80, False)]
    assert sum(layer.macs for layer in network.layers) == 16 * 16 * (8 * 9 + 16 * 25 + 80 * 9)
    text = " ".join(network.notes)
    assert "in the order of their names: conv1, conv2, and conv10." in text
    assert "other files of the folder are left out: README.md and base.yaml." in text
    assert network.title == f"{folder.name} (Timeloop)"


def test_a_note_of_one_problem_names_its_file(folder: Path) -> None:
    text = (folder / "conv2.yaml").read_text().replace("Q: 4}", "Q: 4, Z: 1}")
    (folder / "conv2.yaml").write_text(text)
    notes = load_workload(folder).notes
    assert "conv2.yaml: keys of the instance that the shape does not use: Z." in notes


def test_binary_layers_by_name(folder: Path) -> None:
    network = load_model(folder, binarize=("conv1?",))
    assert [layer.name for layer in network.binary_layers] == ["conv10"]
    assert not any("do not mark binary layers" in note for note in network.notes)


@pytest.mark.parametrize(
    ("glob", "words"),
    [
        ("fc*", "binarize 'fc\\*' matches no layer; the layers are conv1, conv2, and conv10"),
        ("conv*", "matches layer 'conv2', whose kernel is 5x5; a binary kernel is 3x3 or 1x1"),
    ],
)
def test_wrong_globs(folder: Path, glob: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_workload(folder, binarize=(glob,))


def test_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave out --input-size"):
        load_workload(folder, (8, 8))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="without a problem of Timeloop"):
        load_workload(tmp_path / "empty")
    with pytest.raises(InputError, match=r"r20\.yaml: marks its binary layers itself"):
        load_model("r20", binarize=("x",))
