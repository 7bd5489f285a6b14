"""Layers under the accelerator's roofs, and the display of a result in a notebook."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from simulator import Result, load_hardware, load_workload, simulate
from simulator.analysis.roofline import roofline
from simulator.report.roofline import plot_roofline
from tests.build import layer, network
from tests.measure import drawn

pytestmark = pytest.mark.unit


def one_layer(*settings: str, tau: int = 5, activation_bits: int = 1) -> Result:
    return simulate(
        network(layer(64, 64, 7, 8, name="a")),
        load_hardware("cofluent64", settings),
        tau=tau,
        activation_bits=activation_bits,
    )


class TestRoofline:
    def test_a_layer(self) -> None:
        result = one_layer()
        (point,) = roofline(result).run
        assert point.macs == 7 * 8 * 64 * 64 * 9
        ours = result.run.layers[0]
        assert point.dram_bytes == ours.dram_read_bytes + ours.dram_written_bytes
        assert point.macs_per_cycle == point.macs / ours.cycles
        assert point.macs_per_byte == point.macs / point.dram_bytes
        (base,) = roofline(result).baseline
        # both runs do the same work; heights therefore compare as speeds do
        assert point.macs_per_cycle / base.macs_per_cycle == pytest.approx(result.speedup)

    def test_roofs_of_the_modes_in_use(self) -> None:
        roofs = {r.name.partition(":")[0]: r.macs_per_cycle for r in roofline(one_layer()).roofs}
        assert roofs == {"LUT": 64 * 4 * 9, "direct": 64 * 1 * 9}
        direct = simulate(
            network(layer(64, 64, 7, 8), layer(3, 8, 4, 4, full_precision=True)),
            load_hardware("cofluent64"),
            bits=1,
            scope="weights",
        )
        assert [r.macs_per_cycle for r in roofline(direct).roofs] == [64 * 9, 64]

    def test_1x1_layers_have_roofs_of_their_own(self) -> None:
        net = network(layer(64, 64, 4, 4), layer(64, 64, 4, 4, kernel=1))
        roofs = roofline(simulate(net, load_hardware("cofluent64"), tau=5)).roofs
        assert [(r.name.partition(":")[0], r.macs_per_cycle) for r in roofs] == [
            ("LUT 3×3", 64 * 4 * 9),
            ("LUT 1×1", 64 * 4 * 8),
            ("direct 3×3", 64 * 9),
            ("direct 1×1", 64 * 8),
        ]

    @pytest.mark.parametrize("style", ["screen", "paper"])
    def test_every_roof_is_drawn_and_named(self, style: str) -> None:
        net = network(
            layer(64, 64, 4, 4),
            layer(64, 64, 4, 4, kernel=1),
            layer(3, 8, 4, 4, full_precision=True),
        )
        machine = load_hardware("cofluent64", ["memory.dram.timing=ddr4-2400"])
        result = simulate(net, machine, tau=5, scope="weights")
        placed, figure = roofline(result), plot_roofline(result, style=style)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        limits = [*placed.roofs, *placed.slopes]
        assert len(axes.texts) == len(limits) == 8
        for text, limit in zip(axes.texts, limits, strict=True):
            assert text.get_text().startswith(limit.name.partition(":")[0])
        roofs = [text.get_window_extent() for text in axes.texts[: len(placed.roofs)]]
        assert not any(one.overlaps(other) for one, other in combinations(roofs, 2))
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in roofs)

    def test_bits_of_activations_lower_the_direct_roof(self) -> None:
        # tau 9 has no LUT: 512 entries for 64 outputs
        (direct,) = roofline(one_layer(tau=9, activation_bits=4)).roofs
        assert direct.macs_per_cycle == 64 * 9 / 4

    def test_slopes(self) -> None:
        placed = roofline(one_layer("memory.dram.bytes_per_cycle=4"))
        slopes = [(slope.name, slope.bytes_per_cycle) for slope in placed.slopes]
        assert slopes == [("3 DMA channels", 12), ("1 DMA channel", 4)]
        assert placed.bytes_per_cycle == 12

    @pytest.mark.parametrize(
        ("table", "settings", "peak"),
        [
            # 64 bytes in 4 cycles of 1200 MHz: 19.2 bytes in a ns, less than 3 x 16 of the DMA
            ("ddr4-2400", [], 19.2),
            ("ddr4-2400", ["clock_ghz=0.5", "memory.dram.bytes_per_cycle=16"], 38.4),
            ("hbm2", ["memory.dram.channels=4"], 4 * 16),  # 32 bytes in 2 cycles of 1000 MHz
        ],
    )
    def test_a_dram_table_has_a_slope_of_its_own(
        self, table: str, settings: list[str], peak: float
    ) -> None:
        placed = roofline(one_layer(f"memory.dram.timing={table}", *settings))
        rates = {slope.name: slope.bytes_per_cycle for slope in placed.slopes}
        assert rates == {"3 DMA channels": 48, f"{table}, peak": peak, "1 DMA channel": 16}
        assert [*rates.values()][:2] == sorted([48, peak], reverse=True)
        assert placed.bytes_per_cycle == min(48, peak)

    def test_no_layer_stands_above_its_roof(self) -> None:
        result = simulate(load_workload("r18", (112, 112)), load_hardware("cofluent64"), bits=0.56)
        placed = roofline(result)
        of_mode = {roof.name.partition(":")[0]: roof.macs_per_cycle for roof in placed.roofs}
        reached = dict.fromkeys(of_mode, 0.0)
        for run, points in ((result.run, placed.run), (result.baseline, placed.baseline)):
            for one, point in zip(run.layers, points, strict=True):
                mode = one.mapped.plan.mode
                name = "LUT" if mode == "lut" else mode
                bound = min(of_mode[name], placed.bytes_per_cycle * point.macs_per_byte)
                assert point.macs_per_cycle <= bound, point.layer
                reached[name] = max(reached[name], point.macs_per_cycle / bound)
        assert min(reached.values()) > 0.9, reached  # a roof a tenth lower would be too low

    def test_a_slow_memory_holds_layers_under_its_slope(self) -> None:
        """With a hundredth of the bandwidth, the slope is the bound, and a layer comes near it."""
        placed = roofline(one_layer("memory.dram.bytes_per_cycle=0.02"))
        (point,) = placed.run
        slope = placed.bytes_per_cycle * point.macs_per_byte
        assert slope < min(roof.macs_per_cycle for roof in placed.roofs)
        assert slope / 3 < point.macs_per_cycle <= slope  # one of three channels is the busiest

    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_equal_results_are_equal_pictures(self, tmp_path: Path, ending: str) -> None:
        for name in "ab":
            plot_roofline(one_layer(), tmp_path / f"{name}.{ending}")
        one, two = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
        assert one == two
        assert drawn(tmp_path / f"a.{ending}")


def test_a_notebook_shows_a_table_and_a_timeline() -> None:
    shown = one_layer()._repr_html_()
    assert "×</b>" in shown
    assert shown.count("<tr>") == 2  # the header and one layer
    assert re.search(r"<td>a</td><td>[\d,]+</td>", shown)
    assert 'src="data:image/png;base64,iVBOR' in shown
    evil = simulate(network(layer(8, 8, 2, 2, name="<i>")), load_hardware("cofluent64"), bits=1)
    assert "<td>&lt;i&gt;</td>" in evil._repr_html_()
