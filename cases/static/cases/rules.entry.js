// The dispatch rules beside a map: show a rule's area, try a place, draw an area for a new rule.
import { createMap } from "@tiles/map.js";
import { rgba, SELECTED } from "@tiles/map/styles.js";
import { one, onClick } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { Fill, Stroke, Style } from "ol/style.js";

const areaStyle = new Style({ stroke: new Stroke({ color: SELECTED, width: 2.5 }), fill: new Fill({ color: rgba(SELECTED, 0.1) }) });
const drawer = one("#drawer");
const ready = createMap(one("#map"), { layers: ["areas", "grids"], remember: "rules", tools: ["layers", "basemaps", "measure"] });

function boxOf(geometry) {
  const points = geometry.coordinates.flat(Infinity);
  const lons = points.filter((_, index) => index % 2 === 0);
  const lats = points.filter((_, index) => index % 2 === 1);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

async function show(polygon) {
  const map = await ready;
  map.mark("rule", polygon, areaStyle, { zIndex: 50 });
  if (polygon) map.fit(boxOf(polygon));
}
onClick("[data-show-polygon]", (button) => show(JSON.parse(button.closest("tr").dataset.polygon)));
const marked = one("tr[aria-selected='true']");
if (marked) {
  marked.scrollIntoView({ block: "center" });
  if (marked.dataset.polygon) show(JSON.parse(marked.dataset.polygon));
}

// --- who would get it? ----------------------------------------------------------------------------------------
const answer = one("#try-answer");
ready.then((map) => map.on("click", async ({ lonlat }) => {
  const type = one("#try-type").value;
  if (!type || map.sketch.busy) return;
  map.pin(lonlat);
  answer.hidden = false;
  try {
    const decision = await getJSON(`/api/dispatch-rules/try/?lon=${lonlat[0].toFixed(7)}&lat=${lonlat[1].toFixed(7)}&type=${type}`);
    answer.textContent = decision.text;
    map.mark("rule", decision.polygon, areaStyle, { zIndex: 50 });
  } catch (error) {
    answer.textContent = error.message;
  }
}));

// --- new and ended ones ---------------------------------------------------------------------------------------
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== drawer) return;
  drawer.hidden = false;
  one("#panes").classList.add("with-drawer");
  one("input:not([type=hidden]), select", drawer)?.focus();
});
onClick("[data-close-drawer]", async () => {
  drawer.hidden = true;
  one("#panes").classList.remove("with-drawer");
  drawer.replaceChildren();
  (await ready).sketch.clear();
});
onClick("[data-draw]", async () => {
  (await ready).sketch.start("Polygon", { done: (ring) => {
    one("[name=polygon]", drawer).value = JSON.stringify({ type: "Polygon", coordinates: [ring.map((point) => point.map((value) => Number(value.toFixed(8))))] });
  } });
});
onClick("[data-undraw]", async () => {
  one("[name=polygon]", drawer).value = "";
  (await ready).sketch.clear();
});
const dialog = one("#end");
onClick("[data-end]", (button) => {
  const form = one("#end-form");
  form.setAttribute("hx-post", button.dataset.end);
  window.htmx.process(form);
  one("#end-name").textContent = button.dataset.name;
  dialog.showModal();
  one("#end-reason").focus();
});
onClick("[data-switch]", (button) => {
  const shown = one("#panes").classList.toggle("show-map");
  one("[data-word-map]", button).hidden = shown;
  one("[data-word-list]", button).hidden = !shown;
});
