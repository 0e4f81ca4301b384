// Results of classify and locate: what happened where and when, how well that is known, and what it was read from.

import { element, facts, folded, panel, panelInView, table } from "./dom.js";
import { beachBall, coverage, forceArrow, residuals } from "./drawings.js";
import { EVENT_TYPES, capitalize, eventName, formatCount, formatKilometers, formatMethod, formatModels, formatNumber, formatParts, formatPoint, formatPower, formatProbability, formatSigned, formatTime } from "./format.js";
import { fitRows } from "./fit.js";
import { showMap } from "./map.js";
import { readView, writeView } from "./permalink.js";
import { arrivalTable, sectionPanel } from "./section.js";
import { readJson, request } from "./service.js";

const caution = (text) => element("p", { className: "caution" }, text);
const stat = (label, value, note) => element("div", { className: "stat" }, element("dt", {}, label), element("dd", {}, element("b", {}, value), note && element("small", {}, note)));
const heading = (kicker, title, lead) => element("header", { className: "headline" }, element("p", { className: "kicker" }, kicker), element("h2", {}, title), lead && element("p", { className: "lead" }, lead));

// Elements of an answer, or functions that make them, and what must be done once they are in the page.
export async function showEvent(job) {
  return job.result.kind === "locate_many" ? showMany(job) : showOne(job, job.result, "section", null);
}

async function showOne(job, result, figure, features) {
  const section = sectionOf(job, figure, result.arrivals ?? []);
  const fit = job.links.figures.find((name) => name.endsWith(`/${figure.replace("section", "waveform_fit")}.png`));
  if (result.event_type === "none") return { elements: [...noEvent(job, result), section], after: null };
  return result.kind === "locate" ? showLocation(result, section, fit, features ?? (await readGeoJson(job)), notesOf(job, result)) : { elements: [...showClassification(result), section], after: null };
}

// What concerns the event as a whole, but for what the page says in its own words where the class is open.
function notesOf(job, result) {
  const whole = job.warnings.filter((warning) => !warning.trace && (result === job.result ? !warning.part : job.result.events.some((event) => event.result === result && event.event === warning.part)));
  return whole.filter(({ code }) => code !== "no-depth-or-force" || result.event_type !== "undetermined").map(({ detail }) => `${capitalize(detail)}.`);
}

const readData = (figure) => readJson(figure.replace(/png$/, "json")).catch(() => null);

const readGeoJson = async (job) => (await readJson(`${job.links.result}?format=geojson`)).features;

function sectionOf(job, figure, arrivals) {
  const path = job.links.figures.find((name) => name.endsWith(`/${figure}.png`));
  if (!path) return null;
  return panelInView("Record section", async () => {
    const data = await readData(path);
    return data ? sectionPanel(data, arrivals) : loadPicture(path);
  });
}

// The figure as a picture, for jobs of a release that kept no data of it.
async function loadPicture(path) {
  return element("img", { className: "picture", src: URL.createObjectURL(await (await request(path)).blob()), alt: "Record section" });
}

function noEvent(job, result) {
  const searched = job.warnings.find((warning) => warning.code === "no-event");
  const { detection } = result;
  return [
    heading("No event", "No event detected", "The records do not differ from noise enough, so there is neither a class nor an epicenter."),
    element("dl", { className: "stats" },
      detection && stat("False-alarm probability", formatProbability(detection.false_alarm_probability), "how often noise alone shows as much"),
      detection && stat("Detection statistic", formatNumber(detection.statistic, 1), "of the strongest evidence"),
      result.traces_used !== undefined && stat("Traces", formatNumber(result.traces_used)), stat("Automatic", "Not reviewed")),
    searched && panel("What was looked for", element("p", {}, `${capitalize(searched.detail)}.`)),
  ].filter(Boolean);
}

const naming = (type) => capitalize(EVENT_TYPES[type] ?? type);

function probabilities(result) {
  const rows = Object.entries(result.probabilities ?? {}).sort((first, second) => second[1] - first[1]);
  if (rows.length === 0) return null;
  return element("div", { className: "classes" }, rows.map(([type, probability]) => {
    const bar = element("i", { className: "bar-fill" });
    bar.style.width = `${100 * probability}%`;
    return element("div", { className: type === result.event_type ? "class chosen" : "class" }, element("span", {}, naming(type)), element("span", { className: "bar-track" }, bar), element("b", {}, formatProbability(probability)));
  }));
}

const unsure = (result) => result.event_type === "undetermined" && caution("No class reaches a probability of 80 %, so that neither a depth nor a force azimuth is stated. If you know the class, choose it under Options when you submit.");
const outside = (result) => result.out_of_distribution && result.event_type !== "other" && caution("It may be neither a tectonic nor a glacial earthquake: an explosion, a landslide or a collapse are possible.");

