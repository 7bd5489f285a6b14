"""The Python functions: names instead of objects, one error for a wrong type, short prints."""

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulator
from simulator import InputError, Result, compare, load_hardware, load_workload, search, sweep
from simulator import simulate as run
from tests.build import layer, network
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

SMALL: dict[str, Any] = {"bits": 0.56, "input_size": 8}


@pytest.fixture(scope="module")
def result() -> Result:
    return run("r20", "cofluent64", **SMALL, set={"array.pes": 32})


class TestSimulate:
    def test_names_and_objects_give_the_same_result(self, result: Result) -> None:
        workload = load_workload("r20", (8, 8))
        machine = load_hardware("cofluent64", ["array.pes=32"])
        files = (ROOT / "workloads/r20.yaml", str(ROOT / "hw_configs/cofluent64.yaml"))
        for other in (
            run(workload, machine, bits=0.56),
            run(workload, load_hardware("cofluent64"), bits=0.56, set={"array.pes": np.int64(32)}),
            run(
                files[0], files[1], bits=np.float64(0.56), input_size=(8, 8), set={"array.pes": 32}
            ),
        ):
            assert other.config_sha256 == result.config_sha256
            assert other.cycles == result.cycles

    def test_a_trained_network_by_name_keeps_its_tau(self) -> None:
        trained = run("trained-r20-0.56", "cofluent64", input_size=8)
        assert trained.run.workload.is_trained
        assert trained.run.bits == 0.56

    def test_settings_are_measured_when_they_are_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from simulator.studies import settings as module

        counted: list[str] = []
        original = module.setting_effect

        def counting(result: Result, without: Any, *rest: Any) -> Any:
            counted.append(without.key)
            return original(result, without, *rest)

        monkeypatch.setattr(module, "setting_effect", counting)
        lazy = run("r20", "cofluent64", **SMALL, set={"array.pes": 32, "clock_ghz": 2.0})
        str(lazy), repr(lazy), lazy.layers
        assert counted == []
        first = lazy.with_energy("45nm").settings  # the copy shares the measurement
        assert lazy.settings is first
        assert counted == ["array.pes", "clock_ghz"]

    def test_settings_are_those_of_the_command(self, result: Result) -> None:
        machine = load_hardware("cofluent64", ["array.pes=32"])
        plain = run("r20", machine, **SMALL)
        assert plain.settings == ()
        assert result.settings == (
            module_with_settings(plain, "cofluent64", ["array.pes=32"]).settings
        )
        assert result.settings[0].before == 64
        assert result.settings[0].sentence in result.notes()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"bits": "0.56"}, "bits is '0.56' (str): use a number such as 0.56"),
            ({"bits": True}, "bits is True (bool): use a number such as 0.56"),
            ({"tau": 5.0}, "tau is 5.0 (float): use a whole number such as 5"),
            ({"batch": "2"}, "batch is '2' (str): use a whole number such as 1"),
            ({"taus": {"layer1.0.conv1": 2.5}}, "taus['layer1.0.conv1'] is 2.5 (float)"),
            ({"taus": [3]}, "taus is [3] (list): use a dictionary such as"),
            ({"set": ["array.pes=3"]}, "set is ['array.pes=3'] (list): use a dictionary such as"),
            ({"set": {3: 3}}, "a key of set is 3 (int)"),
            ({"set": {"pes": 3}}, "did you mean 'array.pes'?"),
            ({"set": {"array.pes": "128"}}, "array.pes is '128': expected int"),
            ({"input_size": "224"}, "input_size is '224' (str)"),
            ({"engine": 3}, "engine is 3 (int): use a name such as 'auto'"),
            ({"engine": "slow"}, "engine 'slow'"),
            ({"scope": True}, "scope is True (bool): use a name such as 'weights'"),
            ({"scope": "layers"}, "scope 'layers': expected binary, weights or network"),
            ({"scope": "binary", "bits": 32}, "scope binary: a run or its baseline has 32 bits"),
            (
                {"workload": 3},
                "workload is 3 (int): use a name such as 'r18', a path or a Workload",
            ),
            ({"hardware": None}, "hardware is None (NoneType): use a name such as 'cofluent64'"),
            ({"workload": "r19"}, "unknown network 'r19': did you mean"),
            ({"workload": "x" * 500 + "\n", "bits": [1] * 99}, "bits is [1, 1"),
        ],
    )
    def test_wrong_arguments(self, arguments: dict[str, Any], message: str) -> None:
        given = {"workload": "r20", "hardware": "cofluent64", **arguments}
        with pytest.raises(InputError) as caught:
            run(**given)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_an_unknown_argument(self) -> None:
        with pytest.raises(TypeError, match="pes"):
            run("r20", "cofluent64", bits=0.56, pes=128)  # type: ignore[call-arg]

    def test_an_input_size_for_a_loaded_workload(self) -> None:
        with pytest.raises(InputError, match="input_size has no effect on a loaded workload"):
            run(load_workload("r20"), "cofluent64", **SMALL)


