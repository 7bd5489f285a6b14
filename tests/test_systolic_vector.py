"""The vector unit behind the systolic array: layers of their own, fused layers, addresses."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.base.errors import InputError
from simulator.machines.family import Mapping
from simulator.machines.systolic import MappedLayer, map_workload
from simulator.machines.systolic.expected import expected_ends
from simulator.machines.systolic.schema import Systolic
from simulator.workload import Workload
from tests.systolic import SMALL, systolic
from tests.test_systolic import both, machines
from tests.whole_networks import whole_networks

pytestmark = pytest.mark.unit

Overrides = dict[str, Any]


@st.composite
def with_vector_units(draw: st.DrawFn) -> Overrides:
    """A random array with a random vector unit."""
    return draw(machines()) | {
        "vector.lanes": draw(st.sampled_from([1, 3, 64])),
        "vector.bits": draw(st.sampled_from([4, 16])),
        "vector.fused": draw(st.sampled_from([True, True, False])),
        "vector.cycles.norm": draw(st.integers(1, 3)),
        "vector.cycles.quantize": draw(st.integers(1, 2)),
    }


def mapping_of(workload: Workload, overrides: Overrides) -> Mapping[MappedLayer]:
    """Map, or leave the example out if a scratchpad is too small."""
    try:
        mapping = map_workload(workload, systolic(SMALL | overrides))
    except InputError:
        assume(False)
        raise
    assume(mapping.program.commands < 5000)  # quick
    return mapping


@pytest.mark.invariant
@given(whole_networks(), with_vector_units())
def test_cycles_of_random_networks(workload: Workload, overrides: Overrides) -> None:
    """Both engines have the times of the recurrence."""
    mapping = mapping_of(workload, overrides)
    assert isinstance(mapping.hardware, Systolic)
    assert both(mapping).ends.tolist() == expected_ends(mapping.hardware, mapping.layers)
