// The two tile matrix sets of the house, and going between their projections.
import { get as getProjection, transform, transformExtent } from "ol/proj.js";
import TileGrid from "ol/tilegrid/TileGrid.js";

/** Metres per degree of longitude on the equator, by which OGC turns scales into degrees. */
export const DEGREE = 111319.49079327358;
const LEVELS = 23;

export const SETS = {
  WebMercatorQuad: { projection: "EPSG:3857", first: 156543.03392804097, unit: 1 },
  WorldCRS84Quad: { projection: "EPSG:4326", first: 0.703125, unit: DEGREE },
};

export const setFor = (projection) => (projection === "EPSG:4326" ? "WorldCRS84Quad" : "WebMercatorQuad");

/** The OpenLayers grid of a set; level z of EPSG:4326 is 2^(z+1) by 2^z tiles. */
export function tileGrid(name, { minLevel = 0, maxLevel = LEVELS - 1 } = {}) {
  const set = SETS[name];
  const world = getProjection(set.projection).getExtent();
  return new TileGrid({
    extent: world,
    origin: [world[0], world[3]],
    minZoom: minLevel,
    resolutions: Array.from({ length: maxLevel + 1 }, (_, level) => set.first / 2 ** level),
    tileSize: 256,
  });
}

/** The first level at which a pixel is `scale` metres or finer. */
export const levelOf = (name, scale) =>
  Math.max(0, Math.ceil(Math.log2((SETS[name].first * SETS[name].unit) / scale) - 1e-6));

export const toLonLat = (coordinate, projection) => transform(coordinate, projection, "EPSG:4326");
export const fromLonLat = (coordinate, projection) => transform(coordinate, "EPSG:4326", projection);
export const boxFrom = (box, projection) => transformExtent(box, "EPSG:4326", projection);
export const boxTo = (box, projection) => transformExtent(box, projection, "EPSG:4326");
