// The choropleth in the middle of the wall, and on the desk's pages of figures.
import { defaults as defaultControls } from "ol/control/defaults.js";
import Feature from "ol/Feature.js";
import GeoJSON from "ol/format/GeoJSON.js";
import { fromExtent } from "ol/geom/Polygon.js";
import VectorLayer from "ol/layer/Vector.js";
import OlMap from "ol/Map.js";
import VectorSource from "ol/source/Vector.js";
import { Fill, Stroke, Style, Text } from "ol/style.js";
import View from "ol/View.js";
import { el } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";
import { ownLayers } from "./map/ownmap.js";
import { number } from "./cockpit-cards.js";

// Five steps from the ground's colour to a pale sea green; each differs in lightness too.
const RAMP = ["#17384a", "#1b4f5e", "#236a70", "#358680", "#5aa497"];
// On the desk: from a light green to the deep one of actions.
const DESK = ["#dcebe8", "#b4d5cf", "#82b8b1", "#4c948f", "#1b6b6c"];
const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif';

/** Upper bounds of up to five classes with about the same number of areas each. */
function breaks(values) {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  if (sorted.length <= RAMP.length) return sorted;
  return RAMP.map((_, index) => sorted[Math.ceil(((index + 1) * sorted.length) / RAMP.length) - 1]);
}

/** `light` for the desk; `words` says a value, null for an area that has none. */
export function createAreaMap(element, legend, drill, { light = false, words = number } = {}) {
  const ramp = light ? DESK : RAMP;
  const told = (value) => (value === null || value === undefined ? "—" : words(value));
  const source = new VectorSource();
  let values = new Map();
  let bounds = [];
  let ringed = null;
  let extent = null;

  const tint = (value) => ramp[Math.max(0, bounds.findIndex((bound) => value <= bound)) + (ramp.length - bounds.length)] ?? ramp[0];

  function style(feature) {
    const code = feature.get("code");
    const value = values.has(code) ? values.get(code) : 0;
    const line = light ? ["#1f5fbf", "#fdfefe"] : ["#ffe3a3", "#0f1a24"];
    return new Style({
      fill: new Fill({ color: value === null ? "#c9d0d1" : tint(value) }),
      stroke: new Stroke({ color: code === ringed ? line[0] : line[1], width: code === ringed ? 3 : 1.2 }),
      zIndex: code === ringed ? 2 : 1,
    });
  }

  function name(feature, resolution) {
    const code = feature.get("code");
    const value = values.has(code) ? values.get(code) : 0;
    const [west, , east] = feature.getGeometry().getExtent();
    const room = (east - west) / resolution;
    return new Style({
      text: room < 46 ? undefined : new Text({
        text: `${feature.get("name") || code}\n${told(value)}`,
        font: `${light ? 13 : Math.max(13, Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.95))}px ${FONT}`,
        fill: new Fill({ color: light ? "#1b2a2e" : "#f2f8f8" }),
        stroke: new Stroke({ color: light ? "#fdfefe" : "#0c1720", width: 3 }),
        overflow: true,
      }),
    });
  }

  const layer = new VectorLayer({ source, style });
  const names = new VectorLayer({ source, style: name, declutter: true });
  const map = new OlMap({
    target: element,
    controls: defaultControls({
      attribution: false,
      rotate: false,
      zoomOptions: { zoomInTipLabel: gettext("Zoom in"), zoomOutTipLabel: gettext("Zoom out") },
    }),
    layers: [layer, names],
    view: new View({ projection: "EPSG:4326", center: [84, 39.5], zoom: 9, enableRotation: false }),
  });
  // Roads and water over the tints, faintly and without names: people find their quarter by them.
  getJSON("/api/layers/").then(({ layers }) => {
    const lines = { id: "own", projection: "EPSG:4326", kind: light ? "light" : "dark", layers: ["reference_lines"], names: false, opacity: 0.4 };
    for (const one of ownLayers(lines, { dark: !light, registry: layers })) {
      one.setBackground(undefined);
      one.setZIndex(1);
      map.addLayer(one);
    }
    layer.setZIndex(0);
    names.setZIndex(2);
  }).catch(() => {});
  element.setAttribute("role", "region"); // The table beside it says and does the same.
  element.setAttribute("aria-label", gettext("Map"));

  const tip = el("div.cockpit-tip", { hidden: true });
  element.append(tip);
  map.on("pointermove", (event) => {
    if (event.dragging) return;
    const feature = map.forEachFeatureAtPixel(event.pixel, (found) => found);
    ring(feature?.get("code") ?? null);
    element.classList.toggle("is-over", Boolean(feature));
    tip.hidden = !feature;
    if (feature) {
      tip.textContent = `${feature.get("name") || feature.get("code")}  ${told(values.has(feature.get("code")) ? values.get(feature.get("code")) : 0)}`;
      tip.style.transform = `translate(${Math.round(event.pixel[0] + 14)}px, ${Math.round(event.pixel[1] + 14)}px)`;
    }
  });
  map.on("click", (event) => {
    const feature = map.forEachFeatureAtPixel(event.pixel, (found) => found);
    if (feature) drill(feature.get("code"));
  });

  function ring(code) {
    if (code === ringed) return;
    ringed = code;
    layer.changed();
  }

  return {
    ring,
    setShapes(collection) {
      source.clear();
      const read = new GeoJSON().readFeatures(collection).filter((feature) => feature instanceof Feature && feature.getGeometry());
      source.addFeatures(read);
      extent = read.length ? source.getExtent() : collection.bbox;
    },
    /** Brings the areas into sight, `right` pixels clear of the right edge. */
    frame(right) {
      map.updateSize();
      if (extent) map.getView().fit(fromExtent(extent), { padding: [24, 24 + right, 24, 24] });
    },
    paint(measure, next) {
      values = next;
      bounds = breaks([...values.values()].filter((value) => value !== null));
      layer.changed();
      names.changed();
      const from = ramp.length - bounds.length;
      legend.replaceChildren(el("strong", {}, measure.label), ...bounds.map((bound, index) => {
        const low = index ? bounds[index - 1] : null;
        const swatch = el("i", { "aria-hidden": "true" });
        swatch.style.background = ramp[from + index];
        return el("span", {}, swatch, low === null || bounds.length < ramp.length
          ? told(bound) : fill(gettext("over %(low)s to %(high)s"), { low: told(low), high: told(bound) }));
      }));
    },
  };
}
