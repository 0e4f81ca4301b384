// Results in words: what, where, how deep or which way, and how sure.

import { element, facts, folded, table } from "./dom.js";

const KINDS = { earthquake: "tectonic earthquake", glacial: "glacial earthquake" };
const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share) => (share > 0.995 && share < 1 ? "over 99 %" : share > 0 && share < 0.005 ? "under 1 %" : `${number(100 * share)} %`);
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
const versions = (models) => models.map((model) => `${model.name} ${model.version}`).join(", ");

export function place({ latitude, longitude }) {
  const east = ((((longitude + 180) % 360) + 360) % 360) - 180;
  return `${number(Math.abs(latitude), 2)}° ${latitude < 0 ? "S" : "N"}, ${number(Math.abs(east), 2)}° ${east < 0 ? "W" : "E"}`;
}

function when(text) {
  const date = new Date(text);
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return `${day}, ${date.toISOString().slice(11, 19)} UTC`;
}

function compass(degrees) {
  return ["north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"][Math.round((((degrees % 360) + 360) % 360) / 45) % 8];
}

function likelihood(kind, share) {
  const shown = element("meter", { min: 0, max: 1, value: share, ariaHidden: "true" });
  return [`${KINDS[kind] ?? kind}`, shown, percent(share)];
}

export function classified(result) {
  const sure = result.probabilities[result.event_type];
  const point = result.reference_point;
  return [
    element("h2", {}, `A ${KINDS[result.event_type]}`),
    element("p", { className: "lead" }, `${percent(sure)} sure, from ${plural(result.traces_used, "trace")}.`),
    result.out_of_distribution && care("This is unlike anything the model was trained on. Take the class with care."),
    facts([
      ...Object.entries(result.probabilities).map(([kind, share]) => likelihood(kind, share)),
      point && [point.source === "given" ? "Drawn around" : "Rough place", `${place(point)} (${point.source === "given" ? "as you gave it" : "found by the service"})`],
      ["Model", versions([result.model])],
    ].filter(Boolean)),
  ].filter(Boolean);
}

export function located(result) {
  const { epicenter } = result;
  const used = result.offsets.filter((offset) => offset.used).length;
  return [
    element("h2", {}, place(epicenter)),
    element("p", { className: "lead" }, `A ${KINDS[result.event_type]}, known to ± ${number(epicenter.horizontal_uncertainty_km)} km.`),
    result.azimuthal_gap_deg > 180 && care(`The stations leave ${number(result.azimuthal_gap_deg)}° of the horizon open: the place is less sure than it looks.`),
    facts([
      ["Origin time", `${when(result.origin_time)} ± ${number(result.origin_time_uncertainty_s)} s`],
      source(result),
      ["Ellipse", ellipse(epicenter.ellipse)],
      ["Rests on", `${METHODS[result.method] ?? sentence(result.method ?? "distances")}; ${number(used)} of ${plural(result.offsets.length, "trace")}, largest gap ${number(result.azimuthal_gap_deg)}°`],
      (result.alternatives ?? []).length > 0 ? ["Or else", result.alternatives.map((other) => `${place(other)} (± ${number(other.horizontal_uncertainty_km)} km)`).join("; ")] : null,
      ["Models", versions(result.models)],
    ]),
    folded("Distance of each trace", table(["Trace", "Distance", "Waves from", "Residual", "Used"], result.offsets.map(distance))),
  ].filter(Boolean);
}

const METHODS = {
  distances: "distances of the traces", "distances+polarization": "distances and polarization", "distances+array-slowness": "distances and array slowness",
  "surface-wave-stack": "surface-wave stack", "distances+arrival-times": "arrival times and distances",
};

function source(result) {
  if (result.depth_km !== null) return ["Depth", `${number(result.depth_km)} ± ${number(result.depth_uncertainty_km)} km`];
  if (result.force_azimuth_deg === null) return null;
  const either = result.force_azimuth_ambiguous ? ", or the opposite" : "";
  return ["Force", `toward ${number(result.force_azimuth_deg)}° (${compass(result.force_azimuth_deg)})${either}, ± ${number(result.force_azimuth_uncertainty_deg)}°`];
}

function ellipse(shape) {
  return `${number(shape.semi_major_km)} × ${number(shape.semi_minor_km)} km, long axis toward ${number(shape.azimuth_deg)}°, holds ${number(shape.confidence_level)} %`;
}

function distance(offset) {
  const residual = offset.residual_deg === null ? "unknown" : `${offset.residual_deg < 0 ? "−" : "+"}${number(Math.abs(offset.residual_deg), 1)}°`;
  const from = offset.back_azimuth_deg == null ? "" : `${number(offset.back_azimuth_deg)}° (${compass(offset.back_azimuth_deg)}) ± ${number(offset.back_azimuth_uncertainty_deg)}°`;
  return [offset.trace, `${number(offset.distance_deg, 1)}° ± ${number(offset.distance_uncertainty_deg, 1)}°`, from, residual, offset.used ? "yes" : "no"];
}

export function clustered(result) {
  const events = plural(result.assignments.length, "event");
  return [
    element("h2", {}, result.structure_found ? `${plural(result.k, "family").replace("familys", "families")} among ${events}` : `No clear families among ${events}`),
    element("p", { className: "lead" }, result.fine_tuned ? "The model was trained on this upload first." : "Read with the model as shipped."),
    !result.structure_found && care("The events do not fall into groups that hold. What follows is the best division, not a finding."),
    table(["Family", "Events", "Most typical"], result.clusters.map((family) => [family.cluster, family.size, family.representatives.join(", ")])),
    folded("Every event", table(["Event", "Family", "Confidence"], result.assignments.map((event) => [event.event, event.cluster, percent(event.confidence)]))),
    folded("How many families", table(["k", "Loss", "Stability", "Silhouette"], result.selection.map((row) => [row.k, number(row.loss, 3), number(row.stability, 2), number(row.silhouette, 2)]))),
    facts([["Model", versions([result.model])]]),
  ].filter(Boolean);
}

function care(text) {
  return element("p", { className: "care" }, text);
}

export const IN_WORDS = { classify: classified, locate: located, cluster: clustered };

const STAGES = {
  queued: "Waiting for a worker", started: "Taking up the job", fetch: "Fetching the files", read: "Reading the recordings", condition: "Filtering the traces",
  offsets: "Reading distances off the traces", search: "Searching the globe", "event type": "Telling what it was", depth: "Reading the depth",
  "force azimuth": "Reading the force's direction", draw: "Drawing", store: "Writing it down",
};
export const sentence = (words) => (words.charAt(0).toUpperCase() + words.slice(1)).replaceAll("_", " ");
export const stage = (name) => STAGES[name] ?? sentence(name);

const FIGURES = { section: "Record section: every trace at its distance", map: "Map: stations, distances and epicenter", offsets: "Traces with the distance read off each" };
export const caption = (name) => FIGURES[name] ?? sentence(name);
