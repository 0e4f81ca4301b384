// Format results, stages and figure names for people.

import { element, facts, folded, table } from "./dom.js";

const EVENT_TYPES = {
  earthquake: "tectonic earthquake", glacial: "glacial earthquake", other: "other event", undetermined: "undetermined event",
  none: "no event detected",
};
const METHODS = {
  "distances": "epicentral distances of the traces",
  "distances+polarization": "epicentral distances and polarization of three-component stations",
  "distances+array-slowness": "epicentral distances and array slowness",
  "surface-wave-stack": "stack of surface waves",
  "distances+arrival-times": "arrival times and epicentral distances",
  "waveform-inversion": "inversion of long-period waveforms",
};
const STAGES = {
  "detect": "Detecting", "queued": "Queued, waiting for a worker", "started": "Starting", "fetch": "Loading the files", "read": "Reading the waveforms",
  "condition": "Preprocessing the traces", "offsets": "Predicting epicentral distances", "search": "Locating", "event type": "Classifying",
  "depth": "Predicting the depth", "force azimuth": "Predicting the force azimuth", "embed": "Embedding the events", "families": "Clustering",
  "source": "Inverting the waveforms", "draw": "Drawing figures", "store": "Saving the result", "wait for the store": "Waiting for the blob store",
};
const FIGURES = {
  section: "Record section", map: "Map of epicenter, stations and distances", offsets: "Traces with predicted epicentral distances",
  residuals: "Residuals of the predicted distances", families: "Events in the embedding, by family", contact_sheet: "Representative events of each family",
};

