"""Two results in comparison, and the reasons for their difference."""

import json
from pathlib import Path

import pytest

from simulator import Result, load_hardware, load_workload, simulate
from simulator.analysis.reasons import LayerParts, reasons
from simulator.analysis.saved import as_saved
from simulator.analysis.sensitivity import KeyEffects
from simulator.api.comparison import Comparison
from simulator.machines.lut_array.vocabulary import CATEGORIES
from simulator.program import CategoryTerm
from simulator.report.compare_text import markdown
from simulator.studies import what_helps
from simulator.studies.what_helps import numeric_keys, with_what_helps
from simulator.workload import Workload
from tests.build import layer, network
from tests.conftest import Command
from tests.numbering import Part

pytestmark = pytest.mark.unit

R20 = ("--model", "r20", "--bits", "0.56")


def parts(name: str, **cycles: int) -> LayerParts:
    return LayerParts(name=name, parts={Part(part): n for part, n in cycles.items()})


def changed(before: list[LayerParts], after: list[LayerParts]) -> list[str]:
    return reasons(before, after, map(CategoryTerm.of, CATEGORIES))


class TestReasons:
    def test_weights_that_no_longer_hide(self) -> None:
        before = [parts("a", fill=100), parts("b", fill=100, drain=4)]
        after = [parts("a", fill=100), parts("b", fill=60, read_weights=80, drain=4)]
        assert changed(before, after) == [
            "compute no longer hides the weight transfers of b (+40 cycles)"  # 80 in place of 40
        ]

    def test_weights_that_hide_now(self) -> None:
        before, after = [parts("a", weights_latency=9, fill=1)], [parts("a", fill=1)]
        assert changed(before, after) == ["compute now hides the weight transfers of a (-9 cycles)"]

    def test_one_unit_binds_instead_of_another(self) -> None:
        before = [parts(name, fill=32, accumulate=2) for name in "abc"]
        after = [parts(name, accumulate=64) for name in "ab"] + [parts("c", fill=32, accumulate=2)]
        assert changed(before, after) == [
            "the bottleneck moves from LUT fills to accumulation in a and 1 more layer "
            "(+60 cycles)"  # 2 x 30
        ]

    def test_a_bottleneck_that_stays_does_not_move(self) -> None:
        before, after = [parts("a", fill=50)], [parts("a", fill=44, drain=12)]
        assert changed(before, after) == ["more time in drains in a (+6 cycles)"]
        assert changed(after, before) == ["less time in drains in a (-6 cycles)"]

    def test_the_largest_first_and_small_ones_left_out(self) -> None:
        before = [parts("a", fill=10, drain=10, mac=10), parts("b", fill=5)]
        after = [parts("a", fill=40, drain=300, mac=11), parts("b", fill=5)]
        assert changed(before, after) == [
            "more time in drains in a (+290 cycles)",
            "more time in LUT fills in a (+30 cycles)",
        ]

    def test_against_the_trend_is_left_out(self) -> None:
        before, after = [parts("a", fill=10, drain=10)], [parts("a", fill=50, drain=7)]
        # the 3 saved cycles of drains offset a part of the 40
        assert changed(before, after) == ["more time in LUT fills in a (+37 cycles)"]

    def test_causes_share_the_change_in_proportion(self) -> None:
        before = [parts("a", fill=60)]
        after = [parts("a", index_fetch=60, accumulate=30)]
        assert changed(before, after) == [
            "the bottleneck moves from LUT fills to index fetches in a (+20 cycles)",  # 30 x 60/90
            "more time in accumulation in a (+10 cycles)",  # 30 x 30/90
        ]
        assert changed(after, before) == [
            "the bottleneck moves from index fetches to LUT fills in a (-20 cycles)",
            "less time in accumulation in a (-10 cycles)",
        ]

    def test_nothing(self) -> None:
        assert changed([parts("a", fill=10)], [parts("a", fill=10)]) == []


def small() -> Workload:
    return network(layer(64, 128, 6, 6, tau=5, name="a"), layer(128, 64, 6, 6, tau=5, name="b"))


def result(*settings: str) -> Result:
    return simulate(small(), load_hardware("cofluent64", settings), tau=5)


@pytest.fixture(scope="module")
def effects() -> dict[str, KeyEffects]:
    return {effect.key: effect for effect in with_what_helps(result()).effects}