// Regions of Flinn and Engdahl are smaller than this.
const VAGUE_KM = 500;
const REGIONAL_KM = 100;
const remote = ({ epicenter }, place) => place && epicenter.horizontal_uncertainty_km > VAGUE_KM && caution(`The epicenter is known to ± ${formatKilometers(epicenter.horizontal_uncertainty_km)} only, so that the event may have been in another region than ${place}.`);

// Without an uncertainty in the answer: no digits that few predicted epicenters have.
const describeReference = (point) => (point.source === "given" ? `${formatPoint(point)} (given trial epicenter)` : `${formatPoint({ ...point, horizontal_uncertainty_km: REGIONAL_KM })} (predicted epicenter)`);

function showClassification(result) {
  const probability = result.probabilities[result.event_type], point = result.reference_point;
  const open = result.event_type === "undetermined" && caution("No class reaches a probability of 80 %. More stations may decide it: near ones, with horizontals and responses.");
  return [
    heading("Classification", naming(result.event_type), probability === undefined ? `From ${formatCount(result.traces_used, "trace")}.` : `Probability ${formatProbability(probability)}, from ${formatCount(result.traces_used, "trace")}.`),
    open, outside(result),
    panel("Probabilities", probabilities(result), facts([
      point && ["Reference point", describeReference(point)],
      ["Model", formatModels([result.model])],
    ])),
  ].filter(Boolean);
}

function showLocation(result, section, fit, features, notes) {
  const place = features.find(({ properties }) => properties.kind === "epicenter")?.properties.place;
  const box = element("div", { className: "map-box" });
  const probability = result.probabilities?.[result.event_type];
  const kicker = [naming(result.event_type), probability === undefined ? null : formatProbability(probability), "automatic, not reviewed"].filter(Boolean).join(" · ");
  const elements = [
    heading(kicker, place ?? formatPoint(result.epicenter), `${formatTime(result.origin_time, digitsOf(result.origin_time_uncertainty_s))} ${unbroken(`± ${formatSeconds(result.origin_time_uncertainty_s)}`)}`),
    element("dl", { className: "stats" }, ...statsOf(result, features)),
    unsure(result), remote(result, place), notes.map((text) => caution(text)), result.azimuthal_gap_deg > 180 && caution(`The stations leave ${formatNumber(result.azimuthal_gap_deg)}° of azimuth open (azimuthal gap): the epicenter is poorly constrained on that side.`),
    element("div", { className: "pair" }, element("section", { className: "panel flush" }, box), element("div", {},
      panel("Class", probabilities(result) ?? element("p", { className: "quiet" }, `${naming(result.event_type)}, as stated in the submission`),
        result.reference_point && facts([["Reference point", describeReference(result.reference_point)]])),
      panel("Solution", coverage(distancesOf(features), result.azimuthal_gap_deg), solutionFacts(result)))),
    () => sourcePanel(result, fit), section,
    () => panel("Observations", result.arrivals?.length > 0 && folded(`Arrivals (${result.arrivals.length})`, () => arrivalTable(result.arrivals, result.depth_km != null)), result.offsets.length > 0 && folded(`Epicentral distances of the traces (${result.offsets.length})`, () => [residuals(result.offsets), distanceTable(result.offsets)])),
  ].filter(Boolean);
  return { elements, title: place, after: () => showMap(box, features, result.offsets) };
}

// A time and its uncertainty are written with the same digits.
const digitsOf = (seconds) => (seconds < 9.5 ? 1 : 0);
const depthDigits = ({ depth_uncertainty_km: uncertainty }) => (uncertainty < 1 ? 1 : 0);
const describeDepthError = (result) => [`± ${formatNumber(result.depth_uncertainty_km, depthDigits(result))} km`, result.depth_interval_90_km && `90 %: ${result.depth_interval_90_km.map((depth) => formatNumber(depth)).join(" to ")} km`].filter(Boolean).join("; ");
const formatSeconds = (seconds) => `${formatNumber(seconds, digitsOf(seconds))} s`;

