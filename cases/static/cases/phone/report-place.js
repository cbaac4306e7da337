// Where it is: the phone's position with its accuracy circle, the photo's, a component's, or a place on the map.
import { el, icon } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { locate } from "./api.js";
import { app, foundComponents, noticed, online } from "./app.js";
import { inside, metresBetween, position, retryPosition } from "./position.js";
import { choose } from "./report.js";
import { metres, noPosition, placeSource } from "./words.js";

const NEAR_M = 60;
const FAR_M = 50_000;
const MOST = 4;

/** The components of the kept set within reach of a point, nearest first: [{row, distance}]. */
export function componentsNear(point, within = NEAR_M) {
  return [...(app.base?.components || []), ...app.found.values()]
    .map((row) => ({ row, distance: metresBetween(point, { lon: row[3], lat: row[4] }) }))
    .filter(({ distance }) => distance <= within)
    .sort((a, b) => a.distance - b.distance);
}

export function placeStep({ draft, changed }) {
  const line = el("p.place-line", { role: "status" });
  const where = el("p.where", { role: "status" });
  const pane = el("div.map-preview", {});
  const near = el("div.near", {});
  const buttons = el("div.buttons", {});
  const element = el("div", {}, line, where, near, pane, buttons);
  let map = null;
  let ended = false;
  let asked = "";
  let timer = null;

  import("./placemap.js")
    .then(async ({ previewMap }) => {
      if (ended) return;
      map = await previewMap(pane, { onComponent: take, onMap: correct });
      if (ended) map.destroy();
      else draw();
    })
    .catch(() => pane.replaceChildren(el("p.hint", {}, gettext("The map cannot be shown now; the place is kept all the same."))));

  function take(code) {
    if (choose(draft, code)) changed("component");
  }

  async function correct() {
    const { placeDialog } = await import("./placemap.js");
    const here = draft.place || position.fix;
    const home = app.base?.grids?.length ? middle() : null;
    // Far from the own grids there is nothing on the map to find the place by.
    const start = here && !(home && metresBetween(here, home) > FAR_M) ? here : home || middle();
    placeDialog(start, {
      components: app.base?.components || [],
      onComponent: take,
      onPlace: ([lon, lat]) => {
        Object.assign(draft, { place: { lon, lat, source: "map", accuracy: null, at: null }, component: null });
        changed("place");
      },
    });
  }

  function usePosition() {
    const { fix } = position;
    if (!fix) return retryPosition();
    Object.assign(draft, { place: { lon: fix.lon, lat: fix.lat, source: "browser", accuracy: fix.accuracy, at: fix.at }, component: null });
    changed("place");
  }

  function usePhoto(file) {
    Object.assign(draft, { place: { lon: file.lon, lat: file.lat, source: "exif", accuracy: null, at: null }, component: null });
    changed("place");
  }

  function draw(error = position.error) {
    const { place, component } = draft;
    line.replaceChildren(...placeWords(place, component, error));
    drawNear(place, component);
    drawButtons(place, component);
    map?.show(place, component, place ? componentsNear(place, 150).map(({ row }) => row) : []);
    clearTimeout(timer);
    if (place) timer = setTimeout(() => askWhere(place), 500);
    else where.replaceChildren();
  }

  function placeWords(place, component, error) {
    if (component) return [icon("component"), el("b.grow", {}, component.name), el("span.muted.code", {}, component.code)];
    if (place) {
      const exact = place.accuracy ? fill(gettext("exact to %(m)s"), { m: metres(place.accuracy) }) : "";
      return [icon("place"), el("span.grow", {}, placeSource(place.source)), el("span.muted", {}, exact)];
    }
    if (error) return [icon("bang"), el("span", {}, noPosition(error))];
    return [el("span.spinner", { "aria-hidden": "true" }), el("span", {}, gettext("Looking for your position…"))];
  }

  function drawNear(place, component) {
    const rows = place && !component ? componentsNear(place).slice(0, MOST) : [];
    // What is under the thumb stays there while nothing has changed.
    const key = rows.map(({ row, distance }) => `${row[0]} ${metres(distance)}`).join();
    if (key === near.dataset.key) return;
    near.dataset.key = key;
    near.replaceChildren(
      ...(rows.length
        ? [el("p.hint", {}, gettext("Is it one of these? One tap gives place and type.")),
          el("div.component-list", {}, ...rows.map(({ row, distance }) =>
            el("button.component", { type: "button", "data-code": row[0], onclick: () => take(row[0]) },
              icon("component"), el("span.grow", {}, row[1]), el("span.muted.code", {}, `…${row[0].slice(-4)}`), el("span.muted", {}, metres(distance)))))]
        : []),
    );
  }

  function drawButtons(place, component) {
    const shots = draft.files.filter((file) => file.kind === "photo" && file.lon !== null);
    const parts = [el("button.button", { type: "button", onclick: correct }, icon("map"), gettext("Set on the map"))];
    const possible = position.error !== "insecure" && position.error !== "unsupported";
    if (possible && (!place || place.source !== "browser" || component)) parts.push(el("button.button", { type: "button", onclick: usePosition }, icon("locate"), gettext("My position")));
    const key = [parts.length, shots[0]?.key, place?.source, shots.length && place && metres(metresBetween(place, shots[0]))].join();
    if (key === buttons.dataset.key) return;
    buttons.dataset.key = key;
    if (shots.length && place?.source !== "exif") {
      const [shot] = shots;
      const far = place ? ` (${metres(metresBetween(place, shot))})` : "";
      parts.push(el("button.button", { type: "button", onclick: () => usePhoto(shot) }, icon("photo"), gettext("The photo's place") + far));
    }
    buttons.replaceChildren(...parts);
  }

  // The chain of areas in words; borders and places outside the city are said at once, not after sending.
  async function askWhere(place) {
    const key = `${place.lon.toFixed(6)},${place.lat.toFixed(6)},${online()}`;
    if (key === asked || ended) return;
    asked = key;
    const mine = (app.base?.grids || []).find((grid) => inside(place, grid.geometry));
    if (online()) {
      try {
        const answer = await locate(place.lon, place.lat);
        if (asked !== key || ended) return;
        where.replaceChildren(...whereWords(answer, Boolean(mine)));
        if (foundComponents(answer.components || [])) draw();
        return;
      } catch (error) {
        noticed(error);
      }
    }
    if (asked !== key || ended) return;
    where.replaceChildren(
      mine
        ? el("span", {}, icon("grid"), ` ${mine.community.name} · ${mine.name || mine.code}`)
        : el("span.muted", {}, gettext("Not in your own grid; which one it is turns out when it is sent.")),
    );
  }

  draw();
  return {
    element,
    draw,
    end() {
      ended = true;
      clearTimeout(timer);
      map?.destroy();
    },
  };
}

