"""Differences of two results in configuration, time and energy by layer, with reasons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simulator.analysis.reasons import named, reasons, with_clock
from simulator.analysis.saved import Saved, SavedLayer
from simulator.machines.hardware import dram_at_clocks
from simulator.machines.loading import hardware_of
from simulator.program import CategoryTerm

_LARGEST = 2
"""The number of changed categories in a layer's row."""


_RATES = (
    ("images/s", "images_per_second"),
    ("TOPS", "tops"),
    ("µJ/image", "energy_uj_per_image"),
    ("TOPS/W", "tops_per_watt"),
)
"""Unit, and name in `Performance`, of each row of throughput and efficiency."""

_IMAGES = (
    ("first image", "cycles", "first_image_cycles"),
    ("interval", "cycles", "interval_cycles"),
    ("steady state", "images/s", "images_per_second"),
)
"""Figure, unit, and name in `SavedImages`, of each row on the images of pipelines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key of the configuration with different values."""

    key: str
    a: object
    b: object
    layers: str | None = None
    """The layers with this difference, for keys of layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChange:
    """One layer that both results have."""

    layer: str
    stage: str
    cycles_a: int
    cycles_b: int
    parts: dict[str, int]
    """Cycles that each category gained; categories without a change do not occur."""
    titles: Mapping[str, str]
    """The titles of the categories."""
    energy_a_uj: float | None = None
    energy_b_uj: float | None = None
    """The energy of the layer's run, if both results have energies."""

    @property
    def change(self) -> int:
        """Cycles that the layer gained."""
        return self.cycles_b - self.cycles_a

    @property
    def percent(self) -> float | None:
        """The change in percent of A's cycles; None if it has none, as a fused layer."""
        return 100 * self.change / self.cycles_a if self.cycles_a else None

    @property
    def why(self) -> str:
        """The categories with the largest changes."""
        largest = sorted(self.parts, key=lambda part: -abs(self.parts[part]))[:_LARGEST]
        return ", ".join(f"{self.titles[part]} {self.parts[part]:+,}" for part in largest)


