// Results of cluster: how many families, what each looks like, and where the events lie in the embedding.

import { appendInSteps, element, facts, folded, panel, svg, table } from "./dom.js";
import { capitalize, formatCount, formatModels, formatNumber, formatProbability, formatSigned } from "./format.js";
import { readNumbers, writeViewLater } from "./permalink.js";
import { readColor } from "./phases.js";
import { makePlot } from "./plot.js";
import { readJson } from "./service.js";

const COLORS = 10;
const familyColor = (number) => `--family-${number % COLORS}`;
// Colors repeat: every other ten families are rings.
const isRing = (number) => Math.floor(number / COLORS) % 2 === 1;

function familySwatch(number) {
  const swatch = element("i", { className: isRing(number) ? "swatch ring" : "swatch" });
  swatch.style.setProperty("--shown", `var(${familyColor(number)})`);
  return swatch;
}

export async function showFamilies(job) {
  const { result } = job;
  const path = job.links.figures.find((name) => name.endsWith("/families.png"));
  const data = path ? await readJson(path.replace(/png$/, "json")).catch(() => null) : null;
  const events = formatCount(result.assignments.length, "event");
  const families = formatCount(result.k, "family", "families");
  const cards = element("div", { className: "families" });
  const elements = [
    element("header", { className: "headline" }, element("p", { className: "kicker" }, "Clustering"),
      element("h2", {}, result.structure_found ? `${families} in ${events}` : `No significant families in ${events}`),
      element("p", { className: "lead" }, result.fine_tuned ? "Embedding trained on this upload (DeepCluster)." : "Embedding of the families model, not trained on this upload.")),
    !result.structure_found && element("p", { className: "caution" }, `No number of families fits better than it would for events without structure. The ${families} below are the best division, not a finding.`),
    job.warnings.filter(({ code }) => code === "most-families").map(({ detail }) => element("p", { className: "caution" }, `${capitalize(detail)}.`)),
    () => data && panel("Map of the embedding", ...embeddingMap(data, result)),
    panel("Families", cards,
      data && element("p", { className: "quiet" }, "Representative events: the three traces of the largest ratio of peak to median amplitude, ten minutes about the peak, 8 to 200 s.")),
    panel("Details", folded("Family of each event", () => table("Family of each event", ["Event", "Family", "Probability", "Outlier"], result.assignments.map((one) => [one.event, one.cluster, formatProbability(one.confidence), one.outlier ? "yes" : "no"]))),
      folded("Choice of the number of families", () => [element("p", { className: "quiet" }, "The number k of the largest excess is chosen: of the silhouette over that of events without structure."), table("Choice of the number of families", ["k", "Loss", "Stability", "Silhouette", "Excess"], result.selection.map((row) => [row.k, formatNumber(row.loss, 3), formatNumber(row.stability, 2), formatNumber(row.silhouette, 2).replace("-", "−"), row.excess == null ? "not computed" : formatSigned(row.excess, 2)]))]),
      facts([["Model", formatModels([result.model])]])),
  ].filter(Boolean);
  return { elements, after: () => appendInSteps(cards, result.clusters.map((family) => () => familyCard(family, result, data?.waveforms ?? {}))) };
}

function familyCard(family, result, waveforms) {
  const members = result.assignments.filter((one) => one.cluster === family.cluster).sort((first, second) => second.confidence - first.confidence);
  const tiles = family.representatives.filter((name) => waveforms[name]?.length).slice(0, 6).map((name) => element("figure", {}, drawWaveforms(name, waveforms[name], familyColor(family.cluster)), element("figcaption", { title: name }, name)));
  return element("article", { className: "family" },
    element("h4", {}, familySwatch(family.cluster), `Family ${family.cluster}`, element("small", {}, formatCount(family.size, "event"))),
    tiles.length > 0 && element("div", { className: "tiles" }, tiles),
    folded("All events", () => element("p", { className: "members" }, members.map((one) => element("span", { className: one.outlier ? "outlier" : "" }, one.event)))));
}

// Three waveforms of an event, one below the other.
function drawWaveforms(name, traces, color) {
  const drawing = svg("svg", { viewBox: "0 0 300 108", preserveAspectRatio: "none", role: "img", "aria-label": `Waveforms of ${name}` });
  for (const [row, text] of traces.entries()) {
    const samples = Int8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const points = Array.from(samples, (sample, index) => `${(index / 2).toFixed(1)},${(18 + 36 * row - sample * 0.14).toFixed(1)}`);
    const line = svg("path", { d: `M${points.join("L")}` });
    line.style.stroke = `var(${color})`;
    drawing.append(line);
  }
  return drawing;
}

