// Small drawings: stations by azimuth and distance, residuals, the beach ball of a moment tensor, and the direction of a force.

import { element, svg, whenNear } from "./dom.js";
import { formatNumber, formatSigned } from "./format.js";
import { readColor, redrawWithScheme } from "./phases.js";

const polar = (azimuth, radius) => [radius * Math.sin(azimuth * Math.PI / 180), -radius * Math.cos(azimuth * Math.PI / 180)];
const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join("L")}`;

const REACHES_DEG = [0.3, 0.6, 1.5, 3, 6, 9, 15, 30, 45, 60, 90, 120, 180];

// Three distances in degrees for circles around an epicenter, the largest beyond the farthest station.
export function circleDistances(distances) {
  const farthest = Math.max(0, ...distances), reach = REACHES_DEG.find((limit) => limit >= farthest) ?? 180;
  return [1, 2, 3].map((third) => (third * reach) / 3);
}

export const formatDistance = (distance) => formatNumber(distance, distance < 1 || distance % 1 ? 1 : 0);

// Stations around the epicenter, with the largest gap in azimuth shaded. `traces`: {trace, distance_deg, azimuth_deg, used}.
export function coverage(traces, gap) {
  const placed = traces.filter((trace) => trace.azimuth_deg !== null);
  if (placed.length === 0) return null;
  const circles = circleDistances(placed.map((trace) => trace.distance_deg)), reach = circles[2];
  const azimuths = placed.filter((trace) => trace.used).map((trace) => trace.azimuth_deg).sort((first, second) => first - second);
  const drawing = svg("svg", { viewBox: "-118 -118 236 236", class: "coverage", role: "img", "aria-label": `${placed.length} traces around the epicenter, azimuthal gap ${formatNumber(gap ?? 360)} degrees` });
  drawing.append(...gapSector(azimuths));
  for (const distance of circles) drawing.append(svg("circle", { class: "grid", r: (100 * distance) / reach }));
  drawing.append(svg("path", { class: "grid", d: "M0,-100V100M-100,0H100" }));
  for (const [letter, x, y] of [["N", 0, -106], ["E", 109, 4], ["S", 0, 115], ["W", -109, 4]]) drawing.append(svg("text", { x, y }, letter));
  for (const distance of circles) drawing.append(svg("text", { class: "small", x: 3, y: (-100 * distance) / reach + 10 }, `${formatDistance(distance)}°`));
  for (const trace of placed) {
    const [x, y] = polar(trace.azimuth_deg, 100 * trace.distance_deg / reach);
    drawing.append(svg("path", { class: trace.used ? "station" : "station unused", d: "M-4.5,3.5 0,-4.5 4.5,3.5Z", transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` }, svg("title", {}, `${trace.trace}, ${formatNumber(trace.distance_deg, 1)}°`)));
  }
  return element("figure", { className: "small" }, drawing, element("figcaption", {}, `Stations by azimuth and distance${gap === null ? "" : `; azimuthal gap ${formatNumber(gap)}°`}`));
}

function gapSector(azimuths) {
  if (azimuths.length === 0) return [];
  const gaps = azimuths.map((azimuth, index) => [azimuth, index + 1 < azimuths.length ? azimuths[index + 1] - azimuth : azimuths[0] + 360 - azimuth]);
  const [start, width] = gaps.reduce((largest, one) => (one[1] > largest[1] ? one : largest));
  const arc = Array.from({ length: 61 }, (_, step) => polar(start + (width * step) / 60, 100));
  return [svg("path", { class: "gap", d: `${path([[0, 0], ...arc])}Z` })];
}

const DISTANCE_TICKS = [0.5, 1, 2, 5, 10, 30, 60].map((step) => [0, 1, 2, 3, 4].map((count) => count * step));

const UNCERTAIN = 4; // Times the median deviation.

// Residuals of the predicted distances over distance, with their uncertainties.
export function residuals(offsets) {
  const shown = offsets.filter((offset) => offset.residual_deg !== null);
  if (shown.length < 2) return null;
  const limit = residualLimit(shown), beyond = shown.some((offset) => Math.abs(offset.residual_deg) > limit);
  const farthest = Math.max(2, ...shown.map((offset) => offset.distance_deg)) * 1.04;
  const x = (distance) => 66 + (distance / farthest) * 518, y = (residual) => 100 - (Math.min(limit, Math.max(-limit, residual)) / limit) * 82;
  const drawing = svg("svg", { viewBox: "0 0 600 226", class: "residuals", role: "img", "aria-label": `Residuals of ${shown.length} predicted distances` });
  for (const residual of [-limit / 1.1, 0, limit / 1.1]) {
    drawing.append(svg("path", { class: "grid", d: `M66,${y(residual)}H588` }), svg("text", { class: "end", x: 60, y: y(residual) + 4 }, residual ? `${formatSigned(residual, limit < 10 ? 1 : 0)}°` : "0°"));
  }
  for (const distance of DISTANCE_TICKS.find((marks) => marks.at(-1) >= farthest).filter((mark) => mark < farthest)) drawing.append(svg("text", { x: x(distance), y: 204 }, `${distance}°`));
  drawing.append(svg("text", { x: 325, y: 223 }, "Predicted distance"));
  for (const offset of shown) {
    const [at, level] = [x(offset.distance_deg), y(offset.residual_deg)];
    drawing.append(svg("g", { class: offset.used ? "datum" : "datum unused" },
      svg("path", { d: `M${at},${y(offset.residual_deg - offset.distance_uncertainty_deg)}V${y(offset.residual_deg + offset.distance_uncertainty_deg)}` }),
      svg("circle", { cx: at, cy: level, r: 3.5 }, svg("title", {}, `${offset.trace}: ${formatSigned(offset.residual_deg)}°`))));
  }
  return element("figure", {}, drawing, element("figcaption", {}, `Residuals: distance from the epicenter minus predicted distance, with 68 % uncertainties; hollow: not used${beyond ? "; at the edge: beyond it" : ""}`));
}

