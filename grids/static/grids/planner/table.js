// The grids of a plan: the table with load bars, and the card in which the chosen one is changed.
import { el, icon } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { colourOf, fullName, shortCode } from "./draft.js";
import { count, statusWord } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const shape = (tag, attributes) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

/** Households against the standard: a bar, the standard as a band behind it, today as a tick. */
export function loadBar(value, { low, high, status, today }) {
  const most = Math.max(high * 1.5, 1);
  const x = (number) => Math.min(100, (100 * number) / most);
  const svg = shape("svg", { class: `load-bar is-${status ?? "none"}`, viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(shape("rect", { class: "band", x: x(low), y: 0, width: x(high) - x(low), height: 12 }),
    shape("rect", { class: "bar", x: 0, y: 3, width: x(value ?? 0), height: 6 }));
  if (typeof today === "number") svg.append(shape("rect", { class: "tick", x: Math.max(0, x(today) - 0.6), y: 0, width: 1.2, height: 12 }));
  return svg;
}

const SHAPES = { under: "trend-down", over: "trend-up", within: "tick" };

export class GridTable {
  constructor(place, { draft, choose, open }) {
    Object.assign(this, { place, draft, choose, open, chosen: null, community: "" });
    for (const name of ["plan", "change", "figures", "blocks"]) draft.on(name, () => this.draw());
    place.addEventListener("keydown", (event) => this.#key(event));
  }

  rows() {
    return this.draft.active().filter((grid) => !this.community || grid.community_code === this.community);
  }

  draw() {
    const { draft } = this;
    if (!draft.plan) return;
    const focused = document.activeElement?.closest?.("[data-grid]")?.dataset.grid;
    const { low, high } = draft.plan.standard;
    const figures = draft.figures;
    const faults = new Map();
    for (const fault of figures?.faults ?? []) if (fault.grid && fault.severity === "error") faults.set(fault.grid, (faults.get(fault.grid) ?? 0) + 1);
    const several = draft.plan.communities.length > 1 && !this.community;
    const body = el("tbody");
    let before = null;
    for (const grid of this.rows()) {
      if (several && grid.community_code !== before) {
        before = grid.community_code;
        const name = draft.plan.communities.find((one) => one.code === before)?.name ?? before;
        body.append(el("tr.community", {}, el("th", { colSpan: 3, scope: "colgroup" }, name)));
      }
      body.append(this.#row(grid, { low, high, faults: faults.get(grid.number) ?? 0 }));
    }
    const table = el("table.table.dense.grid-table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, gettext("Grid")), el("th.number", { scope: "col" }, gettext("Households")),
        el("th", { scope: "col", title: fill(gettext("Standard: %(low)s to %(high)s households"), { low, high }) }, `${low}–${high}`))), body);
    this.place.replaceChildren(table);
    if (focused) this.place.querySelector(`[data-grid="${focused}"]`)?.focus({ preventScroll: true });
  }

  #row(grid, { low, high, faults }) {
    const { draft } = this;
    const own = draft.figures?.grids?.[grid.number];
    const today = grid.in_force ? draft.figures?.today?.[grid.in_force] : null;
    const homes = own?.households;
    const by = typeof homes === "number" && typeof today?.households === "number" ? homes - today.households : 0;
    const status = own?.status;
    const chosen = grid.number === this.chosen;
    return el("tr", { "aria-selected": chosen ? "true" : "false", onclick: () => this.choose(grid.number) },
      el("td", {}, el("button.grid-name", {
        type: "button", "data-grid": grid.number, "aria-pressed": String(chosen), title: `${grid.code} ${grid.name}`,
        ondblclick: () => this.open(grid.number),
      }, el("i.swatch", { style: `background:${colourOf(grid)}` }), el("span.code", {}, shortCode(grid)), el("span.ellipsis", {}, grid.name || ""),
      grid.kind === "exclusive" ? el("span.tag", { title: gettext("Exclusive grid") }, gettext("Excl.")) : null,
      grid.locked ? el("span", { title: gettext("Locked") }, icon("lock")) : null,
      grid.in_force ? null : el("span.tag.new", {}, gettext("New")),
      faults ? el("span.fault-count", { title: fill(gettext("%(n)s faults"), { n: faults }) }, icon("bang"), String(faults)) : null)),
      el("td.number", {}, count(homes), by ? el("span.by", {}, `${by > 0 ? "+" : "−"}${count(Math.abs(by))}`) : null),
      el("td.load", { title: statusWord(status) }, loadBar(homes, { low, high, status, today: today?.households }),
        status ? el("span.load-sign", {}, icon(SHAPES[status] ?? "ring"), el("span.visually-hidden", {}, statusWord(status))) : null));
  }

  mark(number) {
    this.chosen = number;
    for (const button of this.place.querySelectorAll("[data-grid]")) {
      const on = Number(button.dataset.grid) === number;
      button.setAttribute("aria-pressed", String(on));
      button.closest("tr").setAttribute("aria-selected", String(on));
      if (on) button.closest("tr").scrollIntoView({ block: "nearest" });
    }
  }

  step(by) {
    const rows = this.rows();
    if (!rows.length) return;
    const now = rows.findIndex((grid) => grid.number === this.chosen);
    const next = rows[Math.min(rows.length - 1, Math.max(0, now < 0 ? 0 : now + by))];
    this.choose(next.number);
    this.place.querySelector(`[data-grid="${next.number}"]`)?.focus();
  }

  #key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "F2" && this.chosen) {
      event.preventDefault();
      this.open(this.chosen);
    }
  }
}

