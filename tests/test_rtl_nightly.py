"""The RTL against the simulator on hundreds of random layers and on whole networks."""

from dataclasses import replace

import pytest

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import build, missing_tools
from rtl.cosimulation.compare import compare
from rtl.cosimulation.make import PAPER, case_of, random_case
from simulator.workload import Layer, configure, load_workload

SEEDS = 400

PAPER_WITH_PASSES = replace(PAPER, passes=2)
"""The paper's parameters with two LUT passes, for the 64 kernels of tau = 6."""

TRAINED = ("trained-r20-1", "trained-r20-0.67", "trained-r20-0.56", "trained-r20-0.44")

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(bool(missing_tools()), reason=f"not installed: {missing_tools()}"),
]


@pytest.fixture(autouse=True)
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if "nightly" not in request.config.option.markexpr:
        pytest.skip("takes minutes: pytest -m nightly")


def differences(case: Case) -> list[str]:
    return compare(case, build(case.parameters)).differences


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_case(seed: int) -> None:
    replay = f"replay: python -m rtl.cosimulation --seed {seed}"
    assert differences(random_case(seed)) == [], replay


def resnet20(tau: int | None) -> tuple[Layer, ...]:
    workload = load_workload("r20")
    return configure(workload, tau=tau, bits=None if tau else 1).layers


@pytest.mark.parametrize("tau", [None, 3, 4, 5], ids=["1 bit", "tau 3", "tau 4", "tau 5"])
@pytest.mark.parametrize("number", range(18))
def test_resnet20_of_cifar_layer_by_layer(tau: int | None, number: int) -> None:
    layer = resnet20(tau)[number]
    assert differences(case_of(layer.name, PAPER, layer, seed=number)) == []


@pytest.mark.parametrize("name", TRAINED)
def test_trained_resnet20_layer_by_layer(name: str) -> None:
    layers = configure(load_workload(name)).layers
    assert len(layers) == 18
    for number, layer in enumerate(layers):
        parameters = PAPER_WITH_PASSES if layer.tau == 6 else PAPER
        assert differences(case_of(layer.name, parameters, layer, seed=number)) == []