class TestPrint:
    def test_a_summary(self, result: Result) -> None:
        text = str(result)
        for words in (
            "8x8, on cofluent64 (32 PEs at 1 GHz)", "0.56 bit (tau 5) against 1 bit", "18 of 20",
            f"speedup {result.speedup:.2f}×", f"{result.time_ms * 1e3:.3f} µs", "layer3",
            "slowest: layer",
        ):  # fmt: skip
            assert words in " ".join(text.split()), words
        assert repr(result).count("\n") == 0
        assert len(repr(result)) < 100

    def test_long_names_and_many_stages_stay_within_80_columns(self) -> None:
        names = [f"{'long' * 40}{number}" for number in range(30)]
        layers = [layer(16, 16, 4, 4, name=name) for name in names]
        from dataclasses import replace

        staged = [replace(each, stage=each.name) for each in layers]
        full = replace(staged[0], name="full", full_precision=True)
        long = run(network(*staged, full), "cofluent64", tau=4, scope="weights")
        text = str(long.with_energy("7nm"))
        assert max(map(len, text.splitlines())) <= 80
        assert len(text) < 2000
        assert "1 in full precision" in " ".join(text.split())
        assert "(22 faster stages not shown)" in text
        assert "(7nm)" in text


class TestSweep:
    @pytest.mark.slow
    def test_rows(self, tmp_path: Path) -> None:
        given: dict[str, Any] = {"bits": [1, 0.56], "set": {"array.pes": np.array([16, 32])}}
        study = sweep("r20", "cofluent64", input_size=[8], **given, layers=True)
        assert list(study.frame["hw.array.pes"]) == [16, 16, 32, 32]
        one = run("r20", "cofluent64", **SMALL, set={"array.pes": 32})
        assert list(study.frame["cycles"])[-1] == one.cycles
        assert list(study.frame["config_sha256"])[-1] == one.config_sha256
        assert len(study.layer_frame) == 4 * len(one.run.layers)
        assert study.files == ()
        assert "array.pes" in str(study)
        text: dict[str, Any] = {"bits": "1,0.56", "set": {"array.pes": "16:32:x2"}}
        kept = sweep(["r20"], ["cofluent64"], input_size="8", **text, out=tmp_path / "study")
        assert kept.files[0].is_file()
        assert kept.frame.equals(study.frame)
        with pytest.raises(InputError, match="layers=True"):
            kept.layer_frame  # noqa: B018 # reading it is what fails

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"models": load_workload("r20")}, "model is Workload"),
            ({"models": []}, "model: expected at least one value"),
            ({"bits": [1, 1.0]}, "the value 1.0 occurs twice"),
            ({"bits": ["half"]}, "bits 'half': expected a number such as 0.56"),
            ({"batch": 1.5}, "batch is 1.5 (float): use a whole number"),
            ({"set": {"pes": 3}}, "did you mean 'array.pes'?"),
            ({"set": {"array.pes": [[3]]}}, "set['array.pes'] is [3] (list)"),
            ({"jobs": 0}, "jobs 0: expected 1 or more"),
            ({"sample": 0}, "sample 0: expected 1 or more"),
            ({"input_size": [(1, 2, 3)]}, "input_size is (1, 2, 3) (tuple)"),
        ],
    )
    def test_wrong_arguments(self, arguments: dict[str, Any], message: str) -> None:
        given = {"models": "r20", "hardware": "cofluent64", "bits": 1, **arguments}
        with pytest.raises(InputError) as caught:
            sweep(**given)
        assert message in str(caught.value)


class TestSearch:
    def test_the_best_of_two_machines(self, tmp_path: Path) -> None:
        found = search(
            "r20", "cofluent64", "bits", max_time_ms=1, taus=[4, 5], input_size=8,
            set={"array.pes": [16, 32]}, out=tmp_path,
        )  # fmt: skip
        assert set(found.taus.values()) == {4}
        assert found.hardware_points == 2
        assert (tmp_path / "search.json").is_file()
        assert max(map(len, str(found).splitlines())) <= 80

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"objective": "speed"}, "objective 'speed': expected one of bits, time, capacity"),
            ({"max_time_ms": "1"}, "max_time_ms is '1' (str): use a number such as 0.9"),
            ({"max_time_ms": None}, "max-time-ms"),
            ({"workload": 3}, "workload is 3 (int)"),
            ({"taus": [4.5]}, "tau is 4.5 (float): use a whole number"),
        ],
    )
    def test_wrong_arguments(self, arguments: dict[str, Any], message: str) -> None:
        given = {
            "workload": "r20", "hardware": "cofluent64", "objective": "bits", "max_time_ms": 1,
            **arguments,
        }  # fmt: skip
        with pytest.raises(InputError) as caught:
            search(**given)
        assert message in str(caught.value)


class TestCompare:
    def test_results_and_folders(self, result: Result, tmp_path: Path) -> None:
        result.save(tmp_path / "a")
        other = run("r20", "cofluent64", **SMALL)
        comparison = compare(tmp_path / "a", other, names=("old", "new"))
        (difference,) = comparison.configuration
        assert (difference.key, difference.a, difference.b) == ("hardware.array.pes", 32, 64)
        assert comparison.markdown().startswith("# old against new")
        assert "hardware.array.pes" in str(comparison)
        assert max(map(len, str(comparison).splitlines())) <= 80
        assert len(repr(comparison)) < 80

    def test_wrong_arguments(self, result: Result, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"b is 3 \(int\)"):
            compare(result, 3)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="cannot be read"):
            compare(tmp_path, result)


