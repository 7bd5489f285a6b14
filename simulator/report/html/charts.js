"use strict";
/* Tables, bars and the roofline. Text goes in as text, never as markup. */

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") Object.assign(element.style, value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function makeSvg(tag, attributes = {}, words = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = words;
  return element;
}

const whole = (value) => Math.round(value).toLocaleString("en");
const fixed = (value, digits) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const significant = (value, digits) =>
  value.toLocaleString("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
const number = (words) => make("td", { class: "n" }, words);

/** A header row; names that begin with `>` are set to the right. */
function head(...names) {
  const cells = names.map((name) =>
    name.startsWith(">") ? make("th", { class: "n", scope: "col" }, name.slice(1)) : make("th", { scope: "col" }, name));
  return make("thead", {}, make("tr", {}, ...cells));
}

/** A row that selects a layer, by hand and by keyboard. */
function layerRow(report, index, ...cells) {
  const row = make("tr", { class: "layer", tabindex: "0", "data-layer": index }, ...cells);
  row.addEventListener("click", () => report.select(index));
  row.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      report.select(index);
    }
  });
  return row;
}

/** Title of a column of bars. */
function barsTitle(data, unit = "cycles") {
  const [run, baseline] = data.runs;
  return baseline ? `${run.title} (filled), ${baseline.title} (hollow), ${unit}` : `${run.title}, ${unit}`;
}

function drawLayers(table, data, report) {
  const [run, baseline] = data.runs;
  const longest = Math.max(...data.runs.flatMap((one) => one.layers.map((layer) => layer.cycles)));
  const bar = (layer, hollow) => make("div", {
    class: hollow ? "bar hollow" : "bar",
    title: `${layer.layer}: ${whole(layer.cycles)} cycles`,
    style: {
      width: `${(100 * layer.cycles) / longest}%`,
      background: report.stageColor(layer.stage),
      borderColor: report.stageColor(layer.stage),
    },
  });
  const rows = run.layers.map((ours, i) => {
    const base = baseline && baseline.layers[i];
    const beside = (cell) => (base ? [cell()] : []);
    return layerRow(report, i,
      make("td", {}, ours.layer), make("td", {}, ours.stage),
      number(whole(ours.cycles)), number(fixed(ours.time_us, 2)), ...beside(() => number(fixed(base.time_us, 2))),
      ...beside(() => number(`${fixed(base.cycles / ours.cycles, 2)}×`)), number(fixed(ours.utilization, 1)),
      make("td", { class: "bound" }, ours.bound_by), ...beside(() => make("td", { class: "bound" }, base.bound_by)),
      make("td", { class: "bars" }, bar(ours, false), ...beside(() => bar(base, true))));
  });
  const names = baseline
    ? [">cycles", ">µs", ">baseline µs", ">speedup", ">PE util. %", "bound by", "baseline bound by", barsTitle(data)]
    : [">cycles", ">µs", ">PE util. %", "bound by", barsTitle(data)];
  const sums = [whole(run.cycles), fixed(1000 * run.time_ms, 2)];
  if (baseline) sums.push(fixed(1000 * baseline.time_ms, 2), `${fixed(data.summary.speedup, 2)}×`);
  const total = make("tr", { class: "sum" }, make("td", {}, "total"), make("td"), ...sums.map(number),
    ...names.slice(sums.length).map(() => make("td")));
  table.replaceChildren(
    head("layer", "stage", ...names),
    make("tbody", {}, ...rows, total));
}

function drawWhy(table, legend, data, report, which) {
  const run = data.runs[which];
  const used = data.parts.map((part, i) => ({ ...part, color: report.partColors[i] }))
    .filter((part) => data.runs.some((one) => one.layers.some((layer) => layer.parts[part.part])));
  legend.replaceChildren(...used.map((part) =>
    make("span", {}, make("i", { style: { background: part.color } }), part.title)));
  const rows = run.layers.map((layer, i) => {
    const present = used.filter((part) => layer.parts[part.part]);
    const shares = present.map((part) => make("div", {
      title: `${layer.layer}: ${part.title} ${whole(layer.parts[part.part])} cycles`,
      style: { width: `${(100 * layer.parts[part.part]) / layer.cycles}%`, background: part.color },
    }));
    const words = [...present].sort((a, b) => layer.parts[b.part] - layer.parts[a.part])
      .map((part) => `${part.title} ${whole(layer.parts[part.part])}`).slice(0, 3).join(", ");
    return layerRow(report, i, make("td", {}, layer.layer), number(whole(layer.cycles)),
      make("td", { class: "stack" }, make("div", { class: "stack-bar" }, ...shares)), make("td", {}, words));
  });
  table.replaceChildren(
    head("layer", ">cycles", `fraction of the layer's cycles, ${run.title}`, "largest categories (cycles)"),
    make("tbody", {}, ...rows));
}

