// Tiles of land and borders, drawn by `world_worker.js`. A map without them, where the worker does not start, still shows all else.

import { readColor } from "./phases.js";

let painter = null;

function startPainter() {
  const worker = new Worker(new URL("./world_worker.js", import.meta.url), { type: "module" }), waiting = new Map();
  let last = 0, setNames = null;
  const names = new Promise((accept) => { setNames = accept; });
  worker.onmessage = ({ data }) => {
    if (data.names) return setNames(data.names);
    waiting.get(data.id)(data.tile);
    return waiting.delete(data.id);
  };
  const paint = (size, place) => new Promise((accept) => {
    waiting.set(++last, accept);
    worker.postMessage({ id: last, size, place, colors: { land: readColor("--land"), border: readColor("--border") } });
  });
  return { names, paint };
}

// `names`: a promise of the countries {name, width, point}; `paint(size, place)`: a promise of the picture of a tile.
export const openPainter = () => (painter ??= startPainter());