const formatNumber = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const formatCount = (count, noun) => `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
const formatModels = (models) => models.map((model) => `${model.name} ${model.version}`).join(", ");

function formatProbability(probability) {
  if (probability > 0.995 && probability < 1) return "over 99 %";
  return probability > 0 && probability < 0.005 ? "under 1 %" : `${formatNumber(100 * probability)} %`;
}

function formatPoint({ latitude, longitude }) {
  const east = ((((longitude + 180) % 360) + 360) % 360) - 180;
  return `${formatNumber(Math.abs(latitude), 2)}° ${latitude < 0 ? "S" : "N"}, ${formatNumber(Math.abs(east), 2)}° ${east < 0 ? "W" : "E"}`;
}

function formatTime(text) {
  const date = new Date(text);
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return `${day}, ${date.toISOString().slice(11, 19)} UTC`;
}

function formatEllipse(ellipse) {
  return `semi-axes ${formatNumber(ellipse.semi_major_km)} × ${formatNumber(ellipse.semi_minor_km)} km, azimuth of the major axis ${formatNumber(ellipse.azimuth_deg)}°`;
}

function caution(text) {
  return element("p", { className: "caution" }, text);
}

function probabilityRow(eventType, probability) {
  const meter = element("meter", { min: 0, max: 1, value: probability, ariaHidden: "true" });
  return [`P (${EVENT_TYPES[eventType] ?? eventType})`, meter, formatProbability(probability)];
}

// Shown instead of a class or an epicenter.
function showNoEvent(result, models, warnings) {
  const { detection } = result;
  const searched = warnings.find((warning) => warning.code === "no-event");
  return [
    element("h2", {}, "No event detected"),
    element("p", { className: "lead" }, "The records cannot be distinguished from noise, so that there is neither a class nor an epicenter."),
    searched && element("p", {}, capitalize(searched.detail)),
    facts([
      detection && ["False-alarm probability", `${formatProbability(detection.false_alarm_probability)} (noise reaches the detection statistic ${formatNumber(detection.statistic, 1)} that often)`],
      result.traces_used !== undefined && ["Traces", formatNumber(result.traces_used)],
      models.length > 0 && ["Models", formatModels(models)],
    ].filter(Boolean)),
  ].filter(Boolean);
}

function showClassification(result, warnings) {
  if (result.event_type === "none") return showNoEvent(result, [result.model], warnings);
  const probability = result.probabilities[result.event_type];
  const basis = `from ${formatCount(result.traces_used, "trace")}.`;
  const point = result.reference_point;
  return [
    element("h2", {}, capitalize(EVENT_TYPES[result.event_type] ?? result.event_type)),
    element("p", { className: "lead" }, probability === undefined ? `No class reaches a probability of 80 %, ${basis}` : `Probability ${formatProbability(probability)}, ${basis}`),
    result.out_of_distribution && caution("It may be neither a tectonic nor a glacial earthquake (an explosion, a landslide, a collapse)."),
    facts([
      ...Object.entries(result.probabilities).map(([eventType, value]) => probabilityRow(eventType, value)),
      point && ["Reference point", `${formatPoint(point)} (${point.source === "given" ? "given trial epicenter" : "predicted epicenter"})`],
      ["Model", formatModels([result.model])],
    ].filter(Boolean)),
  ].filter(Boolean);
}

function showLocation(result, warnings) {
  const { epicenter } = result;
  if (epicenter === null) return showNoEvent(result, result.models, warnings);
  const alternatives = result.alternatives ?? [];
  const used = result.offsets.filter((offset) => offset.used).length;
  return [
    element("h2", {}, formatPoint(epicenter)),
    element("p", { className: "lead" }, `Epicenter of ${/^[aeiou]/.test(EVENT_TYPES[result.event_type]) ? "an" : "a"} ${EVENT_TYPES[result.event_type]}. 68 % horizontal uncertainty: ${formatNumber(epicenter.horizontal_uncertainty_km)} km.`),
    result.azimuthal_gap_deg > 180 && caution(`Azimuthal gap ${formatNumber(result.azimuthal_gap_deg)}°: the epicenter is poorly constrained.`),
    facts([
      ["Origin time", `${formatTime(result.origin_time)} ± ${formatNumber(result.origin_time_uncertainty_s)} s`],
      sourceRow(result),
      [`Ellipse (${formatNumber(epicenter.ellipse.confidence_level)} %)`, formatEllipse(epicenter.ellipse)],
      ["Method", METHODS[result.method] ?? capitalize(result.method)],
      ["Distances", `${formatNumber(used)} of ${formatNumber(result.offsets.length)} used`],
      ["Azimuthal gap", `${formatNumber(result.azimuthal_gap_deg)}°`],
      alternatives.length > 0 ? ["Alternative solutions", alternatives.map((region) => `${formatPoint(region)} (± ${formatNumber(region.horizontal_uncertainty_km)} km)`).join("; ")] : null,
      ["Models", formatModels(result.models)],
    ]),
    folded("Epicentral distances", table(["Trace", "Distance", "Back azimuth", "Residual", "Used"], result.offsets.map(distanceRow))),
  ].filter(Boolean);
}

function sourceRow(result) {
  if (result.depth_km !== null) return ["Depth", `${formatNumber(result.depth_km)} ± ${formatNumber(result.depth_uncertainty_km)} km`];
  if (result.force_azimuth_deg === null) return null;
  const opposite = result.force_azimuth_ambiguous ? ", or the opposite direction" : "";
  return ["Force azimuth", `${formatNumber(result.force_azimuth_deg)}° ± ${formatNumber(result.force_azimuth_uncertainty_deg)}°${opposite}`];
}

function distanceRow(offset) {
  const distance = `${formatNumber(offset.distance_deg, 1)}° ± ${formatNumber(offset.distance_uncertainty_deg, 1)}°`;
  const backAzimuth = offset.back_azimuth_deg == null ? "" : `${formatNumber(offset.back_azimuth_deg)}° ± ${formatNumber(offset.back_azimuth_uncertainty_deg)}°`;
  const residual = offset.residual_deg === null ? "" : `${offset.residual_deg < 0 ? "−" : "+"}${formatNumber(Math.abs(offset.residual_deg), 1)}°`;
  return [offset.trace, distance, backAzimuth, residual, offset.used ? "yes" : "no"];
}

function showClusters(result) {
  const events = formatCount(result.assignments.length, "event");
  const families = result.k === 1 ? "1 family" : `${formatNumber(result.k)} families`;
  return [
    element("h2", {}, result.structure_found ? `${families} in ${events}` : `No significant families in ${events}`),
    element("p", { className: "lead" }, result.fine_tuned ? "Embedding trained on this upload (DeepCluster)." : "Embedding of the families model, not trained on this upload."),
    !result.structure_found && caution(`No number of families fits better than it would for unstructured events. The ${families} below are the best division, not a finding.`),
    table(["Family", "Events", "Representative events"], result.clusters.map((family) => [family.cluster, family.size, family.representatives.join(", ")])),
    folded("Family of each event", table(["Event", "Family", "Confidence"], result.assignments.map((event) => [event.event, event.cluster, formatProbability(event.confidence)]))),
    folded("Choice of the number of families", table(["k", "Loss", "Stability", "Silhouette"], result.selection.map((row) => [row.k, formatNumber(row.loss, 3), formatNumber(row.stability, 2), formatNumber(row.silhouette, 2)]))),
    facts([["Model", formatModels([result.model])]]),
  ].filter(Boolean);
}

// Elements that show the result of a job and its warnings, by kind of job.
export const SHOW_RESULT = { classify: showClassification, locate: showLocation, cluster: showClusters };

export const capitalize = (text) => (text.charAt(0).toUpperCase() + text.slice(1)).replaceAll("_", " ");
export const formatStage = (stage) => STAGES[stage] ?? capitalize(stage);
export const formatCaption = (figure) => FIGURES[figure] ?? capitalize(figure);