export class GridCard {
  constructor(place, { draft, kinds, send, zoom, handTo, colours }) {
    Object.assign(this, { place, draft, kinds, send, zoom, handTo, colours, number: null });
    for (const name of ["change", "figures"]) draft.on(name, () => this.draw({ keep: true }));
  }

  show(number) {
    this.number = number;
    this.draw();
  }

  /** The neighbours it shares a border with, for merging without a mouse. */
  #neighbours() {
    const found = new Set();
    for (const { grids } of this.draft.borders()) {
      if (grids.includes(this.number)) for (const one of grids) if (one && one !== this.number) found.add(one);
    }
    const community = this.draft.grids.get(this.number)?.community_code;
    return [...found].map((number) => this.draft.grids.get(number)).filter((grid) => grid?.community_code === community);
  }

  draw({ keep = false } = {}) {
    const grid = this.draft.grids.get(this.number);
    this.place.hidden = !grid?.active;
    if (!grid?.active) return;
    // What somebody types is not drawn over.
    if (keep && this.place.contains(document.activeElement) && /INPUT|SELECT/.test(document.activeElement.tagName)) return;
    const may = this.draft.open;
    const set = (field) => async ({ currentTarget }) => {
      const value = currentTarget.type === "checkbox" ? currentTarget.checked : currentTarget.value.trim();
      if (value === grid[field]) return;
      if (!(await this.send("set", { grid: grid.number, [field]: value }))) this.draw();
    };
    const field = (id, label, input) => el("div.field", {}, el("label", { for: id }, label), input);
    const neighbours = may ? this.#neighbours() : [];
    const into = neighbours.length ? el("select.input", { "aria-label": gettext("Merge another grid into this one") },
      el("option", { value: "" }, gettext("Merge with …")), ...neighbours.map((one) => el("option", { value: one.number }, fullName(one)))) : null;
    into?.addEventListener("change", () => into.value && this.send("merge", { grids: [grid.number, Number(into.value)], into: grid.number }));
    this.place.replaceChildren(
      el("div.row", {}, el("i.swatch.large", { style: `background:${colourOf(grid)}` }), el("h2.grow.ellipsis", {}, fullName(grid)),
        el("button.button.small.quiet.icon-only", { type: "button", title: gettext("Show it"), "aria-label": gettext("Show it"), onclick: () => this.zoom(grid.number) }, icon("locate"))),
      may ? el("div.grid-fields", {},
        field("grid-name", gettext("Name"), el("input", { id: "grid-name", value: grid.name ?? "", maxLength: 100, onchange: set("name") })),
        field("grid-kind", gettext("Kind"), el("select", { id: "grid-kind", onchange: set("kind") },
          ...this.kinds.map((kind) => el("option", { value: kind.id, selected: kind.id === grid.kind }, kind.label)))),
        field("grid-code", gettext("Code"), el("input.code", { id: "grid-code", value: grid.code ?? "", maxLength: 15, inputMode: "numeric", readOnly: Boolean(grid.in_force), title: grid.in_force ? gettext("A grid in force keeps its code.") : "", onchange: set("code") })),
        field("grid-colour", gettext("Colour"), el("input", { id: "grid-colour", type: "color", value: colourOf(grid), onchange: set("colour") })))
        : el("dl.facts", {}, el("dt", {}, gettext("Code")), el("dd.code", {}, grid.code ?? "—"), el("dt", {}, gettext("Kind")), el("dd", {}, this.kinds.find((kind) => kind.id === grid.kind)?.label ?? grid.kind)),
      may ? el("div.row-wrap", {},
        el("label.check", {}, el("input", { type: "checkbox", checked: grid.locked, onchange: set("locked") }), gettext("Locked")),
        el("span.grow"), into,
        el("button.button.small", { type: "button", onclick: () => this.handTo(grid.number) }, icon("tool-hand"), gettext("Hand over to it"))) : null);
  }

  edit() {
    this.place.querySelector("#grid-name")?.select();
  }
}
