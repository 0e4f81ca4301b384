// One color a phase, everywhere: the custom properties --phase-* of the style sheet, which the figures of the workers share.

import { element } from "./dom.js";

export const PHASES = {
  P: "first P", pP: "P reflected above the source", sP: "S converted to P above the source", PP: "P reflected once", PKP: "P through the core",
  PKPbc: "P through the outer core, first branch", PKPab: "P through the outer core, second branch", S: "first S",
  Pg: "P through the upper crust", Sg: "S through the upper crust", LR: "Rayleigh wave",
};

export const readColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const phaseColor = (phase) => readColor(`--phase-${phase}`) || readColor("--soft");

export function phaseLabel(phase) {
  const swatch = element("i", { className: "swatch" });
  swatch.style.background = `var(--phase-${phase}, var(--soft))`;
  return element("span", { className: "phase", title: PHASES[phase] ?? phase }, swatch, phase);
}

export function phaseLegend(phases) {
  return element("p", { className: "legend" }, phases.map(phaseLabel));
}

// Draws again when the color scheme changes, as long as the canvas is in the page.
export function redrawWithScheme(canvas, draw) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const change = () => (canvas.isConnected ? draw() : scheme.removeEventListener("change", change));
  scheme.addEventListener("change", change);
}