function embeddingMap(data, result) {
  const assigned = new Map(result.assignments.map((one) => [one.event, one]));
  const points = data.events.map((name, index) => ({ ...assigned.get(name), at: data.positions[index] }));
  const range = (axis) => {
    const values = points.map((point) => point.at[axis]), [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = 0.08 * (high - low) || 1;
    return [low - margin, high + margin];
  };
  const saved = readNumbers("view", 4);
  let hovered = null;
  const plot = makePlot({
    label: `Map of ${points.length} events in the embedding, zoomable with the keys plus, minus, 0 and the arrows`,
    height: (width) => Math.min(460, Math.max(280, width * 0.5)), limits: { x: range(0), y: range(1) }, margins: [10, 10, 10, 10], free: () => true,
    draw: (context, drawn) => drawPoints(context, drawn, points, hovered),
    hover: (at) => {
      const distance = (point) => Math.hypot(plot.toPixel("x", point.at[0]) - at[0], plot.toPixel("y", point.at[1]) - at[1]);
      const nearest = at && points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
      hovered = nearest && distance(nearest) < 18 ? nearest : null;
      plot.redraw();
      hovered ? plot.showTip(at, hovered.event, `Family ${hovered.cluster}, ${formatProbability(hovered.confidence)}${hovered.outlier ? ", outlier" : ""}`) : plot.showTip([0, 0]);
    },
    changed: (now) => writeViewLater({ view: now.isWhole() ? null : [...now.view.x, ...now.view.y].map((end) => end.toFixed(3)).join(",") }),
    start: saved && { x: saved.slice(0, 2), y: saved.slice(2) },
  });
  const legend = element("p", { className: "legend" }, result.clusters.map((family) => element("span", { className: "phase" }, familySwatch(family.cluster), `Family ${family.cluster}`)), points.some((point) => point.outlier) && element("span", { className: "phase" }, "× outlier"));
  return [element("div", { className: "bar" }, element("span", { className: "quiet" }, "The two leading components; only distances have a meaning."), plot.tools), plot.box, legend];
}

function drawPoints(context, plot, points, hovered) {
  const radius = points.length > 300 ? 3 : 5.5;
  context.font = "11px system-ui, sans-serif";
  const taken = [];
  for (const point of points) {
    const [x, y] = [plot.toPixel("x", point.at[0]), plot.toPixel("y", point.at[1])];
    context.fillStyle = context.strokeStyle = readColor(familyColor(point.cluster));
    context.globalAlpha = 0.85;
    context.beginPath();
    if (point.outlier) {
      context.lineWidth = 2;
      context.moveTo(x - radius, y - radius); context.lineTo(x + radius, y + radius);
      context.moveTo(x - radius, y + radius); context.lineTo(x + radius, y - radius);
      context.stroke();
    } else {
      context.lineWidth = 2;
      context.arc(x, y, (point === hovered ? radius + 3 : radius) - (isRing(point.cluster) ? 1 : 0), 0, 2 * Math.PI);
      isRing(point.cluster) ? context.stroke() : context.fill();
    }
    context.globalAlpha = 1;
    taken.push([x, y]);
  }
  context.fillStyle = readColor("--soft");
  const labels = [];
  for (const [index, point] of points.entries()) {
    const [x, y] = taken[index], width = context.measureText(point.event).width;
    const at = labelPlace(index, width, taken, labels, plot.size.width);
    if (at === null) continue;
    labels.push([at, y, width]);
    context.fillText(point.event, at, y + 4);
  }
}

const BESIDE = 9;

// Where the label of a point begins: to its right, or to its left where the map ends; null where it would cover a point or label.
export function labelPlace(index, width, points, labels, room) {
  const [x, y] = points[index], at = x + BESIDE + width < room ? x + BESIDE : x - BESIDE - width;
  const isClear = at > 0 && points.every(([px, py], other) => other === index || px < at - BESIDE || px > at + width + 3 || Math.abs(py - y) > BESIDE);
  return isClear && labels.every(([lx, ly, taken]) => at - BESIDE > lx + taken || at + width + BESIDE < lx || Math.abs(ly - y) > 12) ? at : null;
}