// Largest residual that is drawn in its place. A few uncertain distances do not shrink the rest: they are drawn at the edge.
export function residualLimit(offsets) {
  const used = offsets.filter((offset) => offset.used), deviations = used.map((offset) => offset.distance_uncertainty_deg).sort((first, second) => first - second);
  const usual = deviations[Math.floor(deviations.length / 2)] ?? 0;
  const reaches = used.filter((offset) => offset.distance_uncertainty_deg <= UNCERTAIN * usual).map((offset) => Math.abs(offset.residual_deg) + Math.min(usual, offset.distance_uncertainty_deg));
  return Math.max(1, ...reaches) * 1.1;
}

// Sign of the P radiation of a moment tensor on the lower hemisphere, equal-area projection (r up, t south, p east).
export function radiation(tensor, east, north) {
  const radius = Math.hypot(east, north);
  const takeoff = 2 * Math.asin(Math.min(1, radius / Math.SQRT2)), across = radius ? Math.sin(takeoff) / radius : 0;
  const [r, t, p] = [-Math.cos(takeoff), -across * north, across * east];
  return tensor.rr * r * r + tensor.tt * t * t + tensor.pp * p * p + 2 * (tensor.rt * r * t + tensor.rp * r * p + tensor.tp * t * p);
}

export function beachBall(tensor, size = 132) {
  const canvas = element("canvas", { className: "ball", role: "img", ariaLabel: "Focal mechanism, lower hemisphere" });
  canvas.style.width = canvas.style.height = `${size}px`;
  const draw = () => {
    const pixels = Math.round(size * Math.max(2, window.devicePixelRatio || 1)), half = pixels / 2 - 2; // Finer than the screen, whose smoothing then rounds the edges.
    canvas.width = canvas.height = pixels;
    const context = canvas.getContext("2d");
    const disc = () => { context.beginPath(); context.arc(pixels / 2, pixels / 2, half, 0, 2 * Math.PI); };
    disc();
    context.fillStyle = readColor("--paper");
    context.fill();
    context.beginPath();
    for (let row = 0; row < pixels; row++) addPositive(context, tensor, row, pixels, half);
    context.fillStyle = readColor("--accent");
    context.fill();
    disc();
    context.strokeStyle = readColor("--ink");
    context.lineWidth = pixels / size;
    context.stroke();
  };
  whenNear(canvas, () => { draw(); redrawWithScheme(canvas, draw); });
  return canvas;
}

// Adds the stretches of a row of pixels in which P moves away from the source to the path of a drawing.
function addPositive(context, tensor, row, pixels, half) {
  let begin = null;
  for (let column = 0; column <= pixels; column++) {
    const [east, north] = [(column - pixels / 2) / half, (pixels / 2 - row) / half];
    const positive = column < pixels && Math.hypot(east, north) <= 1 && radiation(tensor, east, north) > 0;
    if (positive === (begin !== null)) continue;
    if (!positive) context.rect(begin, row, column - begin, 1);
    begin = positive ? column : null;
  }
}

// Direction of a horizontal force with its uncertainty; both directions where they cannot be told apart.
export function forceArrow(azimuth, uncertainty, ambiguous) {
  const drawing = svg("svg", { viewBox: "-60 -66 120 126", class: "force", role: "img", "aria-label": `Force azimuth ${formatNumber(azimuth)} degrees` }, svg("circle", { class: "grid", r: 48 }), svg("text", { y: -53 }, "N"));
  for (const direction of ambiguous ? [azimuth, azimuth + 180] : [azimuth]) {
    const half = Math.min(90, uncertainty), arc = Array.from({ length: 31 }, (_, step) => polar(direction - half + (2 * half * step) / 30, 48));
    const [x, y] = polar(direction, 46), [leftX, leftY] = polar(direction - 12, 35), [rightX, rightY] = polar(direction + 12, 35);
    drawing.append(svg("path", { class: "gap", d: `${path([[0, 0], ...arc])}Z` }), svg("path", { class: "arrow", d: `M0,0L${x},${y}M${leftX},${leftY}L${x},${y}L${rightX},${rightY}` }));
  }
  return drawing;
}
