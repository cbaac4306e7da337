// Two states of the same communities: a map to swipe, the ground that changes hands, and it all in sentences.
import Feature from "ol/Feature.js";
import GeoJSON from "ol/format/GeoJSON.js";
import MultiPolygon from "ol/geom/MultiPolygon.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { Fill, Stroke, Style, Text } from "ol/style.js";
import { createMap } from "@tiles/map.js";
import { FONT, rgba } from "@tiles/map/styles.js";
import { el, icon, one, stateBox } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { Draft, colourOf, fullName } from "./planner/draft.js";
import { exportButtons } from "./planner/exports.js";
import { hatch } from "./planner/styles.js";
import { swipe } from "./planner/swipe.js";
import { boxOf } from "./planner/topology.js";
import { count, difference, measured } from "./planner/words.js";

const root = one("#compare");
const other = root.dataset.with;
const draft = new Draft(Number(root.dataset.plan));
// On a phone the map is small: the tools that matter there, and names only where they fit.
const narrow = matchMedia("(max-width: 760px)").matches;
const FATES = { changed: gettext("changed"), same: gettext("as before"), gone: gettext("goes"), new: gettext("new") };

/** Grids of a side: [{code, name, colour, shape}]. */
async function planSide(one) {
  await one.loadPlan();
  await one.loadBlocks();
  return one.active().filter((grid) => one.shapes.has(grid.number))
    .map((grid) => ({ code: grid.code, name: fullName(grid), colour: colourOf({ ...grid, number: Number(grid.code?.slice(-3)) || grid.number }), shape: one.shapes.get(grid.number) }));
}

async function todaySide() {
  await draft.loadToday();
  // A grid that goes on keeps its colour on both sides.
  const goesOn = new Map(draft.active().filter((grid) => grid.in_force).map((grid) => [grid.in_force, grid.colour]));
  return [...draft.today.values()].map((grid) => ({
    code: grid.code, shape: grid.shape, name: fullName(grid), colour: colourOf({ number: Number(grid.code.slice(-3)), colour: goesOn.get(grid.code) }),
  }));
}

function layerOf(grids, map, zIndex) {
  const format = (shape) => new MultiPolygon(shape).transform("EPSG:4326", map.projection);
  const layer = new VectorLayer({
    zIndex, source: new VectorSource(),
    style: (feature) => {
      const { name, colour } = feature.get("grid");
      return [
        new Style({ fill: new Fill({ color: rgba(colour, 0.2) }), stroke: new Stroke({ color: "rgba(255,255,255,0.9)", width: 4 }) }),
        new Style({
          stroke: new Stroke({ color: "#2b4148", width: 1.8 }),
          text: new Text({ text: name.replace(" ", "\n"), font: `600 ${narrow ? 11 : 13}px ${FONT}`, overflow: !narrow, fill: new Fill({ color: "#16262a" }), stroke: new Stroke({ color: "rgba(253,254,254,0.95)", width: 3.5 }) }),
        }),
      ];
    },
  });
  const draw = () => {
    layer.getSource().clear();
    layer.getSource().addFeatures(grids.map((grid) => new Feature({ geometry: format(grid.shape), grid })));
  };
  draw();
  map.on("projection", draw);
  map.ol.addLayer(layer);
  return layer;
}

function changedLayer(changed, map) {
  const layer = new VectorLayer({
    zIndex: 300, source: new VectorSource(),
    style: (feature) => new Style({
      fill: new Fill({ color: hatch(feature.get("hot") ? "rgba(194,90,0,0.85)" : "rgba(27,42,46,0.55)") }),
      stroke: new Stroke({ color: feature.get("hot") ? "#c25a00" : "rgba(27,42,46,0.7)", width: feature.get("hot") ? 3 : 1 }),
    }),
  });
  const draw = () => {
    layer.getSource().clear();
    layer.getSource().addFeatures(new GeoJSON().readFeatures(changed, { dataProjection: "EPSG:4326", featureProjection: map.projection }));
  };
  draw();
  map.on("projection", draw);
  map.ol.addLayer(layer);
  return layer;
}