class TestWhatHelps:
    def test_choices_with_an_effect_are_listed(self, effects: dict[str, KeyEffects]) -> None:
        assert {"array.pes", "array.pe.accumulators", "memory.dram.latency_ns"} <= set(effects)
        no_choice, idle = {"clock_ghz", "full_precision.bits"}, {"full_precision.macs_per_cycle"}
        assert not (no_choice | idle | {"name", "array.spatial"}) & set(effects)

    def test_the_times_are_those_of_runs(self, effects: dict[str, KeyEffects]) -> None:
        for key, value in (("array.pes", 32), ("array.pe.accumulators", 2)):
            assert effects[key].halved.time_ms == result(f"{key}={value}").time_ms
            assert effects[key].halved.value == value

    def test_what_cannot_be_halved_has_no_sentence(self, effects: dict[str, KeyEffects]) -> None:
        dots = effects["array.pe.dots_per_cycle"]
        assert dots.halved.cycles is None
        assert [sentence.split()[0] for sentence in dots.sentences] == ["doubling"]

    def test_long_runs_of_the_event_engine_are_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = result()
        key, commands = "memory.index_buffer.ports", run.run.mapping.commands
        monkeypatch.setattr(what_helps, "MOST_EVENTS", commands)
        measured = {effect.key: effect for effect in with_what_helps(run).effects}
        assert all(effect.measured for effect in measured.values())
        monkeypatch.setattr(what_helps, "MOST_EVENTS", commands - 1)
        found = {effect.key: effect for effect in with_what_helps(run).effects}
        ports = {key, "memory.activation_buffer.ports"}
        assert {name for name, effect in found.items() if not effect.measured} == ports
        assert found[key].halved.cycles is None
        (sentence,) = found[key].sentences
        assert sentence.startswith(f"halving {key} was not measured because only the event engine")
        assert all(found[name] == measured[name] for name in found if name not in ports)

    def test_bottlenecks_are_doubled_together(self) -> None:
        # tau 5, 128 outputs, two blocks of 64 inputs: fill, fetch, accumulate take 32 each
        net = network(layer(128, 128, 6, 6, tau=5))
        helped = with_what_helps(simulate(net, load_hardware("cofluent64"), tau=5))
        best = helped.together[0]
        assert set(best.keys) == {
            "array.pe.dots_per_cycle",
            "array.pe.accumulators",
            "memory.index_buffer.bytes_per_cycle",
        }
        settings = [f"{key}={x:g}" for key, x in zip(best.keys, best.values, strict=True)]
        again = simulate(net, load_hardware("cofluent64", settings), tau=5)
        assert (best.cycles, best.change) == (again.cycles, again.cycles / helped.cycles - 1)
        alone = [e.doubled.change or 0.0 for e in helped.effects if e.key in best.keys]
        assert best.change < min(alone, default=0.0)

    def test_ranked(self, effects: dict[str, KeyEffects]) -> None:
        sizes = [effect.size for effect in effects.values()]
        assert sizes == sorted(sizes, reverse=True)

    def test_accumulators_halved(self, effects: dict[str, KeyEffects]) -> None:
        (sentence,) = effects["array.pe.accumulators"].sentences[:1]
        assert "the bottleneck moves from LUT fills to accumulation in a" in sentence

    def test_numeric_keys_leaves_words_and_switches_out(self) -> None:
        data = {"a": {"b": 1, "c": "x", "d": True}, "e": 0.5, "f": None}
        assert list(numeric_keys(data)) == [("a.b", 1), ("e", 0.5)]


