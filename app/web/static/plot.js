// A canvas with zoom and pan: by dragging, wheel (after a click), pinching, double click, keys and buttons.

import { button, element } from "./dom.js";
import { redrawWithScheme } from "./phases.js";

const MIN_FRACTION = 1 / 400;

// `draw(context, view, size)` draws the part of the plane in `view` {x: [low, high], y: [low, high]}; `hover(point or null)` is called with
// the position of the pointer. `margins`: left, right, top, bottom in pixels. `free`: whether y can be zoomed, too.
export function makePlot({ label, height, limits, margins, free, draw, hover, changed, start }) {
  const canvas = element("canvas", { tabIndex: 0, role: "img", ariaLabel: label });
  const tip = element("div", { className: "tip", hidden: true });
  const box = element("div", { className: "plot" }, canvas, tip);
  const plot = { box, canvas, view: { x: [...(start?.x ?? limits.x)], y: [...(start?.y ?? limits.y)] }, limits, margins, size: { width: 0, height } };
  const pointers = new Map();
  let scheduled = false;

  plot.redraw = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      const width = Math.round(box.clientWidth);
      if (!width) return;
      const ratio = window.devicePixelRatio || 1, tall = typeof height === "function" ? height(width) : height;
      plot.size = { width, height: tall };
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(tall * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(tall * ratio);
        canvas.style.height = `${tall}px`;
      }
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, tall);
      draw(context, plot);
    });
  };
  const [left, right, top, bottom] = margins;
  const span = (axis) => (axis === "x" ? [left, plot.size.width - right] : [top, plot.size.height - bottom]);
  plot.toPixel = (axis, value) => {
    const [low, high] = plot.view[axis], [begin, end] = span(axis);
    return begin + ((value - low) / (high - low)) * (end - begin);
  };
  plot.fromPixel = (axis, pixel) => {
    const [low, high] = plot.view[axis], [begin, end] = span(axis);
    return low + ((pixel - begin) / (end - begin)) * (high - low);
  };
  plot.set = (view) => {
    for (const axis of ["x", "y"]) {
      if (!view[axis]) continue;
      const [least, most] = plot.limits[axis];
      const width = Math.min(most - least, Math.max((most - least) * MIN_FRACTION, view[axis][1] - view[axis][0]));
      const low = Math.min(most - width, Math.max(least, view[axis][0]));
      plot.view[axis] = [low, low + width];
    }
    changed?.(plot);
    plot.redraw();
  };
  plot.zoom = (factor, x, y) => {
    const about = (axis, center) => plot.view[axis].map((end) => center + (end - center) * factor);
    const middle = (axis) => (plot.view[axis][0] + plot.view[axis][1]) / 2;
    plot.set({ x: about("x", x ?? middle("x")), ...(free() ? { y: about("y", y ?? middle("y")) } : {}) });
  };
  plot.pan = (dx, dy) => {
    const move = (axis, share) => plot.view[axis].map((end) => end + share * (plot.view[axis][1] - plot.view[axis][0]));
    plot.set({ x: move("x", dx), y: move("y", dy) });
  };
  plot.reset = () => plot.set({ x: plot.limits.x, y: plot.limits.y });
  plot.isWhole = () => ["x", "y"].every((axis) => plot.limits[axis].every((end, index) => Math.abs(end - plot.view[axis][index]) < 1e-9));
  plot.showTip = (at, ...given) => {
    const lines = given.filter(Boolean);
    tip.hidden = lines.length === 0;
    if (tip.hidden) return;
    tip.replaceChildren(...lines.map((line, index) => element(index ? "div" : "b", {}, line)));
    tip.style.left = `${Math.min(Math.max(at[0] + 14, 0), Math.max(0, plot.size.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.max(0, at[1] - tip.offsetHeight - 12)}px`;
  };

  const position = (event) => {
    const bounds = canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, position(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = position(event), before = pointers.get(event.pointerId);
    if (!before) return hover?.(at);
    const others = [...pointers].filter(([id]) => id !== event.pointerId);
    const [width, tall] = [span("x")[1] - span("x")[0], span("y")[1] - span("y")[0]];
    if (others.length) {
      const other = others[0][1], apart = (point) => Math.max(20, Math.hypot(point[0] - other[0], point[1] - other[1]));
      plot.zoom(apart(before) / apart(at), plot.fromPixel("x", (at[0] + other[0]) / 2), plot.fromPixel("y", (at[1] + other[1]) / 2));
    } else if (!plot.isWhole()) {
      plot.pan((before[0] - at[0]) / width, event.pointerType === "touch" && !free() ? 0 : (before[1] - at[1]) / tall);
    }
    pointers.set(event.pointerId, at);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => { plot.showTip([0, 0]); hover?.(null); });
  canvas.addEventListener("dblclick", (event) => {
    const at = position(event);
    plot.zoom(event.shiftKey ? 2 : 0.5, plot.fromPixel("x", at[0]), plot.fromPixel("y", at[1]));
  });
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    const at = position(event);
    plot.zoom(Math.exp(Math.sign(event.deltaY) * 0.18), plot.fromPixel("x", at[0]), plot.fromPixel("y", at[1]));
  }, { passive: false });
  const keys = { ArrowLeft: () => plot.pan(-0.2, 0), ArrowRight: () => plot.pan(0.2, 0), ArrowUp: () => plot.pan(0, -0.2), ArrowDown: () => plot.pan(0, 0.2), "+": () => plot.zoom(0.6), "-": () => plot.zoom(1.6), "0": () => plot.reset() };
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  plot.tools = element("div", { className: "tools" },
    button("+", "Zoom in", () => plot.zoom(0.5)), button("−", "Zoom out", () => plot.zoom(2)), button("Whole", "Show the whole", () => plot.reset()));
  new ResizeObserver(() => box.clientWidth !== plot.size.width && plot.redraw()).observe(box);
  redrawWithScheme(canvas, plot.redraw);
  return plot;
}

// About `count` round numbers between two limits, from a list of steps that goes on by factors of ten, or from fixed steps.
export function ticks([low, high], count, steps = null) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = steps ? steps.find((candidate) => candidate >= raw) ?? steps.at(-1) : [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) found.push(Math.abs(value) < step * 1e-6 ? 0 : value);
  return { step, values: found };
}
