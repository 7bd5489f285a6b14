"use strict";
/* The timeline of all runs on a canvas: one scale, each run at its own place. */

const GUTTER = 92;
const WIDEST_GUTTER = 230;
const HEAD = 32;
const ROW = 17;
const GAP = 4;
const AXIS = 20;
const NICE = [1, 2, 5];

class Timeline {
  constructor(canvas, tip, traces, report) {
    Object.assign(this, { canvas, tip, traces, report });
    this.context = canvas.getContext("2d");
    this.units = traces[0].units;
    this.gutter = this.gutterOf(this.units);
    this.longest = Math.max(...traces.map((trace) => trace.cycles));
    this.offsets = traces.map(() => 0);
    this.exact = false;
    this.queued = false;
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
    this.reset();
  }

  /** The width of the lanes' names. */
  gutterOf(units) {
    this.context.font = this.font("11px");
    const widths = units.map((unit) => this.context.measureText(unit.title).width + 14);
    return Math.min(Math.max(GUTTER, ...widths), WIDEST_GUTTER);
  }

  /* --- the view ------------------------------------------------------------------------- */

  get plotWidth() { return Math.max(50, this.width - this.gutter - 8); }
  get laneHeight() { return HEAD + (this.units.length + 1) * (ROW + GAP) + AXIS; }