class TestComparison:
    def compared(self, one: Result, other: Result) -> Comparison:
        return Comparison(
            name_a="one",
            name_b="other",
            a=as_saved(one.saved(), "one"),
            b=as_saved(other.saved(), "other"),
        )

    def test_configuration_time_and_reasons(self) -> None:
        comparison = self.compared(result(), result("array.pe.accumulators=2"))
        (only,) = comparison.configuration
        assert (only.key, only.a, only.b) == ("hardware.array.pe.accumulators", 4, 2)
        for change in comparison.layers:
            assert sum(change.parts.values()) == change.change
        whole = comparison.b.cycles - comparison.a.cycles
        assert sum(change.change for change in comparison.layers) == whole > 0
        assert "the bottleneck moves from LUT fills to accumulation" in comparison.why[0]

    def test_equal_results(self) -> None:
        comparison = self.compared(result(), result())
        assert comparison.configuration == []
        assert comparison.why == ["all layers take the same number of cycles"]

    @pytest.mark.parametrize(
        ("settings", "first", "last"),
        [
            (("clock_ghz=0.5",), "longer cycles at 0.5 GHz instead of 1 GHz", ""),
            (("clock_ghz=0.1", "array.pes=32"), "longer cycles at 0.1 GHz", "more time in"),
            (("clock_ghz=0.9", "array.pes=16"), "more time in", "longer cycles at 0.9 GHz"),
            (
                (
                    "clock_ghz=9",
                    "array.pes=16",
                    "memory.dram.bytes_per_cycle=16",
                    "memory.dram.latency_cycles=100",
                ),
                "shorter cycles at 9 GHz",
                "partly offset: more",
            ),
            (("clock_ghz=1.1", "array.pes=16"), "more time in", "partly offset by shorter cycles"),
        ],
    )
    def test_the_clock_is_a_reason(self, settings: tuple[str, ...], first: str, last: str) -> None:
        why = self.compared(result(), result(*settings)).why
        assert why[0].startswith(first)
        assert last in why[-1]

    def test_keys_of_layers_are_gathered(self) -> None:
        hardware = load_hardware("cofluent64")
        one, other = (simulate(small(), hardware, tau=tau) for tau in (5, 4))
        differences = self.compared(one, other).configuration
        assert [(d.key, d.a, d.b, d.layers) for d in differences] == [
            ("run.layers.tau", 5, 4, "all layers")
        ]

    def test_other_layers_are_named(self) -> None:
        hardware = load_hardware("cofluent64")
        more = network(*small().layers, layer(64, 64, 6, 6, name="c"))
        comparison = self.compared(result(), simulate(more, hardware, tau=5))
        assert comparison.only_in == ([], ["c"])
        assert [change.layer for change in comparison.layers] == ["a", "b"]

    def test_energy_where_both_have_it(self) -> None:
        energies = {
            "table": "t",
            "run": {"energy_uj": 3.0, "by_layer_uj": {"a": 1.0, "b": 2.0}, "by_unit_uj": {}},
            "baseline": {"energy_uj": 9.0, "by_layer_uj": {}, "by_unit_uj": {}},
        }
        plain = result().saved()
        priced = as_saved(plain | {"energy": energies}, "priced")
        both = Comparison(name_a="a", name_b="b", a=priced, b=priced)
        assert [(c.energy_a_uj, c.energy_b_uj) for c in both.layers] == [(1.0, 1.0), (2.0, 2.0)]
        assert ("energy", "µJ", 3.0) in [(t["figure"], t["unit"], t["a"]) for t in both.totals]
        assert "Energy by layer" in markdown(both)
        one = Comparison(name_a="a", name_b="b", a=priced, b=as_saved(plain, "plain"))
        assert [c.energy_a_uj for c in one.layers] == [None, None]
        assert "Energy by layer" not in markdown(one)

    def test_notes_of_both_and_of_one(self) -> None:
        """A note of both results occurs once; one of a single result names it."""
        plain = result().saved()
        one, other = (
            as_saved(plain | {"notes": ["a note on both", f"a note on {side}"]}, side)
            for side in ("one", "the other")
        )
        comparison = Comparison(name_a="a", name_b="b", a=one, b=other)
        notes = ["a note on both", "A: a note on one", "B: a note on the other"]
        assert comparison.notes == notes
        assert all(f"note: {note}\n" in f"{comparison}\n" for note in notes)
        assert "\n".join(["## Notes", "", *(f"- {note}" for note in notes)]) in markdown(comparison)
        assert comparison.as_json()["a"]["notes"] == ["a note on both", "a note on one"]


