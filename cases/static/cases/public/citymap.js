// The map of what was reported, bound to its list: moving the map fills the list, a point or a row marks the other.
import { Circle, Fill, RegularShape, Stroke, Style } from "ol/style.js";
import { all, el, icon, one, onClick } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { createMap } from "@tiles/map.js";

const white = new Stroke({ color: "#fff", width: 2 });
const open = new Style({ image: new Circle({ radius: 8, fill: new Fill({ color: "#12646a" }), stroke: white }) });
const closed = new Style({ image: new RegularShape({ points: 4, radius: 9, angle: Math.PI / 4, fill: new Fill({ color: "#5b7fa6" }), stroke: white }) });
const MOST_ROWS = 60;
// Boxes are asked for in steps of the server's cells, so that a small move asks nothing new.
const CELL = 0.02;

export async function start() {
  const element = one("#city-map");
  const list = one("[data-case-list]");
  const title = one("[data-list-title]");
  const map = await createMap(element, { tools: ["basemaps", "fullscreen"], coordinates: false, remember: "public", layers: [], hash: true });
  let rows = [];
  let asked = "";
  const shows = () => Object.fromEntries(all("[data-show]").map((chip) => [chip.dataset.show, chip.getAttribute("aria-pressed") === "true"]));

  async function load() {
    const [west, south, east, north] = map.extent();
    const box = [Math.floor(west / CELL), Math.floor(south / CELL), Math.ceil(east / CELL), Math.ceil(north / CELL)].map((cell) => Number((cell * CELL).toFixed(4)));
    if (box[2] - box[0] > 2 || box[3] - box[1] > 2) return map.note("far", gettext("Come closer to see what was reported here."));
    map.note("far", null);
    const key = box.join(",");
    if (key !== asked) {
      try {
        const answer = await getJSON(`${element.dataset.src}?bbox=${key}`);
        rows = answer.features.map((feature) => feature.properties);
        asked = key;
        map.note("failed", null);
        map.note("more", answer.more ? gettext("There are more here; come closer to see all.") : null);
      } catch (error) {
        return map.note("failed", error.message, { label: gettext("Try again"), act: load });
      }
    }
    draw();
  }

  function draw() {
    const wanted = shows();
    const seen = rows.filter((row) => wanted[row.open ? "open" : "closed"]);
    const points = seen.map((row) => ({ type: "Feature", properties: { number: row.number, open: row.open, name: row.label }, geometry: { type: "Point", coordinates: [row.lon, row.lat] } }));
    map.mark("cases", points, (feature) => (feature.get("open") ? open : closed), { zIndex: 600 });
    const [w, s, e, n] = map.extent();
    const inside = seen.filter((row) => row.lon >= w && row.lon <= e && row.lat >= s && row.lat <= n).slice(0, MOST_ROWS);
    title.textContent = gettext("On this map");
    list.replaceChildren(...(inside.length ? inside.map(item) : [el("li.state.small", {}, icon("empty"), el("p", {}, gettext("Nothing was reported here lately.")))]));
  }

  function item(row) {
    return el("li", { "data-number": row.number },
      el("button.pub-row", { type: "button", onclick: () => mark(row, true) },
        el("span.grow", {}, el("b", {}, row.label), el("small", {}, `${row.address} `, el("span.nowrap", {}, row.day)), row.reply ? el("small", {}, row.reply) : null),
        el(`span.badge.is-${row.tone}`, {}, icon(row.shape), row.stage_label)));
  }

  function mark(row, fly) {
    for (const other of all("li", list)) {
      other.removeAttribute("aria-current");
      one(".photos", other)?.remove();
    }
    const found = one(`[data-number="${row.number}"]`, list);
    found?.setAttribute("aria-current", "true");
    // Public copies are large: only of what somebody looks at.
    if (row.photos.length) found?.append(el("div.photos", {}, ...row.photos.slice(0, 4).map((src) => el("a.photo", { href: src }, el("img", { src, alt: gettext("Photo") })))));
    map.choose([row.lon, row.lat]);
    if (fly) map.flyTo([row.lon, row.lat], { metres: 1.2, quietly: true });
    else found?.scrollIntoView({ block: "nearest" });
  }

  map.onMark("cases", (feature) => {
    const row = rows.find((one) => one.number === feature.get("number"));
    if (row) mark(row, false);
  });
  onClick("[data-show]", (chip) => {
    const on = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", String(on));
    chip.classList.toggle("on", on);
    draw();
  });
  map.on("move", load);
}