  resize() {
    const whole = this.width ? this.scale * this.plotWidth : 0;
    this.width = this.canvas.parentElement.clientWidth;
    this.height = this.laneHeight * this.traces.length + 4;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.height = `${this.height}px`;
    this.report.panel.style.maxHeight = `${this.height + 2}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (whole) this.scale = whole / this.plotWidth;
    this.draw();
  }

  reset() {
    this.offsets = this.traces.map(() => 0);
    this.scale = (this.longest * 1.01) / this.plotWidth;
    this.draw();
  }

  zoomToLayer(number) {
    const spans = this.traces.map((trace) => trace.run.layers[number]);
    const longest = Math.max(...spans.map((layer) => layer.end_cycle - layer.start_cycle), 1);
    const margin = 0.02 * longest;
    this.offsets = spans.map((layer) => layer.start_cycle - margin);
    this.scale = (longest + 2 * margin) / this.plotWidth;
    this.draw();
  }

  /** Zoom by a factor; the cycles under `x` stay where they are. */
  zoom(factor, x = this.gutter + this.plotWidth / 2) {
    const least = 1 / 60;
    const most = (this.longest * 1.3) / this.plotWidth;
    const scale = Math.min(Math.max(this.scale * factor, least), most);
    const place = x - this.gutter;
    this.offsets = this.offsets.map((offset) => offset + place * (this.scale - scale));
    this.scale = scale;
    this.clamp();
    this.draw();
  }

  move(pixels) {
    this.offsets = this.offsets.map((offset) => offset + pixels * this.scale);
    this.clamp();
    this.draw();
  }

  /** Keep a part of each run in sight. */
  clamp() {
    const seen = this.scale * this.plotWidth;
    this.offsets = this.offsets.map((offset, lane) => {
      const cycles = this.traces[lane].cycles;
      return Math.min(Math.max(offset, -0.9 * seen), Math.max(0, cycles - 0.1 * seen));
    });
  }

  /* --- drawing -------------------------------------------------------------------------- */

  draw() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.paint();
    });
  }

  paint() {
    const style = getComputedStyle(document.documentElement);
    this.color = (name) => style.getPropertyValue(name).trim();
    this.context.fillStyle = this.color("--ground");
    this.context.fillRect(0, 0, this.width, this.height);
    this.exact = this.traces.every((trace) => this.scale < trace.binCycles);
    this.traces.forEach((trace, lane) => this.paintLane(trace, lane));
    this.report.onPaint(this);
  }

  paintLane(trace, lane) {
    const top = lane * this.laneHeight;
    const from = this.offsets[lane];
    const to = from + this.scale * this.plotWidth;
    const x = (time) => this.gutter + (time - from) / this.scale;
    this.paintSelection(trace, x, top);
    this.paintTitle(trace, top);
    this.clip(top, () => {
      if (!this.report.data.at_once) this.paintLayerNames(trace, x, from, to, top);
      this.paintPath(trace, x, from, to, top + HEAD);
    });
    const layers = this.exact ? trace.layersBetween(from, to) : [];
    const ready = this.exact && trace.ensure(layers, () => this.draw());
    this.units.forEach((unit, row) => {
      const y = top + HEAD + (row + 1) * (ROW + GAP);
      this.paintRowLabel(unit.title, y);
      this.context.fillStyle = this.color("--busy");
      const [left, right] = this.within(x, Math.max(from, 0), Math.min(to, trace.cycles));
      if (right > left) this.context.fillRect(left, y, right - left, ROW);
      this.clip(top, () => {
        if (ready) this.paintCommands(trace, layers, unit.unit, x, from, to, y);
        else this.paintShares(trace, row, x, from, to, y);
      });
    });
    this.paintAxis(x, from, to, top + HEAD + (this.units.length + 1) * (ROW + GAP));
  }

  clip(top, paint) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(this.gutter, top, this.plotWidth, this.laneHeight);
    this.context.clip();
    paint();
    this.context.restore();
  }

  within(x, from, to) {
    const right = this.gutter + this.plotWidth;
    return [from, to].map((time) => Math.min(Math.max(x(time), this.gutter), right));
  }

  paintSelection(trace, x, top) {
    const layer = trace.run.layers[this.report.selected];
    const [left, right] = this.within(x, layer.start_cycle, layer.end_cycle);
    this.context.fillStyle = this.color("--mark");
    if (right > left) this.context.fillRect(left, top + 16, Math.max(1, right - left), this.laneHeight - 16 - AXIS);
  }

  paintTitle(trace, top) {
    this.text(`${trace.run.title}: ${trace.run.time}`, 6, top + 12, "--text", "bold 12px");
    this.paintRowLabel("critical path", top + HEAD);
  }

  paintRowLabel(words, y) {
    this.text(words, this.gutter - 6, y + ROW - 4, "--faint", "11px", "right");
  }

  /** Layers' names where they fit; where none in sight does, the stages'. */
  paintLayerNames(trace, x, from, to, top) {
    this.context.font = this.font("11px");
    const seen = trace.run.layers.filter((layer) => layer.start_cycle < to && layer.end_cycle > from);
    for (const layer of seen) {
      this.context.fillStyle = this.color("--line");
      this.context.fillRect(x(layer.end_cycle), top + 17, 1, this.laneHeight - 17 - AXIS);
    }
    const named = seen.map((layer) => [layer.layer, layer.start_cycle, layer.end_cycle]);
    const layers = named.filter((stretch) => this.fits(stretch, x));
    const shown = layers.length ? layers : this.stages(seen).filter((stretch) => this.fits(stretch, x));
    for (const [name, start, end] of shown) {
      this.text(name, this.within(x, start, end)[0] + 3, top + 28, "--faint", "11px");
    }
  }

  fits([name, start, end], x) {
    const [left, right] = this.within(x, start, end);
    return this.context.measureText(name).width + 5 <= right - left;
  }

  /** Stretches of layers of one stage: name, start, end. */
  stages(layers) {
    const stretches = [];
    for (const layer of layers) {
      const last = stretches[stretches.length - 1];
      if (last && last[0] === layer.stage) last[2] = layer.end_cycle;
      else stretches.push([layer.stage, layer.start_cycle, layer.end_cycle]);
    }
    return stretches;
  }

  paintPath(trace, x, from, to, y) {
    const colors = this.report.partColors;
    const last = Math.min(x(Math.min(to, trace.cycles)), this.gutter + this.plotWidth);
    let pixel = Math.max(this.gutter, x(0));
    let i = countUpTo(trace.pathEnds, Math.max(from, 0));
    while (pixel < last && i < trace.pathEnds.length) {
      // a stretch to its end; of stretches within a pixel the one at its middle
      let right = Math.min(x(trace.pathEnds[i]), last);
      let part = trace.pathParts[i];
      if (right < pixel + 1) {
        right = pixel + 1;
        part = trace.partAt(from + (pixel + 0.5 - this.gutter) * this.scale);
      }
      this.context.fillStyle = colors[part];
      this.context.fillRect(pixel, y, right - pixel, ROW);
      pixel = right;
      i = Math.max(i, countUpTo(trace.pathEnds, from + (pixel - this.gutter) * this.scale));
    }
  }

  /** Shares per pixel from the bins of the whole run. */
  paintShares(trace, row, x, from, to, y) {
    const first = Math.max(this.gutter, Math.floor(x(0)));
    const last = Math.min(this.gutter + this.plotWidth, x(trace.cycles));
    let before = trace.workedUntil(row, from + (first - this.gutter) * this.scale);
    for (let pixel = first; pixel < last; pixel += 1) {
      const time = from + (pixel + 1 - this.gutter) * this.scale;
      const worked = trace.workedUntil(row, time);
      const layer = trace.run.layers[this.units[row].layer ?? trace.layerAt(time - this.scale / 2)];
      this.bar(pixel, 1, y, (worked - before) / this.scale, this.report.stageColor(layer.stage));
      before = worked;
    }
  }

  /** Commands one by one; where finer than a pixel, the exact share of each pixel. */
  paintCommands(trace, layers, unit, x, from, to, y) {
    for (const number of layers) {
      const color = this.report.stageColor(trace.run.layers[number].stage);
      for (const commands of trace.exact.get(number)) {
        if (commands.unit !== unit) continue;
        const first = Math.max(0, countUpTo(commands.start, from) - 1);
        const behind = countUpTo(commands.start, to);
        if (behind - first < this.plotWidth / 3) this.paintSingly(commands, first, behind, x, y, color);
        else this.paintExactShares(commands, first, behind, x, from, y, color);
      }
    }
  }

  paintSingly(commands, first, behind, x, y, color) {
    for (let i = first; i < behind; i += 1) {
      const left = x(commands.start[i]);
      const wide = Math.max(0.6, x(commands.end[i]) - left);
      this.bar(left, wide > 4 ? wide - 1 : wide, y, 1, color);
      if (wide > 46) this.text(`step ${commands.step[i]}`, left + 4, y + 12, "--ground", "10px");
    }
  }

  paintExactShares(commands, first, behind, x, from, y, color) {
    const begin = Math.max(this.gutter, Math.floor(x(commands.start[first])));
    const last = Math.min(this.gutter + this.plotWidth, x(commands.end[behind - 1]));
    let before = busyUntil(commands, from + (begin - this.gutter) * this.scale);
    for (let pixel = begin; pixel < last; pixel += 1) {
      const worked = busyUntil(commands, from + (pixel + 1 - this.gutter) * this.scale);
      this.bar(pixel, 1, y, (worked - before) / this.scale, color);
      before = worked;
    }
  }

  bar(left, wide, y, share, color) {
    if (share <= 0) return;
    const high = Math.max(1, Math.min(1, share) * ROW);
    this.context.fillStyle = color;
    this.context.fillRect(left, y + ROW - high, wide, high);
  }

  paintAxis(x, from, to, y) {
    const perTick = 95 * this.scale;
    const power = 10 ** Math.floor(Math.log10(perTick));
    const step = Math.max(1, (NICE.find((n) => n * power >= perTick) || 10) * power);
    this.context.fillStyle = this.color("--line");
    this.context.fillRect(this.gutter, y, this.plotWidth, 1);
    for (let time = Math.max(0, Math.ceil(from / step)) * step; time <= to; time += step) {
      this.context.fillStyle = this.color("--line");
      this.context.fillRect(x(time), y, 1, 4);
      const words = this.report.timeText(time, step);
      this.context.font = this.font("10px");
      if (x(time) + 3 + this.context.measureText(words).width < this.width) {
        this.text(words, x(time) + 3, y + 12, "--faint", "10px");
      }
    }
  }

  font(size) { return `${size} system-ui, "Segoe UI", "DejaVu Sans", sans-serif`; }

  text(words, x, y, color, size, align = "left") {
    this.context.font = this.font(size);
    this.context.fillStyle = this.color(color);
    this.context.textAlign = align;
    this.context.fillText(words, x, y);
  }

  /* --- hands ---------------------------------------------------------------------------- */

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.move(event.deltaX);
      else this.zoom(Math.exp(Math.max(-300, Math.min(300, event.deltaY)) * 0.002), event.offsetX);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      this.grip = { x: event.clientX, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => this.pointerMoved(event));
    canvas.addEventListener("pointerup", (event) => {
      const still = this.grip && !this.grip.moved;
      this.grip = null;
      if (still) this.clicked(event);
    });
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("dblclick", () => this.zoomToLayer(this.report.selected));
    canvas.addEventListener("keydown", (event) => this.keyed(event));
  }

  pointerMoved(event) {
    if (!this.grip) {
      this.showTip(event);
      return;
    }
    const by = event.clientX - this.grip.x;
    if (!this.grip.moved && Math.abs(by) < 4) return;
    this.grip.moved = true;
    this.grip.x = event.clientX;
    this.tip.hidden = true;
    this.move(-by);
  }

  keyed(event) {
    const keys = {
      ArrowLeft: () => this.move(-0.15 * this.plotWidth),
      ArrowRight: () => this.move(0.15 * this.plotWidth),
      "+": () => this.zoom(0.6),
      "=": () => this.zoom(0.6),
      "-": () => this.zoom(1 / 0.6),
      0: () => this.reset(),
      Home: () => this.reset(),
      "[": () => this.report.select(this.report.selected - 1),
      "]": () => this.report.select(this.report.selected + 1),
      Enter: () => this.zoomToLayer(this.report.selected),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** Lane, cycle, layer and row under the pointer; null beside the runs. */
  under(event) {
    const lane = Math.floor(event.offsetY / this.laneHeight);
    const trace = this.traces[lane];
    if (!trace || event.offsetX < this.gutter) return null;
    const time = this.offsets[lane] + (event.offsetX - this.gutter) * this.scale;
    if (time < 0 || time >= trace.cycles) return null;
    const row = Math.floor((event.offsetY - lane * this.laneHeight - HEAD) / (ROW + GAP)) - 1;
    const own = this.units[row]?.layer ?? this.report.parts[trace.partAt(time)].layer;
    return { trace, time, row, layer: own ?? trace.layerAt(time) };
  }

  clicked(event) {
    const place = this.under(event);
    if (place) this.report.select(place.layer);
  }

  showTip(event) {
    const place = this.under(event);
    this.tip.hidden = !place;
    if (!place) return;
    this.tip.textContent = this.tipText(place);
    const left = event.offsetX + 14;
    const flip = left + this.tip.offsetWidth > this.width;
    this.tip.style.left = `${flip ? Math.max(0, event.offsetX - 14 - this.tip.offsetWidth) : left}px`;
    this.tip.style.top = `${Math.min(event.offsetY + 14, this.height - this.tip.offsetHeight - 4)}px`;
  }

  tipText({ trace, time, row, layer }) {
    const name = trace.run.layers[layer].layer;
    const cycle = `cycle ${Math.floor(time).toLocaleString("en")}`;
    const part = this.report.parts[trace.partAt(time)].title;
    if (row < 0) return `${name}, ${cycle}\ncritical path: ${part}`;
    const unit = this.units[row];
    if (!unit) return `${name}, ${cycle}`;
    const command = this.commandAt(trace, unit.unit, time);
    if (command) return command;
    const share = (trace.workedUntil(row, time + this.scale) - trace.workedUntil(row, time)) / this.scale;
    const state = this.exact ? "idle" : `busy for ${Math.round(100 * share)} % of this pixel`;
    return `${unit.title}: ${state}\n${name}, ${cycle}\ncritical path: ${part}`;
  }

  /** The command of a unit in a cycle, in words, if its layer is unpacked. */
  commandAt(trace, unit, time) {
    if (!this.exact) return null;
    for (const [number, rows] of trace.exact) {
      for (const commands of rows) {
        if (commands.unit !== unit) continue;
        const i = countUpTo(commands.start, time) - 1;
        if (i >= 0 && time < commands.end[i]) return this.report.commandText(trace, number, commands, i);
      }
    }
    return null;
  }
}