function statsOf(result, features) {
  const { epicenter } = result;
  const depth = result.depth_km === null ? stat("Depth", "Not stated", result.event_type === "glacial" ? "at the surface" : "see the notes below") : stat("Depth", `${formatNumber(result.depth_km, depthDigits(result))} km`, describeDepthError(result));
  const force = result.force_azimuth_deg === null ? null : stat("Force azimuth", `${formatNumber(result.force_azimuth_deg)}°`, `± ${formatNumber(result.force_azimuth_uncertainty_deg)}°${result.force_azimuth_ambiguous ? ", or opposite" : ""}`);
  const used = result.offsets.filter((offset) => offset.used).length, arrivals = result.arrivals?.length ?? 0;
  const rms = features.find(({ properties }) => properties.kind === "epicenter")?.properties.rms;
  const observed = [arrivals > 0 && formatCount(arrivals, "arrival"), used > 0 && formatCount(used, "distance")].filter(Boolean);
  const notes = [rms != null && `rms ${formatNumber(rms, 1)} s (body waves)`, ...observed.slice(1)].filter(Boolean).join(", ");
  return [
    stat("Epicenter", formatPoint(epicenter), `± ${formatKilometers(epicenter.horizontal_uncertainty_km)} (68 %)`), force ?? depth,
    stat("Azimuthal gap", `${formatNumber(result.azimuthal_gap_deg)}°`, result.azimuthal_gap_deg > 180 ? "epicenter outside the network" : "epicenter inside the network"),
    stat("Observations", observed[0] ?? "None", notes), magnitudeOf(result.source),
  ];
}

function magnitudeOf(source) {
  if (!source?.constrains || source.moment_magnitude == null) return stat("Magnitude", "Not determined", whyNoMagnitude(source));
  return stat("Magnitude", `Mw ${formatNumber(source.moment_magnitude, 1)}`, `± ${formatNumber(source.moment_magnitude_uncertainty ?? 0, 2)} (scatter of ${formatCount(source.amplitude_traces, "trace")})`);
}

function whyNoMagnitude(source) {
  if (source?.kind !== "moment-tensor") return "no moment tensor";
  return source.amplitude_unknown ? "no instrument response" : "moment tensor not constrained";
}

function solutionFacts(result) {
  const { ellipse } = result.epicenter, alternatives = result.alternatives ?? [];
  return facts([
    ["Method", formatMethod(result.method)],
    [`Ellipse (${formatNumber(ellipse.confidence_level)} %)`, `semi-axes ${formatKilometers(ellipse.semi_major_km)} and ${formatKilometers(ellipse.semi_minor_km)}, azimuth of the major axis ${formatNumber(ellipse.azimuth_deg)}°`],
    result.depth_method && ["Depth from", formatParts(result.depth_method)],
    alternatives.length > 0 && ["Alternatives", element("ul", { className: "plain" }, alternatives.map((region) => element("li", {}, `${formatPoint(region)} ± ${formatKilometers(region.horizontal_uncertainty_km)}`)))],
    result.models.length > 0 && ["Models", formatModels(result.models)],
  ]);
}

// Traces with their distance from the epicenter, those without a predicted distance (arrivals alone) included.
function distancesOf(features) {
  return features.filter(({ properties }) => properties.kind === "station").map(({ properties }) => ({ ...properties, used: properties.used || properties.arrivals?.length > 0 }));
}

function sourcePanel(result, fit) {
  const { source } = result;
  if (!source && result.force_azimuth_deg === null) return null;
  const arrow = result.force_azimuth_deg === null ? null : forceArrow(result.force_azimuth_deg, result.force_azimuth_uncertainty_deg, result.force_azimuth_ambiguous);
  const drawing = source?.tensor ? beachBall(source.tensor) : arrow;
  const planes = (source?.nodal_planes ?? []).map((plane) => `${formatNumber(plane.strike)}° / ${formatNumber(plane.dip)}° / ${formatNumber(plane.rake).replace("-", "−")}°`);
  const rows = facts([
    source && ["Kind", source.kind === "moment-tensor" ? "Moment tensor" : "Single force"],
    planes.length > 0 && ["Nodal planes (strike / dip / rake)", planes.join(", ")],
    source?.mechanism_uncertainty_deg != null && ["Mechanism", `${source.tensor ? "U" : "Not determined: u"}ncertain by a rotation of ${formatNumber(source.mechanism_uncertainty_deg)}° (68 %)`],
    source?.double_couple != null && ["Double couple", `${formatNumber(100 * source.double_couple)} %`],
    source?.scalar_moment_n_m != null && ["Scalar moment", `${formatPower(source.scalar_moment_n_m, 2)} N m`],
    source?.force_amplitude_kg_m != null && ["Mass times distance", `${formatPower(source.force_amplitude_kg_m, 1)} kg m`],
    source?.amplitude_unknown && ["Amplitude", capitalize(source.amplitude_unknown)],
    source?.centroid && ["Centroid", `${formatPoint(source.centroid)} ± ${formatKilometers(source.centroid.horizontal_uncertainty_km)}, ${formatTime(source.centroid.time, digitsOf(source.centroid.time_uncertainty_s))} ± ${formatSeconds(source.centroid.time_uncertainty_s)}`],
    source?.depth_km != null && ["Centroid depth", `${formatNumber(source.depth_km)} ± ${formatNumber(source.depth_uncertainty_km)} km`],
    result.force_azimuth_deg !== null && ["Force azimuth", `${formatNumber(result.force_azimuth_deg)}° ± ${formatNumber(result.force_azimuth_uncertainty_deg)}°, from ${formatParts(result.force_method ?? "beams").toLowerCase()}`],
    source?.sign_probability != null && ["Probability against the opposite", formatProbability(source.sign_probability)],
    source?.force_duration_s != null && ["Duration of the force", `${formatNumber(source.force_duration_s)} s`],
    source && ["Variance reduction", `${formatNumber(100 * source.variance_reduction)} % at free gains`],
    source && ["Log-likelihood ratio", `${formatNumber(source.log_likelihood)}, against noise`],
  ]);
  const fits = Object.entries(source?.correlations ?? {}).sort((first, second) => second[1] - first[1]);
  return panel("Source", source && !source.constrains && caution("The long-period waveforms do not constrain the source; it is shown for information and enters no other number."),
    element("div", { className: "source" }, drawing, rows),
    fit && folded("Observed and synthetic waveforms", async () => { const data = await readData(fit); return data ? fitRows(data) : "The waveforms cannot be loaded."; }),
    !fit && fits.length > 0 && folded(`Fit of the waveforms (${fits.length} traces)`, () => table("Fit of the waveforms", ["Trace", "Correlation of the Rayleigh waves"], fits.map(([trace, correlation]) => [trace, formatNumber(correlation, 2)]))));
}

