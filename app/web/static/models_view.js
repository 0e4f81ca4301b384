// The model cards as a page: what each model does, how well, on what data, and where its limits are.

import { element, facts, folded, table } from "./dom.js";
import { capitalize, formatCount, formatNumber, formatPower, formatProbability, formatSize } from "./format.js";
import { readJson } from "./service.js";

// In the order of the chain: the other models of events read the distances of the first.
const TITLES = { offset: "Epicentral distance", event_type: "Event type", depth: "Depth", force_azimuth: "Force azimuth", families: "Families" };
const UNITS = { degree: "°", kilometer: " km", second: " s" };
const HEADLINES = 4;
const REAL = "real earthquakes", REAL_EVENT = "real event ";

export async function showModels() {
  const cards = await readJson("models");
  const known = Object.keys(TITLES).flatMap((name) => cards.filter((card) => card.name === name));
  return [
    element("header", { className: "headline" }, element("h2", {}, "Model cards"),
      element("p", { className: "lead" }, "Each model is measured by the serving path on its exported file; intervals are of 95 %.")),
    element("p", { className: "quiet" }, "The synthetic catalog replica has a synthetic event for each cataloged glacial earthquake and a tectonic one of similar magnitude beside it; most hardly rise above the noise. There and on real events the whole service answers. Depths “as served” are combined with arrival times, depth phases and the waveform inversion; other depths and force azimuths are of the network alone. Errors are positive where the answer is too large; n counts events, or traces for distances and origin times."),
    ...[...known, ...cards.filter((card) => !known.includes(card))].map(showCard),
    element("p", { className: "quiet" }, "The same as data: ", element("a", { href: "models" }, "models (JSON)"), "."),
  ];
}

const formatDigits = (value, digits) => formatNumber(Number(value.toFixed(digits)) || 0, digits).replace("-", "−");
const formatShare = (value) => (value !== 0 && Math.abs(value) < 0.005 ? formatPower(value, 1) : formatDigits(value, 2));
const formatQuantity = (value, unit) => (unit === "1" ? formatShare(value) : formatDigits(value, Math.abs(value) < 10 ? 1 : 0));
const suffix = (unit) => (unit === "1" ? "" : UNITS[unit] ?? ` ${unit}`);
const formatMetric = ({ value, unit, name }) => (name.startsWith("probability") ? formatProbability(value) : `${formatQuantity(value, unit)}${suffix(unit)}`);
const interval = ({ low, high, unit }) => (low === null || high === null ? "" : `${formatQuantity(low, unit)} to ${formatQuantity(high, unit)}${suffix(unit)}`);

function showCard(card) {
  const sets = group(card.metrics);
  const [first] = sets.keys();
  return element("article", { className: "panel card" },
    element("header", {}, element("h3", {}, TITLES[card.name] ?? card.name), element("span", { className: "tag" }, `${card.name} ${card.version}`)),
    element("p", {}, card.task),
    [first, REAL].filter((dataset) => sets.has(dataset)).map((dataset) => showHeadlines(dataset, sets.get(dataset))),
    card.limits.length > 0 && element("div", { className: "limits" }, element("h4", {}, "Limits"), element("ul", { className: "plain" }, card.limits.map((limit) => element("li", {}, limit)))),
    card.metrics.length > 0 && folded(`All scores (${card.metrics.length})`, () => showScores(sets)),
    folded("Outputs", () => table("Outputs", ["Name", "Unit", "Meaning"], card.outputs.map((output) => [output.name, output.unit === "1" ? "none" : output.unit, output.meaning]))),
    folded("Origin", () => facts([
      ["Architecture", card.architecture], ["Trained", `${card.created_at.slice(0, 10)}, commit ${card.commit}`], ["Size", formatSize(card.size_bytes)],
      card.data.sections && ["Training data", formatCount(card.data.sections, "synthetic event")], card.data.traces && ["Training data", formatCount(card.data.traces, "synthetic trace")],
      ["SHA-256", element("code", {}, card.digest)], ["License", card.license], ["After", card.citation],
    ])));
}

function showHeadlines(dataset, metrics) {
  const shown = metrics.slice(0, HEADLINES).map((metric) => element("div", { className: "stat" }, element("dt", {}, capitalize(metric.name)), element("dd", {}, element("b", {}, formatMetric(metric)), element("small", {}, [interval(metric), `n\u00a0=\u00a0${formatNumber(metric.n)}`].filter(Boolean).join(", ")))));
  return [element("h4", {}, capitalize(dataset)), element("dl", { className: "stats" }, shown)];
}

// A table for each data set, and one for all real events, which have a row each.
function showScores(sets) {
  const lines = (metrics) => metrics.map((metric) => [metric.name, formatMetric(metric), interval(metric), formatNumber(metric.n)]);
  const events = [...sets].filter(([dataset]) => dataset.startsWith(REAL_EVENT));
  const names = [...new Set(events.flatMap(([, metrics]) => metrics.map((metric) => metric.name)))];
  const rows = events.map(([dataset, metrics]) => [dataset.slice(REAL_EVENT.length), ...names.map((name) => metrics.filter((metric) => metric.name === name).map(formatMetric).join()), formatNumber(metrics[0].n)]);
  return [
    ...[...sets].filter(([dataset]) => !dataset.startsWith(REAL_EVENT)).map(([dataset, metrics]) => [element("h4", {}, capitalize(dataset)), table(`Scores on ${dataset}`, ["Quantity", "Value", "95 % interval", "n"], lines(metrics))]),
    events.length > 0 && [element("h4", {}, "Real events one by one"), table("Scores on each real event", ["Event", ...names.map(capitalize), "n"], rows)],
  ];
}

function group(metrics) {
  const sets = new Map();
  for (const metric of metrics) sets.set(metric.dataset, [...(sets.get(metric.dataset) ?? []), metric]);
  return sets;
}
