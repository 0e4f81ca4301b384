// The model cards as a page: what each model does, how well, on what data, and where its limits are.

import { element, facts, folded, table } from "./dom.js";
import { capitalize, formatCount, formatNumber, formatSize } from "./format.js";
import { readJson } from "./service.js";

const TITLES = { event_type: "Event type", offset: "Epicentral distance", depth: "Depth", force_azimuth: "Force azimuth", families: "Families" };
const HEADLINES = 4;

export async function showModels() {
  const cards = await readJson("models");
  return [
    element("header", { className: "headline" }, element("h2", {}, "Model cards"),
      element("p", { className: "lead" }, "Each model is measured by the serving path on its exported file; intervals are of 95 %.")),
    ...cards.map(showCard),
    element("p", { className: "quiet" }, "The same as data: ", element("a", { href: "models" }, "models (JSON)"), "."),
  ];
}

const UNITS = { degree: "°", kilometer: " km", second: " s" };
const formatMetric = (value, unit) => (unit === "1" ? formatNumber(value, 2) : `${formatNumber(value, Math.abs(value) < 10 ? 1 : 0)}${UNITS[unit] ?? ` ${unit}`}`);
const interval = (metric) => (metric.low === null || metric.high === null ? "" : `${formatMetric(metric.low, metric.unit)} to ${formatMetric(metric.high, metric.unit)}`);

// The twin of the cards is a catalog of one synthetic event for each cataloged one.
const explainTwin = (text) => text.replace("catalog twin", "synthetic replica of the catalog").replace("on the twin", "on the synthetic replica");

function showCard(card) {
  const sets = group(card.metrics);
  const [first] = sets;
  return element("article", { className: "panel card" },
    element("header", {}, element("h3", {}, TITLES[card.name] ?? card.name), element("span", { className: "tag" }, `${card.name} ${card.version}`)),
    element("p", {}, card.task),
    first && element("dl", { className: "stats" }, first[1].slice(0, HEADLINES).map((metric) => element("div", { className: "stat" }, element("dt", {}, capitalize(metric.name)), element("dd", {}, element("b", {}, formatMetric(metric.value, metric.unit)), element("small", {}, `${interval(metric)}${interval(metric) && ", "}n = ${formatNumber(metric.n)}`))))),
    first && element("p", { className: "quiet" }, `On: ${first[0]}`),
    card.limits.length > 0 && element("div", { className: "limits" }, element("h4", {}, "Limits"), element("ul", { className: "plain" }, card.limits.map((limit) => element("li", {}, capitalize(explainTwin(limit)))))),
    card.metrics.length > 0 && folded(`All scores (${card.metrics.length})`, () => [...sets].map(([dataset, metrics]) => [element("h4", {}, dataset), table(`Scores on ${dataset}`, ["Quantity", "Value", "95 % interval", "n"], metrics.map((metric) => [metric.name, formatMetric(metric.value, metric.unit), interval(metric), formatNumber(metric.n)]))])),
    folded("Outputs", () => table("Outputs", ["Name", "Unit", "Meaning"], card.outputs.map((output) => [output.name, output.unit, output.meaning]))),
    folded("Origin", () => facts([
      ["Architecture", card.architecture], ["Trained", `${card.created_at.slice(0, 10)}, commit ${card.commit}`], ["Size", formatSize(card.size_bytes)],
      card.data.sections && ["Training data", formatCount(card.data.sections, "synthetic event")], ["SHA-256", element("code", {}, card.digest)], ["License", card.license], ["After", card.citation],
    ])));
}

function group(metrics) {
  const sets = new Map();
  for (const metric of metrics) {
    const name = explainTwin(metric.dataset);
    sets.set(name, [...(sets.get(name) ?? []), metric]);
  }
  return sets;
}
