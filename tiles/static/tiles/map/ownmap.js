// A base map of our own data: roads, water, buildings and areas, drawn quietly under everything else.
import MVT from "ol/format/MVT.js";
import VectorTileLayer from "ol/layer/VectorTile.js";
import VectorTileSource from "ol/source/VectorTile.js";
import { Fill, Stroke, Style, Text } from "ol/style.js";
import { SETS, setFor, tileGrid } from "./matrix.js";
import { FONT } from "./styles.js";

const TONES = {
  light: { land: "#f0f2ee", out: "#e6eae6", water: "#bcd8e4", road: "#ffffff", edge: "#d5d8d0", main: "#fbe9bf", mainEdge: "#dcc48a", building: "#e0ddd4", buildingEdge: "#cbc7bb", text: "#5b645f", halo: "#f6f7f4", rail: "#a9aeb0", barrier: "#b9b2a6", green: "#d4e5cd" },
  grey: { land: "#eff1f2", out: "#e6e9ea", water: "#d3dde3", road: "#ffffff", edge: "#d9dddf", main: "#ffffff", mainEdge: "#c5cbce", building: "#e2e5e6", buildingEdge: "#d2d6d8", text: "#6b7579", halo: "#f5f6f7", rail: "#b8bdbf", barrier: "#c3c7c9", green: "#e4eae6" },
  dark: { land: "#13222e", out: "#0f1a24", water: "#1b3a4d", road: "#2a4152", edge: "#182a37", main: "#3a5468", mainEdge: "#1a2d3b", building: "#1b2f3d", buildingEdge: "#24404f", text: "#8aa4b1", halo: "#13222e", rail: "#3a4b57", barrier: "#33424d", green: "#17303a" },
};

/** Screen width in px of `metres` on the ground, between a thinnest and a thickest. */
const wide = (metres, resolution, least, most) => Math.min(most, Math.max(least, metres / resolution));

const painters = {
  areas(tone) {
    const land = new Style({ fill: new Fill({ color: tone.land }), stroke: new Stroke({ color: tone.edge, width: 1 }), zIndex: 0 });
    return (feature) => (feature.get("level") === "district" && /Polygon/.test(feature.getType()) ? land : null);
  },
  reference_lines(tone, named) {
    // A river or a lake as wide as it is; what has a line as well has its name along that.
    const along = new Set();
    const waters = new Style({ fill: new Fill({ color: tone.water }), stroke: new Stroke({ color: tone.water, width: 1 }), zIndex: 1 });
    return (feature, metres) => {
      const kind = feature.get("kind");
      const rank = Number(feature.get("rank") ?? 3);
      const name = named && feature.get("name");
      if (kind === "water" && /Polygon/.test(feature.getType())) return [waters].concat(metres < 12 && name && !along.has(name) ? label(name, tone, "#4f86a0", 29, "point") : []);
      if (kind === "water") {
        if (name) along.add(name);
        return [line(tone.water, wide(feature.get("width_m") ?? 12, metres, rank === 1 ? 2.5 : 1, 60), 1)]
          .concat(metres < 12 && name ? label(name, tone, "#4f86a0", 30) : []);
      }
      if (kind === "rail") return [line(tone.rail, 2, 4), line(tone.land, 1, 5, [6, 6])];
      if (kind === "barrier") return metres < 5 ? line(tone.barrier, 1.2, 3, [4, 3]) : null;
      if ((rank >= 4 && metres > 7) || (rank === 3 && metres > 24)) return null;
      const width = wide(feature.get("width_m") ?? 8, metres, rank === 1 ? 2 : rank === 2 ? 1.4 : 0.8, 26);
      const main = rank === 1;
      const drawn = [line(main ? tone.main : tone.road, width, 10 - rank)];
      if (width > 2) drawn.unshift(line(main ? tone.mainEdge : tone.edge, width + 1.6, 5 - rank / 10));
      const limit = [0, 20, 9, 3, 1.2][rank] ?? 1;
      return name && metres < limit ? drawn.concat(label(name, tone, tone.text, 20 + rank)) : drawn;
    };
  },
  buildings(tone) {
    const body = new Style({ fill: new Fill({ color: tone.building }), stroke: new Stroke({ color: tone.buildingEdge, width: 0.8 }), zIndex: 12 });
    return (feature, metres) => (metres < 5 && feature.getType() !== "Point" ? body : null);
  },
  public_facilities(tone) {
    const green = new Style({ fill: new Fill({ color: tone.green }), zIndex: 1 });
    return (feature) => (feature.get("kind") === "park" && feature.getType() !== "Point" ? green : null);
  },
};

const line = (color, width, zIndex, lineDash) =>
  new Style({ stroke: new Stroke({ color, width, lineDash, lineCap: lineDash ? "butt" : "round", lineJoin: "round" }), zIndex });

const label = (text, tone, color, zIndex, placement = "line") =>
  new Style({
    text: new Text({ text, font: `12px ${FONT}`, placement, repeat: placement === "line" ? 320 : undefined, maxAngle: 0.6, fill: new Fill({ color }), stroke: new Stroke({ color: tone.halo, width: 3 }) }),
    zIndex,
  });

/** One vector tile layer per table; those the caller may not see are not in the registry and stay away. */
export function ownLayers(basemap, { dark, registry }) {
  const name = setFor(basemap.projection);
  const tone = TONES[dark ? "dark" : basemap.kind] ?? TONES.light;
  const wanted = basemap.layers ?? Object.keys(painters);
  return wanted.filter((id) => painters[id]).flatMap((id, index) => {
    const known = registry.find((layer) => layer.id === id);
    if (!known) return [];
    const paint = painters[id](tone, basemap.names !== false);
    return new VectorTileLayer({
      source: new VectorTileSource({
        format: new MVT(),
        projection: basemap.projection,
        tileGrid: tileGrid(name, { maxLevel: 16 + (name === "WorldCRS84Quad" ? 0 : 1) }),
        url: known.tiles[name],
        tileSize: 256,
      }),
      style: (feature, resolution) => paint(feature, resolution * SETS[name].unit),
      background: index ? undefined : tone.out,
      declutter: id === "reference_lines" ? "base" : false,
      renderBuffer: 128,
      zIndex: -10 + index,
      opacity: basemap.opacity ?? 1,
      properties: { basemap: basemap.id },
    });
  });
}
