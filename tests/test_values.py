"""Values of trained networks: read from state dicts, kept in workload files, part of a run."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import InputError, load_hardware, load_workload
from simulator.check import check_workload
from simulator.workload import Workload, configure
from simulator.workload.described import workload_from
from simulator.workload.extract import extract
from simulator.workload.store import write_workload
from simulator.workload.values import LayerValues, Predictions, fingerprint

pytestmark = pytest.mark.unit

NETWORK = """
name: net
title: Net
ops_convention: main_paper
input: {channels: 2, height: 6, width: 6}
shortcut_bits: 24
layers:
  - {name: stem, type: conv, precision: full, out_channels: 8, kernel: 3, padding: 1}
  - {name: stem_bn, type: norm}
  - {name: act, type: activation, function: prelu}
  - {name: a, type: conv, precision: binary, out_channels: 8, kernel: 3, padding: 1}
  - {name: a_bn, type: norm}
  - {name: b, type: conv, precision: binary, out_channels: 8, kernel: 3}
  - {name: sum, type: add, other: b}
  - {name: pool, type: global_pool}
  - {name: fc, type: linear, precision: full, out_features: 4}
"""
State = dict[str, NDArray[Any]]


def state(seed: int = 0) -> State:
    """A state dict of NETWORK: `a` has weights of signs times alpha, `b` a bias."""
    rng = np.random.default_rng(seed)
    alpha = rng.uniform(0.05, 0.5, (8, 1, 1, 1))
    found: State = {
        "stem.weight": rng.normal(size=(8, 2, 3, 3)),
        "stem.bias": rng.normal(size=8),
        "act.weight": np.array([0.25]),
        "a.weight": rng.choice([-1, 1], (8, 8, 3, 3)) * alpha,
        "b.weight": rng.choice([-1, 1], (8, 8, 3, 3)),
        "b.bias": rng.normal(size=8),
        "fc.weight": rng.normal(size=(4, 8)),
    }
    for name in ("stem_bn", "a_bn"):
        found[f"{name}.weight"] = rng.normal(size=8)  # gammas of both signs
        found[f"{name}.bias"] = rng.normal(size=8)
        found[f"{name}.running_mean"] = rng.normal(size=8)
        found[f"{name}.running_var"] = rng.uniform(0.5, 2, 8)
    return {name: values.astype(np.float32) for name, values in found.items()}


def read(folder: Path, tensors: State) -> Workload:
    (folder / "net.yaml").write_text(NETWORK)
    np.savez(folder / "state.npz", **tensors)  # type: ignore[arg-type] # numpy's stubs
    return extract(folder / "state.npz", network=folder / "net.yaml").workload


def logits(tensors: State, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The network in plain numpy; an image at a time."""

    def convolved(x: Any, name: str, padding: int) -> Any:
        x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
        weights = tensors[f"{name}.weight"].astype(float)
        out = np.einsum("chwyx,ocyx->ohw", windows, weights)
        bias = tensors.get(f"{name}.bias")
        return out if bias is None else out + bias[:, None, None]

    def norm(x: Any, name: str) -> Any:
        mean, var, gamma, beta = (
            tensors[f"{name}.{part}"].astype(float)[:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(var + 1e-5) * gamma + beta

    x = norm(convolved(x, "stem", 1), "stem_bn")
    x = np.where(x > 0, x, 0.25 * x)
    x = norm(convolved(np.where(x > 0, 1.0, -1.0), "a", 1), "a_bn")
    x = convolved(np.where(x > 0, 1.0, -1.0), "b", 0)
    result: NDArray[np.float64] = tensors["fc.weight"] @ (2 * x).mean((1, 2))
    return result


@pytest.mark.parametrize("seed", range(5))
def test_values_compute_the_network(seed: int, tmp_path: Path) -> None:
    tensors = state(seed)
    images = np.random.default_rng(seed).normal(size=(6, 2, 6, 6))
    np.save(tmp_path / "images.npy", images)
    workload = configure(read(tmp_path, tensors), scope="network")
    expected = [int(logits(tensors, image).argmax()) for image in images]
    for keys in ([], ["vector.fused=false"]):
        machine = load_hardware("cofluent64", keys)
        result = check_workload(workload, machine, inputs=tmp_path / "images.npy")
        assert result.equal
        assert result.classes is not None
        assert list(result.classes.forward) == list(result.classes.machine) == expected


def test_extraction(tmp_path: Path) -> None:
    tensors = state()
    workload = read(tmp_path, tensors)
    values = workload.parameters
    assert set(values) == {"stem", "stem_bn", "act", "a", "a_bn", "b", "fc"}
    assert values["stem"].weights is not None
    assert np.array_equal(values["stem"].weights, tensors["stem.weight"])
    assert values["stem"].bias is not None
    assert values["a"].alpha is not None
    assert np.allclose(values["a"].alpha, np.abs(tensors["a.weight"])[:, 0, 0, 0])
    assert (values["b"].alpha, values["fc"].bias) == (None, None)  # alpha is 1
    assert values["act"].slope is not None
    assert values["act"].slope.tolist() == [0.25] * 8  # one number for all channels
    assert "epsilon 1e-5" in workload.notes[0]


def test_a_missing_normalization_is_noted(tmp_path: Path) -> None:
    tensors = state()
    del tensors["a_bn.running_var"]
    workload = read(tmp_path, tensors)
    assert workload.parameters == {}
    assert workload.notes[0] == (
        "The workload has no values of full-precision layers and normalizations, because the file "
        "has none that fit a_bn."
    )


def test_normalizations_of_a_file_for_a_network_without_them(tmp_path: Path) -> None:
    text = NETWORK.replace("  - {name: stem_bn, type: norm}\n", "")
    (tmp_path / "bare.yaml").write_text(text.replace("  - {name: a_bn, type: norm}\n", ""))
    np.savez(tmp_path / "state.npz", **state())  # type: ignore[arg-type] # numpy's stubs
    workload = extract(tmp_path / "state.npz", network=tmp_path / "bare.yaml").workload
    assert workload.parameters == {}
    assert "epsilon" not in "".join(workload.notes)


# Workload files ----------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A workload file with values and predicted classes."""
    known = Predictions(images_sha256="ab" * 32, classes=np.array([3, 0], np.uint16))
    write_workload(replace(read(tmp_path, state()), predictions=known), tmp_path / "out.npz")
    return tmp_path / "out.npz"


def test_a_file_returns_what_was_written(stored: Path, tmp_path: Path) -> None:
    workload, back = read(tmp_path, state()), load_workload(stored)
    assert back == workload
    assert set(back.parameters) == set(workload.parameters)
    for name, values in workload.parameters.items():
        assert back.parameters[name].sha256 == values.sha256
    assert back.predictions is not None
    assert back.predictions.classes.tolist() == [3, 0]
    write_workload(back, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == stored.read_bytes()
    with np.load(stored) as arrays:
        assert arrays["fc.weights"].dtype == np.float32
        assert arrays["a_bn.scale"].shape == (8,)


def rewritten(path: Path, **changes: Any) -> Path:
    """The file with other arrays; None leaves an array out; `header` is merged into the header."""
    out = path.with_name("changed.npz")
    header = changes.pop("header", {})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            key = name.removesuffix(".npy")
            if key == "workload.json":
                plain = json.loads(old.read(name)) | header
                kept = {k: v for k, v in plain.items() if v is not None}
                new.writestr(name, json.dumps(kept))
            elif key not in changes:
                new.writestr(name, old.read(name))
        for key, array in changes.items():
            if array is not None:
                with new.open(f"{key}.npy", "w") as file:
                    np.save(file, array)
    return out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fc.weights": np.zeros((4, 8, 1, 1))}, "'fc.weights' is float64 [4, 8, 1, 1]: expected"),
        ({"fc.weights": np.zeros((8, 4), np.float32)}, "expected float32 [4, 8, 1, 1]"),
        ({"fc.weights": np.full((4, 8, 1, 1), np.nan, np.float32)}, "are not finite numbers"),
        ({"stem.weights": None}, "has 'stem.bias' but not 'stem.weights'"),
        ({"a_bn.shift": None}, "has 'a_bn.scale' but not 'a_bn.shift'"),
        ({"a.weights": np.zeros(8, np.float32)}, "'a.weights' belongs to no layer"),
        ({"x.scale": np.zeros(8, np.float32)}, "'x.scale' belongs to no layer"),
        ({".predictions": None}, "expected both the array '.predictions' and the header's key"),
        ({"header": {"predicted_images_sha256": None}}, "expected both the array"),
        ({"header": {"predicted_images_sha256": "x"}}, "is not a fingerprint"),
        ({".predictions": np.zeros(2)}, "'.predictions' is float64 [2]: expected 1 to"),
    ],
)
def test_wrong_arrays(stored: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        load_workload(rewritten(stored, **changes))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_description_has_the_fingerprints_of_values(stored: Path) -> None:
    loaded = load_workload(stored)
    assert "values_sha256" not in configure(loaded).described()
    run = configure(loaded, scope="network")
    described = run.described()
    assert described["values_sha256"] == fingerprint(loaded.parameters)
    again = workload_from(described, "summary.json", loaded)
    assert again == replace(run, network=None)
    assert again.parameters is loaded.parameters
    other = replace(loaded, parameters={"fc": LayerValues(bias=np.zeros(4, np.float32))})
    with pytest.raises(InputError, match="no file that it names has the values of its layers"):
        workload_from(described, "summary.json", other)