class TestCommand:
    def test_saved_results(self, command: Command, tmp_path: Path) -> None:
        net = load_workload("r20", (8, 8))
        for folder, pes in (("a", 64), ("b", 32)):
            one = simulate(net, load_hardware("cofluent64", [f"array.pes={pes}"]), bits=0.56)
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "summary.json").write_text(json.dumps(one.saved()))
        done = command("compare", "a", "b/summary.json")
        assert done.returncode == 0, done.stderr
        for words in ("hardware.array.pes", "more time than A", "layer3.2.conv2", "change %"):
            assert words in done.stdout
        compared = json.loads(command("compare", "a", "b", "--json", "--out", "c").stdout)
        assert json.loads((tmp_path / "c/compare.json").read_text()) == compared
        assert "## Reasons" in (tmp_path / "c/compare.md").read_text()
        again = json.loads(
            command("compare", "cofluent64", "b", *R20, "--input-size", 8, "--json").stdout
        )
        assert again["layers"] == compared["layers"]

    def test_two_configurations(self, command: Command) -> None:
        done = command("compare", "cofluent64", "--set", "array.pes=64,32", *R20, "--json")
        compared = json.loads(done.stdout)
        assert compared["configuration"] == [
            {"key": "hardware.array.pes", "a": 64, "b": 32, "layers": None}
        ]
        assert sum(layer["change_cycles"] for layer in compared["layers"]) == (
            compared["totals"][0]["b"] - compared["totals"][0]["a"]
        )

    def test_one_value_is_for_both_sides(self, command: Command) -> None:
        cycles = ("memory.dram.latency_cycles=100", "memory.dram.bytes_per_cycle=16")
        dram = [word for setting in cycles for word in ("--set", setting)]
        settings = ("--set", "array.pes=64,32", *dram, "--set", "clock_ghz=2")
        done = command("compare", "cofluent64", "cofluent64", *settings, *R20, "--json")
        compared = json.loads(done.stdout)
        assert [change["key"] for change in compared["configuration"]] == ["hardware.array.pes"]
        plain = command("compare", "cofluent64", *settings[:-2], *R20, "--json")
        (before,), (after,) = (
            [row["a"] for row in found["totals"] if (row["figure"], row["unit"]) == ("run", "ms")]
            for found in (json.loads(plain.stdout), compared)
        )
        assert after == pytest.approx(before / 2)

    def test_sides_are_told_apart(self, command: Command) -> None:
        done = command("compare", "cofluent64", "--set", "array.pes=64,32", *R20)
        assert "A: cofluent64 array.pes=64" in done.stdout
        assert "B: cofluent64 array.pes=32" in done.stdout

    def test_a_setting_belongs_to_the_side_that_runs(self, command: Command) -> None:
        run = ("--hw", "cofluent64", *R20, "--input-size", 8, "--out", "saved")
        assert command(*run).returncode == 0
        done = command(
            "compare", "saved", "cofluent64", "--set", "array.pes=32", *R20, "--input-size", 8,
            "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (only,) = json.loads(done.stdout)["configuration"]
        assert (only["a"], only["b"]) == (64, 32)

    def test_energies(self, command: Command) -> None:
        names = ("cofluent64", "--set", "array.pes=64,32", *R20, "--input-size", 8)
        done = command("compare", *names, "--energy", "45nm")
        assert done.returncode == 0, done.stderr
        for words in ("Energy by layer (µJ", "baseline energy"):
            assert words in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("cofluent64", "cofluent65", *R20), "did you mean 'cofluent64'"),
            (("cofluent64", "cofluent64"), "missing option --model"),
            (("cofluent64", "cofluent64", "--model", "r20"), "missing option --bits"),
            (("cofluent64", "--set", "array.pez=3,4", *R20), "did you mean 'array.pes'?"),
            (("cofluent64", *R20), "A and B would be equal: give B, or two values"),
            (("cofluent64", "--set", "array.pes=32", *R20), "A and B would be equal"),
            ((".",), "is a saved result: give B"),
            (("cofluent64", "--set", "array.pes=1,2,4", *R20), "belong to `simulate sweep`"),
            (("cofluent64", "--set", "array.pes=1:4:x2", *R20), "belong to `simulate sweep`"),
            (("cofluent64", "--set", "array.pes=64,", *R20), "on either side of the comma"),
            ((".", "cofluent64", "--set", "array.pes=1,2", *R20), "would have no effect on ."),
            (("bad.json", "bad.json", "--set", "array.pes=1"), "--set has no effect"),
            (
                ("cofluent64", "cofluent64,array.pes=128", *R20),
                "simulate compare cofluent64 --set array.pes=64,128 ...",
            ),
            (
                ("cofluent64,clock_ghz=2", "cofluent64,array.pes=32,clock_ghz=2", *R20),
                "simulate compare cofluent64 --set clock_ghz=2.0 --set array.pes=64,32 ...",
            ),
            (("here", "."), "unknown hardware configuration 'here'"),
            ((".", "."), "summary.json: cannot be read"),
            (("bad.json", "bad.json"), "bad.json: not a readable saved result"),
            (("old.json", "old.json"), "old.json: no result saved by --out: missing key"),
            (("bad.json", "bad.json", "--bits", "1"), "--bits has no effect"),
            (("bad.json", "bad.json", "--layer-tau", "a=1"), "--layer-tau has no effect"),
        ],
    )
    def test_wrong_input(
        self, command: Command, tmp_path: Path, arguments: tuple[str, ...], words: str
    ) -> None:
        (tmp_path / "bad.json").write_text("{")
        (tmp_path / "old.json").write_text('{"model": "r20"}')
        done = command("compare", *arguments, "--out", "out")
        assert not (tmp_path / "out").exists()
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert words in done.stderr

    def test_what_helps(self, command: Command) -> None:
        run = ("--hw", "cofluent64", *R20, "--input-size", 8, "--what-helps")
        done = command(*run)
        assert done.returncode == 0, done.stderr
        for words in ("Sensitivity analysis", "halving array.pes makes", "The table omits keys"):
            assert words in done.stdout
        first = json.loads(command(*run, "--json").stdout)["what_helps"][0]
        assert (first["key"], first["halved"]["value"]) == ("array.pes", 32)