function drawHelps(table, effects, together) {
  const change = (value) => number(`${value >= 0 ? "+" : "−"}${fixed(Math.abs(100 * value), 2)}`);
  const cells = (effect) => effect.change === null
    ? [number(""), number(effect.measured ? "not possible" : "not measured")]
    : [number(`${effect.value}`), change(effect.change)];
  const why = (effect) => ["halved", "doubled"]
    .filter((side) => !effect[side].measured || Math.abs(effect[side].change || 0) >= 5e-5)
    .map((side) => make("div", {}, make("b", {}, `${side}: `), effect[side].reason));
  table.replaceChildren(
    head("key", ">value", ">halved", ">change, %", ">doubled", ">change, %", "reason"),
    make("tbody", {}, ...effects.map((effect) => make("tr", {}, make("td", {}, make("code", {}, effect.key)),
      number(`${effect.value}`), ...cells(effect.halved), ...cells(effect.doubled),
      make("td", { class: "reasons" }, ...why(effect)))),
    ...together.map((joint) => make("tr", {}, make("td", {}, ...joint.keys.map((key) => make("div", {}, make("code", {}, key)))),
      number(""), number(""), number(""), number(joint.values.join(", ")), change(joint.change),
      make("td", { class: "reasons" }, make("div", {}, make("b", {}, "doubled together: "), joint.reason))))));
}

/** Microjoules by unit; all runs on one scale. */
function drawEnergy(table, data) {
  const runs = [data.energy.run, data.energy.baseline].filter(Boolean);
  const units = Object.keys(Object.assign({}, ...runs.map((run) => run.by_unit_uj)));
  const ofUnit = (unit) => runs.map((run) => run.by_unit_uj[unit] || 0);
  const longest = Math.max(...units.flatMap(ofUnit));
  const titles = Object.fromEntries(data.units.map((unit) => [unit.name, unit.title]));
  const bar = (value, hollow) => make("div", {
    class: hollow ? "bar hollow" : "bar", title: `${value.toPrecision(4)} µJ`,
    style: { width: `${(100 * value) / longest}%`, background: "var(--accent)", borderColor: "var(--accent)" },
  });
  const row = (name, sides, kind) => make("tr", { class: kind, "data-unit": name },
    make("td", {}, titles[name] || name), ...sides.map((side) => number(fixed(side, 3))),
    ...sides.slice(1).map((base) => number(sides[0] ? `${fixed(base / sides[0], 2)}×` : "")),
    kind ? make("td") : make("td", { class: "bars" }, ...sides.map((side, which) => bar(side, which > 0))));
  table.replaceChildren(
    head("unit", ...data.runs.map((run) => `>${run.title}, µJ`), ...(runs.length > 1 ? [">reduction"] : []),
      barsTitle(data, "µJ")),
    make("tbody", {}, ...units.map((unit) => row(unit, ofUnit(unit))),
      row("total", runs.map((run) => run.energy_uj), "sum"),
      row("energy × time (µJ ms)", runs.map((run) => run.energy_delay_uj_ms), "sum")));
}

/** Throughput, TOPS and, if priced, energy per image and TOPS/W, of each run. */
function drawPerformance(table, data) {
  const { performance } = data;
  const runs = [performance.run, performance.baseline].filter(Boolean);
  const values = [
    ["latency of the batch (ms)", "latency_ms"], ["throughput (images/s)", "images_per_second"],
    ["TOPS", "tops"], ["energy per image (µJ)", "energy_uj_per_image"], ["TOPS/W", "tops_per_watt"],
  ].filter(([, key]) => runs[0][key] !== undefined);
  table.replaceChildren(
    head("value", ...data.runs.map((run) => `>${run.title}`)),
    make("tbody", {}, ...values.map(([name, key]) => make("tr", { "data-value": key },
      make("td", {}, name), ...runs.map((run) => number(significant(run[key], 4)))))));
}

function drawPairs(table, names, pairs) {
  table.replaceChildren(head(...names), make("tbody", {}, ...pairs.map((pair) =>
    make("tr", {}, ...pair.map((value, i) => make("td", {}, i ? String(value) : make("code", {}, value)))))));
}

