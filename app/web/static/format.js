// Words and numbers for people.

export const EVENT_TYPES = {
  earthquake: "tectonic earthquake", glacial: "glacial earthquake", other: "other event", undetermined: "undetermined event",
  none: "no event detected",
};
const METHODS = {
  "distances": "Epicentral distances of the traces",
  "distances+polarization": "Epicentral distances and polarization of three-component stations",
  "distances+array-slowness": "Epicentral distances and array slowness",
  "distances+surface-wave-stack": "Epicentral distances and a stack of surface waves",
  "distances+arrival-times": "Arrival times and epicentral distances",
  "arrival-times": "Arrival times",
  "waveform-inversion": "Inversion of long-period waveforms",
};
const PARTS = { "section": "record section", "arrival-times": "arrival times", "depth-phases": "depth phases", "waveform-inversion": "waveform inversion", "beams": "beams of the network" };
const STAGES = {
  "detect": "Detecting", "queued": "Queued, waiting for a worker", "started": "Starting", "fetch": "Loading the files", "read": "Reading the waveforms",
  "condition": "Preprocessing the traces", "offsets": "Predicting epicentral distances", "search": "Locating", "event type": "Classifying",
  "depth": "Predicting the depth", "force azimuth": "Predicting the force azimuth", "embed": "Embedding the events", "families": "Clustering",
  "source": "Inverting the waveforms", "draw": "Drawing figures", "store": "Saving the result", "wait for the store": "Waiting for the blob store",
};
const FIGURES = {
  section: "Record section", map: "Map", offsets: "Traces with predicted distances", residuals: "Residuals of the distances",
  waveform_fit: "Waveform fit", mechanism: "Mechanism", source_likelihood: "Likelihood of the source",
  depth_phases: "Depth phases",
  families: "Map of the embedding", contact_sheet: "Representative events",
};
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
export const KINDS = { classify: "Classification", locate: "Location", cluster: "Clustering" };

export const capitalize = (text) => text.charAt(0).toUpperCase() + text.slice(1);
// A name in code as words; texts for people keep the underscores of names of files and options.
const spell = (name) => capitalize(name).replaceAll("_", " ");
// Name of one of many events, by its index, in names of figures.
export const eventName = (index) => `event_${String(index + 1).padStart(4, "0")}`;
export const formatStage = (stage) => STAGES[stage] ?? spell(stage);
export const formatCaption = (figure) => FIGURES[figure] ?? spell(figure);
export const formatMethod = (method) => METHODS[method] ?? capitalize(method);
export const formatParts = (methods) => (methods ? capitalize(methods.split("+").map((part) => PARTS[part] ?? part).join(", ")) : "");
// Not by Intl, whose first use takes a phone longer than all else that is written.
export function formatNumber(value, digits = 0) {
  const [whole, fraction] = Number(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction ? `${grouped}.${fraction}` : grouped;
}
export const formatCount = (count, noun, plural = `${noun}s`) => `${formatNumber(count)} ${count === 1 ? noun : plural}`;
export const formatModels = (models) => models.map((model) => `${model.name} ${model.version}`).join(", ");
// With a sign, but for what rounds to zero.
export function formatSigned(value, digits = 1) {
  const text = formatNumber(Math.abs(value), digits);
  return Number(text.replaceAll(",", "")) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
// A power of ten in the notation of print, 3.65e+19 as 3.65 × 10¹⁹.
export function formatPower(value, digits) {
  const [factor, exponent] = value.toExponential(digits).split("e");
  const raised = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("");
  return `${factor} × 10${exponent < 0 ? "⁻" : ""}${raised}`;
}
export const wrapLongitude = (longitude, center = 0) => ((((longitude - center + 180) % 360) + 360) % 360) - 180 + center;

export function formatProbability(probability) {
  if (probability >= 0.995 && probability < 1) return "over 99 %";
  return probability > 0 && probability < 0.005 ? "under 1 %" : `${formatNumber(100 * probability)} %`;
}

// A point with as many digits as its uncertainty leaves a meaning.
export function formatPoint({ latitude, longitude, horizontal_uncertainty_km: uncertainty = 0 }) {
  const east = wrapLongitude(longitude), digits = uncertainty < 50 ? 2 : uncertainty < 500 ? 1 : 0;
  return `${formatNumber(Math.abs(latitude), digits)}°\u00a0${latitude < 0 ? "S" : "N"}, ${formatNumber(Math.abs(east), digits)}°\u00a0${east < 0 ? "W" : "E"}`;
}

// A distance or uncertainty that is not rounded to nothing.
export const formatKilometers = (value) => `${formatNumber(value, value < 9.5 ? 1 : 0)} km`;

// Rounded to whole seconds, or to tenths with one digit.
export function formatTime(text, digits = 0) {
  const step = digits ? 100 : 1000, date = new Date(Math.round(new Date(text) / step) * step);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}, ${date.toISOString().slice(11, digits ? 21 : 19)} UTC`;
}

export const formatClock = (seconds) => new Date(1000 * seconds).toISOString().slice(11, 21);

// Seconds as minutes and seconds, 83.4 as 1:23.4.
export function formatMinutes(seconds, digits = 0) {
  const rounded = Math.round(Math.abs(seconds) * 10 ** digits) / 10 ** digits;
  const minutes = Math.floor(rounded / 60);
  const rest = (rounded - 60 * minutes).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${seconds < 0 && rounded > 0 ? "−" : ""}${minutes}:${rest}`;
}

export function formatAge(text) {
  const seconds = Math.max(0, (Date.now() - new Date(text)) / 1000);
  const steps = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];
  const [, unit, size] = steps.find(([limit]) => seconds < limit);
  return `${formatCount(Math.floor(seconds / size), unit)} ago`;
}

export function formatSize(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = bytes < 1 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

// What a job found, in a line. `place`: the region of an epicenter.
export function describeResult({ kind, result }, place) {
  if (kind === "cluster") return result.structure_found ? `${formatCount(result.k, "family", "families")} in ${formatCount(result.assignments.length, "event")}` : `No significant families in ${formatCount(result.assignments.length, "event")}`;
  if (result.kind === "locate_many") return formatCount(result.events.length, "event");
  return [capitalize(EVENT_TYPES[result.event_type] ?? result.event_type), place].filter(Boolean).join(", ");
}
