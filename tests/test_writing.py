"""The mapper writes the same loops interpreted and compiled."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from simulator import compiling
from simulator.errors import InputError
from simulator.loops import LayerLoops
from simulator.machines.lut_array.plan import LayerPlan, plan_layers
from simulator.mapping import layer as writing
from simulator.mapping.layer import SIZE, MappedLoops, map_layer, writing_pays
from simulator.mapping.ring import room_ages_of
from simulator.mapping.weights import room_of
from simulator.workload import Workload, configure, load_workload
from tests.build import layer, machine, network
from tests.strategies import Overrides, machines, networks

pytestmark = pytest.mark.invariant


def same(one: LayerLoops, other: LayerLoops) -> bool:
    names = [each.name for each in fields(LayerLoops) if each.name != "machine"]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def written(plan: LayerPlan, compiled: bool) -> MappedLoops | str:
    try:
        return map_layer(plan, compiled)
    except InputError as error:
        return str(error)


def agree(workload: Workload, overrides: Overrides) -> list[MappedLoops]:
    """What both forms write for every layer that fits, once it is found to be the same."""
    hardware = machine(overrides)
    mapped = []
    for plan in plan_layers(workload, hardware):
        one, other = written(plan, compiled=False), written(plan, compiled=True)
        if isinstance(one, str) or isinstance(other, str):
            assert one == other
            continue
        assert one.inputs == other.inputs
        assert same(one.loops, other.loops)
        mapped.append(one)
    loads = [item.weights for item in mapped]
    if mapped:
        ages = [room_ages_of(loads, room_of(hardware), compiled) for compiled in (False, True)]
        for interpreted, compiled in zip(*ages, strict=True):
            assert np.array_equal(interpreted, compiled)
    return mapped


@given(workload=networks(), overrides=machines())
def test_random_layers(workload: Workload, overrides: Overrides) -> None:
    agree(workload, overrides)


@pytest.mark.parametrize("size", [32, 75, 224])
@pytest.mark.parametrize("kib", [2, 7, 20, 64])
def test_inputs_that_fit_or_not(size: int, kib: int) -> None:
    agree(network(layer(48, 96, size, size, tau=5)), {"memory.activation_buffer.kib": kib})


def test_a_network_with_everything() -> None:
    workload = configure(
        load_workload("r18", (64, 64)), tau=5, batch=2, include_full_precision=True
    )
    assert {item.inputs for item in agree(workload, {})} == {"rows"}


def test_every_load_is_an_operation_of_its_own() -> None:
    few = {"memory.index_buffer.kib": 1, "array.pes": 8}
    [mapped] = agree(network(layer(64, 64, 24, 24)), few)
    assert mapped.weights.reuse == "step"
    assert len(mapped.loops.ops) > 4 * SIZE


@pytest.mark.parametrize("compiled", [False, True])
def test_a_book_grows_until_the_layer_fits(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    [plan] = plan_layers(network(layer(128, 256, 28, 28, tau=5)), machine())
    mapped = map_layer(plan, compiled)
    monkeypatch.setattr(writing, "SIZE", 1)
    assert same(map_layer(plan, compiled).loops, mapped.loops)


def test_layers_of_all_kinds_are_written_by_one_compiled_form() -> None:
    kinds = [layer(8, 8, 5, 5), layer(8, 8, 5, 5, tau=2), layer(8, 8, 5, 5, full_precision=True)]
    for each in kinds:
        agree(network(each), {})
    assert writing._compiled().forms == 1


class Unkept:
    """A compiled form that no earlier process has left."""

    kept = False


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(compiling._Process, "interpreted", 0)
    monkeypatch.setattr(writing._Process, "written", 0)
    monkeypatch.setattr(writing, "_compiled", Unkept)
    yield


@pytest.mark.usefixtures("fresh_process")
def test_compiling_waits_until_it_pays() -> None:
    assert not writing_pays()
    compiling.pays(compiling.COMPILE_FROM)  # the engine's pays, but nothing has been kept
    assert not writing_pays()
    [plan] = plan_layers(network(layer(64, 64, 8, 8)), machine())
    map_layer(plan, compiled=False)
    assert 0 < writing._Process.written < 200
    writing._Process.written = writing.COMPILE_FROM
    assert writing_pays()


@pytest.mark.usefixtures("fresh_process")
def test_what_an_earlier_process_has_compiled_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unkept, "kept", True)
    assert not writing_pays()  # the compiler itself is not there yet
    compiling.pays(compiling.COMPILE_FROM)
    assert writing_pays()


def test_a_changed_source_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # numba looks at the file of the outermost function only.
    for folder in ("engine", "mapping"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.py").write_text("1")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    stamps = [compiling._stamp.__wrapped__()]
    for folder in ("engine", "mapping"):
        (tmp_path / folder / "part.py").write_text("2")
        stamps.append(compiling._stamp.__wrapped__())
    assert len(set(stamps)) == 3
