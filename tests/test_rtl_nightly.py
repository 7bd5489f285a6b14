"""The circuit against the simulator on hundreds of random layers and a whole network."""

import pytest

from rtl.cosimulation.circuit import build, missing_tools
from rtl.cosimulation.compare import compare
from rtl.cosimulation.make import PAPER, case_of, random_case
from simulator.workload import configure, load_workload

SEEDS = 400

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(bool(missing_tools()), reason=f"not installed: {missing_tools()}"),
]


@pytest.fixture(autouse=True)
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if "nightly" not in request.config.option.markexpr:
        pytest.skip("takes minutes: pytest -m nightly")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_case(seed: int) -> None:
    case = random_case(seed)
    result = compare(case, build(case.parameters))
    assert result.differences == [], f"replay: python -m rtl.cosimulation --seed {seed}"


@pytest.mark.parametrize("bits", [None, 3, 4, 5], ids=["1 bit", "tau 3", "tau 4", "tau 5"])
@pytest.mark.parametrize("number", range(18))
def test_resnet20_layer_by_layer(bits: int | None, number: int) -> None:
    layer = configure(load_workload("r20"), tau=bits, bits=None if bits else 1).layers[number]
    result = compare(case_of(layer.name, PAPER, layer, seed=number), build(PAPER))
    assert result.differences == []
