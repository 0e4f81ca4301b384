// Reads the land and draws the tiles of the map in a thread of its own, so that the page answers meanwhile.
// Message in: {id, size, place, colors}, out: {id, tile}; the first message out is {names}.

import { drawTile, loadWorld } from "./world.js";

const loading = loadWorld();

self.onmessage = async ({ data: { id, size, place, colors } }) => {
  const world = await loading, canvas = new OffscreenCanvas(size, size);
  drawTile(canvas, world, place, colors);
  const tile = canvas.transferToImageBitmap();
  self.postMessage({ id, tile }, [tile]);
};

loading.then(({ names }) => self.postMessage({ names }));
