// The wall: one request brings all figures of an area; cards, map and table are views of that answer.
import { one, el, icon, stateBox } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { fill, gettext, locale } from "@geo/i18n.js";
import { stateWord, subscribe, watch } from "@geo/live.js";
import { drawCards, number } from "./cockpit-cards.js";
import { createAreaMap } from "./cockpit-map.js";

const root = one("#cockpit");
const left = one("[data-left]", root);
const right = one("[data-right]", root);
const dialog = one("[data-definition]");
const map = createAreaMap(one("[data-map]", root), one("[data-legend]", root), drill);

let answer = null;
let shown = new URLSearchParams(location.search).get("measure") ?? "cases_open";
let rotating = null;
let generation = 0;

function address(area, measure = shown) {
  return `?${new URLSearchParams({ area, measure })}`;
}

function drill(area) {
  if (!answer || area.length > 12 || area === answer.area.code) return;
  history.pushState(null, "", address(area));
  load(area);
}

async function load(area, { quiet = false } = {}) {
  const mine = ++generation;
  root.classList.toggle("is-loading", !quiet);
  try {
    const query = new URLSearchParams({ area });
    const next = await getJSON(`/api/measures/?${query}`);
    const moved = next.area.code !== answer?.area.code;
    const shapes = moved ? await getJSON(`/api/measures/shapes?${query}`) : null;
    const daily = next.measures.find((measure) => measure.daily);
    const series = daily ? await getJSON(`/api/measures/${daily.id}/series?${query}`) : { days: [] };
    if (mine !== generation) return;
    answer = next;
    if (shapes) map.setShapes(shapes);
    draw(series.days, daily);
    if (shapes) map.frame(tableRoom());
    foot();
  } catch (error) {
    if (mine !== generation) return;
    if (!answer) {
      one("#board").replaceChildren(stateBox("offline", gettext("The figures could not be loaded"), error.message,
        el("button.button.main", { type: "button", onclick: () => location.reload() }, gettext("Try again"))));
    } else {
      foot(error.message);
    }
  } finally {
    if (mine === generation) root.classList.remove("is-loading");
  }
}

/** The width that a tall table takes from the map: a short one leaves room above it. */
function tableRoom() {
  const table = one("[data-table]", root);
  const over = getComputedStyle(table).position === "absolute";
  return over && table.offsetHeight > one("[data-map]", root).offsetHeight * 0.25 ? table.offsetWidth : 0;
}

const measured = () => answer.measures.find((measure) => measure.id === shown) ?? answer.measures[0];

function draw(days, daily) {
  one("[data-title]", root).textContent = fill(gettext("%(area)s · one map of its grids"), { area: answer.area.name });
  document.title = `${answer.area.name} · ${gettext("Cockpit")}`;
  one("[data-crumbs]", root).replaceChildren(...answer.breadcrumb.map((area, index, all) =>
    index === all.length - 1
      ? el("span", { "aria-current": "page" }, area.name)
      : el("a", { href: address(area.code), onclick: (event) => { event.preventDefault(); drill(area.code); } }, area.name)));
  drawCards({ left, right, answer, days, daily, shown: measured()?.id, choose, explain });
  paint();
}

function choose(id) {
  shown = id;
  history.replaceState(null, "", address(answer.area.code));
  for (const card of root.querySelectorAll("[data-measure]")) {
    card.classList.toggle("is-shown", card.dataset.measure === id);
  }
  for (const button of root.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === id));
  }
  paint();
}

/** The map and the table show one measure of every child. */
function paint() {
  const measure = measured();
  if (!measure) return;
  const values = new Map(measure.children.map((child) => [child.code, child.value]));
  map.paint(measure, values);
  const names = new Map(answer.children.map((child) => [child.code, child.name]));
  const openable = answer.area.level !== "community";
  const rows = [...measure.children].sort((a, b) => b.value - a.value);
  const most = Math.max(1, ...rows.map((row) => row.value));
  one("[data-table]", root).replaceChildren(
    el("table", {},
      el("caption", {}, measure.label),
      el("tbody", {}, ...rows.map((row) => el("tr", {},
        el("th", { scope: "row" }, openable
          ? el("button.link", { type: "button", onclick: () => drill(row.code), onmouseenter: () => map.ring(row.code), onmouseleave: () => map.ring(null), onfocus: () => map.ring(row.code), onblur: () => map.ring(null) }, names.get(row.code) || row.code)
          : names.get(row.code) || row.code),
        el("td", {}, el("meter", { min: 0, max: most, value: row.value, "aria-hidden": "true" })),
        el("td.figure", {}, number(row.value)))),
      measure.elsewhere ? el("tr.elsewhere", {},
        el("th", { scope: "row" }, openable ? gettext("In none of these") : gettext("In no grid")),
        el("td", {}), el("td.figure", {}, number(measure.elsewhere))) : null),
      el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, answer.area.name), el("td", {}), el("td.figure", {}, number(measure.total))))));
}

function explain(measure) {
  one("#definition-name").textContent = measure.label;
  one("[data-text]", dialog).textContent = measure.definition;
  one("[data-as-of]", dialog).textContent = fill(gettext("As of %(time)s"), { time: clock(answer.as_of) });
  const rows = one("[data-rows]", dialog);
  rows.hidden = !measure.rows;
  if (measure.rows) rows.href = measure.rows;
  dialog.showModal();
}

const clock = (when) => new Intl.DateTimeFormat(locale(), { timeZone: "Asia/Shanghai", dateStyle: "long", timeStyle: "medium" }).format(new Date(when));

function foot(trouble = "") {
  one("[data-foot]", root).replaceChildren(
    trouble ? el("span.bad", {}, icon("bang"), trouble) : "",
    fill(gettext("Figures as of %(time)s"), { time: clock(answer.as_of) }));
}

function rotate(button) {
  const on = !rotating;
  button.setAttribute("aria-pressed", String(on));
  if (rotating) clearInterval(rotating);
  rotating = on ? setInterval(() => {
    const ids = answer.measures.map((measure) => measure.id);
    choose(ids[(ids.indexOf(measured().id) + 1) % ids.length]);
  }, 10e3) : null;
}

one("[data-rotate]", root).addEventListener("click", (event) => rotate(event.currentTarget));
one("[data-full]", root).addEventListener("click", () =>
  document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  shown = query.get("measure") ?? shown;
  load(query.get("area") ?? root.dataset.area);
});

let soon = null;
subscribe(() => {
  // Many events in a burst are one refresh.
  soon ??= setTimeout(() => { soon = null; if (answer) load(answer.area.code, { quiet: true }); }, 800);
});
setInterval(() => answer && load(answer.area.code, { quiet: true }), 60e3);
watch((state) => {
  const live = one("[data-live]", root);
  live.textContent = stateWord(state);
  live.dataset.state = state;
});
const tick = () => { one("[data-clock]", root).textContent = clock(Date.now()); };
tick();
setInterval(tick, 1000);
load(root.dataset.area);
