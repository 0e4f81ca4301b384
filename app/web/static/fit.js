// The waveform fit of a source: observed and synthetic waves of each station, from the data of the figure `waveform_fit`.

import { element, svg } from "./dom.js";
import { formatNumber, formatSigned } from "./format.js";

const HEIGHT = 40;

// Rows by azimuth: body waves at the left, Rayleigh waves at the right.
export function fitRows(data) {
  const stations = [...data.stations].sort((first, second) => first.azimuth_deg - second.azimuth_deg);
  const longest = (kind) => Math.max(1, ...stations.map((station) => station[kind]?.observed.length ?? 0));
  const lengths = { body: longest("body"), rayleigh: longest("rayleigh") };
  const few = data.traces_in_all > stations.length ? ` ${stations.length} of ${data.traces_in_all} traces are shown.` : "";
  return [
    element("p", { className: "legend" }, element("span", { className: "phase" }, element("i", { className: "swatch observed" }), "Observed"), element("span", { className: "phase" }, element("i", { className: "swatch synthetic" }), "Synthetic")),
    element("div", { className: "fits" }, element("b", {}, "Trace"), element("b", {}, `Body waves (${formatNumber(lengths.body * data.step_s)} s)`), element("b", {}, `Rayleigh waves (${formatNumber(lengths.rayleigh * data.step_s)} s)`),
      stations.map((station) => [
        element("span", {}, station.trace, element("small", {}, `${formatNumber(station.distance_deg, 1)}°, azimuth ${formatNumber(station.azimuth_deg)}°`)),
        fitWindow(station.body, lengths.body, `Body waves of ${station.trace}`), fitWindow(station.rayleigh, lengths.rayleigh, `Rayleigh waves of ${station.trace}`),
      ])),
    element("p", { className: "quiet" }, `Whitened, 28 to 150 s; every window has its own gain and time shift, which the inversion leaves free.${few}`),
  ];
}

function fitWindow(window, length, label) {
  if (!window) return element("span", { className: "quiet" }, "not used");
  const line = (values, name) => svg("path", { class: name, d: `M${values.map((value, index) => `${index},${(HEIGHT / 2 - (value * HEIGHT) / 2100).toFixed(1)}`).join("L")}` });
  const drawing = svg("svg", { viewBox: `0 0 ${length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${label}, correlation ${formatNumber(window.correlation, 2)}` }, line(window.observed, "observed"), line(window.synthetic, "synthetic"));
  return element("span", { className: "fit" }, drawing, element("small", {}, formatNumber(window.correlation, 2), element("br"), `${formatSigned(window.shift_s, 0)} s`));
}
