"use strict";
/* Joins data, timeline and tables. */

class Report {
  constructor(data) {
    this.data = data;
    this.parts = data.parts;
    this.partColors = data.parts.map((part) => part.color);
    this.selected = 0;
    this.panel = document.getElementById("panel");
    this.traces = data.timeline_left_out ? []
      : data.runs.map((run) => new RunTrace(run, data.units, data.bins));
  }

  stageColor(stage) { return this.data.stages[stage]; }

  /** A time on the axis; ticks lie `step` cycles apart. */
  timeText(cycles, step) {
    const ns = cycles / this.data.summary.clock_ghz;
    const stepNs = step / this.data.summary.clock_ghz;
    const [unit, size] = stepNs >= 1e5 ? ["ms", 1e6] : stepNs >= 100 ? ["µs", 1e3] : ["ns", 1];
    const digits = Math.max(0, Math.min(4, Math.ceil(-Math.log10(stepNs / size) - 1e-9)));
    return `${fixed(ns / size, digits)} ${unit}`;
  }

  commandText(trace, layer, commands, i) {
    const lines = [
      `${commands.kind}, step ${commands.step[i]} of ${trace.run.layers[layer].layer}`,
      `cycles ${whole(commands.start[i])} to ${whole(commands.end[i])}: ${whole(commands.cycles[i])} cycles`,
    ];
    if (commands.latency[i]) lines.push(`result available ${whole(commands.latency[i])} cycles later`);
    if (commands.bytes[i]) lines.push(`${whole(commands.bytes[i])} bytes`);
    if (commands.pes[i]) lines.push(`${whole(commands.pes[i])} PEs`);
    lines.push(`trace: run = '${trace.run.name}', command ${whole(i)} of its kind and layer`);
    return lines.join("\n");
  }

  async open() {
    this.writeHead();
    this.drawTables();
    await this.drawTimeline();
    this.wireButtons();
    this.select(0);
  }

  /** The timeline, or the sentence that says why there is none. */
  async drawTimeline() {
    const leftOut = this.data.timeline_left_out;
    for (const element of document.querySelectorAll(".drawn")) element.hidden = Boolean(leftOut);
    document.getElementById("left-out").hidden = !leftOut;
    if (leftOut) {
      document.getElementById("left-out").textContent = leftOut;
      return;
    }
    await Promise.all(this.traces.map((trace) => trace.load()));
    this.timeline = new Timeline(
      document.getElementById("timeline"), document.getElementById("tip"), this.traces, this);
  }

  writeHead() {
    const { summary, runs, title } = this.data;
    document.getElementById("title").textContent = title;
    const taus = [summary.tau ? `τ = ${summary.tau}` : "", summary.tau_1x1 ? `τ (1×1) = ${summary.tau_1x1}` : ""];
    const covered = summary.scope.split("; ");
    const facts = [
      `input ${summary.input_size}`, `batch ${summary.batch}`, summary.activations,
      `${summary.pes} PEs at ${summary.clock_ghz} GHz`, ...taus].filter((fact) => fact && !covered.includes(fact));
    document.getElementById("subtitle").textContent = [...facts, summary.scope].join(" · ");
    const wider = document.getElementById("wider");
    wider.textContent = summary.wider ?? "";
    wider.hidden = !summary.wider;
    const card = (value, words, main) =>
      make("div", { class: main ? "card main" : "card" }, make("b", {}, value), make("span", {}, words));
    const each = (of) => runs.map(of).join(" / ");
    const names = each((run) => run.title);
    const [run, baseline] = runs;
    const bytes = (run) => fixed((run.dram_bytes.read + run.dram_bytes.written) / 1e6, 2);
    const cards = [
      ...(baseline ? [card(`${fixed(summary.speedup, 2)}×`, `speedup of ${run.title} over ${baseline.title}`, true)] : []),
      card(each((one) => one.time), `time, ${names}`, !baseline),
      card(each((one) => whole(one.cycles)), `cycles, ${names}`),
      card(`${each(bytes)} MB`, `DRAM read and written, ${names}`),
    ];
    const energies = this.energies().map((energy) => fixed(energy.energy_uj, 2));
    if (energies.length) cards.push(card(`${energies.join(" / ")} µJ`, `energy, ${names}`));
    document.getElementById("cards").replaceChildren(...cards);
  }

  /** Energy of each run; none if the result was not priced. */
  energies() {
    const { energy } = this.data;
    return energy ? [energy.run, energy.baseline].filter(Boolean) : [];
  }

