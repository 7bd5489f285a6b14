"""Options of a search for the subsets of a trained network."""

from pathlib import Path
from typing import Any

import pytest

from simulator import load_workload, simulate
from simulator.base.errors import InputError
from simulator.machines import load_hardware
from simulator.studies import grid_study
from simulator.studies.axes import axis
from simulator.studies.search import Limits, read_networks, search
from simulator.workload.choice import Choice
from simulator.workload.model import load_model
from simulator.workload.subsets import Method
from tests.test_onnx import conv, save, signs

pytestmark = pytest.mark.unit


@pytest.fixture
def model(tmp_path: Path) -> str:
    nodes = [conv("x", "a", "h"), conv("h", "b", "y")]
    tensors = {"a": signs(64, 8, 3, 3), "b": signs(64, 64, 3, 3)}
    return str(save(tmp_path / "net.onnx", nodes, tensors, (1, 8, 6, 6)))


class TestChosenSubsets:
    """A trained network whose layers take the subsets that a method chooses for their taus."""

    def test_each_layer_has_the_subset_of_its_tau(self, model: str) -> None:
        network, chosen = read_networks(model, [4, 5], subset="frequent", seed=None)
        found = search(
            network,
            [({}, load_hardware("cofluent64"))],
            "time",
            Limits(min_mean_bits=0.5),
            taus=[4, 5],
            fixed={"conv": 4},
            chosen=chosen,
        )
        assert found.taus["conv"] == 4
        run = found.task.configured(found.best.taus)
        for layer in run.layers:
            alone = load_model(model, choice=Choice(subset="frequent", tau=layer.tau))
            expected = {one.name: one.kernels for one in alone.layers}[layer.name]
            assert layer.kernels is not None
            assert expected is not None
            assert layer.kernels.sha256 == expected.sha256
        assert not run.kernels_dropped

    @pytest.mark.parametrize(("method", "seed"), [("random", 3), ("frequent", None), (None, None)])
    def test_the_result_names_file_method_and_seed(
        self, model: str, method: Method | None, seed: int | None
    ) -> None:
        network, chosen = read_networks(model, [4, 5], subset=method, seed=seed)
        machines = [({}, load_hardware("cofluent64"))]
        found = search(
            network, machines, "time", Limits(min_mean_bits=0.5), taus=[4, 5], chosen=chosen
        )
        saved = found.summary()["model_file"]
        assert saved["file"] == model
        assert (saved["subset"], saved["seed"]) == (method, seed)
        assert saved["tau"] is None  # `taus` of the result has one for each layer
        alone = load_model(model, choice=Choice(subset=method, seed=seed, tau=method and 4))
        of_a_run = simulate(alone, machines[0][1]).saved()["model_file"]
        assert {**saved, "tau": method and 4} == of_a_run

    def test_a_network_by_shape_has_no_file_of_kernels(self) -> None:
        machines = [({}, load_hardware("cofluent64"))]
        found = search(load_workload("r20"), machines, "time", Limits(mean_bits=0.5), taus=[4])
        assert "model_file" not in found.summary()

    def test_other_taus_run_shape_only_and_say_so(self, model: str) -> None:
        network, chosen = read_networks(model, [4], subset=None, seed=None)
        assert not chosen
        machines = [({}, load_hardware("cofluent64"))]
        found = search(network, machines, "time", Limits(mean_bits=0.5), taus=[4])
        assert any("shape-only" in note for note in found.notes)

    @pytest.mark.parametrize(
        ("name", "options", "words"),
        [
            ("net.onnx", {"subset": "frequent", "taus": [9]}, "every layer is at 1 bit"),
            ("net.onnx", {"seed": 1}, "no effect without --subset random"),
            ("r20", {"subset": "random"}, "holds no real weights; leave out --subset"),
            ("r20", {"seed": 3}, "holds no real weights; leave out --seed"),
        ],
    )
    def test_options_without_effect(
        self, model: str, name: str, options: dict[str, Any], words: str
    ) -> None:
        given = {"taus": [4], "subset": None, "seed": None, **options}
        with pytest.raises(InputError, match=words):
            read_networks(model if name == "net.onnx" else name, given.pop("taus"), **given)


class TestSweep:
    """The same options in a study."""

    def test_no_effect_at_one_bit(self, model: str) -> None:
        axes = [axis("hw", "cofluent64"), axis("model", model), axis("bits", "1")]
        with pytest.raises(InputError, match="--subset random has no effect because every layer"):
            grid_study(axes, subset="random")

    def test_without_real_weights(self) -> None:
        axes = [axis("hw", "cofluent64"), axis("model", "r20"), axis("bits", "1")]
        with pytest.raises(InputError, match="r20: holds no real weights; leave out --network"):
            grid_study(axes, network="r18")
