// A grid, or the grids of an area, on the map of any day; today's border of the one beside it.
import GeoJSON from "ol/format/GeoJSON.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { Fill, Stroke, Style } from "ol/style.js";
import { createMap } from "@tiles/map.js";
import { one, onClick } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { toast } from "@geo/toast.js";

const place = one("#grid-map");
const THEN = new Style({ stroke: new Stroke({ color: "#1f5fbf", width: 3 }), fill: new Fill({ color: "rgba(31, 95, 191, 0.08)" }) });
const NOW = new Style({ stroke: new Stroke({ color: "#b5402f", width: 2, lineDash: [8, 6] }) });

/** The border of a grid on a day ("" today); null when it was not in force. */
const border = (code, at) =>
  getJSON(`/api/grids/${code}/${at ? `?at=${at}` : ""}`).then((grid) => grid.geometry ?? null, () => null);

async function boxOf(area) {
  const { geometry } = await getJSON(`/api/areas/${area}/`);
  return new GeoJSON().readGeometry(geometry).getExtent();
}

async function start() {
  const { code, area, at, box } = place.dataset;
  const extent = code ? box.split(",").map(Number) : await boxOf(area).catch(() => undefined);
  const map = await createMap(place, {
    layers: ["grids", "grid_labels"],
    remember: "",
    extent,
    tools: ["layers", "basemaps", "fullscreen", "print"],
  });
  if (at) map.setDate(at);
  if (code) await drawBorders(map, code, at);
  map.on("select", ({ layer, properties }) => {
    if (layer.id.startsWith("grid") && properties.code) location.href = `/grids/${properties.code}/${at ? `?at=${at}` : ""}`;
  });
}

async function drawBorders(map, code, at) {
  const shapes = [];
  if (at && place.dataset.now) shapes.push([await border(code, ""), NOW]);
  if (place.dataset.then) shapes.push([await border(code, at), THEN]);
  const format = new GeoJSON({ dataProjection: "EPSG:4326", featureProjection: map.ol.getView().getProjection() });
  const source = new VectorSource();
  for (const [geometry, style] of shapes) {
    if (!geometry) continue;
    const feature = format.readFeature({ type: "Feature", geometry, properties: {} });
    feature.setStyle(style);
    source.addFeature(feature);
  }
  map.ol.addLayer(new VectorLayer({ source, zIndex: 90 }));
}
if (place) start().catch((error) => toast(error.message));

// Choosing another day is asking for it.
one("[data-as-of] input")?.addEventListener("change", (event) => event.target.value && event.target.form.requestSubmit());

onClick("[data-switch]", (button) => {
  const shown = one("#panes").classList.toggle("show-map");
  one("[data-word-map]", button).hidden = shown;
  one("[data-word-list]", button).hidden = !shown;
});
