// One case on one page: its place on a map, its actions by their dialogs, live.
import { createMap } from "@tiles/map.js";
import { one, onClick } from "@geo/dom.js";
import { on } from "@geo/keys.js";
import { subscribe } from "@geo/live.js";
import { toast } from "@geo/toast.js";
import { copyLink } from "./copy.js";
import { startForms, startParts } from "./forms.js";
import { ruleStyle } from "./listmap.js";
import { startPhotos } from "./photos.js";

const sheet = one("#sheet");
const dialog = one("#act");
const head = () => one("[data-case]", sheet);
const place = () => [Number(head().dataset.lon), Number(head().dataset.lat)];
const path = () => `/cases/${encodeURIComponent(head().dataset.case)}/page/`;
/** What is told is drawn anew; the map stays. */
const refresh = () => window.htmx.ajax("GET", path(), { target: "#sheet" });

startParts();
startPhotos();

const ready = createMap(one("#map"), {
  layers: ["areas", "grids", "cases"],
  remember: "",
  center: place(),
  metres: 0.8,
  tools: ["layers", "basemaps", "fullscreen"],
  coordinates: false,
}).then((map) => {
  map.pin(place());
  map.on("select", ({ properties, layer }) => {
    const number = layer.id.includes("cases") ? properties.number ?? properties.id : null;
    if (number) location.href = `/cases/${encodeURIComponent(number)}/page/`;
  });
  return map;
});

onClick("[data-show-place]", async () => {
  one("#map").scrollIntoView({ block: "center" });
  (await ready).flyTo(place());
});
onClick("[data-show-rule]", async (button) => {
  const shown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(shown));
  one("#map").scrollIntoView({ block: "center" });
  (await ready).mark("rule", shown ? JSON.parse(head().dataset.polygon) : null, ruleStyle, { zIndex: 50 });
});
on("e", () => one("[data-main]", sheet)?.click());
onClick("[data-copy-link]", () => copyLink(path()));

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== dialog) return;
  if (!dialog.open) dialog.showModal();
  startForms(dialog);
  one("input:not([type=hidden]), textarea, select", dialog)?.focus();
});
document.addEventListener("case-acted", ({ detail }) => {
  if (dialog.open) dialog.close();
  toast(detail.words, { bad: detail.bad });
  refresh();
});
subscribe((event) => {
  if (event.row && event.row === head().dataset.row && !dialog.open) refresh();
});
window.addEventListener("beforeprint", async () => (await ready).showNow(place(), 1));
