// Vector tile layers of the registry, in the matrix set that fits the view.
import MVT from "ol/format/MVT.js";
import VectorTileLayer from "ol/layer/VectorTile.js";
import VectorTileSource from "ol/source/VectorTile.js";
import { SETS, setFor, tileGrid } from "./matrix.js";
import { layerStyle, shapeHighlight } from "./styles.js";

const DEEPEST = { WebMercatorQuad: 18, WorldCRS84Quad: 17 };

/** The identity of a feature: `id` where the tile carries one, else the feature's own. */
export const featureId = (feature) => feature.get("id") ?? feature.getId();

/** Whether single rows (or bins) of a layer are drawn at this many metres per pixel. */
export const drawnAt = (layer, metres) => metres <= firstScale(layer);

/** The metres per pixel from which on a layer is drawn; Infinity for one that always is. */
export const firstScale = (layer) => coarsest(layer) * 1.45;

/** The coarsest metres per pixel at which anything of a layer is drawn: its first level's. */
function coarsest(layer) {
  const level = layer.min_zoom?.WebMercatorQuad ?? 0;
  return level ? SETS.WebMercatorQuad.first / 2 ** level : Infinity;
}

function address(layer, name, { at, stamp }) {
  const url = layer.tiles[name];
  const more = [at && layer.versions ? `at=${at}` : "", stamp ? `t=${stamp}` : ""].filter(Boolean).join("&");
  return more ? `${url}${url.includes("?") ? "&" : "?"}${more}` : url;
}

/** One drawn layer; `refresh` asks for its tiles again, keeping the old ones on screen meanwhile. */
export function vectorLayer(layer, { projection, dark = false, at = "", zIndex = 10, filter = null }) {
  const name = setFor(projection);
  const unit = SETS[name].unit;
  const paint = layerStyle(layer, { unit, dark });
  let wanted = filter;
  const source = new VectorTileSource({
    format: new MVT(),
    projection,
    tileGrid: tileGrid(name, { maxLevel: DEEPEST[name] }),
    url: address(layer, name, { at }),
    attributions: layer.attribution,
  });
  const drawn = new VectorTileLayer({
    source,
    style: (feature, resolution) => (wanted && !wanted(feature) ? null : paint(feature, resolution)),
    declutter: layer.labels ? `labels-${layer.id}` : layer.shape === "point",
    renderBuffer: 64,
    renderMode: layer.shape === "point" ? "vector" : "hybrid",
    updateWhileInteracting: false,
    maxResolution: firstScale(layer) / unit,
    zIndex,
    properties: { layer: layer.id },
  });
  const hidden = new Set((layer.style?.classes ?? []).filter((one) => one.hidden).map((one) => one.value));
  if (!wanted && hidden.size) wanted = (feature) => !hidden.has(String(feature.get(layer.style.by)));
  drawn.refresh = (date = at) => {
    at = date;
    source.setUrl(address(layer, name, { at, stamp: Date.now() }));
  };
  drawn.setFilter = (next) => {
    wanted = next;
    drawn.changed();
  };
  return drawn;
}

/** Draws one chosen feature of a layer again, above everything: whole, though tiles cut it. */
export function highlightLayer(map) {
  let id = null;
  let layer = null;
  const clear = () => {
    layer?.setMap(null);
    layer = null;
    id = null;
  };
  return {
    clear,
    /** Of layer `base` the feature of this identity, or whose `property` has this value. */
    show(base, nextId, property) {
      clear();
      if (!base || nextId === null || nextId === undefined) return;
      id = nextId;
      layer = new VectorTileLayer({
        map,
        renderMode: "vector",
        source: base.getSource(),
        style: (feature) => (String(property ? feature.get(property) : featureId(feature)) === String(id) ? shapeHighlight : null),
      });
    },
  };
}
