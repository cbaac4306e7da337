// The map tab: my grid, components, my cases; tapping says what it is and what one can do there.
import { badge, el, icon } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { createMap } from "@tiles/map.js";
import { deadline } from "@geo/times.js";
import { get } from "./api.js";
import { app, component, foundComponents, noticed, onApp } from "./app.js";
import { componentAt, drawMine } from "./placemap.js";
import { metresBetween, position, retryPosition, watchPosition } from "./position.js";
import { componentsNear } from "./report-place.js";
import { metres, noPosition } from "./words.js";
import { meStyle, taskStyle } from "./map-styles.js";

export async function mapScreen(root, { params }) {
  const element = el("div", { "aria-label": gettext("Map: my grid, components and cases") });
  const sheet = el("div.sheet", { role: "region", "aria-live": "polite", hidden: true });
  const mine = el("button.button", { type: "button", onclick: toGrid }, icon("grid"), gettext("My grid"));
  const me = el("button.button", { type: "button", onclick: toMe }, icon("locate"), gettext("My position"));
  const list = el("button.button", { type: "button", onclick: showList }, icon("list"), gettext("As a list"));
  const pane = el("div.map-pane", {}, element);
  root.append(pane, el("div.map-buttons", {}, mine, me, list), sheet);
  const [lon, lat] = (params.get("at") || "").split(",").map(Number);
  const given = Number.isFinite(lon) && Number.isFinite(lat) && params.has("at");
  const map = await createMap(element, {
    tools: ["layers", "basemaps"],
    coordinates: false,
    remember: "phone",
    // Whoever has no grid of one's own has no kept components either: theirs come as tiles.
    layers: app.base?.grids.length ? ["grids"] : ["grids", "components"],
    ...(given ? { center: [lon, lat], metres: 0.5 } : {}),
  });
  drawMine(map, app.base?.components || []);
  drawTasks();
  // Some thousand dots mean nothing from far away.
  map.on("move", () => map.markLayers.get("components")?.setVisible(map.metres < 2.4));
  if (given) map.pin([lon, lat]);
  else toGrid();
  const shown = params.get("case") && app.tasks?.find((task) => task.number === params.get("case"));
  if (shown) tellTask(shown);

  let pressed = null;
  element.addEventListener("pointerdown", (event) => {
    pressed = map.ol.getEventPixel(event);
  });
  map.on("click", ({ lonlat, found }) => {
    const task = pressed && taskAt(pressed);
    if (task) return tellTask(task);
    const code = pressed && map.metres < 2.4 && componentAt(map, pressed);
    if (code) return tellComponent(component(code));
    if (found?.layer.id === "components" && found.properties.code) {
      get(`/api/components/${found.properties.code}/`).then((one) => {
        foundComponents([one]);
        tellComponent(component(one.code));
      }).catch(noticed);
      return null;
    }
    if (found?.layer.id === "cases" && found.properties.number) return tell(el("a.button.main", { href: `/m/task/${found.properties.number}` }, found.properties.number));
    map.pin(lonlat);
    sheet.hidden = true;
    return null;
  });

  mine.hidden = !app.base?.grids.length;
  let lost = mine.hidden && !given;
  const stopPosition = watchPosition(({ fix }) => {
    if (fix) {
      if (lost) map.flyTo([fix.lon, fix.lat], { metres: 0.5 });
      lost = false;
      map.mark("me", { type: "Point", coordinates: [fix.lon, fix.lat] }, meStyle, { zIndex: 800 });
      map.accuracy([fix.lon, fix.lat], fix.accuracy || 0);
    }
  });
  // A phone that opens here for the first time learns its grids when the map is there already.
  let base = app.base;
  const stopApp = onApp(() => {
    drawTasks();
    if (app.base === base) return;
    const first = !base?.grids.length && app.base?.grids.length;
    base = app.base;
    drawMine(map, base?.components || []);
    mine.hidden = !base?.grids.length;
    if (!first) return;
    map.toggle("components", false);
    lost = false;
    if (!given) toGrid();
  });
  return () => {
    stopPosition();
    stopApp();
    map.destroy();
  };

  function drawTasks() {
    map.mark("tasks", (app.tasks || []).filter((task) => task.lon !== undefined).map((task) => ({
      type: "Feature",
      properties: { task: task.number, tone: task.due_at ? deadline(task.due_at).tone : "ontime" },
      geometry: { type: "Point", coordinates: [task.lon, task.lat] },
    })), taskStyle, { zIndex: 640 });
  }

  function taskAt(pixel) {
    let number = null;
    map.ol.forEachFeatureAtPixel(pixel, (feature) => (number = feature.get("task")) !== undefined, { hitTolerance: 14, layerFilter: (layer) => layer.get("mark") === "tasks" });
    return app.tasks?.find((task) => task.number === number);
  }

  function toGrid() {
    const points = (app.base?.grids || []).flatMap((grid) => (grid.geometry.type === "Polygon" ? [grid.geometry.coordinates] : grid.geometry.coordinates).flat(2));
    if (!points.length) return toMe();
    const lons = points.map(([x]) => x);
    const lats = points.map(([, y]) => y);
    return map.fit([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], { padding: 24 });
  }

  function toMe() {
    if (position.fix) map.flyTo([position.fix.lon, position.fix.lat], { metres: 0.5 });
    else if (position.error) {
      map.note("position", noPosition(position.error));
      retryPosition();
    }
  }

  function tell(...parts) {
    sheet.replaceChildren(el("button.button.quiet.icon-only.shut", { type: "button", "aria-label": gettext("Close"), onclick: () => { sheet.hidden = true; map.choose(null); } }, icon("close")), ...parts);
    sheet.hidden = false;
  }

  function tellComponent(row) {
    const [code, name, , x, y] = row;
    map.choose([x, y]);
    tell(el("h2", {}, icon("component"), name), el("p.muted", {}, el("span.code", {}, code), position.fix && ` · ${metres(metresBetween(position.fix, { lon: x, lat: y }))}`),
      el("a.button.main.big", { href: `/m/report?component=${code}` }, icon("photo"), gettext("Report it")));
  }

  function tellTask(task) {
    const when = task.due_at ? deadline(task.due_at) : null;
    map.choose([task.lon, task.lat]);
    tell(el("h2", {}, task.type_name || task.number), el("p.row-wrap", {}, task.state_label, when && badge(when.tone, when.shape, when.text, when.title)),
      el("a.button.main.big", { href: `/m/task/${task.number}` }, gettext("Open the case")));
  }

  // The same by list, for whoever does not use the map.
  function showList() {
    const at = position.fix || { lon: map.center()[0], lat: map.center()[1] };
    const near = componentsNear(at, 300).slice(0, 20);
    tell(
      el("h2", {}, gettext("Components near here")),
      near.length
        ? el("div.component-list", {}, ...near.map(({ row, distance }) =>
            el("button.component", { type: "button", onclick: () => { map.flyTo([row[3], row[4]], { metres: 0.4 }); tellComponent(row); } }, icon("component"), el("span.grow", {}, row[1]), el("span.muted.code", {}, `…${row[0].slice(-4)}`), el("span.muted", {}, metres(distance)))))
        : el("p.muted", {}, gettext("None within 300 m.")));
  }
}
