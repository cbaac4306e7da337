// Measuring, drawing a filter area, full screen, printing.
import Overlay from "ol/Overlay.js";
import { unByKey } from "ol/Observable.js";
import Draw from "ol/interaction/Draw.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { el } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { areaWords, lengthWords, lineLength, ringArea } from "./geodesic.js";
import { toLonLat } from "./matrix.js";
import { drawStyle } from "./styles.js";

/** Draws one thing at a time and shows its size while drawing. */
export function drawing(map) {
  const source = new VectorSource();
  const layer = new VectorLayer({ source, style: drawStyle, zIndex: 900 });
  layer.setMap(map);
  let draw = null;
  let tip = null;
  let keys = [];

  const lonlat = (points) => points.map((point) => toLonLat(point, map.getView().getProjection()));
  const words = (geometry) =>
    geometry.getType() === "Polygon"
      ? areaWords(ringArea(lonlat(geometry.getCoordinates()[0])))
      : lengthWords(lineLength(lonlat(geometry.getCoordinates())));

  function stop() {
    if (draw) map.removeInteraction(draw);
    unByKey(keys);
    keys = [];
    draw = null;
  }
  function clear() {
    stop();
    source.clear();
    if (tip) map.removeOverlay(tip);
    tip = null;
  }

  return {
    source,
    stop,
    clear,
    get busy() { return draw !== null; },
    /** @param {"LineString"|"Polygon"} type; `done` gets the ring or line in [lon, lat] */
    start(type, { done, size = true, keep = true } = {}) {
      clear();
      draw = new Draw({ source, type, style: drawStyle, stopClick: true });
      const box = el("div.map-tip.measure", {}, gettext("Click to set corners, double click to end"));
      tip = new Overlay({ element: box, offset: [0, -14], positioning: "bottom-center", stopEvent: false });
      map.addOverlay(tip);
      keys.push(map.on("pointermove", (event) => { if (!source.getFeatures().length) tip?.setPosition(event.coordinate); }));
      draw.on("drawstart", ({ feature }) => {
        keys.push(feature.getGeometry().on("change", ({ target }) => {
          if (size) box.textContent = words(target);
          tip?.setPosition(target.getType() === "Polygon" ? target.getInteriorPoint().getCoordinates() : target.getLastCoordinate());
        }));
      });
      draw.on("drawend", ({ feature }) => {
        const geometry = feature.getGeometry();
        const points = lonlat(geometry.getType() === "Polygon" ? geometry.getCoordinates()[0] : geometry.getCoordinates());
        if (size) box.textContent = words(geometry);
        // After this event, so that the double click that ends the drawing does not zoom.
        setTimeout(() => {
          stop();
          if (!keep) clear();
          done?.(points, words(geometry));
        });
      });
      map.addInteraction(draw);
    },
    /** Shows a ring of [lon, lat] that was drawn before (from the address). */
    show(feature) {
      clear();
      source.addFeature(feature);
    },
  };
}

export function fullScreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.();
}

/** Prints the map alone, with its legend and foot. */
export function printMap(pane) {
  const panes = pane.parentElement;
  panes.classList.add("printing-map");
  window.addEventListener("afterprint", () => panes.classList.remove("printing-map"), { once: true });
  // The canvas follows its new size before the dialog takes its picture.
  requestAnimationFrame(() => setTimeout(() => window.print(), 250));
}