/** Ticks 1, 2, 5, 10, ... between two numbers. */
function logTicks(from, to) {
  const ticks = [];
  for (let power = 10 ** Math.floor(Math.log10(from)); power <= to; power *= 10) {
    for (const n of [1, 2, 5]) if (n * power >= from && n * power <= to) ticks.push(n * power);
  }
  return ticks;
}

function drawRoofline(box, data, report) {
  const roofline = data.roofline;
  const [width, height, left, right, top, bottom] = [900, 430, 70, 15, 15, 45];
  const points = roofline.runs.flat();
  const highest = Math.max(...roofline.roofs.map((roof) => roof.macs_per_cycle));
  const yFrom = Math.min(...roofline.roofs.map((r) => r.macs_per_cycle), ...points.map((p) => p[1])) / 3;
  const yTo = highest * 1.6;
  const rates = roofline.slopes.map((slope) => slope.bytes_per_cycle);
  const xFrom = Math.min(...points.map((p) => p[0]), yFrom / Math.max(...rates)) / 1.1;
  const xTo = 2 * Math.max(...points.map((p) => p[0]), highest / Math.min(...rates));
  const place = (value, from, to, begin, end) =>
    begin + ((Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))) * (end - begin);
  const x = (value) => place(value, xFrom, xTo, left, width - right);
  const y = (value) => place(value, yFrom, yTo, height - bottom, top);
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Roofline: multiply-accumulates per DRAM byte against multiply-accumulates per cycle" });
  const line = (a, b, kind) => svg.append(makeSvg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], class: kind }));
  const words = (text, at, anchor = "start") => svg.append(makeSvg("text", { x: at[0], y: at[1], "text-anchor": anchor }, text));
  for (const tick of logTicks(xFrom, xTo)) {
    line([x(tick), top], [x(tick), height - bottom], "axis");
    words(whole(tick) === "0" ? `${tick}` : whole(tick), [x(tick), height - bottom + 15], "middle");
  }
  for (const tick of logTicks(yFrom, yTo)) {
    line([left, y(tick)], [width - right, y(tick)], "axis");
    words(tick < 1 ? `${tick}` : whole(tick), [left - 6, y(tick) + 4], "end");
  }
  words("multiply-accumulates per DRAM byte", [(left + width - right) / 2, height - 8], "middle");
  const label = makeSvg("text", { transform: `translate(14 ${(height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" },
    "multiply-accumulates per cycle");
  svg.append(label);
  for (const roof of roofline.roofs) {
    const begin = x(Math.max(xFrom, roof.macs_per_cycle / roofline.bytes_per_cycle));
    line([begin, y(roof.macs_per_cycle)], [width - right, y(roof.macs_per_cycle)], "roof");
    words(`${roof.name} = ${whole(roof.macs_per_cycle)}`, [width - right, y(roof.macs_per_cycle) - 6], "end");
  }
  roofline.slopes.forEach((slope, i) => {
    const rate = slope.bytes_per_cycle;
    const begin = Math.max(xFrom, yFrom / rate);
    const last = roofline.slopes.length - 1;
    line([x(begin), y(begin * rate)], [x(highest / rate), y(highest)], i === last ? "roof dashed" : "roof");
    words(`${slope.name}: ${Number(rate.toPrecision(4))} bytes/cycle`, [x(begin) + 14, y(begin * rate) - 8 - 14 * (last - i)]);
  });
  roofline.runs.forEach((run, which) => run.forEach(([perByte, perCycle, i]) => {
    const layer = data.runs[which].layers[i];
    const color = report.stageColor(layer.stage);
    const mark = makeSvg("circle", { cx: x(perByte), cy: y(perCycle), r: 5, class: "mark", tabindex: 0, role: "button",
      stroke: color, fill: which ? "transparent" : color, "data-layer": i });
    mark.append(makeSvg("title", {}, `${layer.layer}, ${data.runs[which].title}: ${fixed(perByte, 1)} per byte, `
      + `${fixed(perCycle, 1)} per cycle (${whole(layer.macs)} multiply-accumulates, `
      + `${whole(layer.dram_read_bytes + layer.dram_written_bytes)} bytes, ${whole(layer.cycles)} cycles)`));
    mark.addEventListener("click", () => report.select(i));
    mark.addEventListener("keydown", (event) => { if (event.key === "Enter") report.select(i); });
    svg.append(mark);
  }));
  box.replaceChildren(svg);
}
