// Where problems pile up: the places on the map, larger where there are more.
import { createMap } from "@tiles/map.js";
import { rgba } from "@tiles/map/styles.js";
import { all, one, onClick } from "@geo/dom.js";
import { Circle, Fill, Stroke, Style, Text } from "ol/style.js";

const element = one("#map");
const places = JSON.parse(element.dataset.places);
const TONE = "#c98a1b";
const style = (feature) => {
  const count = feature.get("count");
  return new Style({
    image: new Circle({
      radius: Math.min(26, 8 + 3 * Math.sqrt(count)),
      fill: new Fill({ color: rgba(TONE, 0.35) }),
      stroke: new Stroke({ color: TONE, width: 2 }),
    }),
    text: count > 1 ? new Text({ text: String(count), font: "600 13px sans-serif", fill: new Fill({ color: "#3a2a06" }) }) : undefined,
  });
};
const ready = createMap(element, { layers: ["areas", "grids"], remember: "spots", tools: ["layers", "basemaps", "measure"] });
ready.then((map) => {
  if (!places.features.length) return;
  map.mark("spots", places, style, { zIndex: 60 });
  const lons = places.features.map((one) => one.geometry.coordinates[0]);
  const lats = places.features.map((one) => one.geometry.coordinates[1]);
  const margin = 0.004;
  map.fit([Math.min(...lons) - margin, Math.min(...lats) - margin, Math.max(...lons) + margin, Math.max(...lats) + margin]);
});
onClick("[data-show-spot]", async (button) => {
  const row = button.closest("tr");
  for (const other of all("tr[aria-selected]")) other.removeAttribute("aria-selected");
  row.setAttribute("aria-selected", "true");
  const [lon, lat] = [Number(row.dataset.lon), Number(row.dataset.lat)];
  const map = await ready;
  map.pin([lon, lat]);
  map.fit([lon - 0.002, lat - 0.002, lon + 0.002, lat + 0.002]);
});
for (const field of all("[data-submit]")) field.addEventListener("change", () => field.form.requestSubmit());
onClick("[data-switch]", (button) => {
  const shown = one("#panes").classList.toggle("show-map");
  one("[data-word-map]", button).hidden = shown;
  one("[data-word-list]", button).hidden = !shown;
});
