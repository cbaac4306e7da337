// Asset pages: a list or a detail beside its map, and the floor by unit picture.
import { Style } from "ol/style.js";
import { createMap, symbol } from "@tiles/map.js";
import { all, el, one, onClick } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";

const place = one("#map");
const rowStyle = new Style({ image: symbol("circle", "#12646a", 6) });
const layer = place?.dataset.layer;
const known = (element) => (element.dataset.lon ? [Number(element.dataset.lon), Number(element.dataset.lat)] : null);

async function start() {
  const single = known(place);
  const map = await createMap(place, {
    layers: [layer, "grids"].filter(Boolean),
    remember: "",
    center: single ?? undefined,
    metres: single ? 0.5 : undefined,
    tools: single ? ["layers", "basemaps"] : ["layers", "basemaps", "measure", "fullscreen", "print"],
    coordinates: !single,
  });
  if (single) {
    map.pin(single);
    map.highlight(layer, place.dataset.key);
  } else {
    const points = all("tr[data-lon]").map(known);
    // What has no layer of its own (a shop stands in its building) is drawn from the rows of the page.
    if (!layer && points.length) map.mark("rows", { type: "MultiPoint", coordinates: points }, rowStyle, { zIndex: 600 });
    if (points.length && ["q", "area", "is"].some((name) => new URLSearchParams(location.search).get(name))) {
      const [lons, lats] = [0, 1].map((axis) => points.map((point) => point[axis]));
      map.fit([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], { metres: 2 });
    }
    const at = place.dataset.at?.split(",").map(Number);
    if (at?.length === 2 && at.every(Number.isFinite)) { map.pin(at); map.flyTo(at); }
    for (const row of all("tr[data-lon]")) {
      row.addEventListener("pointerenter", () => map.ring(known(row)));
      row.addEventListener("pointerleave", () => map.ring(null));
      row.addEventListener("focusin", () => { map.ring(known(row)); map.flyTo(known(row), { quietly: true }); });
      row.addEventListener("click", (event) => {
        if (!event.target.closest("a")) map.flyTo(known(row), { metres: 1 });
      });
    }
  }
  map.on("select", ({ layer: about, properties }) => {
    if (about.row_url && properties[about.key]) location.href = about.row_url.replace(`{${about.key}}`, encodeURIComponent(properties[about.key]));
  });
}
if (place) start();

for (const box of all("[data-file-drop]")) {
  const input = one("input[type=file]", box);
  const words = one("[data-file-name]", box);
  const asked = words.textContent;
  input.addEventListener("change", () => {
    words.textContent = input.files[0]?.name ?? asked;
    box.classList.toggle("has-file", input.files.length > 0);
  });
  for (const name of ["dragenter", "dragleave", "drop"]) box.addEventListener(name, () => box.classList.toggle("is-over", name === "dragenter"));
}

onClick("[data-switch]", (button) => {
  const shown = one("#panes").classList.toggle("show-map");
  one("[data-word-map]", button).hidden = shown;
  one("[data-word-list]", button).hidden = !shown;
});

onClick("[data-home]", (button) => {
  for (const other of all("[data-home][aria-current]")) other.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  const { door, use, area, people, occupant } = button.dataset;
  const facts = [[gettext("Unit"), door], [gettext("Use"), use], [gettext("Floor area"), area], [gettext("People"), people], [gettext("Occupant"), occupant]];
  const box = one("#home-detail");
  box.hidden = false;
  box.replaceChildren(el("dl.facts", {}, facts.filter(([, value]) => value).flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, value)])));
});
