// The map of a location, from its GeoJSON: land, stations, epicenter, confidence ellipses, alternatives and back azimuths.

import { button, element, load, pause, svg } from "./dom.js";
import { circleDistances, formatDistance } from "./drawings.js";
import { formatKilometers, formatNumber, formatPoint, formatSigned, wrapLongitude } from "./format.js";
import { readNumbers, writeViewLater } from "./permalink.js";
import { redrawWithScheme } from "./phases.js";
import { openPainter } from "./tiles.js";

export const KM_PER_DEGREE = 111.195;
const COPIES = [-360, 0, 360];
const HALF_WIDTH = 220;
const ITEMS_A_STEP = 12;
const SHARPNESS = 1.4; // Tiles are enlarged by up to half a zoom level.
const SYMBOLS = {
  epicenter: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("path", { class: "epicenter", d: "M0,-9 2.4,-2.9 8.9,-2.8 3.7,1.3 5.6,7.6 0,3.9 -5.6,7.6 -3.7,1.3 -8.9,-2.8 -2.4,-2.9Z" })),
  alternative: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("path", { class: "alternative", d: "M0,-9 2.4,-2.9 8.9,-2.8 3.7,1.3 5.6,7.6 0,3.9 -5.6,7.6 -3.7,1.3 -8.9,-2.8 -2.4,-2.9Z" })),
  station: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("path", { class: "station", d: "M-7,6 0,-7 7,6Z" })),
  unused: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("path", { class: "station unused", d: "M-7,6 0,-7 7,6Z" })),
  ellipse: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("ellipse", { class: "ellipse", rx: 9, ry: 6 })),
  outer: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("ellipse", { class: "ellipse outer", rx: 9, ry: 6 })),
  ray: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("path", { class: "ray", d: "M-9,6 9,-6" })),
  circle: () => svg("svg", { viewBox: "-10 -10 20 20", class: "symbol" }, svg("path", { class: "circle", d: "M-9,5 Q0,-7 9,5" })),
};

// Point at an azimuth and a distance from another one, all in degrees.
export function destination(latitude, longitude, azimuth, distance) {
  const radians = Math.PI / 180, [lat, arc, angle] = [latitude * radians, distance * radians, azimuth * radians];
  const end = Math.asin(Math.min(1, Math.max(-1, Math.sin(lat) * Math.cos(arc) + Math.cos(lat) * Math.sin(arc) * Math.cos(angle))));
  const turn = Math.atan2(Math.sin(angle) * Math.sin(arc) * Math.cos(lat), Math.cos(arc) - Math.sin(lat) * Math.sin(end));
  return [end / radians, longitude + turn / radians];
}

// Shifts longitudes so that a line does not jump where it crosses the antimeridian.
function unwrap(points, center) {
  let before = center;
  return points.map(([latitude, longitude]) => [latitude, (before = wrapLongitude(longitude, before))]);
}

// The lines of a ring of [longitude, latitude] without its edges along the antimeridian, where a region is cut and has no outline.
export function splitOutline(ring) {
  const lines = [[]], isCut = ([x]) => Math.abs(Math.abs(x) - 180) < 1e-6;
  ring.forEach((point, index) => {
    if (index && isCut(point) && isCut(ring[index - 1])) lines.push([]);
    lines.at(-1).push(point);
  });
  return lines.filter((line) => line.length > 1);
}

// Builds the map in a box that is in the page. `features`: GeoJSON; `offsets`: estimates of the traces, with back azimuths.
export async function showMap(box, features, offsets) {
  const epicenters = features.filter(({ properties }) => properties.kind === "epicenter");
  const frame = element("div", { className: "map", role: "region", ariaLabel: "Map of epicenter and stations" });
  const legend = element("fieldset", { className: "legend" }, element("legend", {}, "Shown"));
  box.replaceChildren(frame, legend);
  const painter = openPainter();
  await Promise.all([load("static/vendor/leaflet.js"), load("static/vendor/leaflet.css")]);
  const L = window.L;
  await pause();
  const map = L.map(frame, { zoomControl: false, attributionControl: false, scrollWheelZoom: false, minZoom: 0, maxZoom: 11, zoomSnap: 0.5, worldCopyJump: false, maxBoundsViscosity: 1 });
  const [longitude, latitude] = epicenters[0].geometry.coordinates;
  await pause();
  map.setMaxBounds([[-85.05, longitude - HALF_WIDTH], [85.05, longitude + HALF_WIDTH]]);
  const layers = drawFeatures(L, features, [latitude, longitude], offsets);
  const switches = [...layers].map(([name, layer]) => makeSwitch(L, map, name, layer));
  legend.append(...switches.map(({ label }) => label));
  await pause();
  const saved = readNumbers("map", 3), region = epicenterBounds(L, epicenters);
  saved ? map.setView([saved[0], saved[1]], saved[2]) : map.fitBounds(region);
  addControls(L, map, { region, all: layers.has("Station") ? L.latLngBounds(layers.get("Station").points).extend([latitude, longitude]).pad(0.06) : null }, frame);
  await pause();
  drawWorld(L, map, painter);
  for (const { fill } of switches) await fill();
  map.on("moveend", () => writeViewLater({ map: [map.getCenter().lat.toFixed(3), map.getCenter().lng.toFixed(3), map.getZoom()].join(",") }));
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(frame);
  map.on("focus click", () => map.scrollWheelZoom.enable());
  map.on("blur mouseout", () => map.scrollWheelZoom.disable());
  return map;
}

