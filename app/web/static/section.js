// The record section: waveforms by distance or in rows, with picks and predicted arrivals, from the data of the figure `section`.

import { choice, element, table } from "./dom.js";
import { formatClock, formatMinutes, formatNumber, formatSigned } from "./format.js";
import { KM_PER_DEGREE } from "./map.js";
import { readNumbers, readView, writeView, writeViewLater } from "./permalink.js";
import { phaseColor, phaseLabel, phaseLegend, readColor } from "./phases.js";
import { makePlot, ticks } from "./plot.js";

const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const NO_DATUM = -32768;
const MAX_NAME_SHIFT = 60;
const MAX_ROW_HEIGHT = 42, MIN_ROW_HEIGHT = 15;

function decodeSamples(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let index = 0; index < letters.length; index++) bytes[index] = letters.charCodeAt(index);
  return new Int16Array(bytes.buffer);
}

// Arrival time of a phase at a distance by linear interpolation of its curve; null where it does not arrive.
export function interpolate(curve, distance) {
  const { distances_deg: grid, times_s: times } = curve;
  const next = grid.findIndex((node) => node >= distance);
  if (next < 0 || distance < grid[0]) return null;
  if (next === 0) return times[0];
  const [before, after] = [times[next - 1], times[next]];
  if (before === null || after === null) return null;
  return before + ((distance - grid[next - 1]) / (grid[next] - grid[next - 1])) * (after - before);
}

// Median group velocity of the picked Rayleigh waves in km/s, on which the line of LR is then drawn; null without picks.
export function rayleighVelocity(traces, picks) {
  const velocities = picks.filter(({ phase, index, time_s: time }) => phase === "LR" && time > 0 && traces[index].distance_deg).map(({ index, time_s: time }) => (traces[index].distance_deg * KM_PER_DEGREE) / time);
  return velocities.sort((first, second) => first - second)[Math.floor(velocities.length / 2)] ?? null;
}

const rayleighTimes = ({ distances_deg: grid, times_s: times }, velocity) => grid.map((distance, index) => (times[index] === null ? null : (distance * KM_PER_DEGREE) / velocity));

function prepare(data, arrivals) {
  const names = new Map(data.traces.map((trace, index) => [trace.trace, index]));
  const bands = data.bands.filter((band) => band.waveforms.length).map((band) => ({ ...band, waveforms: band.waveforms.map((waveform) => ({ ...waveform, samples: decodeSamples(waveform.samples) })) }));
  const picks = arrivals.filter((arrival) => names.has(arrival.trace)).map((arrival) => ({ ...arrival, index: names.get(arrival.trace), time_s: new Date(arrival.time) / 1000 - data.zero_time_s }));
  const order = data.traces.map((_, index) => index).sort((first, second) => (data.traces[first].distance_deg ?? 999) - (data.traces[second].distance_deg ?? 999));
  const row = new Map(order.map((index, place) => [index, place]));
  const velocity = rayleighVelocity(data.traces, picks);
  const curves = data.curves.map((curve) => (curve.phase === "LR" && velocity ? { ...curve, times_s: rayleighTimes(curve, velocity) } : curve));
  return { ...data, bands, picks, curves, velocity, order, row, distant: data.traces.some((trace) => trace.distance_deg !== null) };
}

// Elements of the panel. `arrivals`: the associated picks of the result.
export function sectionPanel(raw, arrivals) {
  const data = prepare(raw, arrivals);
  if (!data.bands.length) return [element("p", {}, "The records hold no data in the window of the section.")];
  const local = Math.max(...data.traces.map((trace) => trace.distance_deg ?? 0)) < 12 && arrivals.length > 0;
  const asked = Number(readView("band") ?? (local ? 1 : 0));
  const state = { band: Math.min(Math.max(0, asked || 0), data.bands.length - 1), layout: data.distant ? readView("layout") ?? (data.traces.length > 24 ? "distance" : "rows") : "rows", hovered: null };
  const saved = readNumbers("t", 2);
  const plot = makePlot({
    label: `Record section of ${data.traces.length} traces, zoomable with the keys plus, minus, 0 and the arrows`,
    height: (width) => Math.max(260, Math.min(width < 600 ? 520 : 680, data.traces.length * MAX_ROW_HEIGHT + 60)),
    limits: limits(data, state), margins: [64, 78, 26, 40], free: () => state.layout === "distance",
    draw: (context, drawn) => drawSection(context, drawn, data, state),
    hover: (at) => showHovered(plot, data, state, at),
    changed: (now) => writeViewLater({ t: now.isWhole() ? null : now.view.x.map((end) => end.toFixed(1)).join(",") }),
    start: saved && { x: saved },
  });
  const update = (changes) => {
    Object.assign(state, changes);
    plot.limits = limits(data, state);
    writeView({ ...("band" in changes ? { band: state.band, t: null } : {}), ...("layout" in changes ? { layout: state.layout } : {}) });
    plot.set({ x: "band" in changes ? plot.limits.x : plot.view.x, y: plot.limits.y });
  };
  const phases = shownPhases(data);
  const bar = element("div", { className: "bar" },
    data.bands.length > 1 && choice("Pass-band", data.bands.map((band, index) => [index, describeBand(band)]), state.band, (band) => update({ band })),
    data.bands.length === 1 && element("span", { className: "quiet" }, describeBand(data.bands[0])),
    data.distant && choice("Arrangement", [["distance", "By distance"], ["rows", "In rows"]], state.layout, (layout) => update({ layout })), plot.tools);
  return [bar, plot.box, element("div", { className: "under" }, phaseLegend(phases), element("p", { className: "quiet" }, notes(data, phases)))];
}