function distanceTable(offsets) {
  const digits = (deviation) => (deviation < 0.1 ? 2 : 1);
  const degrees = (value, deviation) => (value == null ? "no coordinates" : `${formatNumber(value, digits(deviation))}° ± ${formatNumber(deviation, digits(deviation))}°`);
  return table("Epicentral distances", ["Trace", "Predicted distance", "From the epicenter", "Back azimuth", "Epicenter − predicted", "Used"], offsets.map((offset) => [
    offset.trace, ...[degrees(offset.distance_deg, offset.distance_uncertainty_deg), degrees(offset.epicentral_distance_deg, offset.epicentral_distance_uncertainty_deg),
      offset.back_azimuth_deg == null ? "not determined" : `${formatNumber(offset.back_azimuth_deg)}° ± ${formatNumber(offset.back_azimuth_uncertainty_deg)}°`,
      offset.residual_deg === null ? "no coordinates" : `${formatSigned(offset.residual_deg)}°`].map(unbroken), offset.used ? "yes" : "no"]));
}

// Many events of one job: their list and map, or the one that the address names.
async function showMany(job) {
  const { events, located } = job.result, features = await readGeoJson(job), chosen = readView("event");
  const found = events.find((event) => event.event === chosen);
  const back = element("p", {}, element("a", { href: `#job=${job.id}` }, "All events of this job"));
  if (found?.result) {
    const own = features.filter(({ properties }) => properties.event === found.event);
    const shown = await showOne(job, found.result, `${eventName(events.indexOf(found))}_section`, own);
    return { ...shown, elements: [back, ...shown.elements] };
  }
  const places = new Map(features.filter(({ properties }) => properties.kind === "epicenter").map(({ properties }) => [properties.event, properties.place]));
  const box = element("div", { className: "map-box" });
  const rows = events.map((event) => manyRow(event, places.get(event.event), () => writeView({ event: event.event, t: null, map: null })));
  const elements = [
    heading("Many events", `${formatNumber(located)} of ${formatCount(events.length, "event")} answered`, "Every folder or waveform file of the archive is an event of its own."),
    places.size > 0 && element("section", { className: "panel flush" }, box),
    panel("Events", table("Events", ["Event", "Class", "Region", "Origin time", "Epicenter", "Depth"], rows)),
  ].filter(Boolean);
  const shown = features.filter(({ properties }) => ["epicenter", "ellipse"].includes(properties.kind) && !properties.alternative);
  return { elements, after: places.size > 0 ? () => showMap(box, shown, []) : null };
}

const unbroken = (text) => text.replaceAll(" ", "\u00a0");

function manyRow(event, place, open) {
  const { result, problem } = event;
  if (!result) return [event.event, "Problem", problem.detail, "", "", ""];
  const link = element("a", { href: `#${new URLSearchParams({ job: readView("job"), event: event.event })}`, onclick: open }, event.event);
  if (!result.epicenter) return [link, naming(result.event_type), "", "", "", ""];
  return [link, naming(result.event_type), place ?? "", ...[formatTime(result.origin_time), `${formatPoint(result.epicenter)} ± ${formatKilometers(result.epicenter.horizontal_uncertainty_km)}`, result.depth_km === null ? "not stated" : `${formatNumber(result.depth_km)} km`].map(unbroken)];
}