// Several times the outer ellipse, and never less than 400 km, so that the coast is in view; on the side of the first one where they are drawn.
export function epicenterBounds(L, epicenters) {
  const bounds = L.latLngBounds([]);
  for (const { geometry, properties } of epicenters) {
    const longitude = wrapLongitude(geometry.coordinates[0], epicenters[0].geometry.coordinates[0]), latitude = geometry.coordinates[1];
    const radius = Math.min(60, Math.max(400, 3 * (properties.outer_ellipse ?? properties.ellipse).semi_major_km) / KM_PER_DEGREE);
    const across = Math.min(90, radius / Math.max(0.15, Math.cos(latitude * Math.PI / 180)));
    bounds.extend([Math.max(-84, latitude - radius), longitude - across]).extend([Math.min(84, latitude + radius), longitude + across]);
  }
  return bounds;
}

// Land and borders as tiles, which are drawn again when the color scheme changes.
function drawWorld(L, map, painter) {
  const Tiles = L.GridLayer.extend({
    createTile(place, done) {
      const size = Math.round(256 * SHARPNESS * (window.devicePixelRatio || 1)), tile = element("canvas", { width: size, height: size });
      painter.paint(size, place).then((picture) => { tile.getContext("bitmaprenderer").transferFromImageBitmap(picture); done(null, tile); });
      return tile;
    },
  });
  const tiles = new Tiles({ updateWhenZooming: false, keepBuffer: 1 }).addTo(map);
  redrawWithScheme(map.getContainer(), () => tiles.redraw());
  const labels = L.layerGroup().addTo(map);
  painter.names.then((names) => {
    labelCountries(L, map, names, labels);
    map.on("moveend", () => labelCountries(L, map, names, labels));
  });
}

// Names those countries in view whose name fits into them.
function labelCountries(L, map, names, layer) {
  layer.clearLayers();
  const wide = 256 * 2 ** map.getZoom();
  const bounds = map.getBounds();
  for (const { name, width, point } of names) {
    if (width * wide < 7 * name.length + 24) continue;
    for (const shift of COPIES) {
      const place = [point[0], point[1] + shift];
      if (bounds.contains(place)) L.marker(place, { interactive: false, keyboard: false, icon: L.divIcon({ className: "country", html: element("span", {}, name), iconSize: null }) }).addTo(layer);
    }
  }
}