const describeBand = (band) => {
  const seconds = (value) => formatNumber(value, value < 1 ? 2 : value < 10 && value % 1 ? 1 : 0);
  return band.longest_period_s < 5 ? `${formatNumber(1 / band.longest_period_s, 1)}–${formatNumber(1 / band.shortest_period_s, 0)} Hz, first arrivals` : `${seconds(band.shortest_period_s)}–${seconds(band.longest_period_s)} s`;
};

function notes(data, phases) {
  const lines = ["Each trace is scaled to its largest amplitude in view."];
  if (phases.length) lines.push(`Lines: arrivals predicted by ak135${phases.includes("LR") ? `, Rayleigh waves at ${data.velocity ? `${formatNumber(data.velocity, 1)} km/s, as picked` : "3.8 km/s"}` : ""}.${data.picks.length ? " Triangles: picks." : ""}`);
  if (data.distant && !data.zero_is_origin) lines.push(`${data.distance_label}.`);
  if (data.traces_in_all > data.traces.length) lines.push(`${data.traces.length} of ${data.traces_in_all} traces are shown.`);
  return lines.join(" ");
}

function limits(data, state) {
  const waves = data.bands[state.band].waveforms;
  const x = [Math.min(...waves.map((wave) => wave.start_s)), Math.max(...waves.map((wave) => wave.start_s + wave.step_s * wave.samples.length))];
  if (state.layout === "rows") return { x, y: [-0.7, data.traces.length - 0.3] };
  const distances = data.traces.map((trace) => trace.distance_deg).filter((distance) => distance !== null);
  const [low, high] = [Math.min(...distances), Math.max(...distances)];
  const margin = Math.max(0.06 * (high - low), 0.02);
  return { x, y: [low - margin, high + margin] };
}

const shownPhases = (data) => [...new Set([...data.curves.filter((curve) => inRange(data, curve)).map((curve) => curve.phase), ...data.picks.map((pick) => pick.phase)])];
const inRange = (data, curve) => data.traces.some((trace) => trace.distance_deg !== null && interpolate(curve, trace.distance_deg) !== null);
const height = (data, state, index) => (state.layout === "rows" ? data.row.get(index) : data.traces[index].distance_deg);

function drawSection(context, plot, data, state) {
  const { width, height: tall } = plot.size, [left, right, top, bottom] = plot.margins;
  context.font = "12px system-ui, sans-serif";
  drawTimeAxis(context, plot, data);
  if (state.layout === "distance") drawDistanceAxis(context, plot, data);
  context.save();
  context.beginPath();
  context.rect(left, top, width - left - right, tall - top - bottom);
  context.clip();
  const room = state.layout === "rows" ? Math.abs(plot.toPixel("y", 1) - plot.toPixel("y", 0)) * 0.5 : Math.min(26, Math.max(9, (0.9 * (tall - top - bottom)) / data.traces.length));
  const [ink, accent] = [readColor("--ink"), readColor("--accent")];
  for (const wave of data.bands[state.band].waveforms) {
    if (height(data, state, wave.trace) === null) continue;
    const hot = wave.trace === state.hovered;
    drawWave(context, plot, wave, plot.toPixel("y", height(data, state, wave.trace)), room, hot ? accent : ink, hot ? 1.4 : 0.8);
  }
  for (const curve of data.curves) drawCurve(context, plot, data, state, curve);
  const colors = new Map(data.picks.map((pick) => pick.phase).map((phase) => [phase, null]));
  for (const phase of colors.keys()) colors.set(phase, phaseColor(phase));
  for (const pick of data.picks) drawPick(context, plot, data, state, pick, room, colors);
  context.restore();
  drawCurveNames(context, plot, data, state);
  drawNames(context, plot, data, state);
}

