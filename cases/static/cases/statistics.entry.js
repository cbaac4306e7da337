// Statistics: the chart and the map beside a table, what a column means, files.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { createAreaMap } from "@tiles/cockpit-map.js";
import { el, one, onClick, stateBox } from "@geo/dom.js";
import { getJSON, request } from "@geo/http.js";
import { gettext, locale } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

use([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const read = (id) => JSON.parse(one(`#${id}`)?.textContent ?? "null");
const drawn = read("stat-drawn");
const explained = read("stat-explained") ?? [];
const params = read("stat-params");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (value) => new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value);
const words = (value) => (drawn.unit === "%" ? `${number(value)} %` : number(value));

// --- Chart ---------------------------------------------------------------------------------------------

const place = one("#stat-chart");
const chart = place && drawn ? init(place, null, { renderer: "svg", locale: "EN" }) : null;
const axis = () => ({ axisLine: { lineStyle: { color: colour("--line-strong") } }, axisTick: { show: false }, axisLabel: { color: colour("--ink-2"), fontSize: 12, hideOverlap: true } });
const value = () => ({ type: "value", ...axis(), axisLine: { show: false }, splitLine: { lineStyle: { color: colour("--line") } }, axisLabel: { ...axis().axisLabel, formatter: (figure) => words(figure) } });
// Rich text, not HTML: the policy allows no inline style.
const tooltip = { trigger: "axis", renderMode: "richText", confine: true, valueFormatter: (figure) => (figure === null || figure === undefined ? "—" : words(figure)) };

function drawRows() {
  const rows = drawn.rows.filter((row) => row.value !== null).slice(0, 24);
  chart.setOption({
    animationDuration: 200,
    textStyle: { fontFamily: "inherit", color: colour("--ink-2") },
    grid: { left: 4, right: 14, top: 14, bottom: 4, containLabel: true },
    tooltip,
    xAxis: { type: "category", data: rows.map((row) => row.label), ...axis(), axisLabel: { ...axis().axisLabel, width: 84, overflow: "truncate", interval: 0, rotate: rows.length > 9 ? 38 : 0 } },
    yAxis: value(),
    series: [{ type: "bar", name: drawn.label, barMaxWidth: 34, data: rows.map((row) => row.value), itemStyle: { color: colour("--act"), borderRadius: [2, 2, 0, 0] } }],
  }, true);
  place.setAttribute("aria-label", `${drawn.label}: ${rows.map((row) => `${row.label} ${row.text}`).join(", ")}`);
  empty(!rows.length);
}

let series = null;
async function drawSeries() {
  try {
    series ??= await getJSON(drawn.series);
  } catch (error) {
    toast(error, { bad: true });
    return;
  }
  chart.setOption({
    animationDuration: 200,
    textStyle: { fontFamily: "inherit", color: colour("--ink-2") },
    grid: { left: 4, right: 18, top: 14, bottom: 4, containLabel: true },
    tooltip,
    xAxis: { type: "category", boundaryGap: false, data: series.points.map((point) => point.label), ...axis() },
    yAxis: value(),
    series: [{ type: "line", name: series.label, data: series.points.map((point) => point.value), connectNulls: false, symbolSize: 5, lineStyle: { color: colour("--act"), width: 2 }, itemStyle: { color: colour("--act") } }],
  }, true);
  place.setAttribute("aria-label", `${series.label}: ${series.points.map((point) => `${point.label} ${point.text}`).join(", ")}`);
  empty(!series.points.some((point) => point.value !== null));
}

function empty(none) {
  const holder = place.parentElement;
  one(".state", holder)?.remove();
  place.hidden = none;
  if (none) holder.append(stateBox("empty", gettext("Nothing to draw"), gettext("There is no figure of this kind in the period.")));
  else chart.resize();
}

if (chart) {
  drawRows();
  new ResizeObserver(() => place.hidden || chart.resize()).observe(place);
  onClick("[data-chart]", (button) => {
    for (const each of document.querySelectorAll("[data-chart]")) each.setAttribute("aria-pressed", String(each === button));
    (button.dataset.chart === "rows" ? drawRows : drawSeries)();
  });
  chart.on("click", ({ dataIndex, seriesType }) => {
    const row = seriesType === "bar" && drawn.rows.filter((each) => each.value !== null)[dataIndex];
    if (row?.url) location.href = row.url;
  });
}

// --- Map -----------------------------------------------------------------------------------------------

const mapPlace = one("#stat-map");
async function drawMap() {
  const urls = new Map(drawn.rows.map((row) => [row.key, row.url]));
  const map = createAreaMap(mapPlace, one("#stat-legend"), (code) => urls.get(code) && (location.href = urls.get(code)), { light: true, words });
  const shapes = await getJSON(`/api/measures/shapes?area=${drawn.area}`).catch(() => null);
  if (!shapes?.features.length) {
    mapPlace.closest(".card").hidden = true;
    return;
  }
  map.setShapes(shapes);
  map.paint({ label: drawn.label }, new Map(drawn.rows.filter((row) => row.key).map((row) => [row.key, row.value])));
  map.frame(0);
  mapPlace.dataset.ready = "";
}
if (mapPlace && drawn?.area) drawMap().catch((error) => toast(error, { bad: true }));

// --- What a column means -----------------------------------------------------------------------------

const dialog = one("#meaning");
onClick("[data-column]", (button) => {
  const meant = explained.find((each) => each.code === button.dataset.column);
  one("#meaning-name").textContent = meant.label;
  const formula = one("[data-formula]", dialog);
  formula.textContent = meant.formula;
  formula.hidden = !meant.formula;
  one("[data-definition]", dialog).replaceChildren(...meant.definition.split("\n").map((line) => el("p", {}, line)));
  one("[data-draw]", dialog).href = `?${new URLSearchParams({ ...params, show: meant.code })}`;
  dialog.showModal();
});
onClick("[data-close]", (button) => button.closest("dialog").close());

// --- What is asked -----------------------------------------------------------------------------------

const form = one("[data-statistics]");
if (form) {
  const days = [one("[data-first]", form), one("[data-last]", form)];
  const before = days.map((input) => input.value);
  const day = one("[data-borders-day]", form);
  one("[data-borders]", form).addEventListener("change", (event) => {
    day.hidden = event.target.value !== "day";
    if (!day.hidden) one("input", day).focus();
  });
  form.addEventListener("formdata", ({ formData }) => {
    const [first, last] = days.map((input) => input.value);
    // Two other days than the period's are a period of their own.
    if (first && last && (first !== before[0] || last !== before[1])) formData.set("period", `${first}..${last}`);
    if (formData.get("borders") === "day") formData.set("borders", one("input", day).value);
    for (const [name, text] of [...formData]) if (!text) formData.delete(name);
  });
  for (const input of form.querySelectorAll("select, input[type=checkbox]")) {
    input.addEventListener("change", () => input.value !== "day" && form.requestSubmit());
  }
}

onClick("[data-filters]", (button) => {
  const open = one("#stat-query").classList.toggle("open");
  button.setAttribute("aria-expanded", String(open));
});
onClick("[data-print]", () => print());
onClick("[data-export]", async (button) => {
  button.disabled = true;
  const body = new FormData();
  for (const [name, text] of Object.entries(params)) body.set(name, text);
  body.set("kind", button.dataset.export);
  try {
    const made = await request(button.dataset.url, { method: "POST", body });
    toast(gettext("The file is being made; you are told when it is ready."), { action: () => { location.href = made.url; }, actionLabel: gettext("My files") });
  } catch (error) {
    toast(error, { bad: true });
  }
  button.disabled = false;
});
