"""Energy of the vector unit: counts by hand, sums over layers, and the drain's thresholds."""

from pathlib import Path

import pytest

from simulator import load_hardware, simulate
from simulator.analysis.running import run_one
from simulator.machines import load_energy
from simulator.machines.families import family_of
from simulator.workload import configure
from simulator.workload.network import network_from
from tests.test_maps import BLOCK

pytestmark = pytest.mark.unit

PIXELS, CHANNELS = 16 * 16, 16
VALUES = PIXELS * CHANNELS


def counts(hardware: str, *, fused: bool) -> dict[str, dict[tuple[str, str], int]]:
    """Counts of the block's layers, by layer."""
    machine = load_hardware(hardware, [f"vector.fused={str(fused).lower()}"])
    workload = configure(network_from(BLOCK, Path("block")), bits=1, scope="network")
    run = run_one(workload, machine, "fast")
    moved = run.summary.bytes
    return {
        layer.name: family_of(machine).actions(layer.mapped, moved[n])
        for n, layer in enumerate(run.layers)
    }


@pytest.mark.parametrize("hardware", ["cofluent64", "tpu-like"])
@pytest.mark.parametrize("fused", [True, False])
def test_operations_by_hand(hardware: str, fused: bool) -> None:
    operations = {
        name: tuple(
            actions.get(("vector", action), 0) for action in ("vector_multiply", "vector_add_bit")
        )
        for name, actions in counts(hardware, fused=fused).items()
    }
    pooled = VALUES // 4
    joined = 2 * pooled
    assert {name: counts for name, counts in operations.items() if any(counts)} == {
        "stem.norm": (VALUES, 16 * VALUES),  # a comparison for the signs
        "a.norm": (0, 16 * VALUES),  # thresholds instead of the norm
        "b.norm": (VALUES, 0),
        "add": (0, 16 * VALUES),
        "pool": (0, 16 * (4 + 1) * pooled),  # four comparisons, and one for the signs
        "relu": (0, 16 * joined),
        "end": (0, 16 * (64 + 1) * 2 * CHANNELS)
        if load_hardware(hardware).full_precision.bits < 16  # type: ignore[attr-defined]
        else (0, 16 * 64 * 2 * CHANNELS),
    }


def test_the_drain_has_thresholds_only_without_the_vector_unit() -> None:
    fused, alone = (counts("cofluent64", fused=fused) for fused in (True, False))
    for found in (fused, alone):
        assert not any(("drain", "threshold_bit") in actions for actions in found.values())
    written = ("drain", "activation_buffer_write_bit")
    assert fused["a"][written] == VALUES
    assert alone["a"][written] == 16 * VALUES
    bare = simulate("r20", "cofluent64", bits=1, input_size=8)
    energy = bare.with_energy(load_energy("45nm")).energy
    assert energy is not None
    assert any(one.action == "threshold_bit" for one in energy.run.spent)


@pytest.mark.parametrize("hardware", ["cofluent64", "tpu-like", "edge16"])
def test_energy_adds_up(hardware: str) -> None:
    result = simulate("r20", hardware, bits=1, input_size=8, scope="network")
    energy = result.with_energy(load_energy("45nm")).energy
    assert energy is not None
    for part in ("layer", "unit", "action"):
        assert sum(energy.run.by(part).values()) == energy.run.attojoules
    assert energy.run.by("unit")["vector"] > 0


def test_a_wider_unit_is_larger() -> None:
    sizes = [
        family_of(machine).gate_equivalents(machine, ())
        for machine in (
            load_hardware("cofluent64", [setting])
            for setting in ("vector.lanes=64", "vector.lanes=65", "vector.bits=17")
        )
    ]
    full_adder, flip_flop = 16 / 3, 17 / 3
    lane = (16 * 16 + 16) * full_adder + 3 * 16 * flip_flop
    assert sizes[1] - sizes[0] == pytest.approx(lane, abs=1)
    assert sizes[2] > sizes[0]