async function start() {
  const body = one("#compare-body");
  let compared;
  let sides;
  try {
    const right = await planSide(draft);
    const [left, answer] = await Promise.all([other === "today" ? todaySide() : planSide(new Draft(Number(other))), getJSON(`${draft.url}compare/?with=${other}`, { timeout: 60000 })]);
    sides = [left, right];
    compared = answer;
  } catch (error) {
    body.replaceChildren(stateBox("offline", gettext("The two could not be compared"), error.message, el("button.button", { type: "button", onclick: () => location.reload() }, gettext("Try again"))));
    return;
  }
  one("#name-a").textContent = compared.a.name;
  one("#name-b").textContent = compared.b.name;
  const whole = boxOf(sides[1].map((grid) => grid.shape));
  const map = await createMap(one("#map"), { layers: [], hidden: ["grids"], remember: "planner", tools: narrow ? ["layers"] : ["layers", "basemaps", "measure", "fullscreen"], extent: whole });
  const layers = sides.map((grids, index) => layerOf(grids, map, 100 + index));
  const changed = changedLayer(compared.changed, map);
  swipe(map, one("#swipe-line"), one("#swipe-handle"), { left: [layers[0]], right: [layers[1]] });
  one("#planner-legend").append(el("label.legend-row", {}, el("input", { type: "checkbox", checked: true, onchange: ({ currentTarget }) => changed.setVisible(currentTarget.checked) }), el("i.legend-moved"), gettext("Changes grid")));

  function heat(test) {
    let box = null;
    for (const feature of changed.getSource().getFeatures()) {
      const hot = test(feature);
      feature.set("hot", hot);
      if (hot) {
        const extent = feature.getGeometry().clone().transform(map.projection, "EPSG:4326").getExtent();
        box = box ? [Math.min(box[0], extent[0]), Math.min(box[1], extent[1]), Math.max(box[2], extent[2]), Math.max(box[3], extent[3])] : extent;
      }
    }
    if (box) map.fit(box, { padding: 90 });
  }

  // --- tables ----------------------------------------------------------------------------------------------
  const gone = compared.only_a.length;
  const born = compared.only_b.length;
  const note = gone || born ? el("p.sentence.small", {}, icon("info"), " ", [gone && fill(ngettext("%(n)s grid goes", "%(n)s grids go", gone), { n: gone }),
    born && fill(ngettext("%(n)s grid is new", "%(n)s grids are new", born), { n: born })].filter(Boolean).join("，")) : "";
  const moves = () => {
    if (!compared.moves.length && !note) return stateBox("tick", gettext("Nothing changes hands"), gettext("Both have the same borders."));
    return el("div", {}, note, ...compared.moves.map((move) => el("div.sentence", {
      role: "button", tabIndex: 0,
      onclick: () => heat((feature) => feature.get("from") === move.from && feature.get("to") === move.to),
      onkeydown: (event) => { if (event.key === "Enter") event.currentTarget.click(); },
    }, el("span", {}, move.sentence), el("div.small.muted", {}, `${move.from_name} → ${move.to_name}`))));
  };
  const measures = compared.measures ?? [];
  const grids = () => el("table.table.dense.all-figures", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, gettext("Grid")), ...measures.map((measure) => el("th.number", { scope: "col", title: measure.definition ?? "" }, measure.label)))),
    el("tbody", {}, ...compared.grids.map((grid) => el("tr", {
      onclick: () => heat((feature) => feature.get("from") === grid.code || feature.get("to") === grid.code),
    }, el("th", { scope: "row" }, el("button.flow", { type: "button" }, grid.name || grid.code), el("div.small.muted", {}, `${grid.code?.slice(-3) ?? ""} · ${FATES[grid.fate] ?? grid.fate}`)),
    ...measures.map((measure) => {
      const now = (grid.b ?? grid.a)?.[measure.id];
      const by = grid.a && grid.b ? difference(grid.b[measure.id], grid.a[measure.id], measure) : "";
      return el("td.number", {}, grid.b ? measured(now, measure) : el("s", {}, measured(now, measure)), by ? el("span.by", {}, by) : null);
    })))));
  const tabs = one("#compare-tabs");
  const show = (which) => {
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.tab === which));
    body.replaceChildren(which === "moves" ? moves() : grids());
  };
  const tab = (id, label, n) => el("button", { type: "button", role: "tab", "data-tab": id, "aria-controls": "compare-body", onclick: () => show(id) }, label, " ", el("span.count", {}, count(n)));
  tabs.append(tab("moves", gettext("What moves"), compared.moves.length), tab("grids", gettext("Grids"), compared.grids.length));
  show("moves");
  exportButtons(one("#exports"), draft, other);
  root.dataset.ready = "1";
}

start();
