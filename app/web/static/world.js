// Land, borders and country names from the TopoJSON of world-atlas (Natural Earth), and tiles of a map drawn from them.

const MAX_LATITUDE = 85.051129;
const NEW_NAMES = { Macedonia: "North Macedonia" };  // since 2019, after the data

export const loadWorld = async () => decode(await (await fetch(new URL("./vendor/world.json", import.meta.url))).json());

// Web Mercator: the whole world from 0 to 1, x to the east, y to the south.
export function project(latitude, longitude) {
  const limited = Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, latitude));
  return [longitude / 360 + 0.5, 0.5 - Math.asinh(Math.tan(limited * Math.PI / 180)) / (2 * Math.PI)];
}

// Lines {points: [x, y, x, y, ...] in Web Mercator, box: [west, north, east, south]}, continued across the antimeridian.
export function decode(topology) {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    let x = 0, y = 0;
    return arc.map(([dx, dy]) => project((y += dy) * scale[1] + translate[1], (x += dx) * scale[0] + translate[0]));
  });
  const join = (indices) => indices.flatMap((index, place) => {
    const points = index < 0 ? [...arcs[~index]].reverse() : arcs[index];
    return place ? points.slice(1) : points;
  });
  const outlines = (shape) => {
    if (shape.type === "GeometryCollection") return shape.geometries.flatMap(outlines);
    if (shape.type === "Polygon") return shape.arcs.map(join);
    return shape.type === "MultiPolygon" ? shape.arcs.flatMap((part) => part.map(join)) : [];
  };
  const uses = new Map();
  const count = (part) => (Array.isArray(part) ? part.forEach(count) : uses.set(part < 0 ? ~part : part, (uses.get(part < 0 ? ~part : part) ?? 0) + 1));
  for (const country of topology.objects.countries.geometries) count(country.arcs ?? []);
  return {
    land: outlines(topology.objects.land).map(closeRing).map(measure),
    borders: [...uses].filter(([, number]) => number > 1).map(([index]) => measure(arcs[index])),
    names: topology.objects.countries.geometries.map((country) => labelCountry(NEW_NAMES[country.properties.name] ?? country.properties.name, outlines(country).map(closeRing).map(measure))).filter(Boolean),
  };
}

// Continues a ring across the antimeridian; one that goes around the pole (Antarctica) is closed along the edge of the map.
function closeRing(points) {
  let turns = 0, before = points[0][0];
  const continued = points.map(([x, y]) => {
    if (Math.abs(x - before) > 0.5) turns += x < before ? 1 : -1;
    before = x;
    return [x + turns, y];
  });
  if (Math.abs(continued.at(-1)[0] - continued[0][0]) < 0.5) return continued;
  const edge = points[0][1] < 0.5 ? -0.01 : 1.01;
  return [...continued, [continued.at(-1)[0], edge], [continued[0][0], edge], continued[0]];
}

function measure(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity], flat = new Float64Array(2 * points.length);
  points.forEach(([x, y], index) => {
    flat[2 * index] = x;
    flat[2 * index + 1] = y;
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  });
  return { points: flat, box };
}

// The name at the middle of the largest part, and the width of that part as a fraction of the world.
function labelCountry(name, parts) {
  const size = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  const largest = parts.sort((first, second) => size(second) - size(first))[0];
  if (!largest || largest.box[1] > 0.8) return null;
  const [west, north, east, south] = largest.box;
  const latitude = Math.atan(Math.sinh((0.5 - (north + south) / 2) * 2 * Math.PI)) * 180 / Math.PI;
  return { name, width: east - west, point: [latitude, ((west + east) / 2 - 0.5) * 360] };
}

// Draws the tile {x, y, z} of a map on a canvas, in the colors {land, border}.
export function drawTile(canvas, found, { x, y, z }, colors) {
  const context = canvas.getContext("2d"), tiles = 2 ** z, size = canvas.width, scale = tiles * size;
  const trace = (lines) => {
    context.beginPath();
    for (const { points, box } of lines) {
      for (const shift of [-1, 0, 1]) {
        if ((box[2] + shift) * tiles < x - 0.02 || (box[0] + shift) * tiles > x + 1.02 || box[3] * tiles < y - 0.02 || box[1] * tiles > y + 1.02) continue;
        const dx = shift * scale - x * size, dy = -y * size;
        context.moveTo(points[0] * scale + dx, points[1] * scale + dy);
        for (let index = 2; index < points.length; index += 2) context.lineTo(points[index] * scale + dx, points[index + 1] * scale + dy);
      }
    }
  };
  context.fillStyle = colors.land;
  context.strokeStyle = colors.border;
  context.lineWidth = size / 256;
  trace(found.land);
  context.fill("evenodd");
  context.stroke();
  context.setLineDash([size / 80, size / 120]);
  trace(found.borders);
  context.stroke();
}
