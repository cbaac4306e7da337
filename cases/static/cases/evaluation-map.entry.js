// The draw on the map, and the page for assessors on the spot.
import { createMap, distance, lengthWords } from "@tiles/map.js";
import { rgba, SELECTED } from "@tiles/map/styles.js";
import { all, one, onClick } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { beforeSending } from "@geo/inplace.js";
import { toast } from "@geo/toast.js";
import { Circle, Fill, RegularShape, Stroke, Style } from "ol/style.js";
import { startForms } from "./forms.js";
import { preparePhoto } from "./phone/photo.js";

// A shape for each state beside its colour.
const COLOURS = { open: "#12646a", good: "#5b7fa6", found: "#b5402f", unreachable: "#7a7f87" };
const edge = new Stroke({ color: "#fdfefe", width: 1.5 });
const marks = {
  open: new Circle({ radius: 6, fill: new Fill({ color: COLOURS.open }), stroke: edge }),
  good: new Circle({ radius: 5, fill: new Fill({ color: COLOURS.good }), stroke: edge }),
  found: new RegularShape({ points: 3, radius: 8, fill: new Fill({ color: COLOURS.found }), stroke: edge }),
  unreachable: new RegularShape({ points: 4, radius: 7, angle: Math.PI / 4, fill: new Fill({ color: COLOURS.unreachable }), stroke: edge }),
};
const pointStyles = Object.fromEntries(Object.entries(marks).map(([state, image]) => [state, new Style({ image })]));
const cellStyle = new Style({ stroke: new Stroke({ color: SELECTED, width: 2 }), fill: new Fill({ color: rgba(SELECTED, 0.08) }) });

function boxOf(features) {
  const points = features.flatMap((feature) => feature.geometry.coordinates.flat(Infinity));
  const lons = points.filter((_, index) => index % 2 === 0);
  const lats = points.filter((_, index) => index % 2 === 1);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

async function start(element) {
  const map = await createMap(element, { layers: ["areas"], remember: "evaluation", tools: ["layers", "basemaps", "measure", "locate"] });
  try {
    const { features } = await getJSON(element.dataset.source);
    const cells = features.filter((feature) => feature.properties.kind === "cell");
    const points = features.filter((feature) => feature.properties.kind === "point");
    if (cells.length) map.mark("cells", cells, cellStyle, { zIndex: 40 });
    if (points.length) map.mark("points", points, (feature) => pointStyles[feature.get("state")], { zIndex: 60 });
    if (cells.length) map.fit(boxOf(cells));
    else map.note("draw", gettext("Nothing has been drawn yet."));
    map.onMark("points", (feature) => {
      if (element.dataset.open && feature.get("state") === "open") location.search = `${element.dataset.open}${feature.get("id")}`;
      else map.note("point", `${feature.get("type")} ${feature.get("code")} · ${feature.get("item")}`);
    });
  } catch (error) {
    map.note("draw", error.message, { label: gettext("Try again"), act: () => location.reload() });
  }
  element.dataset.ready = "1";
}
const element = one("#sample-map");
if (element) start(element);

// --- on the spot ------------------------------------------------------------------------------------------------
const form = one("#inspection");
if (form) {
  startForms(form);
  onClick("[data-count]", (button) => {
    const input = one("input", button.parentElement);
    input.value = Math.max(0, Math.min(999, Number(input.value || 0) + Number(button.dataset.count)));
  }, form);
  // As the phone app does: smaller, with the camera's own record of time and place.
  beforeSending(form, async (data) => {
    const files = await Promise.all(data.getAll("photos").filter((file) => file.size).map(async (file) => {
      const { bytes, type } = await preparePhoto(file).catch(() => ({ bytes: file, type: file.type }));
      return new File([bytes], file.name, { type });
    }));
    data.delete("photos");
    for (const file of files) data.append("photos", file);
  });
}

const list = one("#point-list");
onClick("[data-nearest]", (button) => {
  if (!navigator.geolocation) { toast(gettext("This browser gives no position (it needs HTTPS)."), { bad: true }); return; }
  button.classList.add("busy");
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    button.classList.remove("busy");
    const here = [coords.longitude, coords.latitude];
    const rows = all("li", list).map((row) => {
      const away = distance(here, [Number(row.dataset.lon), Number(row.dataset.lat)]);
      one("[data-away]", row).textContent = lengthWords(away);
      return { row, away: away + ("done" in row.dataset ? 1e9 : 0) };
    });
    rows.sort((a, b) => a.away - b.away);
    list.replaceChildren(...rows.map(({ row }) => row));
  }, () => {
    button.classList.remove("busy");
    toast(gettext("No position: allow it in the browser's settings."), { bad: true });
  }, { enableHighAccuracy: true, timeout: 15000, maximumAge: 10000 });
});
