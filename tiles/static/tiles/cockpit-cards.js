// Cards of the wall: tiles for figures, bars for classes, a line for the last days.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { el, icon } from "@geo/dom.js";
import { gettext, locale } from "@geo/i18n.js";

use([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

const charts = new Map();
const cards = new Map();
const resize = new ResizeObserver((entries) => entries.forEach(({ target }) => charts.get(target)?.resize()));

// Each card gathers the measures of some groups; what an app adds later gets a card of its own.
const layout = () => [
  { id: "ground", title: gettext("Ground, buildings, homes"), groups: ["grids", "buildings", "people"] },
  { id: "components", title: gettext("Components"), groups: ["components"], chart: true },
  { id: "services", title: gettext("Services"), groups: ["services"] },
  { id: "cases", title: gettext("Cases"), groups: ["cases"], chart: true },
  { id: "workforce", title: gettext("People on the ground"), groups: ["workforce"] },
  { id: "risks", title: gettext("Risk points"), groups: ["risks"], chart: true },
];
const RIGHT = ["cases", "workforce", "risks"];
const RISK = { red: "--risk-red", orange: "--risk-orange", yellow: "--risk-yellow", blue: "--risk-blue" };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A card that keeps its element from one refresh to the next, so that nothing flickers. */
function card(column, id, title) {
  let kept = cards.get(id);
  if (!kept) {
    kept = el("article.card", {}, el("h2", {}, title), el("div.card-body", {}));
    cards.set(id, kept);
  }
  if (kept.parentElement !== column) column.append(kept);
  return kept.lastChild;
}

function tile(measure, shown, choose, explain) {
  const alarming = measure.tone && measure.total > 0; // None overdue is no alarm.
  return el(`div.tile${alarming ? `.is-${measure.tone}` : ""}${measure.id === shown ? ".is-shown" : ""}`, { "data-measure": measure.id },
    el("button.tile-figure", {
      type: "button", "data-show": measure.id, "aria-pressed": String(measure.id === shown),
      title: gettext("Show on the map"), onclick: () => choose(measure.id),
    }, el("span.tile-label", {}, alarming && measure.tone === "overdue" ? icon("bang") : null, measure.label),
      el("strong", {}, number(measure.total), measure.unit ? el("small", {}, measure.unit) : null)),
    el("span.tile-more", {},
      el("button.quiet", { type: "button", "aria-label": `${measure.label}: ${gettext("definition")}`, title: gettext("Definition"), onclick: () => explain(measure) }, icon("info")),
      measure.rows ? el("a.quiet", { href: measure.rows, "aria-label": `${measure.label}: ${gettext("open the rows")}`, title: gettext("Open the rows") }, icon("list")) : null));
}

function chart(body, id, option, rows) {
  let holder = body.querySelector(`[data-chart="${id}"]`);
  if (!holder) {
    holder = el("div.chart", { "data-chart": id, role: "img" });
    body.append(holder);
    charts.set(holder, init(holder, null, { renderer: "svg" }));
    resize.observe(holder);
  }
  holder.dataset.rows = String(rows);
  charts.get(holder).setOption({
    animationDuration: 300,
    textStyle: { fontFamily: "inherit", color: colour("--ink-2") },
    // Rich text, not HTML: the policy allows no inline style.
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: "#122330", textStyle: { color: colour("--ink") } },
    ...option,
  });
  return holder;
}

// The wall's type grows with the screen; so does that of its charts.
const small = () => Math.max(11, Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.88));
const axis = () => ({ axisLine: { lineStyle: { color: colour("--line-strong") } }, axisTick: { show: false }, axisLabel: { color: colour("--ink-2"), fontSize: small() } });

// Where the columns stand beside the map and there is little height for them.
const low = matchMedia("(max-height: 800px) and (min-width: 1101px)");

function bars(body, measure) {
  const ranks = Object.keys(RISK);
  const sorted = measure.group === "risks"
    ? [...measure.classes].sort((a, b) => ranks.indexOf(a.id) - ranks.indexOf(b.id))
    : measure.classes.slice(0, low.matches ? 6 : 8);
  const rows = sorted.reverse();
  if (!rows.length) return;
  const tints = rows.map((row) => (measure.group === "risks" && RISK[row.id] ? colour(RISK[row.id]) : colour("--act")));
  const holder = chart(body, measure.id, {
    // What the labels need is reckoned with a narrower font than the page's.
    grid: { left: 4 + small(), right: small() * 4, top: 2, bottom: 2, containLabel: true },
    xAxis: { type: "value", show: false },
    yAxis: { type: "category", data: rows.map((row) => row.label), ...axis(), axisLine: { show: false }, axisLabel: { ...axis().axisLabel, width: small() * 8, overflow: "truncate" } },
    series: [{
      type: "bar", barWidth: "56%", data: rows.map((row, index) => ({ value: row.value, itemStyle: { color: tints[index], borderRadius: 2 } })),
      label: { show: true, position: "right", color: colour("--ink"), fontSize: small(), formatter: ({ value }) => number(value) },
    }],
  }, rows.length);
  holder.setAttribute("aria-label", `${measure.label}: ${measure.classes.map((row) => `${row.label} ${row.value}`).join(", ")}`);
}

function trend(body, measure, days) {
  if (days.length < 2) return;
  const holder = chart(body, "trend", {
    grid: { left: 4, right: 8, top: 10, bottom: 2, containLabel: true },
    xAxis: { type: "category", data: days.map(({ day }) => day.slice(5)), boundaryGap: false, ...axis() },
    yAxis: { type: "value", minInterval: 1, splitNumber: 3, ...axis(), splitLine: { lineStyle: { color: colour("--line") } } },
    series: [{ type: "line", data: days.map(({ value }) => value), symbol: "none", smooth: 0.25, smoothMonotone: "x", lineStyle: { color: colour("--act-strong"), width: 2 }, areaStyle: { color: colour("--act-soft") } }],
  }, 6);
  const sum = days.reduce((total, { value }) => total + value, 0);
  holder.setAttribute("aria-label", `${measure.label}: ${days.length} d, ${sum}`);
}

/** Draws or refreshes all cards. */
export function drawCards({ left, right, answer, days, daily, shown, choose, explain }) {
  const planned = layout();
  const known = new Set(planned.flatMap((one) => one.groups));
  for (const group of new Set(answer.measures.map((measure) => measure.group))) {
    if (!known.has(group)) planned.push({ id: group, title: group, groups: [group], chart: true });
  }
  for (const { id, title, groups, chart: charted } of planned) {
    const measures = answer.measures.filter((measure) => groups.includes(measure.group));
    if (!measures.length) {
      cards.get(id)?.remove();
      continue;
    }
    const body = card(RIGHT.includes(id) ? right : left, id, title);
    const tiles = el("div.tiles", {}, ...measures.map((measure) => tile(measure, shown, choose, explain)));
    const old = body.querySelector(".tiles");
    // A figure someone is about to press stays under the hand.
    if (old) {
      const focused = old.contains(document.activeElement) && document.activeElement.dataset.show;
      old.replaceWith(tiles);
      if (focused) tiles.querySelector(`[data-show="${focused}"]`)?.focus();
    } else body.prepend(tiles);
    if (charted) for (const measure of measures) if (measure.classes.length) bars(body, measure);
    if (id === "cases" && daily) trend(body, daily, days);
  }
}
