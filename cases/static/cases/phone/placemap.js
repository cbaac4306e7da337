// The small map of a report, and the large one on which its place is corrected. Loaded only when needed.
import { Circle, Fill, RegularShape, Stroke, Style } from "ol/style.js";
import { openDialog } from "@geo/dialog.js";
import { el, icon } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { createMap } from "@tiles/map.js";
import { app } from "./app.js";
import { currentFix } from "./position.js";

const round = (radius, width) => new Style({ image: new Circle({ radius, fill: new Fill({ color: "#12646a" }), stroke: new Stroke({ color: "#fff", width }) }) });
// From afar hundreds stand side by side: small enough to leave the streets in sight.
const [dot, speck] = [round(6, 1.5), round(3, 0.8)];
const chosen = new Style({ image: new RegularShape({ points: 4, radius: 12, fill: new Fill({ color: "rgba(31,95,191,0.25)" }), stroke: new Stroke({ color: "#1f5fbf", width: 2.5 }) }) });
const mine = new Style({ stroke: new Stroke({ color: "#12646a", width: 2 }), fill: new Fill({ color: "rgba(18,100,106,0.06)" }) });

export const point = (row) => ({ type: "Feature", properties: { component: row[0] }, geometry: { type: "Point", coordinates: [row[3], row[4]] } });

/** Draw my grids and components on a map of the house. */
export function drawMine(map, rows) {
  map.mark("mine", (app.base?.grids || []).map((grid) => ({ type: "Feature", properties: {}, geometry: grid.geometry })), mine, { zIndex: 400 });
  map.mark("components", rows.map(point), () => (map.metres > 1 ? speck : dot), { zIndex: 600 });
}

/** The component's code under a pixel, or null. A thumb is wide. */
export function componentAt(map, pixel) {
  let code = null;
  map.ol.forEachFeatureAtPixel(pixel, (feature) => (code = feature.get("component")) !== undefined, { hitTolerance: 16, layerFilter: (layer) => layer.get("mark") === "components" });
  return code ?? null;
}

/** A still picture of the place: tapping a component takes it, tapping elsewhere opens the large map. */
export async function previewMap(pane, { onComponent, onMap }) {
  const element = el("div", { "aria-label": gettext("Map of the place") });
  pane.append(element);
  const map = await createMap(element, { tools: [], coordinates: false, remember: "", layers: [], metres: 0.4, center: start() });
  map.ol.getInteractions().clear();
  element.setAttribute("role", "img");
  element.tabIndex = -1;
  map.ol.on("singleclick", ({ pixel }) => {
    const code = componentAt(map, pixel);
    if (code) onComponent(code);
    else onMap();
  });
  let drawn = "";
  return {
    show(place, component, rows) {
      pane.hidden = !place;
      if (!place) return;
      const key = JSON.stringify([place, component?.code, rows.length]);
      if (key === drawn) return;
      drawn = key;
      const at = [place.lon, place.lat];
      map.ol.updateSize();
      map.pin(at);
      map.accuracy(place.source === "browser" && place.accuracy ? at : null, place.accuracy);
      drawMine(map, rows);
      map.mark("component", component ? { type: "Point", coordinates: [component.lon, component.lat] } : null, chosen, { zIndex: 650 });
      const metres = Math.min(3, Math.max(0.35, (place.accuracy || 20) / 70));
      map.fit([at[0], at[1], at[0], at[1]], { metres, padding: 0 });
    },
    destroy: () => map.destroy(),
  };
}

const start = () => {
  const [grid] = app.base?.grids || [];
  const [lon, lat] = grid ? (grid.geometry.type === "Polygon" ? grid.geometry.coordinates[0][0] : grid.geometry.coordinates[0][0][0]) : [104, 36];
  return [lon, lat];
};

/** The large map: the pin stands in the middle, the map moves under it; a tap moves it too. */
export function placeDialog(from, { components, onPlace, onComponent }) {
  const element = el("div", { "aria-label": gettext("Map. Arrow keys move it; the place is its middle.") });
  const body = el("div.place-map", {}, element, el("div.centre-pin", { "aria-hidden": "true" }, icon("place")));
  const zoom = (step) => map?.ol.getView().animate({ zoom: map.ol.getView().getZoom() + step, duration: 150 });
  let map = null;
  let pressed = null;
  const dialog = openDialog(gettext("Move the map until the pin is right"), body, {
    wide: true,
    foot: [
      el("button.button.icon-only", { type: "button", "aria-label": gettext("Closer"), onclick: () => zoom(1) }, icon("plus")),
      el("button.button.icon-only", { type: "button", "aria-label": gettext("Farther"), onclick: () => zoom(-1) }, icon("minus")),
      el("button.button.icon-only", { type: "button", "aria-label": gettext("My position"), onclick: toMe }, icon("locate")),
      el("button.button.main.grow", { type: "button", onclick: () => { onPlace(map.center().map((value) => Number(value.toFixed(7)))); dialog.close(); } }, icon("check"), gettext("It is here")),
    ],
    onclose: () => map?.destroy(),
  });
  dialog.classList.add("full");

  async function toMe() {
    const fix = await currentFix();
    if (fix) map.flyTo([fix.lon, fix.lat], { metres: 0.4 });
  }

  createMap(element, { tools: [], coordinates: false, remember: "", layers: [], ...(from ? { center: [from.lon, from.lat], metres: 0.4 } : {}) }).then((made) => {
    map = made;
    drawMine(map, components);
    map.on("click", ({ lonlat }) => {
      const code = pressed && componentAt(map, pressed);
      if (code) {
        onComponent(code);
        dialog.close();
      } else map.flyTo(lonlat, { metres: 1e9 });
    });
  });
  element.addEventListener("pointerdown", (event) => {
    pressed = map?.ol.getEventPixel(event);
  });
}