function whereWords(answer, mine) {
  if (!answer.inside) {
    return [el("span.warn", { role: "alert" }, icon("bang"), " ", answer.outside?.text || gettext("This place is outside the city: it cannot be reported here. Correct the place."))];
  }
  const names = (answer.areas || []).filter((area) => area.level === "street" || area.level === "community").map((area) => area.name);
  if (answer.grid) names.push(answer.grid.name || answer.grid.code);
  const parts = [el("span", {}, icon("grid"), ` ${names.join(" · ")}`, mine && el("b", {}, ` (${gettext("mine")})`))];
  if (!answer.grid) parts.push(el("span.warn", {}, icon("info"), " ", gettext("No grid covers this place.")));
  const { border } = answer;
  if (border) {
    parts.push(el("span.warn", {}, icon("info"), " ", fill(gettext("On the border: %(name)s begins %(m)s away. Correct the place if that is meant."), { name: border.name || border.code, m: metres(border.distance_m) })));
  }
  return parts;
}

function middle() {
  const [grid] = app.base?.grids || [];
  if (!grid) return null;
  const ring = grid.geometry.type === "Polygon" ? grid.geometry.coordinates[0] : grid.geometry.coordinates[0][0];
  const lons = ring.map(([lon]) => lon);
  const lats = ring.map(([, lat]) => lat);
  return { lon: (Math.min(...lons) + Math.max(...lons)) / 2, lat: (Math.min(...lats) + Math.max(...lats)) / 2 };
}
