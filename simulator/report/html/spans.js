"use strict";
/* The trace: packed columns of numbers, unpacked when they are needed. */

/** base64 of zlib of little-endian float64 -> Float64Array. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Float64Array(await new Response(stream).arrayBuffer());
}

/** Running sums of differences, in place. */
function summed(differences) {
  for (let i = 1; i < differences.length; i += 1) differences[i] += differences[i - 1];
  return differences;
}

/** Every command of one kind in one layer, as columns. */
function commandsOf(row, numbers, offset) {
  const n = row.count;
  const column = (k) => numbers.slice(offset + k * n, offset + (k + 1) * n);
  const gap = column(0);
  const [cycles, step, bytes, pes, latency] = [1, 2, 3, 4, 5].map((k) => summed(column(k)));
  const start = new Float64Array(n);
  const end = new Float64Array(n);
  const busy = new Float64Array(n + 1);
  let free = row.first;
  for (let i = 0; i < n; i += 1) {
    start[i] = free + gap[i];
    free = end[i] = start[i] + cycles[i];
    busy[i + 1] = busy[i] + cycles[i];
  }
  return { kind: row.kind, unit: row.unit, n, start, end, busy, cycles, step, bytes, pes, latency };
}

/** All commands of one layer: one entry per kind. */
async function unpackLayer(spans) {
  const numbers = await unpack(spans.data);
  let offset = 0;
  return spans.rows.map((row) => {
    const commands = commandsOf(row, numbers, offset);
    offset += 6 * row.count;
    return commands;
  });
}

/** Number of entries of a rising column that are <= value. */
function countUpTo(column, value) {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cycles that the commands worked before a time. */
function busyUntil(commands, time) {
  const i = countUpTo(commands.start, time) - 1;
  if (i < 0) return 0;
  return commands.busy[i] + Math.min(time - commands.start[i], commands.cycles[i]);
}

/** One run: totals, layers, shares per bin; single commands once a layer was looked at. */
class RunTrace {
  constructor(run, units, bins) {
    Object.assign(this, { run, units, bins });
    this.cycles = run.cycles;
    this.binCycles = run.cycles / bins;
    this.ends = Float64Array.from(run.layers, (layer) => layer.end_cycle);
    this.first = run.spans.map((spans) => Math.min(...spans.rows.map((row) => row.first)));
    this.last = run.spans.map((spans) => Math.max(...spans.rows.map((row) => row.last)));
    this.exact = new Map();
    this.pending = new Set();
  }

  async load() {
    const [shares, path] = await Promise.all([
      unpack(this.run.overview),
      unpack(this.run.path.data),
    ]);
    this.worked = this.units.map((_, row) => {
      const sums = new Float64Array(this.bins + 1);
      for (let i = 0; i < this.bins; i += 1) {
        sums[i + 1] = sums[i] + shares[row * this.bins + i] * this.binCycles;
      }
      return sums;
    });
    const n = this.run.path.count;
    this.pathEnds = summed(path.slice(0, n));
    this.pathParts = path.slice(n);
  }

  /** Number of the layer in whose time a cycle is. */
  layerAt(time) {
    return Math.min(countUpTo(this.ends, time), this.ends.length - 1);
  }

  /** Index of the part that holds a cycle. */
  partAt(time) {
    return this.pathParts[Math.min(countUpTo(this.pathEnds, time), this.pathEnds.length - 1)];
  }

  /** Cycles that a unit worked before a time, from the bins. */
  workedUntil(row, time) {
    const place = Math.max(0, Math.min(time / this.binCycles, this.bins));
    const bin = Math.min(Math.floor(place), this.bins - 1);
    const sums = this.worked[row];
    return sums[bin] + (place - bin) * (sums[bin + 1] - sums[bin]);
  }

  /** Layers with a command between two times. */
  layersBetween(from, to) {
    return this.run.layers.map((_, i) => i).filter((i) => this.first[i] < to && this.last[i] > from);
  }

  /** Unpack layers; true when all are there at once, else `then` is called when they are. */
  ensure(layers, then) {
    const missing = layers.filter((layer) => !this.exact.has(layer));
    for (const layer of missing.filter((one) => !this.pending.has(one))) {
      this.pending.add(layer);
      unpackLayer(this.run.spans[layer]).then((rows) => {
        this.exact.set(layer, rows);
        this.pending.delete(layer);
        if (!this.pending.size) then();
      });
    }
    return !missing.length;
  }
}
