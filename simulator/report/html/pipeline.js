"use strict";
/* The tables of a pipeline: its units, and its FIFOs. */

const UNIT_PARTS = [
  ["busy_percent", "busy, %"], ["starved_percent", "starved, %"], ["blocked_percent", "blocked, %"],
  ["other_waits_percent", "other waits, %"], ["before_first_percent", "before first command, %"],
  ["after_last_percent", "after last command, %"],
];
const FIFO_NUMBERS = [
  ["depth", "depth, words"], ["highest_filling", "highest filling, words"],
  ["full_cycles", "full, cycles"], ["blocked_cycles", "writer blocked, cycles"],
];

/** The section of a pipeline; hidden if layers run one after another. */
function drawPipelines(at, pipelines) {
  at("pipeline-section").hidden = at("pipeline-link").hidden = !pipelines.length;
  if (!pipelines.length) return;
  at("pipeline-lines").replaceChildren(...pipelines.flatMap((one) => one.lines).map((line) => make("div", {}, line)));
  const has = (key) => pipelines.some((one) => one.units.some((unit) => unit[key]));
  const parts = UNIT_PARTS.filter(([key]) => key !== "other_waits_percent" || has(key));
  at("pipeline-units").replaceChildren(
    head("run", "unit", "role", ">cycles per image", ...parts.map(([, name]) => `>${name}`)),
    make("tbody", {}, ...pipelines.flatMap((one) => one.units.map((unit) => unitRow(one, unit, parts)))));
  const fifos = pipelines.filter((one) => one.fifos);
  at("fifos-hint").hidden = at("pipeline-fifos").hidden = !fifos.length;
  at("pipeline-fifos").replaceChildren(
    head("run", "FIFO", "writer", ...FIFO_NUMBERS.map(([, name]) => `>${name}`)),
    make("tbody", {}, ...fifos.flatMap((one) => one.fifos.map((fifo) => make("tr", {},
      make("td", {}, one.title), make("td", {}, fifo.fifo), make("td", {}, fifo.writer),
      ...FIFO_NUMBERS.map(([key]) => number(whole(fifo[key]))))))));
}

function unitRow(run, unit, parts) {
  const slowest = run.slowest.includes(unit.unit);
  return make("tr", slowest ? { class: "sum" } : {},
    make("td", {}, run.title), make("td", {}, slowest ? `${unit.unit} ◀` : unit.unit),
    make("td", {}, unit.role), number(whole(unit.cycles_per_image)),
    ...parts.map(([key]) => number(fixed(unit[key], 2))));
}
