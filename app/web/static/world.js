// Land, borders and country names from the TopoJSON of world-atlas (Natural Earth), as coordinates [latitude, longitude] for Leaflet.

let world = null;

export async function loadWorld() {
  world ??= decode(await (await fetch(new URL("./vendor/world.json", import.meta.url))).json());
  return world;
}

export function decode(topology) {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    let x = 0, y = 0;
    return arc.map(([dx, dy]) => [(y += dy) * scale[1] + translate[1], (x += dx) * scale[0] + translate[0]]);
  });
  const ring = (indices) => closeRing(indices.flatMap((index, place) => {
    const points = index < 0 ? [...arcs[~index]].reverse() : arcs[index];
    return place ? points.slice(1) : points;
  }));
  const polygons = (shape) => {
    if (shape.type === "GeometryCollection") return shape.geometries.flatMap(polygons);
    if (shape.type === "Polygon") return [shape.arcs.map(ring)];
    return shape.type === "MultiPolygon" ? shape.arcs.map((part) => part.map(ring)) : [];
  };
  const uses = new Map();
  const count = (part) => (Array.isArray(part) ? part.forEach(count) : uses.set(part < 0 ? ~part : part, (uses.get(part < 0 ? ~part : part) ?? 0) + 1));
  for (const country of topology.objects.countries.geometries) count(country.arcs ?? []);
  return {
    land: polygons(topology.objects.land),
    borders: [...uses].filter(([, number]) => number > 1).map(([index]) => arcs[index]),
    names: topology.objects.countries.geometries.map((country) => labelCountry(country.properties.name, polygons(country))).filter(Boolean),
  };
}

// Continues a ring across the antimeridian; one that goes around the pole (Antarctica) is closed along the edge of the map.
function closeRing(points) {
  let turns = 0, before = points[0][1];
  const continued = points.map(([latitude, longitude]) => {
    if (Math.abs(longitude - before) > 180) turns += longitude < before ? 360 : -360;
    before = longitude;
    return [latitude, longitude + turns];
  });
  if (Math.abs(continued.at(-1)[1] - continued[0][1]) < 180) return continued;
  const edge = points[0][0] < 0 ? -89 : 89;
  return [...continued, [edge, continued.at(-1)[1]], [edge, continued[0][1]], continued[0]];
}

// The name at the middle of the largest polygon, and the width of that polygon in degrees.
function labelCountry(name, shapes) {
  const boxes = shapes.map(([outer]) => {
    const latitudes = outer.map(([latitude]) => latitude), longitudes = outer.map(([, longitude]) => longitude);
    return { south: Math.min(...latitudes), north: Math.max(...latitudes), west: Math.min(...longitudes), east: Math.max(...longitudes) };
  });
  const size = (box) => (box.north - box.south) * (box.east - box.west);
  const largest = boxes.sort((first, second) => size(second) - size(first))[0];
  if (!largest || largest.south < -60) return null;
  return { name, width: largest.east - largest.west, point: [(largest.south + largest.north) / 2, (largest.west + largest.east) / 2] };
}