function drawTimeAxis(context, plot, data) {
  const { width, height: tall } = plot.size, [left, right, top, bottom] = plot.margins;
  const { step, values } = ticks(plot.view.x, Math.max(3, (width - left - right) / 90), TIME_STEPS);
  context.fillStyle = readColor("--soft");
  context.strokeStyle = readColor("--line");
  context.lineWidth = 1;
  context.textAlign = "center";
  for (const value of values) {
    const x = Math.round(plot.toPixel("x", value)) + 0.5;
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, tall - bottom);
    context.stroke();
    context.fillText(step >= 60 && values.at(-1) >= 600 ? formatNumber(value / 60) : formatMinutes(value, step < 1 ? 1 : 0), x, tall - bottom + 16);
  }
  const unit = step >= 60 && values.at(-1) >= 600 ? "min" : "min:s";
  context.fillText(`Time after ${data.zero_is_origin ? "origin" : "the start"} (${unit})`, (left + width - right) / 2, tall - 6);
}

function drawDistanceAxis(context, plot, data) {
  const { width, height: tall } = plot.size, [left, right, top, bottom] = plot.margins;
  const { step, values } = ticks(plot.view.y, (tall - top - bottom) / 60);
  context.textAlign = "right";
  context.fillStyle = readColor("--soft");
  for (const value of values) context.fillText(`${formatNumber(value, step < 1 ? Math.ceil(-Math.log10(step)) : 0)}°`, left - 8, plot.toPixel("y", value) + 4);
  context.save();
  context.translate(13, (top + tall - bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(data.distance_label, 0, 0);
  context.restore();
}

// A line through the samples in view; where there are several a pixel, their extremes.
function drawWave(context, plot, wave, center, room, color, line) {
  const { samples, start_s: start, step_s: step } = wave, [low, high] = plot.view.x;
  const first = Math.max(0, Math.floor((low - start) / step) - 1), last = Math.min(samples.length, Math.ceil((high - start) / step) + 2);
  let peak = 1;
  for (let index = first; index < last; index++) if (samples[index] !== NO_DATUM) peak = Math.max(peak, Math.abs(samples[index]));
  const scale = room / peak, origin = plot.toPixel("x", start), pixels = plot.toPixel("x", start + step) - origin;
  const block = Math.max(1, Math.floor(1 / pixels));
  context.strokeStyle = color;
  context.lineWidth = line;
  context.beginPath();
  let drawing = false;
  for (let index = first; index < last; index += block) {
    let least = Infinity, most = -Infinity;
    for (let inner = index; inner < Math.min(last, index + block); inner++) {
      const sample = samples[inner];
      if (sample === NO_DATUM) continue;
      if (sample < least) least = sample;
      if (sample > most) most = sample;
    }
    if (most < least) { drawing = false; continue; }
    const x = origin + index * pixels;
    drawing ? context.lineTo(x, center - scale * least) : context.moveTo(x, center - scale * least);
    if (most > least) context.lineTo(x, center - scale * most);
    drawing = true;
  }
  context.stroke();
}

function drawCurve(context, plot, data, state, curve) {
  context.strokeStyle = phaseColor(curve.phase);
  context.lineWidth = 1.3;
  context.globalAlpha = 0.85;
  context.beginPath();
  if (state.layout === "distance") {
    let drawing = false;
    curve.distances_deg.forEach((distance, index) => {
      const time = curve.times_s[index];
      if (time === null) { drawing = false; return; }
      const at = [plot.toPixel("x", time), plot.toPixel("y", distance)];
      drawing ? context.lineTo(...at) : context.moveTo(...at);
      drawing = true;
    });
  } else {
    const half = 0.42 * Math.abs(plot.toPixel("y", 1) - plot.toPixel("y", 0));
    for (const [index, trace] of data.traces.entries()) {
      const time = trace.distance_deg === null ? null : interpolate(curve, trace.distance_deg);
      if (time === null) continue;
      const y = plot.toPixel("y", data.row.get(index));
      context.moveTo(plot.toPixel("x", time), y - half);
      context.lineTo(plot.toPixel("x", time), y + half);
    }
  }
  context.stroke();
  context.globalAlpha = 1;
}

// A filled triangle that points at the trace, at the time of the pick.
function drawPick(context, plot, data, state, pick, room, colors) {
  const level = height(data, state, pick.index);
  if (level === null) return;
  const x = plot.toPixel("x", pick.time_s), y = plot.toPixel("y", level), size = Math.min(5, room);
  context.fillStyle = colors.get(pick.phase);
  context.beginPath();
  context.moveTo(x, y + 1);
  context.lineTo(x - size, y + 2 * size + 1);
  context.lineTo(x + size, y + 2 * size + 1);
  context.fill();
}

// Names of the phases at the top, where their lines enter the plot or somewhat to the right.
function drawCurveNames(context, plot, data, state) {
  const [left, right, top] = plot.margins, edge = plot.view.y[0], nearest = data.traces[data.order[0]].distance_deg;
  let before = -Infinity;
  const named = data.curves.map((curve) => {
    const time = state.layout === "distance" ? interpolate(curve, Math.max(edge, curve.distances_deg[0])) : nearest === null ? null : interpolate(curve, nearest);
    return [curve.phase, time === null ? null : plot.toPixel("x", time)];
  }).filter(([, x]) => x !== null && x > left && x < plot.size.width - right).sort((first, second) => first[1] - second[1]);
  context.textAlign = "center";
  context.font = "600 12px system-ui, sans-serif";
  for (const [phase, x] of named) {
    const shifted = Math.max(x, before + context.measureText(phase).width / 2 + 5);
    if (shifted > x + MAX_NAME_SHIFT) continue;
    context.fillStyle = phaseColor(phase);
    context.fillText(phase, shifted, top - 8);
    before = shifted + context.measureText(phase).width / 2;
  }
  context.font = "12px system-ui, sans-serif";
}

// Station codes at the right, and distances at the left of rows, as many as there is room for.
function drawNames(context, plot, data, state) {
  const [left, right, top, bottom] = plot.margins, { width, height: tall } = plot.size;
  const [ink, accent] = [readColor("--ink"), readColor("--accent")];
  let below = -Infinity;
  for (const index of data.order) {
    const level = height(data, state, index);
    const y = level === null ? NaN : plot.toPixel("y", level);
    if (!(y > top - 2 && y < tall - bottom + 2) || (y < below + MIN_ROW_HEIGHT && index !== state.hovered)) continue;
    below = y;
    const { trace, distance_deg: distance } = data.traces[index];
    context.fillStyle = index === state.hovered ? accent : ink;
    context.textAlign = "left";
    context.fillText(trace.split(".").slice(0, 2).join("."), width - right + 8, y + 4);
    if (state.layout === "rows" && distance !== null) {
      context.textAlign = "right";
      context.fillText(`${formatNumber(distance, distance < 10 ? 2 : 1)}°`, left - 8, y + 4);
    }
  }
}

function showHovered(plot, data, state, at) {
  const [left, right] = plot.margins;
  const inside = at && at[0] > left - 40 && at[0] < plot.size.width - right + 70;
  const level = (index) => { const value = height(data, state, index); return value === null ? Infinity : Math.abs(plot.toPixel("y", value) - at[1]); };
  const nearest = inside ? data.order.reduce((best, index) => (level(index) < level(best) ? index : best)) : null;
  const found = nearest !== null && level(nearest) < 40 ? nearest : null;
  if (found !== state.hovered) plot.redraw();
  state.hovered = found;
  if (found === null) return plot.showTip([0, 0]);
  const trace = data.traces[found], time = plot.fromPixel("x", at[0]);
  const picks = data.picks.filter((pick) => pick.index === found).map((pick) => `${pick.phase} picked at ${formatMinutes(pick.time_s, 1)}, residual ${formatSigned(pick.residual_s)} s`);
  const predicted = trace.distance_deg === null ? [] : data.curves.map((curve) => [interpolate(curve, trace.distance_deg), curve.phase]).filter(([arrival]) => arrival !== null);
  const expected = predicted.sort(([first], [second]) => first - second).map(([arrival, phase]) => `${phase} ${formatMinutes(arrival)}`).join(", ");
  plot.showTip(at, trace.trace, trace.distance_deg !== null && `Distance ${formatNumber(trace.distance_deg, 2)}°${trace.azimuth_deg === null ? "" : `, azimuth ${formatNumber(trace.azimuth_deg)}°`}`,
    `${formatMinutes(time, 1)} after ${data.zero_is_origin ? "the origin" : "the start"}, ${formatClock(data.zero_time_s + time)} UTC`, ...picks, expected && `Predicted: ${expected}`);
}

// The associated picks and the times predicted for them.
export function arrivalTable(arrivals, stated) {
  const note = `Predicted for ${stated ? "the stated epicenter, time and depth" : "the source that fits the arrival times best, as no depth is stated,"} in ak135, for Rayleigh waves at one group velocity.`;
  return [element("p", { className: "quiet" }, note), table("Arrivals", ["Trace", "Phase", "Picked (UTC)", "Predicted (UTC)", "Residual", "Uncertainty"], arrivals.map((arrival) => [
    arrival.trace, phaseLabel(arrival.phase), formatClock(new Date(arrival.time) / 1000), formatClock(new Date(arrival.time) / 1000 - arrival.residual_s), `${formatSigned(arrival.residual_s)} s`, `${formatNumber(arrival.uncertainty_s, 1)} s`]))];
}
