"""Explanations of runs with the vector unit: keys without effect, bottlenecks, what helps."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import InputError, Result, compare, export, load_hardware, simulate, verify
from simulator.base.shipped import find
from simulator.machines import value_of
from simulator.report.perfetto import perfetto_packets
from simulator.report.terminal import NO_COMMANDS, print_result
from simulator.studies.what_helps import with_what_helps
from simulator.workload import Workload
from simulator.workload.network import network_from
from tests.test_terminal import cells_of, printed

pytestmark = pytest.mark.unit


def conv(name: str, **fields: Any) -> dict[str, Any]:
    given = {"type": "conv", "precision": "binary", "kernel": 3, "padding": 1, "out_channels": 16}
    return {"name": name, **given, **fields}


def network(*entries: dict[str, Any]) -> Workload:
    file = {
        "name": "net", "title": "Net", "ops_convention": "main_paper",
        "input": {"channels": 16, "height": 4, "width": 4}, "layers": list(entries),
    }  # fmt: skip
    return network_from(file, Path("net.yaml"))


RESIDUAL = network(conv("a"), conv("b"), {"name": "s", "type": "add", "other": "a"})
NORMS = network(conv("a"), {"name": "a.norm", "type": "norm"}, conv("b"))
JOINED = network(conv("a"), conv("b"), {"name": "j", "type": "concat", "others": ["a"]}, conv("c"))
POOLED = network(conv("a"), {"name": "p", "type": "pool", "kernel": 2, "stride": 2}, conv("b"))
ALONE = network(conv("a"), conv("b"))


def run(workload: Workload, scope: str = "network", **keys: Any) -> Result:
    given = {f"vector.{key}": value for key, value in keys.items()}
    return simulate(workload, "cofluent64", bits=0.56, scope=scope, set=given)


@pytest.mark.parametrize(
    ("workload", "scope", "keys", "reason"),
    [
        (RESIDUAL, "binary", {"lanes": 2}, "the vector unit runs only in scope network"),
        (RESIDUAL, "weights", {"fused": False}, "the vector unit runs only in scope network"),
        (ALONE, "network", {"lanes": 2}, "all layers of the network have weights"),
        (POOLED, "network", {"fused": False}, "no vector layer can be fused"),
        (RESIDUAL, "network", {"cycles.norm": 9}, "no layer has this operation"),
        (NORMS, "network", {"cycles.norm": 9}, "thresholds replace all normalizations"),
        (JOINED, "network", {"cycles.move": 9}, "layers write values to the places at which"),
        (POOLED, "network", {"cycles.quantize": 9}, "no layer writes values in fewer bits"),
        (RESIDUAL, "network", {"bits": 32}, "every value takes the same number of passes"),
    ],
)
def test_keys_without_effect(
    workload: Workload, scope: str, keys: dict[str, Any], reason: str
) -> None:
    (effect,) = run(workload, scope, **keys).settings
    assert effect.reason is not None
    assert reason in effect.reason


def test_a_fused_layer_is_not_bound_by_latency() -> None:
    result = run(RESIDUAL)
    assert [layer.bound_by for layer in result.run.layers][2] == "fused"
    assert run(RESIDUAL, fused=False).run.layers[2].bound_by != "fused"
    lines = printed(lambda console: print_result(result, console), 120)
    titles, cells = cells_of(lines)
    (row,) = [cell for cell in cells if cell[0] == "s"]
    assert row[titles.index("lim")] == NO_COMMANDS
    assert f"{NO_COMMANDS} fused into another layer" in " ".join(lines)


@pytest.mark.slow
def test_tables_have_the_columns_of_layers_with_weights(tmp_path: Path) -> None:
    """Also if the network begins with a layer without weights, and for layers without time."""
    first = network({"name": "n", "type": "norm"}, conv("a"), {"name": "b", "type": "norm"})
    result = run(first)
    result.save(tmp_path / "net")
    header, *rows = csv.reader((tmp_path / "net" / "layers.csv").read_text().splitlines())
    assert "input_buffering" in header
    assert [row[header.index("input_buffering")] for row in rows] == ["", "rows", ""]
    assert verify(tmp_path / "net").equal
    assert "<td>b</td><td>0</td><td>0.00</td><td>0.00</td><td></td>" in result._repr_html_()


def test_what_helps_changes_the_unit_only_where_it_runs() -> None:
    network, binary = (
        with_what_helps(run(RESIDUAL, scope, lanes=1)) for scope in ("network", "binary")
    )
    keys = {effect.key for effect in network.effects}
    assert {"vector.lanes", "vector.cycles.add"} <= keys
    assert not any(effect.key.startswith("vector.") for effect in binary.effects)


def test_more_lanes_help_if_the_unit_is_the_bottleneck() -> None:
    result = run(RESIDUAL, lanes=1, fused=False)
    assert result.run.layers[2].bound_by == "vector unit"
    effects = {effect.key: effect for effect in with_what_helps(result).effects}
    change = effects["vector.lanes"].doubled.change
    assert change is not None
    assert change < 0


@pytest.mark.parametrize("fused", [True, False])
def test_a_trace_has_layers_without_steps(fused: bool) -> None:
    assert b"vector unit" in b"".join(perfetto_packets(run(RESIDUAL, fused=fused)))


def test_layers_in_parts_of_their_channels_are_named() -> None:
    pooled = network(conv("a", out_channels=64), {"name": "end", "type": "global_pool"})
    small = {"memory.activation_buffer.kib": 1.5, "memory.activation_buffer.transfer_pixels": 1}
    notes = simulate(pooled, "cofluent64", bits=0.56, scope="network", set=small).notes()
    assert any(
        "end runs in parts of its channels because the window and the results of one pixel do not "
        "fit (memory.activation_buffer.kib is 1.5)." in note
        for note in notes
    )


def test_comparisons_of_layers_that_are_fused_on_one_side() -> None:
    comparison = compare(run(RESIDUAL), run(RESIDUAL, fused=False))
    (change,) = [one for one in comparison.layers if one.layer == "s"]
    assert change.cycles_a == 0 < change.cycles_b
    assert change.percent is None
    text = comparison.markdown()
    assert "| hardware.vector.fused | true | false |" in text
    assert f"| s | 0 | {change.cycles_b} | +{change.cycles_b} |  |" in text


def test_exports_name_the_layers_without_weights() -> None:
    found = export(RESIDUAL, "zigzag", scope="network")
    assert found.layers == 2
    assert found.notes == ["left out: s: without weights; the file has only layers with weights"]
    assert export(RESIDUAL, "zigzag", scope="weights").text == found.text


@pytest.mark.parametrize("value", [32, "array.pes / 2"])
def test_a_file_without_a_vector_unit_gets_one_from_a_setting(
    tmp_path: Path, value: int | str
) -> None:
    data = yaml.safe_load(find("hw_configs", "cofluent64").read_text())
    del data["vector"]
    file = tmp_path / "bare.yaml"
    file.write_text(yaml.safe_dump(data))
    assert value_of(load_hardware(file), "vector.lanes") is None
    result = simulate(RESIDUAL, file, bits=1, scope="network", set={"vector.lanes": value})
    assert value_of(result.hardware, "vector.lanes") == 32
    (effect,) = result.settings
    assert (effect.before, effect.after) == (None, 32)
    with pytest.raises(InputError, match="has no vector unit; add the section vector"):
        simulate(RESIDUAL, file, bits=1, scope="network")
