"""Training: the binarizers by their formulas, runs by their results."""

import csv
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from simulator import InputError, load_hardware
from simulator.check import check_workload
from simulator.workload import configure
from simulator.workload.extract import extract
from tests.conftest import HAS_TORCH, Command
from tests.hidden import run_without
from tests.measure import drawn

if HAS_TORCH:  # otherwise the marker skips every test
    import torch

    from simulator.training.data import load_digits, shifted
    from simulator.training.estimator import ErrorDecay, sign
    from simulator.training.loop import Recipe, accuracy, predicted, train
    from simulator.training.methods import Method, each
    from simulator.training.names import TITLES
    from simulator.training.network import Network
    from simulator.training.study import Study
    from simulator.training.subsets import (
        MEMORY_THRESHOLD,
        PATTERN_START,
        FrequentSubset,
        RefinedSubset,
        Signs,
        Subset,
        kernel_ids,
        kernels,
        most_frequent,
        nearest,
        random_ids,
        uniform_ids,
    )

pytestmark = [pytest.mark.unit, pytest.mark.torch]

NETWORK = """
name: tiny
title: A tiny residual network
ops_convention: main_paper
input: {channels: 1, height: 8, width: 8}
shortcut_bits: 24
layers:
  - {name: conv1, type: conv, precision: full, out_channels: 8, kernel: 3, padding: 1}
  - {name: bn1, type: norm}
  - {name: block.conv1, type: conv, precision: binary, out_channels: 16, kernel: 3, stride: 2,
     padding: 1}
  - {name: block.bn1, type: norm}
  - {name: block.downsample.0, type: conv, from: bn1, precision: full, out_channels: 16,
     kernel: 1, stride: 2}
  - {name: block.downsample.1, type: norm}
  - {name: block.add1, type: add, other: block.bn1}
  - {name: block.act1, type: activation, function: hardtanh}
  - {name: block.conv2, type: conv, precision: binary, out_channels: 16, kernel: 3, padding: 1}
  - {name: block.bn2, type: norm}
  - {name: block.add2, type: add, other: block.act1}
  - {name: block.act2, type: activation, function: hardtanh}
  - {name: pool, type: global_pool}
  - {name: fc, type: linear, precision: full, out_features: 10}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(NETWORK)
    return str(path)


def generator(seed: int = 0) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def refined(*ids: int) -> "RefinedSubset":
    return RefinedSubset(torch.tensor(ids), ErrorDecay(), generator())


def step(layer: "RefinedSubset", gradient: "torch.Tensor", rate: float) -> None:
    """One SGD step with a given gradient of the patterns."""
    optimizer = torch.optim.SGD([layer.patterns], lr=rate, momentum=0.9)
    layer.patterns.grad = gradient
    optimizer.step()
    layer.after_step(optimizer)


# The sign and its estimator ----------------------------------------------------------------------


@pytest.mark.parametrize(("progress", "t"), [(0, 0.1), (0.5, 1), (1, 10)])
def test_the_sign_has_the_estimators_gradient(progress: float, t: float) -> None:
    decay = ErrorDecay()
    decay.move_to(progress)
    x = torch.tensor([-1.5, -0.2, 0.0, 0.3, 1.0], dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([1.0, 2, 3, 4, 5], dtype=torch.float64)
    out = sign(x, decay)
    assert out.tolist() == [-1, -1, -1, 1, 1]  # 0 counts as -1, as in an extracted kernel
    (out * weight).sum().backward()
    # autograd of k tanh(t x), k = max(1/t, 1), is the definition
    same = x.detach().clone().requires_grad_()
    (max(1 / t, 1) * torch.tanh(t * same) * weight).sum().backward()
    assert torch.allclose(x.grad, same.grad, rtol=1e-9, atol=1e-12)


# Subsets -----------------------------------------------------------------------------------------


def test_a_kernel_is_the_nearest_row() -> None:
    weights = torch.randn(500, 9, generator=generator())
    subset = kernels(random_ids(32, generator()))
    distances = ((weights[:, None] - subset[None]) ** 2).sum(2)
    assert torch.equal(nearest(weights, subset), distances.argmin(1))


def test_the_first_of_equally_near_rows_counts() -> None:
    # 511 is all +1, 0 all -1: both are equally far from 0 weights; a repeated row never counts
    assert nearest(torch.zeros(1, 9), kernels(torch.tensor([511, 0]))).tolist() == [0]
    assert nearest(torch.ones(1, 9), kernels(torch.tensor([0, 511, 511]))).tolist() == [1]


def test_gradients_go_straight_through_to_weights_and_patterns() -> None:
    decay = ErrorDecay()
    decay.move_to(0.4)
    layer = RefinedSubset(torch.tensor([0, 511, 7]), decay, generator())
    weights = torch.randn(40, 9, generator=generator()).requires_grad_()
    gradient = torch.randn(40, 9, generator=generator(1))
    out = layer(weights)
    rows = nearest(weights.detach(), layer.subset)
    assert torch.equal(out, layer.subset[rows])
    out.backward(gradient)
    t = 0.1 * 100**0.4
    slope = max(1 / t, 1) * t * (1 - torch.tanh(t * weights.detach()) ** 2)
    assert torch.allclose(weights.grad, gradient * slope, atol=1e-6)
    sums = [gradient[rows == row].sum(0) for row in range(3)]  # over the kernels that chose the row
    assert torch.allclose(layer.patterns.grad, torch.stack(sums), atol=1e-5)


def test_a_fixed_subset_gives_its_patterns_no_gradient() -> None:
    layer = Subset(torch.tensor([0, 511]), ErrorDecay())
    weights = torch.randn(5, 9, generator=generator()).requires_grad_()
    layer(weights).sum().backward()
    assert layer.patterns.grad is None
    assert weights.grad is not None


def test_memory_keeps_a_sign_until_the_pattern_is_past_the_threshold() -> None:
    layer = refined(511, 0)
    just = PATTERN_START + 0.9 * MEMORY_THRESHOLD  # one step takes element 0 to -0.9 threshold
    gradient = torch.zeros(2, 9)
    gradient[0, 0] = just
    step(layer, gradient, rate=1.0)
    assert layer.patterns[0, 0].item() == pytest.approx(-0.9 * MEMORY_THRESHOLD, abs=1e-7)
    assert kernel_ids(layer.subset).tolist() == [511, 0]
    assert (layer.stored_patterns()[0] > 0).all()  # a checkpoint contains the current kernel
    gradient[0, 0] = 0.2 * MEMORY_THRESHOLD  # to -1.1 threshold: evidence enough
    step(layer, gradient, rate=1.0)
    assert kernel_ids(layer.subset).tolist() == [511 - 256, 0]  # the first weight is the high bit


def test_duplicates_are_replaced_by_kernels_that_the_subset_lacks() -> None:
    layer = refined(511, 255, 3)
    gradient = torch.zeros(3, 9)
    gradient[0, 0] = 2 * PATTERN_START  # row 0 becomes 255, the same as row 1
    optimizer = torch.optim.SGD([layer.patterns], lr=1.0, momentum=0.9)
    layer.patterns.grad = gradient
    optimizer.step()
    layer.after_step(optimizer)
    ids = kernel_ids(layer.subset).tolist()
    assert ids[0] == 255  # the first of equals stays
    assert ids[2] == 3
    assert ids[1] not in {255, 3}
    assert torch.equal(layer.patterns.detach(), layer.patterns.detach().abs() * layer.subset)
    assert optimizer.state[layer.patterns]["momentum_buffer"][1].abs().sum() == 0
    # deterministic: the same generator draws the same kernel
    again = refined(511, 255, 3)
    step(again, gradient, rate=1.0)
    assert torch.equal(again.subset, layer.subset)


def test_refinement_keeps_all_rows_different() -> None:
    layer = refined(*random_ids(64, generator()).tolist())
    noise = generator(5)
    for _ in range(50):
        step(layer, torch.randn(64, 9, generator=noise), rate=PATTERN_START)
        assert len(set(kernel_ids(layer.subset).tolist())) == 64


def test_uniform_ids_have_one_interval() -> None:
    assert uniform_ids(16).tolist() == list(range(0, 512, 32))


def test_the_most_frequent_kernels_lower_ids_first() -> None:
    weights = kernels(torch.tensor([5, 9, 9, 200, 200, 1])) * 0.3
    assert most_frequent(weights, 4).tolist() == [9, 200, 1, 5]


@pytest.mark.parametrize("every", [1, 10])
def test_baseline_b_chooses_anew_every_so_many_iterations(every: int) -> None:
    layer = FrequentSubset(torch.tensor([0, 1]), ErrorDecay(), every)
    chosen = []
    for iteration in range(12):
        kernel = 20 + iteration  # another most frequent kernel at every iteration
        layer(kernels(torch.tensor([kernel, kernel, 400])))
        chosen.append(kernel_ids(layer.subset)[0].item())
    assert chosen == [20 + iteration // every * every for iteration in range(12)]
    layer.eval()
    layer(kernels(torch.tensor([77, 77])))
    assert kernel_ids(layer.subset)[0].item() == chosen[-1]  # testing makes no choice


# Network -----------------------------------------------------------------------------------------


def test_weights_are_balanced_and_standardised(tiny: str) -> None:
    weights = Network(tiny, Signs).binary["block.conv2"].standardised().detach().flatten(1)
    assert torch.allclose(weights.mean(1), torch.zeros(16), atol=1e-6)
    assert torch.allclose(weights.square().mean(1), torch.ones(16), atol=1e-5)


def test_binary_layers_multiply_signs_and_padding_adds_nothing(tiny: str) -> None:
    layer = Network(tiny, Signs).binary["block.conv2"]
    out = layer(torch.ones(1, 16, 4, 4))
    kernel_sums = torch.where(layer.standardised() > 0, 1.0, -1.0)
    assert torch.allclose(out[0, :, 1, 1], kernel_sums.sum((1, 2, 3)))
    assert torch.allclose(out[0, :, 0, 0], kernel_sums[:, :, 1:, 1:].sum((1, 2, 3)))


def test_a_checkpoint_has_the_authors_layout(tiny: str) -> None:
    make = Method("snn", 4).binarizers(generator())
    network = Network(tiny, make)
    state = network.checkpoint()
    for name, layer in network.binary.items():
        patterns = state[f"{name}.binarize.patterns"]
        assert patterns.shape == (16, 9)
        rows = nearest(state[f"{name}.weight"].view(-1, 9), torch.sign(patterns))
        used = layer.binarize(layer.standardised().view(-1, 9))
        assert torch.equal(torch.sign(patterns)[rows], used)
    assert state["block.downsample.0.weight"].shape == (16, 8, 1, 1)
    assert "fc.weight" in state


@pytest.mark.parametrize("name", ["forward", "nodes", "block", "block..conv9", "fc.weight"])
def test_a_name_that_is_taken_is_an_error(tmp_path: Path, name: str) -> None:
    entry = f"  - {{name: {name}, type: linear, precision: full, out_features: 10}}\n"
    path = tmp_path / "taken.yaml"
    path.write_text(NETWORK + entry)
    with pytest.raises(InputError, match=rf"layer '{re.escape(name)}' cannot be trained"):
        Network(str(path), Signs)


def test_images_are_shifted_whole() -> None:
    images = torch.zeros(200, 1, 8, 8) - 1
    images[:, 0, 4, 4] = 1
    moved = shifted(images, generator())
    assert (moved == 1).sum((1, 2, 3)).tolist() == [1] * 200
    places = {tuple(place) for place in torch.nonzero(moved[:, 0] == 1)[:, 1:].tolist()}
    assert places == {(row, column) for row in (3, 4, 5) for column in (3, 4, 5)}


def test_the_split_is_even_and_apart() -> None:
    digits = load_digits()
    assert len(digits.train_labels) + len(digits.test_labels) == 1797
    counts = [np.bincount(part.numpy()) for part in (digits.train_labels, digits.test_labels)]
    assert abs(counts[0] - counts[1]).max() <= 1


# Runs --------------------------------------------------------------------------------------------


def test_training_lowers_the_loss_and_repeats_bit_by_bit(tiny: str) -> None:
    digits = load_digits()
    recipe = Recipe(network=tiny, epochs=2, batch=64, learning_rate=0.1)
    for method in each(tuple(TITLES), (4,)):
        first = train(recipe, method, 3, digits)
        again = train(recipe, method, 3, digits)
        assert first.losses[1] < first.losses[0], method
        assert first.losses == again.losses, method
        state = again.network.checkpoint()
        assert all(torch.equal(v, state[k]) for k, v in first.network.checkpoint().items())
        assert first.test_accuracy == again.test_accuracy


def test_a_checkpoint_holds_what_the_network_was_tested_with(tiny: str) -> None:
    digits = load_digits()
    recipe = Recipe(network=tiny, epochs=3, batch=8, learning_rate=0.1)
    for method in (Method("snn", 4), Method("baseline-b-10", 4)):
        outcome = train(recipe, method, 0, digits)
        state = outcome.network.checkpoint()
        loaded = Network(tiny, method.binarizers(generator(9)))
        loaded.load_state_dict(state)
        for name, layer in loaded.binary.items():
            assert isinstance(layer.binarize, Subset)
            layer.binarize.subset.copy_(torch.sign(state[f"{name}.binarize.patterns"]))
        assert torch.equal(predicted(loaded, digits), outcome.predicted)
        assert accuracy(outcome.predicted, digits) == outcome.test_accuracy > 0.3  # chance is 0.1


def test_a_refined_subset_moves_and_a_fixed_one_does_not(tiny: str) -> None:
    digits = load_digits()
    recipe = Recipe(network=tiny, epochs=3, batch=8, learning_rate=0.1)
    for name, moves in (("snn", True), ("vanilla", False)):
        seen: list[list[int]] = []

        def note(_done: int, network: "Network", seen: list[list[int]] = seen) -> None:
            patterns = network.checkpoint()["block.conv2.binarize.patterns"]
            seen.append(kernel_ids(patterns).tolist())

        train(recipe, Method(name, 4), 0, digits, note)
        assert (seen[0] != seen[-1]) == moves, name


@pytest.mark.command
def test_a_study_leaves_its_files_and_goes_on_where_it_stopped(
    command: Command, tmp_path: Path, tiny: str
) -> None:
    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return command("train", "--out", "out", "--network", tiny, "--epochs", 2, *more)

    done = run("--methods", "1-bit,snn", "--taus", "4", "--seeds", "0,1", "--report", "report")
    assert done.returncode == 0, done.stderr
    assert "SNN" in done.stdout
    out = tmp_path / "out"
    names = {path.name for path in out.iterdir()}
    for stem in ("1-bit", "snn-tau4"):
        assert {f"{stem}-seed{seed}.{end}" for seed in (0, 1) for end in ("pth", "json")} <= names
        assert {f"{stem}-seed0.at-{percent}.pth" for percent in (0, 25, 50, 100)} <= names
    with (out / "accuracy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["seed"]) for row in rows] == [
        ("1-bit", "0"),
        ("1-bit", "1"),
        ("snn", "0"),
        ("snn", "1"),
    ]
    assert rows[2]["bits"] == "0.4444"
    # the report: accuracies of the records, speed of the extracted networks
    page = (tmp_path / "report/training.md").read_text()
    for stem in ("1-bit", "snn-tau4"):
        found = [
            json.loads((out / f"{stem}-seed{seed}.json").read_text())["test_accuracy"]
            for seed in (0, 1)
        ]
        assert f"| {100 * found[0]:.2f}, {100 * found[1]:.2f} |" in page
    series = [extract(out / f"snn-tau4-seed0.at-{at}.pth", network=tiny) for at in (0, 100)]
    new = [
        len(set(after.kernels.subset.tolist()) - set(before.kernels.subset.tolist()))
        for before, after in zip(*(x.workload.binary_layers for x in series), strict=True)
    ]
    (renewed,) = re.findall(r"^\| 4 \| 16 \|.* \| (\S+) \|$", page, flags=re.M)
    assert renewed == f"{sum(new) / 2:.1f}"  # two binary layers
    assert drawn(tmp_path / "report/training_figure11.png")
    # an interrupted study: one record is missing; the study repeats its run with the same result
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.iterdir()}
    (out / "snn-tau4-seed1.json").unlink()
    assert run("--methods", "1-bit,snn", "--taus", "4", "--seeds", "0,1").returncode == 0
    for path in out.iterdir():
        made_again = path.name in {
            "snn-tau4-seed1.json", "snn-tau4-seed1.pth", "accuracy.csv",
            "digits.npy", "digits-labels.npy",
        }  # fmt: skip
        assert (path.stat().st_mtime_ns != before[path.name][0]) == made_again, path.name
        assert path.read_bytes() == before[path.name][1], path.name
    # another recipe does not mix with these runs
    other = command("train", "--out", "out", "--network", tiny, "--epochs", 3, "--methods", "1-bit")
    assert other.returncode == 2
    assert other.stderr == (
        "simulate: out/1-bit-seed0.json: was trained with epochs 2, not 3: "
        "take another --out, or remove it\n"
    )
    other = run("--learning-rate", "0.2", "--methods", "1-bit")
    assert other.returncode == 2
    assert "was trained with learning_rate 0.1, not 0.2" in other.stderr


def test_a_machine_predicts_what_the_trained_network_does(tiny: str, tmp_path: Path) -> None:
    recipe = Recipe(network=tiny, epochs=2, batch=32, learning_rate=0.1)
    study = Study(recipe, (Method("1-bit"), Method("snn", 4)), (0,), tmp_path / "out")
    digits = tmp_path / "out/digits.npy"
    for record in study.run():
        found = extract(study.checkpoint(record.of, 0), network=tiny)
        workload = configure(found.workload, scope="network")
        assert not workload.notes
        result = check_workload(workload, load_hardware("cofluent64"), inputs=digits)
        assert result.equal
        assert result.classes is not None
        assert result.classes.as_trained == len(np.load(digits)) == 899
        labels = np.load(tmp_path / "out/digits-labels.npy")
        right = (np.array(result.classes.machine) == labels).mean()
        assert right == pytest.approx(record.test_accuracy)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{name: x, type: shuffle, groups: 2}", "type shuffle cannot be trained"),
        ("{name: x, type: activation, function: prelu}", "function prelu cannot be trained"),
    ],
)
def test_other_entries_are_refused(tmp_path: Path, entry: str, words: str) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(NETWORK.replace("  - {name: pool", f"  - {entry}\n  - {{name: pool"))
    with pytest.raises(InputError, match=words):
        Network(str(path), Signs)


def test_a_training_that_diverges_is_an_error(tiny: str) -> None:
    recipe = Recipe(network=tiny, epochs=9, batch=64, learning_rate=1e20)
    with pytest.raises(InputError, match=r"seed 4: the loss is not finite .*learning rate 1e\+20"):
        train(recipe, Method("full-precision"), 4, load_digits())


def test_a_broken_record_is_named(tmp_path: Path, tiny: str) -> None:
    (tmp_path / "1-bit-seed0.json").write_text(json.dumps({"method": "1-bit"}))
    recipe = Recipe(network=tiny, epochs=1, batch=64, learning_rate=0.1)
    study = Study(recipe, (Method("1-bit"),), (0,), tmp_path)
    with pytest.raises(InputError, match=r"1-bit-seed0\.json: not a readable record of a run"):
        study.run()


@pytest.mark.command
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "1-bit,magic"), "'magic': allowed are full-precision, 1-bit, vanilla"),
        (("--taus", "9"), "'9': expected 1 to 8"),
        (("--seeds", "0,x"), "'x': expected 0 to"),
        (("--network", "r20"), "r20: input is 3x32x32: the images to train on are 1x8x8"),
    ],
)
def test_wrong_input_is_one_line(
    command: Command, arguments: tuple[str, ...], message: str
) -> None:
    done = command("train", "--out", "out", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.command
@pytest.mark.parametrize("missing", ["torch", "sklearn"])
def test_a_missing_library_is_one_line(tmp_path: Path, missing: str) -> None:
    done = run_without(tmp_path, (missing,), "train", "--out", "out")
    title = {"torch": "torch", "sklearn": "scikit-learn"}[missing]
    assert done.returncode == 2
    assert done.stderr == (
        f"simulate: simulate train needs {title}: pip install 'subbit-simulator[train]'\n"
    )
    assert not (tmp_path / "out").exists()