class TestReport:
    def test_the_page_has_the_assumptions_of_named_files(
        self, result: Result, tmp_path: Path
    ) -> None:
        page = simulator.write_report(result.with_energy("45nm"), tmp_path / "a.html")
        text = page.read_text()
        assert "energy table 45nm" in text
        loaded = run("r20", load_hardware("cofluent64"), **SMALL)
        bare = simulator.write_report(loaded, tmp_path / "b.html").read_text()
        assert '"assumptions":[]' in bare
        assert '"assumptions":[]' not in text

    def test_wrong_arguments(self, result: Result, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="result is 'r18'"):
            simulator.write_report("r18", tmp_path / "a.html")  # type: ignore[arg-type]
        with pytest.raises(InputError, match="cannot be written"):
            simulator.write_report(result, tmp_path / "none/a.html")
        with pytest.raises(InputError, match=r"table is 3 \(int\)"):
            result.with_energy(3)  # type: ignore[arg-type]


def module_with_settings(*arguments: Any) -> Result:
    from simulator.api.simulate import with_settings

    return with_settings(*arguments)


# --- the package ----------------------------------------------------------------------------------

EVERY = """
import importlib, pkgutil, sys, types
import simulator
if {first}:
    before = {{name: getattr(simulator, name) for name in simulator.__all__}}
names = [m.name for m in pkgutil.walk_packages(simulator.__path__, "simulator.")]
names = [n for n in names if not n.endswith(("__main__", ".cluster"))]
for name in sorted(names, reverse={reverse}):
    try:
        importlib.import_module(name)
    except ImportError as error:
        if error.name.partition(".")[0] == "simulator":
            raise
for name in simulator.__all__:
    thing = getattr(simulator, name)
    assert callable(thing) and not isinstance(thing, types.ModuleType), name
    assert f"simulator.{{name}}" not in sys.modules, name
    if {first}:
        assert before[name] is thing, name
print("fine")
"""


class TestPackage:
    @pytest.mark.slow
    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("first", [False, True])
    def test_no_submodule_replaces_a_function(self, reverse: bool, first: bool) -> None:
        code = EVERY.format(reverse=reverse, first=first)
        done = python("-c", code)
        assert done.stdout == "fine\n", done.stderr

    def test_importing_is_instant(self) -> None:
        code = "import sys, simulator; print(len([n for n in sys.modules if 'simulator' in n]))"
        assert python("-c", code).stdout == "1\n"
        heavy = "import sys; from simulator import *; print({'pandas', 'matplotlib', 'numba', "
        heavy += "'pyarrow', 'torch'} & set(sys.modules))"
        assert python("-c", heavy).stdout == "set()\n"

    def test_all_names_are_there(self) -> None:
        from importlib import import_module

        found = {name: getattr(simulator, name) for name in simulator.__all__}
        assert sorted(simulator.__all__) == simulator.__all__ == sorted(simulator._HOMES)
        for name, home in simulator._HOMES.items():
            assert found[name] is getattr(import_module(home), name)
        assert set(simulator.__all__) <= set(dir(simulator))
        assert not any(isinstance(thing, types.ModuleType) for thing in found.values())
        with pytest.raises(AttributeError, match="no attribute 'simulat'"):
            simulator.simulat  # type: ignore[attr-defined] # noqa: B018 # reading it is what fails

    @pytest.mark.slow
    def test_a_script_of_a_user_is_typed(self, tmp_path: Path) -> None:
        pytest.importorskip("mypy")
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        done = python("-m", "mypy", "--strict", str(script))
        assert done.returncode == 0, done.stdout
        script.write_text(SCRIPT.replace("bits=0.56", 'bits="0.56"'))
        done = python("-m", "mypy", "--strict", str(script))
        assert 'Argument "bits" to "simulate" has incompatible type "str"' in done.stdout


SCRIPT = """
import simulator
from simulator import Result, simulate

result: Result = simulate("r18", "cofluent64", bits=0.56, set={"array.pes": 128})
ratio: float | None = result.speedup  # None without a baseline
names: list[str] = [layer.name for layer in result.run.layers]
for effect in result.settings:
    print(effect.key, effect.sentence)
study = simulator.sweep(["r18"], "cofluent64", bits=[1, 0.56], set={"array.pes": [16, 32]})
rows: int = len(study.frame)
found = simulator.search("r18", "cofluent64", "bits", max_time_ms=0.9)
taus: dict[str, int | None] = found.taus
text: str = simulator.compare(result, "out/r18").markdown()
priced = result.with_energy("45nm")
if priced.energy is not None:
    print(priced.energy.run.microjoules)
simulator.write_report(priced, "r18.html")
equal: bool = simulator.verify("out/r18").equal
csv: str = simulator.export(simulator.load_workload("r18"), "scalesim").text
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,  # only guards against hanging
    )
