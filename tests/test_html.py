"""The HTML report: its contents, and its behavior in a real browser."""

import base64
import json
import re
import shutil
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from simulator import Result, load_hardware, load_workload, simulate
from simulator.base.version import __version__
from simulator.cli import cli
from simulator.machines import load_energy
from simulator.machines.assumptions import assumptions
from simulator.machines.lut_array.vocabulary import CATEGORIES
from simulator.report import sizes
from simulator.report.html import write_page
from simulator.report.html.spans import layer_spans
from tests.build import layer, network, without_trace
from tests.conftest import Command
from tests.numbering import PARTS

pytestmark = pytest.mark.unit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def result() -> Result:
    return simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)


@pytest.fixture(scope="module")
def page(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "r20.html"
    return write_page(result, path, assumptions("cofluent64"))


@pytest.fixture
def without_timeline(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Result, Path]:
    """The result of a run of too many commands for a timeline, and its page."""
    monkeypatch.setattr(sizes, "MOST_DRAWN", commands(result) - 1)
    untraced = without_trace(result)
    return untraced, write_page(untraced, tmp_path / "large.html", assumptions("cofluent64"))


def embedded(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


class TestFile:
    def test_needs_no_network(self, page: Path) -> None:
        links = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[\w/.]*", page.read_text()))
        assert links <= {"http://www.w3.org/2000/svg"}  # a name, not an address

    def test_equal_results_are_equal_bytes(self, page: Path, tmp_path: Path) -> None:
        again = simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)
        other = write_page(again, tmp_path / "other.html", assumptions("cofluent64"))
        assert other.read_bytes() == page.read_bytes()

    def test_every_command_is_in_it_exactly(self, result: Result) -> None:
        for run in (result.run, result.baseline):
            trace = run.trace
            for number, spans in enumerate(layer_spans(run)):
                numbers = np.frombuffer(zlib.decompress(base64.b64decode(spans["data"])), "<f8")
                for row in spans["rows"]:
                    n = row["count"]
                    mine, numbers = numbers[: 6 * n].reshape(6, n), numbers[6 * n :]
                    of_kind = trace.kind == trace.kinds.index(row["kind"])
                    chosen = (trace.layer == number) & of_kind
                    cycles, step, bytes_, pes, latency = np.cumsum(mine[1:], axis=1)
                    end = row["first"] + np.cumsum(mine[0] + cycles)
                    assert np.array_equal(end, trace.end[chosen])
                    assert np.array_equal(end - cycles, trace.start[chosen])
                    assert np.array_equal(step, trace.step[chosen])
                    assert np.array_equal(bytes_, trace.bytes[chosen])
                    assert np.array_equal(pes, trace.pes[chosen])
                    assert np.array_equal(latency, trace.latency[chosen])
                assert not len(numbers)

    def test_figures_have_units_names_and_sources(self, page: Path, result: Result) -> None:
        data = embedded(page)
        rows = result.layer_rows()
        trace = result.run.trace
        in_trace = dict(zip(trace.layers, np.bincount(trace.layer).tolist(), strict=True))
        assert [one["layer"] for one in data["runs"][0]["layers"]] == [x["layer"] for x in rows]
        for figure in data["figures"]:
            assert figure["name"] and figure["source"]
            assert figure["unit"] or figure["key"] in {"commands", "macs"}  # counts
        for shown, row, parts in zip(
            data["runs"][0]["layers"], rows, result.run.attribution, strict=True
        ):
            assert shown["cycles"] == row["cycles"]
            assert shown["commands"] == in_trace[shown["layer"]]
            assert shown["dram_read_bytes"] == row["dram_read_bytes"]
            assert shown["parts"] == {str(part): parts[part] for part in PARTS if parts[part]}

    def test_the_critical_path_has_the_numbers_of_the_categories(
        self, page: Path, result: Result
    ) -> None:
        parts = [part["part"] for part in embedded(page)["parts"]]
        assert parts == list(result.run.trace.categories)
        assert "vector" not in parts  # this scope has no vector unit

    def test_many_commands_leave_out_the_timeline_alone(
        self, page: Path, without_timeline: tuple[Result, Path]
    ) -> None:
        small, large = embedded(page), embedded(without_timeline[1])
        assert small.pop("timeline_left_out") is None
        assert large.pop("timeline_left_out").startswith("No timeline: ")
        for run in small["runs"]:
            for drawn in ("overview", "path", "spans"):
                run.pop(drawn)
        assert large == small

    def test_the_command_says_that_it_leaves_out_the_timeline(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        run = ["--hw", "cofluent64", "--model", "r20-digits", "--bits", "0.56"]
        assert CliRunner().invoke(cli, [*run, "--report", "r.html"]).stderr == ""
        monkeypatch.setattr(sizes, "MOST_DRAWN", 100)
        done = CliRunner().invoke(cli, [*run, "--report", "r.html"])
        assert re.fullmatch(
            r"r\.html: No timeline: [\d,]+ commands in both runs exceed the limit of 100\.\n",
            done.stderr,
        )
        assert CliRunner().invoke(cli, [*run, "--report", "r.html", "--quiet"]).stderr == ""
        assert CliRunner().invoke(cli, run).stderr == ""

    def test_assumptions_in_use(self, page: Path, tmp_path: Path) -> None:
        shown = {one["key"]: one for one in embedded(page)["assumptions"]}
        assert shown["memory.dram.latency_ns"]["value"] == 100
        assert "loaded latency" in shown["memory.dram.latency_ns"]["reason"]
        assert "array.pes" not in shown
        hardware = load_hardware("cofluent64", ["memory.dram.latency_ns=7"])
        changed = simulate(network(layer(8, 8, 2, 2)), hardware, bits=1)
        path = write_page(changed, tmp_path / "x.html", assumptions("cofluent64"))
        (one,) = [x for x in embedded(path)["assumptions"] if x["key"].endswith("latency_ns")]
        assert (one["value"], one["reason"]) == (
            7,
            "overridden for this run; the hardware file has 100",
        )

    def test_assumptions_of_tables(self) -> None:
        found = assumptions("cofluent64", dram="ddr4-2400", energy="45nm")
        by_table = {one.table: one for one in found}
        assert set(by_table) == {"", "DRAM table ddr4-2400", "energy table 45nm"}
        keys = {one.key for one in found if one.table.startswith("energy")}
        assert {"dot_pj", "storage_leakage_uw_per_kib"} <= keys

    def test_a_name_cannot_leave_the_data(self, tmp_path: Path) -> None:
        evil = "</script><script>alert(1)</script>/*SCRIPT*/"
        net = replace(network(layer(8, 8, 2, 2, name=evil)), title=evil)
        path = write_page(simulate(net, load_hardware("cofluent64"), bits=1), tmp_path / "x.html")
        assert embedded(path)["runs"][0]["layers"][0]["layer"] == evil
        assert path.read_text().count("<script>") == 1
        assert "<title>&lt;/script&gt;" in path.read_text()

    def test_the_footer_names_the_program_and_the_paper(self, page: Path) -> None:
        (footer,) = re.findall("<footer>(.*?)</footer>", page.read_text())
        assert f"simulate (subbit-simulator) {__version__}" in footer
        assert "Sub-bit Neural Networks: Learning to Compress and Accelerate" in footer
        assert "ICCV 2021" in footer

    def test_command(self, command: Command, tmp_path: Path) -> None:
        run = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56", "--input-size", 8)
        done = command(
            *run, "--report", "r.html", "--set", "array.pes=32", "--what-helps", "--energy", "45nm"
        )
        assert done.returncode == 0, done.stderr
        assert "written: r.html" in done.stdout
        data = embedded(tmp_path / "r.html")
        assert ["array.pes", 32] in data["configuration"]
        assert any("array.pes 64 -> 32" in note for note in data["notes"])
        assert data["what_helps"][0]["key"] == "array.pes"
        assert "energy table 45nm: dot_pj" in {one["key"] for one in data["assumptions"]}
        for wrong in ("no/folder.html", "."):
            refused = command(*run, "--report", wrong)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert len(refused.stderr.splitlines()) == 1

    @pytest.mark.parametrize("mark", ["pe: {a: 1, b: 2}  # ASSUMED: both", "x: 3 # ASSUMED: both"])
    def test_marks_are_read_where_they_stand(self, tmp_path: Path, mark: str) -> None:
        file = tmp_path / "hw.yaml"
        file.write_text(f"top:\n  y: 0 # no mark\n  {mark}\n")
        found = {one.key: (one.value, one.reason) for one in assumptions(file)}
        assert found in (
            {"top.pe.a": ("1", "both"), "top.pe.b": ("2", "both")},
            {"top.x": ("3", "both")},
        )

    def test_a_reason_goes_on_in_its_column(self, tmp_path: Path) -> None:
        file = tmp_path / "hw.yaml"
        file.write_text("a: 1   # ASSUMED: one,\n       # two\n# not this\nb: 2  # ASSUMED: b\n")
        assert [one.reason for one in assumptions(file)] == ["one, two", "b"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("the page is not tested in a browser: chromium and chromedriver are missing")
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    laptop = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", laptop)
    yield driver
    driver.quit()


def until(browser: Any, condition: str, seconds: float = 120) -> None:
    """Wait until a JavaScript expression holds; the deadline only guards against hanging."""
    end = time.monotonic() + seconds
    while not browser.execute_script(f"return Boolean({condition})"):
        assert time.monotonic() < end, condition
        time.sleep(0.02)


def open_page(browser: Any, path: Path) -> None:
    browser.get(path.as_uri())
    until(browser, "document.documentElement.dataset.ready && !report.timeline?.queued")


def view(browser: Any) -> tuple[float, float]:
    """Cycles per pixel, and the first cycle of the upper run in sight."""
    until(browser, "!report.timeline.queued")
    scale, offset = browser.execute_script(
        "return [report.timeline.scale, report.timeline.offsets[0]]"
    )
    return scale, offset


def painted_colors(browser: Any) -> int:
    return int(
        browser.execute_script(
            """const c = document.getElementById("timeline");
            const pixels = new Uint32Array(
                c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer);
            return new Set(pixels).size;"""
        )
    )


class TestBrowser:
    @pytest.fixture(autouse=True)
    def opened(self, browser: Any, page: Path) -> Iterator[None]:
        open_page(browser, page)
        yield
        messages = [entry["message"] for entry in browser.get_log("browser")]
        assert messages == []

    def test_draws_and_asks_for_nothing(self, browser: Any) -> None:
        assert "NaN" not in browser.execute_script("return document.body.innerText")
        assert painted_colors(browser) > 6  # ground, idle, three stages, text, ...
        asked = "return performance.getEntriesByType('resource').map((e) => e.name)"
        assert [name for name in browser.execute_script(asked) if name[:5] != "data:"] == []

    def test_fits_a_laptop(self, browser: Any) -> None:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280
        below = "return document.getElementById('timeline').getBoundingClientRect().bottom"
        assert browser.execute_script(below) <= 720

    def test_wheel_and_keyboard_move_the_view(self, browser: Any) -> None:
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        canvas = browser.find_element(By.ID, "timeline")
        whole = view(browser)
        wheel = ScrollOrigin.from_element(canvas)
        ActionChains(browser).scroll_from_origin(wheel, 0, -200).perform()
        zoomed = view(browser)
        assert zoomed[0] == pytest.approx(whole[0] * np.exp(-0.4))
        canvas.send_keys("+")
        assert view(browser)[0] == pytest.approx(zoomed[0] * 0.6)
        before = view(browser)[1]
        canvas.send_keys(Keys.ARROW_RIGHT)
        assert view(browser)[1] > before
        ActionChains(browser).drag_and_drop_by_offset(canvas, 150, 0).perform()
        assert view(browser)[1] == pytest.approx(before + (0.15 * 730 - 150) * view(browser)[0],
                                                 abs=30 * view(browser)[0])  # fmt: skip
        canvas.send_keys("0")
        assert view(browser) == whole

    def test_zoom_to_a_layer_is_exact(self, browser: Any, result: Result) -> None:
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.by import By

        number = 14  # in the third stage, which is in LUT mode
        canvas = browser.find_element(By.ID, "timeline")
        canvas.send_keys("]" * number)
        canvas.send_keys("\ue007")  # Enter
        until(browser, "report.timeline.exact && !report.timeline.queued")
        until(browser, "report.traces.every((t) => t.exact.has(14) && !t.pending.size)")
        layer_ = result.run.layers[number]
        scale, offset = view(browser)
        assert offset <= layer_.start_cycle
        assert offset + scale * 900 > layer_.end_cycle
        trace = result.run.trace
        fills = (trace.layer == number) & (trace.kind == trace.kinds.index("fill"))
        middle = int(np.flatnonzero(fills)[fills.sum() // 2])
        # the middle of that fill, in the row of Dot9: fifth unit after the critical path
        x, y = browser.execute_script(
            """const t = report.timeline, row = t.units.findIndex((u) => u.name === "dot");
            return [92 + (arguments[0] - t.offsets[0]) / t.scale, 32 + (row + 1) * 21 + 8]""",
            float(trace.start[middle] + trace.occupied[middle] / 2),
        )
        box = canvas.rect
        ActionChains(browser).move_to_element_with_offset(
            canvas, round(x - box["width"] / 2), round(y - box["height"] / 2)
        ).perform()
        words = browser.find_element(By.ID, "tip").text
        found = re.match(r"fill, step (\d+) of (\S+)\ncycles ([\d,]+) to ([\d,]+)", words)
        assert found, words
        step, name, start, end = found.groups()
        assert name == layer_.name
        same = fills & (trace.step == int(step))
        assert trace.start[same] == int(start.replace(",", ""))
        assert trace.end[same] == int(end.replace(",", ""))

    @pytest.mark.parametrize("where", ["row", "canvas"])
    def test_a_click_on_a_layer_shows_its_numbers(
        self, browser: Any, result: Result, where: str
    ) -> None:
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.by import By

        number = 15  # in the third stage, which is in LUT mode
        row, ours = result.layer_rows()[number], result.run.layers[number]
        if where == "row":
            browser.find_element(By.CSS_SELECTOR, f'#layers tr[data-layer="{number}"]').click()
        else:
            canvas = browser.find_element(By.ID, "timeline")
            scale, offset = view(browser)
            x = 92 + ((ours.start_cycle + ours.end_cycle) / 2 - offset) / scale
            box = canvas.rect
            ActionChains(browser).move_to_element_with_offset(
                canvas, round(x - box["width"] / 2), round(90 - box["height"] / 2)
            ).click().perform()
        panel = browser.find_element(By.ID, "panel")
        assert panel.find_element(By.TAG_NAME, "h3").text == row["layer"]

        def shown(figure: str) -> list[float]:
            cells = panel.find_elements(By.CSS_SELECTOR, f'[data-figure="{figure}"] td.n')
            return [float(cell.text.replace(",", "")) for cell in cells]

        assert shown("cycles") == [row["cycles"], row["baseline_cycles"]]
        assert shown("start_cycle")[0] == row["start_cycle"]
        assert shown("end_cycle")[0] == row["end_cycle"]
        assert shown("dram_read_bytes") == [
            row["dram_read_bytes"],
            row["baseline_dram_read_bytes"],
        ]
        assert shown("utilization")[0] == pytest.approx(100 * row["utilization"], abs=0.05)
        assert shown("time_us")[0] == pytest.approx(row["time_us"], abs=0.005)
        for part, cycles in result.run.attribution[number].items():
            if cycles:
                assert shown(f"part:{part}")[0] == cycles
        selected = browser.find_elements(By.CSS_SELECTOR, '#layers tr[aria-selected="true"]')
        assert [one.get_attribute("data-layer") for one in selected] == [str(number)]

    def test_light_and_dark(self, browser: Any) -> None:
        from selenium.webdriver.common.by import By

        ground = "return getComputedStyle(document.body).backgroundColor"
        for scheme, color in (("dark", "rgb(20, 23, 28)"), ("light", "rgb(255, 255, 255)")):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            until(browser, f"document.documentElement.dataset.theme === '{scheme}'")
            assert browser.execute_script(ground) == color
        browser.find_element(By.ID, "theme").click()
        assert browser.execute_script(ground) == "rgb(20, 23, 28)"

    def test_the_other_run_has_its_own_parts(self, browser: Any) -> None:
        from selenium.webdriver.common.by import By

        first = browser.find_element(By.ID, "why").text
        browser.find_elements(By.CSS_SELECTOR, "#why-runs button")[1].click()
        assert "direct dot products" in browser.find_element(By.ID, "why").text
        assert "direct dot products 0" not in first


def test_energy_is_shown_where_the_result_has_it(
    browser: Any, result: Result, tmp_path: Path
) -> None:
    from selenium.webdriver.common.by import By

    priced = result.with_energy(load_energy("45nm"))
    energy = priced.summary()["energy"]
    open_page(browser, write_page(priced, tmp_path / "priced.html"))
    section = browser.find_element(By.ID, "energy-section")
    assert section.is_displayed()
    run, dot = energy["run"], energy["run"]["by_unit_uj"]["dot"]
    for words in ("energy table 45nm", f"dot units {dot:,.3f}", f"total {run['energy_uj']:,.3f}"):
        assert words in section.text
    first = run["by_layer_uj"][result.run.layers[0].name]
    shown = browser.find_element(By.CSS_SELECTOR, '[data-figure="energy"]').text
    assert f"{first:,.4f}" in shown
    efficiency = browser.find_element(By.CSS_SELECTOR, '[data-value="tops_per_watt"]').text
    own, base = (float(word) for word in efficiency.split()[1:])
    assert [own, base] == pytest.approx([x.tops_per_watt for x in priced.performance], rel=1e-3)
    assert priced.operations_counted in browser.find_element(By.ID, "performance-source").text
    assert browser.get_log("browser") == []


def test_a_page_without_a_baseline(browser: Any, tmp_path: Path) -> None:
    net = network(layer(16, 16, 6, 6, name="one"), layer(16, 32, 6, 6, name="two"))
    alone = simulate(net, "tpu-like").with_energy(load_energy("45nm"))
    open_page(browser, write_page(alone, tmp_path / "alone.html"))
    shown = browser.execute_script("return document.body.innerText")
    assert f"time, {alone.run.title}" in shown
    for word in ("NaN", "undefined", "baseline", "speedup", "reduction", "hollow"):
        assert word not in shown
    widths = """return [
        ...document.querySelectorAll('#layers, #energy, #performance')].map((table) =>
        new Set([...table.rows].map((row) => row.cells.length)).size)"""
    assert browser.execute_script(widths) == [1, 1, 1]
    assert browser.get_log("browser") == []


def test_the_page_of_a_pipeline(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    line = simulate("lfc-w1a1", "lfc-w1a1", bits=1, batch=12)
    open_page(browser, write_page(line, tmp_path / "line.html"))
    shown = browser.execute_script("return document.body.innerText")
    assert "NaN" not in shown
    assert browser.find_element(By.ID, "subtitle").text.count("batch 12") == 1
    assert line.run.images is not None
    assert f"{line.run.images.interval_cycles:,} cycles" in shown
    lanes = browser.execute_script("return report.timeline.units.map((unit) => unit.title)")
    assert lanes == [unit.title for unit in line.run.trace.vocabulary.units]
    browser.execute_script("report.timeline.zoom(0.001)")
    until(browser, "report.timeline.exact && report.traces.every((t) => !t.pending.size)")
    until(browser, "!report.timeline.queued")
    assert painted_colors(browser) > 4
    assert browser.get_log("browser") == []


def test_a_page_without_a_timeline(browser: Any, without_timeline: tuple[Result, Path]) -> None:
    from selenium.webdriver.common.by import By

    result, path = without_timeline
    open_page(browser, path)
    section = browser.find_element(By.ID, "timeline-section")
    assert "No timeline: " in section.text
    assert "Scroll to zoom" not in section.text
    assert not browser.find_element(By.ID, "timeline").is_displayed()
    assert not browser.find_element(By.ID, "zoom-in").is_displayed()
    browser.find_element(By.ID, "next").click()
    panel = browser.find_element(By.ID, "panel")
    layer_ = result.run.layers[1]
    assert panel.find_element(By.TAG_NAME, "h3").text == layer_.name
    cycles = panel.find_element(By.CSS_SELECTOR, '[data-figure="cycles"] td.n')
    assert cycles.text == f"{layer_.cycles:,}"
    browser.find_element(By.CSS_SELECTOR, '#layers tr[data-layer="2"]').click()
    assert result.run.layers[2].name in panel.text
    browser.find_element(By.ID, "theme").click()
    assert "NaN" not in browser.execute_script("return document.body.innerText")
    assert browser.get_log("browser") == []


def commands(result: Result) -> int:
    return result.run.mapping.commands + result.baseline.mapping.commands


@pytest.mark.parametrize("model", ["r18", pytest.param("ssd300-vgg16", marks=pytest.mark.slow)])
def test_large_networks_stay_small_files(model: str, tmp_path: Path, request: Any) -> None:
    """The size of a report grows more slowly than the square root of the commands."""
    small, large = (
        simulate(load_workload(name), load_hardware("cofluent64"), bits=0.56)
        for name in ("r20", model)
    )
    path = write_page(large, tmp_path / "large.html", assumptions("cofluent64"))
    less = write_page(small, tmp_path / "small.html", assumptions("cofluent64"))
    growth = path.stat().st_size / less.stat().st_size
    assert growth**2 < commands(large) / commands(small)
    browser = request.getfixturevalue("browser")
    open_page(browser, path)
    browser.execute_script("report.timeline.zoomToLayer(5); report.timeline.zoom(0.01)")
    until(browser, "report.timeline.exact && report.traces.every((t) => t.exact.size)")
    assert painted_colors(browser) > 4
    assert browser.get_log("browser") == []


def test_every_part_has_a_color_of_its_own() -> None:
    colors = {category.name: category.color for category in CATEGORIES}
    assert [name for name in colors if name != "vector"] == list(PARTS)
    assert len(set(colors.values())) == len(colors)
