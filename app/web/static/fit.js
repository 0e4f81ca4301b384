// The waveform fit of a source: observed and synthetic waves of each station, from the data of the figure `waveform_fit`.

import { element, svg } from "./dom.js";
import { formatNumber, formatSigned } from "./format.js";

const HEIGHT = 40;

const NAMES = { body: "Body waves", rayleigh: "Rayleigh waves", love: "Love waves" };
const SHARES = { body: "minmax(0, 2fr)", rayleigh: "minmax(0, 3fr)", love: "minmax(0, 2fr)" };

// Rows by azimuth, with a column for each kind of wave that some station has.
export function fitRows(data) {
  const stations = [...data.stations].sort((first, second) => first.azimuth_deg - second.azimuth_deg);
  const longest = (kind) => Math.max(0, ...stations.map((station) => station[kind]?.observed.length ?? 0));
  const kinds = Object.keys(NAMES).filter(longest);
  const few = data.traces_in_all > stations.length ? ` ${stations.length} of ${data.traces_in_all} traces are shown.` : "";
  const rows = element("div", { className: "fits" }, element("b", { className: "whole" }, "Trace"), kinds.map((kind) => element("b", {}, `${NAMES[kind]} (up to ${formatNumber(longest(kind) * data.step_s)} s)`)),
    stations.map((station) => [
      element("span", { className: "whole" }, station.trace, element("small", {}, `${formatNumber(station.distance_deg, 1)}°, azimuth ${formatNumber(station.azimuth_deg)}°`)),
      kinds.map((kind) => fitWindow(station[kind], longest(kind), `${NAMES[kind]} of ${station.trace}`)),
    ]));
  rows.style.setProperty("--windows", kinds.map((kind) => SHARES[kind]).join(" "));
  return [
    element("p", { className: "legend" }, element("span", { className: "phase" }, element("i", { className: "swatch observed" }), "Observed"), element("span", { className: "phase" }, element("i", { className: "swatch synthetic" }), "Synthetic")),
    rows,
    element("p", { className: "quiet" }, `Whitened, 28 to 150 s; every window has its own gain and time shift, which the inversion leaves free. Distances and azimuths are from the best fitting source, not from the stated epicenter. With each: correlation and time shift; 0.00 and a flat line where the window is not used, or its polarity is opposite.${few}`),
  ];
}

function fitWindow(window, length, label) {
  if (!window) return element("span", { className: "quiet" }, "not used");
  const line = (values, name) => svg("path", { class: name, d: `M${values.map((value, index) => `${index},${(HEIGHT / 2 - (value * HEIGHT) / 2100).toFixed(1)}`).join("L")}` });
  const drawing = svg("svg", { viewBox: `0 0 ${length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${label}, correlation ${formatNumber(window.correlation, 2)}` }, line(window.observed, "observed"), line(window.synthetic, "synthetic"));
  return element("span", { className: "fit" }, drawing, element("small", {}, element("span", {}, formatNumber(window.correlation, 2)), " ", element("span", {}, `${formatSigned(window.shift_s, 0)} s`)));
}