@dataclass(frozen=True, kw_only=True, repr=False)
class Compared:
    """The comparison of result B with result A."""

    name_a: str
    name_b: str
    a: Saved
    b: Saved

    def __repr__(self) -> str:
        """Both names and the change of the time, as one line."""
        percent = 100 * (self.b.time_ms / self.a.time_ms - 1)
        return (
            f"<{type(self).__name__}: {self.name_b} against {self.name_a}, {percent:+.2f} % time>"
        )

    @cached_property
    def configuration(self) -> list[Difference]:
        """Every key that differs, hardware first."""
        one, other = self.a.configuration, self.b.configuration
        found = []
        for section in ("hardware", "run"):
            found += _differences(getattr(one, section), getattr(other, section), section)
        found += self._baselines
        return found + self._links({difference.key for difference in found})

    @property
    def _baselines(self) -> list[Difference]:
        """Differences between the baselines, or the presence of only one baseline."""
        one, other = (saved.configuration.baseline for saved in (self.a, self.b))
        if one is not None and other is not None:
            return _differences(one, other, "baseline")
        a, b = (x.baseline and f"{x.baseline.bits:g} bit" for x in (self.a, self.b))
        return [Difference(key="baseline", a=a, b=b)] if a != b else []

    def _links(self, different: set[str]) -> list[Difference]:
        """Return the expressions of linked keys that differ in expression or value."""
        one, other = self.a.links, self.b.links
        return [
            Difference(key=f"links.{key}", a=one.get(key), b=other.get(key))
            for key in one | other
            if one.get(key) != other.get(key) or f"hardware.{key}" in different
        ]

    @cached_property
    def layers(self) -> list[LayerChange]:
        """The layers of both results, by name, in A's order."""
        titles = {category.name: category.title for category in self._categories}
        energies = [saved.energy.run.by_layer_uj if saved.energy else {} for saved in self._priced]
        return [
            _change(one, other, titles, *(energy.get(one.name) for energy in energies))
            for one, other in self._pairs
        ]

    @property
    def _priced(self) -> tuple[Saved, Saved] | tuple[()]:
        """Both results, if both have energies."""
        return (self.a, self.b) if self.a.energy and self.b.energy else ()

    @cached_property
    def only_in(self) -> tuple[list[str], list[str]]:
        """The names of layers that only A has, and of layers that only B has."""
        a, b = ([layer.name for layer in saved.layers] for saved in (self.a, self.b))
        return [name for name in a if name not in b], [name for name in b if name not in a]

    @cached_property
    def why(self) -> list[str]:
        """The differences of the attributions as sentences, the largest first."""
        pairs = self._pairs
        if not pairs:
            return ["the results share no layer name"]
        if all(one.cycles == other.cycles for one, other in pairs) and not any(self.only_in):
            phrases = ["all layers take the same number of cycles"]
        else:
            sides = ([one.parts for one, _ in pairs], [other.parts for _, other in pairs])
            phrases = reasons(*sides, self._categories)
        cycles = [sum(layer.cycles for layer in side) for side in zip(*pairs, strict=True)]
        machines = [
            hardware_of(saved.configuration.hardware, name)
            for name, saved in ((self.name_a, self.a), (self.name_b, self.b))
        ]
        clocks = [machine.clock_ghz for machine in machines]
        dram = dram_at_clocks(*machines) if machines[0].dram == machines[1].dram else None
        return with_clock(phrases, cycles[1] / cycles[0], clocks[0], clocks[1], dram)

    @cached_property
    def totals(self) -> list[dict[str, Any]]:
        """Rows of metrics of the whole run."""
        a, b = self.a, self.b
        figures: list[tuple[str, str, float, float]] = [
            ("run", "cycles", a.cycles, b.cycles),
            ("run", "ms", a.time_ms, b.time_ms),
            *self._image_totals,
            *self._baseline_totals,
            ("DRAM read", "bytes", a.dram_bytes["read"], b.dram_bytes["read"]),
            ("DRAM written", "bytes", a.dram_bytes["written"], b.dram_bytes["written"]),
        ]
        if a.energy and b.energy:
            figures.append(("energy", "µJ", a.energy.run.energy_uj, b.energy.run.energy_uj))
            bases = a.energy.baseline, b.energy.baseline
            if bases[0] and bases[1]:
                energies = bases[0].energy_uj, bases[1].energy_uj
                figures.append(("baseline energy", "µJ", *energies))
        figures += self._performance_totals
        return [
            {
                "figure": figure,
                "unit": unit,
                "a": one,
                "b": other,
                "percent": 100 * (other / one - 1) if one else None,
            }
            for figure, unit, one, other in figures
        ]

    @property
    def _image_totals(self) -> list[tuple[str, str, float, float]]:
        """Figures of the images, if both results are of pipelines; intervals, if both settled."""
        a, b = self.a.pipeline, self.b.pipeline
        if a is None or b is None:
            return []
        values = ((x, unit, getattr(a, name), getattr(b, name)) for x, unit, name in _IMAGES)
        return [row for row in values if None not in row]

    @property
    def _baseline_totals(self) -> list[tuple[str, str, float, float]]:
        """Figures of the baselines, if both results have one."""
        a, b = self.a, self.b
        if not (a.baseline and b.baseline and a.speedup and b.speedup):
            return []
        return [
            ("baseline", "cycles", a.baseline.cycles, b.baseline.cycles),
            ("baseline", "ms", a.baseline.time_ms, b.baseline.time_ms),
            ("speedup", "x", a.speedup, b.speedup),
        ]

    @property
    def _performance_totals(self) -> list[tuple[str, str, float, float]]:
        """Figures of throughput and efficiency, of the runs and of the baselines in both results.

        `operations_counted` gives the meaning of an operation.
        """
        a, b = self.a.performance, self.b.performance
        found: list[tuple[str, str, float, float]] = []
        for figure, one, other in (("run", a.run, b.run), ("baseline", a.baseline, b.baseline)):
            if one is None or other is None:
                continue
            for unit, name in _RATES:
                values = getattr(one, name), getattr(other, name)
                if None not in values:
                    found.append((figure, unit, *values))
        return found

    @property
    def operations_counted(self) -> list[str]:
        """The meaning of an operation in TOPS and TOPS/W; two if the results differ in scope."""
        both = self.a.performance.operations_counted, self.b.performance.operations_counted
        if both[0] == both[1]:
            return [both[0]]
        return [f"{side}: {counted}" for side, counted in zip("AB", both, strict=True)]

    @property
    def _categories(self) -> tuple[CategoryTerm, ...]:
        """The categories of both machines; for equal names, the first machine's."""
        own = self.a.categories
        known = {category.name for category in own}
        return own + tuple(other for other in self.b.categories if other.name not in known)

    @cached_property
    def notes(self) -> list[str]:
        """The notes of both results, each once, with the result that alone has it."""
        a, b = self.a.notes, self.b.notes
        return [
            *(note for note in a if note in b),
            *(f"A: {note}" for note in a if note not in b),
            *(f"B: {note}" for note in b if note not in a),
        ]

    @property
    def _pairs(self) -> list[tuple[SavedLayer, SavedLayer]]:
        others = {layer.name: layer for layer in self.b.layers}
        return [(layer, others[layer.name]) for layer in self.a.layers if layer.name in others]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as one JSON object."""
        return {
            **{
                side: {
                    "name": name,
                    "model": saved.model,
                    "hardware": saved.hardware,
                    "scope": saved.scope.sentence,
                    "notes": saved.notes,
                }
                for side, name, saved in (("a", self.name_a, self.a), ("b", self.name_b, self.b))
            },
            "totals": self.totals,
            "operations_counted": self.operations_counted,
            "configuration": [
                {"key": d.key, "a": d.a, "b": d.b, "layers": d.layers} for d in self.configuration
            ],
            "layers": [
                {
                    "layer": change.layer,
                    "stage": change.stage,
                    "cycles_a": change.cycles_a,
                    "cycles_b": change.cycles_b,
                    "change_cycles": change.change,
                    "change_percent": change.percent,
                    "parts_change_cycles": change.parts,
                    "energy_a_uj": change.energy_a_uj,
                    "energy_b_uj": change.energy_b_uj,
                }
                for change in self.layers
            ],
            "layers_only_in_a": self.only_in[0],
            "layers_only_in_b": self.only_in[1],
            "why": self.why,
        }


def _change(
    one: SavedLayer,
    other: SavedLayer,
    titles: Mapping[str, str],
    energy_a: float | None = None,
    energy_b: float | None = None,
) -> LayerChange:
    gained = {
        part: other.attribution.get(part, 0) - one.attribution.get(part, 0)
        for part in one.attribution | other.attribution
    }
    return LayerChange(
        layer=one.name,
        stage=one.stage,
        cycles_a=one.cycles,
        cycles_b=other.cycles,
        parts={part: cycles for part, cycles in gained.items() if cycles},
        titles=titles,
        energy_a_uj=energy_a,
        energy_b_uj=energy_b,
    )


def _differences(one: Mapping[str, Any], other: Mapping[str, Any], under: str) -> list[Difference]:
    """Return the differing keys of one section; the keys of layers combine all their layers."""
    plain_a, plain_b = dict(_flat(one, under)), dict(_flat(other, under))
    found = [
        Difference(key=key, a=plain_a.get(key), b=plain_b.get(key))
        for key in plain_a | plain_b
        if plain_a.get(key) != plain_b.get(key)
    ]
    return found + _layer_differences(one.get("layers", []), other.get("layers", []), under)


def _flat(data: Mapping[str, Any], under: str) -> Iterator[tuple[str, object]]:
    """Yield dotted keys and values, without layers."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{under}.{key}")
        elif key != "layers":
            yield f"{under}.{key}", value


def _layer_differences(
    one: list[dict[str, Any]], other: list[dict[str, Any]], under: str
) -> list[Difference]:
    others = {layer["name"]: layer for layer in other}
    common = [(layer, others[layer["name"]]) for layer in one if layer["name"] in others]
    where: dict[tuple[str, object, object], list[str]] = {}
    for layer, partner in common:
        for key in layer | partner:
            a, b = layer.get(key), partner.get(key)
            if a != b:
                where.setdefault((key, a, b), []).append(layer["name"])
    return [
        Difference(
            key=f"{under}.layers.{key}",
            a=a,
            b=b,
            layers=named(dict.fromkeys(names, 1), len(common)),
        )
        for (key, a, b), names in where.items()
    ]