  drawTables() {
    const { data } = this;
    const at = (id) => document.getElementById(id);
    drawLayers(at("layers"), data, this);
    const buttons = data.runs.map((run, which) => {
      const button = make("button", { type: "button", "aria-pressed": which === 0 }, run.title);
      button.addEventListener("click", () => {
        buttons.forEach((one, i) => one.setAttribute("aria-pressed", i === which));
        drawWhy(at("why"), at("why-legend"), data, this, which);
        this.markSelected();
      });
      return button;
    });
    at("why-runs").replaceChildren(...(buttons.length > 1 ? buttons : []));
    drawWhy(at("why"), at("why-legend"), data, this, 0);
    drawPipelines(at, data.pipelines);
    at("helps-section").hidden = at("helps-link").hidden = !data.what_helps.length;
    drawHelps(at("helps"), data.what_helps, data.what_helps_together);
    at("energy-section").hidden = at("energy-link").hidden = !data.energy;
    if (data.energy) {
      at("energy-source").textContent = `Action counts from the trace × energy per action in the energy table ${data.energy.table}.`;
      drawEnergy(at("energy"), data);
    }
    at("performance-source").textContent = `Of the layers in scope. TOPS: ${data.performance.operations_counted}.`;
    drawPerformance(at("performance"), data);
    const [run, baseline] = data.runs;
    at("roof-runs").textContent = baseline ? `Filled: ${run.title}; hollow: ${baseline.title}.` : "";
    drawRoofline(at("roofline"), data, this);
    drawPairs(at("configuration"), ["key", "value"], data.configuration);
    at("assumptions-section").hidden = !data.assumptions.length;
    drawPairs(at("assumptions"), ["key", "value in use", "reason"],
      data.assumptions.map((one) => [one.key, one.value, one.reason]));
    at("notes").replaceChildren(...data.notes.map((note) => make("li", {}, note)));
    drawPairs(at("versions"), ["component", "version"], Object.entries(data.versions));
  }

  wireButtons() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("previous", () => this.select(this.selected - 1));
    on("next", () => this.select(this.selected + 1));
    on("zoom-layer", () => this.timeline.zoomToLayer(this.selected));
    on("zoom-in", () => this.timeline.zoom(0.5));
    on("zoom-out", () => this.timeline.zoom(2));
    on("reset", () => this.timeline.reset());
  }

  select(index) {
    this.selected = Math.min(Math.max(index, 0), this.data.runs[0].layers.length - 1);
    this.markSelected();
    this.writePanel();
    if (this.timeline) this.timeline.draw();
  }

  markSelected() {
    for (const row of document.querySelectorAll("tr.layer")) {
      row.setAttribute("aria-selected", Number(row.dataset.layer) === this.selected);
    }
    for (const mark of document.querySelectorAll("#roofline .mark")) {
      mark.classList.toggle("selected", Number(mark.dataset.layer) === this.selected);
    }
  }

  writePanel() {
    const layers = this.data.runs.map((run) => run.layers[this.selected]);
    const titles = this.data.runs.map((run) => run.title);
    const digits = { time_us: 2, utilization: 1 };
    const show = (value, key) => digits[key] ? fixed(value, digits[key]) : whole(value);
    const figures = this.data.figures.flatMap(({ key, name, unit, source }) => [
      make("tr", { class: "figure", "data-figure": key }, make("td", {}, unit ? `${name} (${unit})` : name),
        ...layers.map((layer) => number(show(layer[key], key)))),
      make("tr", {}, make("td", { class: "source", colspan: 1 + layers.length }, source)),
    ]);
    if (this.data.energy) {
      figures.push(
        make("tr", { class: "figure", "data-figure": "energy" }, make("td", {}, "energy (µJ)"),
          ...this.energies().map((energy) => number(fixed(energy.by_layer_uj[layers[0].layer], 4)))),
        make("tr", {}, make("td", { class: "source", colspan: 1 + layers.length }, "sum of action count × energy per action; energy.csv")));
    }
    const used = this.parts.filter((part) => layers.some((layer) => layer.parts[part.part]));
    const busy = this.data.units.filter((unit) => layers.some((layer) => layer.busy[unit.name]));
    const rows = (entries, of, name) => entries.map((entry) => make("tr", { "data-figure": name(entry) },
      make("td", {}, entry.title), ...layers.map((layer) => number(whole(of(layer, entry) || 0)))));
    const each = (of) => layers.map(of).join(" / ");
    const table = (first, body) => make("table", {}, head(first, ...titles.map((title) => `>${title}`)), make("tbody", {}, ...body));
    this.panel.replaceChildren(
      make("h3", {}, layers[0].layer),
      make("div", {}, `stage ${layers[0].stage} · ${each((layer) => layer.mode)} · bound by ${each((layer) => layer.bound_by)}`),
      table("value and its source in the trace", figures),
      make("h4", {}, "critical path (cycles)"),
      table("category", rows(used, (layer, part) => layer.parts[part.part], (part) => `part:${part.part}`)),
      make("h4", {}, "busy units (cycles within the layer)"),
      table("unit", rows(busy, (layer, unit) => layer.busy[unit.name], (unit) => `busy:${unit.name}`)));
  }

  onPaint(timeline) {
    const cycles = timeline.scale >= 10 ? whole(timeline.scale) : fixed(timeline.scale, 2);
    document.getElementById("mode").textContent = timeline.exact
      ? `Individual commands; one pixel is ${cycles} cycles.`
      : `Fraction of busy time; one pixel is ${cycles} cycles.`;
  }
}

function wireTheme(onChange) {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = (theme) => {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    onChange();
  };
  button.addEventListener("click", () => apply(root.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", () => apply(dark.matches ? "dark" : "light"));
  apply(dark.matches ? "dark" : "light");
}

const report = new Report(JSON.parse(document.getElementById("data").textContent));
wireTheme(() => report.timeline && report.timeline.draw());
report.open().then(() => { document.documentElement.dataset.ready = "true"; });