function drawFeatures(L, features, [latitude, longitude], offsets) {
  const layers = new Map();
  const add = (name, symbol, item, ...points) => {
    if (!layers.has(name)) layers.set(name, { symbol, items: [], points: [] });
    layers.get(name).items.push(item);
    layers.get(name).points.push(...points);
  };
  const near = (coordinates) => [coordinates[1], wrapLongitude(coordinates[0], longitude)];
  const single = features.filter(({ properties }) => properties.kind === "epicenter").length === 1;
  const circles = circleDistances(features.filter(({ properties }) => properties.kind === "station").map(({ properties }) => properties.distance_deg));
  const circle = `Distance of ${circles.map(formatDistance).join(", ")}°`;
  for (const distance of single ? circles : []) {
    const points = Array.from({ length: 181 }, (_, step) => destination(latitude, longitude, 2 * step, distance));
    const label = L.marker(destination(latitude, longitude, 90, distance), { interactive: false, keyboard: false, icon: L.divIcon({ className: "country", html: element("span", {}, `${formatDistance(distance)}°`), iconSize: null }) });
    add(circle, "circle", L.layerGroup([L.polyline(unwrap(points, longitude), { className: "circle", interactive: false, smoothFactor: 0.3 }), label]));
  }
  const directions = new Map(offsets.map((offset) => [offset.trace, offset]));
  for (const { geometry, properties } of features) {
    if (properties.kind === "station") {
      const at = near(geometry.coordinates), offset = directions.get(properties.trace);
      if (offset?.back_azimuth_deg != null) {
        const ray = Array.from({ length: 41 }, (_, step) => destination(...at, offset.back_azimuth_deg, (step / 40) * 1.1 * properties.distance_deg));
        add("Back azimuth", "ray", L.polyline(unwrap(ray, at[1]), { className: "ray", interactive: false, smoothFactor: 0.3 }));
      }
      const used = properties.used || properties.arrivals?.length > 0;
      const station = used ? ["Station", "station"] : ["Station, not used", "unused"];
      add(...station, describe(L, symbolMarker(L, at, station[1], 13), stationRows(properties, offset)), at);
    } else if (properties.kind === "ellipse") {
      const outer = properties.confidence_level > 80;
      for (const rings of geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates) {
        const shift = 360 * Math.round((longitude - rings[0][0][0]) / 360);
        const className = `ellipse${outer ? " outer" : ""}${properties.alternative ? " alternative" : ""}`;
        const turn = (points) => points.map(([x, y]) => [y, x + shift]), place = [outer ? "90 % region" : "68 % region", outer ? "outer" : "ellipse"];
        const lines = splitOutline(rings[0]), cut = lines.length > 1 || lines[0].length < rings[0].length;
        add(...place, L.polygon(rings.map(turn), { className: cut ? `${className} inside` : className, interactive: false, smoothFactor: 0.2 }));
        if (cut) add(...place, L.polyline(lines.map(turn), { className: `${className} outline`, interactive: false, smoothFactor: 0.2 }));
      }
    } else if (properties.kind === "epicenter" || properties.kind === "alternative") {
      const [name, size] = properties.kind === "epicenter" ? ["Epicenter", 26] : ["Alternative", 20];
      const [longitudeHere, latitudeHere] = geometry.coordinates;
      const rows = [properties.event ?? name, properties.place, formatPoint({ ...properties, latitude: latitudeHere, longitude: longitudeHere }), `68 % horizontal uncertainty: ${formatKilometers(properties.horizontal_uncertainty_km)}`];
      add(name, name === "Epicenter" ? "epicenter" : "alternative", describe(L, symbolMarker(L, near(geometry.coordinates), properties.kind, size), rows), near(geometry.coordinates));
    }
  }
  const order = ["Epicenter", "68 % region", "90 % region", "Alternative", "Station", "Station, not used", "Back azimuth", circle];
  return new Map(order.filter((name) => layers.has(name)).map((name) => [name, layers.get(name)]));
}

const symbolMarker = (L, at, kind, size) => L.marker(at, { keyboard: false, zIndexOffset: kind === "epicenter" ? 2000 : kind === "alternative" ? 1000 : 0, icon: L.divIcon({ className: "mark", html: SYMBOLS[kind](), iconSize: [size, size] }) });

const describe = (L, marker, rows) => marker.bindTooltip(element("div", {}, rows.filter(Boolean).map((row, index) => element(index ? "div" : "b", {}, row))), { direction: "top", offset: [0, -8], opacity: 1 });

function stationRows(properties, offset) {
  const residual = properties.residual_deg === null ? null : `Epicenter minus predicted distance ${formatSigned(properties.residual_deg)}°`;
  const arrivals = (properties.arrivals ?? []).map((arrival) => `${arrival.phase} ${formatSigned(arrival.residual_s)} s`).join(", ");
  return [
    properties.trace, `Distance ${formatNumber(properties.distance_deg, 1)}°, azimuth ${formatNumber(properties.azimuth_deg)}°`, residual,
    arrivals && `Arrivals: ${arrivals}`, offset?.back_azimuth_deg != null && `Back azimuth ${formatNumber(offset.back_azimuth_deg)}° ± ${formatNumber(offset.back_azimuth_uncertainty_deg)}°`,
  ];
}

// The switch of a layer in the legend, and what adds the items of the layer a few at a time.
function makeSwitch(L, map, name, { symbol, items }) {
  const hidden = name === "Back azimuth" && items.length > 12, group = L.layerGroup();
  const fill = async () => {
    if (!hidden) group.addTo(map);
    for (let first = 0; first < items.length; first += ITEMS_A_STEP) {
      await pause();
      for (const item of items.slice(first, first + ITEMS_A_STEP)) group.addLayer(item);
    }
  };
  const box = element("input", { type: "checkbox", checked: !hidden, onchange: () => (box.checked ? group.addTo(map) : group.remove()) });
  return { label: element("label", {}, box, SYMBOLS[symbol](), name), fill };
}

function addControls(L, map, views, frame) {
  const tools = element("div", { className: "tools" },
    button("+", "Zoom in", () => map.zoomIn(1)), button("−", "Zoom out", () => map.zoomOut(1)),
    button("Epicenter", "Show the region of the epicenter", () => map.fitBounds(views.region)),
    ...(views.all ? [button("Stations", "Show all stations", () => map.fitBounds(views.all))] : []));
  L.DomEvent.disableClickPropagation(tools);
  frame.append(tools);
  L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }).addTo(map);
  frame.append(element("small", { className: "credit" }, "Land: Natural Earth"));
}
